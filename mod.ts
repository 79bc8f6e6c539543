/**
 * Cairn saves, loads, inspects and shows training checkpoints, and reads and writes those of GoMLX.
 *
 * - {@linkcode Context}: variables and params in scopes, as a model has them.
 * - {@linkcode build} and {@linkcode load}: attach a {@linkcode Handler} that loads a Context and saves it.
 * - {@linkcode openCheckpoint}: look into one checkpoint without a Context.
 * - {@linkcode Tensor}: host memory with a dtype and dimensions.
 * - {@linkcode LocalStore}, {@linkcode MemoryStore}: where the bytes live; bring your own {@linkcode Store}.
 *
 * Options are checked in every call: one that there is not, such as a misspelt one, is a {@linkcode ConfigError} that
 * names those there are.
 *
 * Importing this module touches no file, needs no permission and loads no npm package. Loading a checkpoint needs
 * `--allow-read=<dir>`, saving adds `--allow-write=<dir>`.
 *
 * @example
 * ```ts
 * import { build, Context, load, MemoryStore } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore(); // a directory: build(ctx).dir("run")
 * const ctx = new Context();
 * ctx.setParam("learning_rate", 0.001);
 * ctx.in("layer_0").variableWithValue("weights", [[1, 2], [3, 4]]);
 * await using handler = await build(ctx).store(store).keep(3).done();
 * await handler.save();
 *
 * const again = new Context();
 * await using _ = await load(again).store(store).done();
 * console.log(again.in("layer_0").getVariable("weights")?.value().toNested());
 * ```
 *
 * @module
 */
export { Checkpoint, openCheckpoint, writeEmbedModule } from "./src/checkpoint/mod.ts";
export type {
  CheckpointParam,
  CheckpointVariable,
  OpenOptions,
  ReadAllOptions,
  ReadRange,
} from "./src/checkpoint/mod.ts";
export { build, Config, Handler, load } from "./src/checkpoint/mod.ts";
export { readUntrusted, type UntrustedOptions } from "./src/checkpoint/mod.ts";
export type { BackgroundSave, BackgroundSaveHook, BackgroundSaveOptions } from "./src/checkpoint/mod.ts";
export { diffParams, diffVariables, previewMean, timeline } from "./src/checkpoint/mod.ts";
export type {
  CheckpointsPlace,
  MeanPreview,
  MeanPreviewVariable,
  ParamChange,
  ParamsDiff,
  ParamsOwner,
  PreviewMeanOptions,
  Timeline,
  TimelineCheckpoint,
  TimelineOptions,
  VariableChange,
  VariableDistance,
  VariablesDiff,
  VariableShape,
} from "./src/checkpoint/mod.ts";
export type { LoadReport, LoadReportParam, LoadReportVariable } from "./src/checkpoint/mod.ts";
export type { MeanOptions, MeanReport, MeanVariable } from "./src/checkpoint/mod.ts";
export { examine, repair } from "./src/checkpoint/mod.ts";
export type {
  Examination,
  Examined,
  ExaminedKind,
  ExamineOptions,
  MovedFile,
  Repair,
  RepairOptions,
} from "./src/checkpoint/mod.ts";
export { anyOf, keepBest, keepEvery, keepEveryNSteps, keepLast, keepSince, keepWhere } from "./src/checkpoint/mod.ts";
export type {
  DurationParts,
  KeepBestOptions,
  RetentionPlan,
  RetentionPolicy,
  RetentionRow,
  RetentionVerdict,
} from "./src/checkpoint/mod.ts";
export type { SkippedCheckpoint, VerifiedVariable, VerifyReport } from "./src/checkpoint/mod.ts";
export { best, type BestChoice, type MetricMode } from "./src/checkpoint/mod.ts";
export type { CheckpointChoice, DirOptions, PendingVariable, SaveOptions, WorkOptions } from "./src/checkpoint/mod.ts";

export {
  type Backend,
  hostBackend,
  type OwnMean,
  tfjsBackend,
  type TfjsLike,
  type TfjsTensor,
} from "./src/backend/mod.ts";

export { Context, GoParam, goParam, inferGoParam, Random, Variable } from "./src/context/mod.ts";
export { parseContextSettings, sprintContextSettings, sprintModifiedContextSettings } from "./src/context/mod.ts";
export { defaultInitializer, onesInitializer, uniformInitializer, zerosInitializer } from "./src/context/mod.ts";
export { escapeScopeName, isInScope, joinScope, parentScope, ROOT_SCOPE, splitScope } from "./src/context/mod.ts";
export type {
  CapturedValue,
  InitializeOptions,
  Initializer,
  LiveValue,
  LoadedEntry,
  LoadedList,
  LoadedValue,
  Loader,
  ParamRow,
  ParamsInput,
  ParamValue,
  ScopeAndName,
  SettingsOptions,
  VariableInit,
} from "./src/context/mod.ts";

export { fromBFloat16Bits, Statistics, Tensor, toBFloat16Bits } from "./src/tensor/mod.ts";
export { bitsOf, byteLengthOf, DTYPES, isDType, kindOf, sameDimensions, shapeText, sizeOf } from "./src/tensor/mod.ts";
export type {
  Complex,
  DType,
  DTypeKind,
  Histogram,
  NestedArray,
  TensorData,
  TensorElement,
  TensorFromOptions,
} from "./src/tensor/mod.ts";

export { DenoFiles, EmbeddedStore, LocalStore, MemoryStore } from "./src/store/mod.ts";
export type {
  BlobInfo,
  BlobSink,
  FileEntry,
  FileKind,
  FileOnDisk,
  FileReader,
  Files,
  FilesSync,
  FileStat,
  FileWriter,
  LocalStoreOptions,
  MappedBytes,
  MappedFile,
  ReadHandle,
  Store,
  StoreLock,
} from "./src/store/mod.ts";

export {
  BACKUP_DIR,
  BIN_DATA_SUFFIX,
  DIR_PERM_MODE,
  JSON_NAME_SUFFIX,
  type Metrics,
  type Profile,
} from "./src/format/mod.ts";
export { display, type DisplayOptions } from "./src/render/mod.ts";
export { showProgress, type ShowProgressOptions } from "./src/render/mod.ts";
export type { KernelDisplay, KernelDisplayOptions, OnProgress, Progress, StatusLineOptions } from "./src/render/mod.ts";
export {
  CheckpointError,
  ConfigError,
  CorruptError,
  type ErrorCode,
  type ErrorPlace,
  FormatError,
  LimitError,
  LockedError,
  type LockHolder,
  NotFoundError,
  NotLoadedError,
  type OnWarning,
  PermissionError,
  ShapeError,
  StoreError,
  VariableError,
} from "./src/errors.ts";
