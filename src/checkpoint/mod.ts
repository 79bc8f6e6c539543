/**
 * Room `checkpoint`: what a user handles. A Config says where and how, a Handler loads into a Context and saves from
 * it, a Checkpoint is one saved pair of files opened for reading.
 *
 * @module
 */
export type { BackgroundSave, BackgroundSaveOptions } from "./background_save.ts";
export { Checkpoint, type CheckpointParam, type CheckpointVariable, type ReadAllOptions } from "./checkpoint.ts";
export { openCheckpoint, type OpenOptions } from "./open_checkpoint.ts";
export type { ReadRange } from "./read_range.ts";
export { build, load } from "./build.ts";
export { Config, type DirOptions } from "./config.ts";
export { Handler } from "./handler.ts";
export type { LoadReport, LoadReportParam, LoadReportVariable } from "./load_report.ts";
export type { MeanOptions, MeanReport, MeanVariable } from "./mean.ts";
export type { MeanPreview, MeanPreviewVariable, PreviewMeanOptions } from "./mean_preview.ts";
export { examine, previewMean, readUntrusted, repair, timeline, writeEmbedModule } from "./on_demand.ts";
export { diffParams, type ParamChange, type ParamsDiff, type ParamsOwner } from "./params_diff.ts";
export type { PendingVariable } from "./pending_values.ts";
export type { CheckpointsPlace } from "./place.ts";
export type { UntrustedOptions } from "./read_untrusted.ts";
export type { Timeline, TimelineCheckpoint, TimelineOptions } from "./timeline.ts";
export { diffVariables, type VariableChange, type VariableDistance } from "./variables_diff.ts";
export type { VariablesDiff, VariableShape } from "./variables_diff.ts";
export type { SaveOptions, WorkOptions } from "./save.ts";
export type { Examination, Examined, ExaminedKind, ExamineOptions } from "./examine.ts";
export type { MovedFile, Repair, RepairOptions } from "./repair.ts";
export type { RetentionPlan, RetentionVerdict } from "./retention_plan.ts";
export {
  anyOf,
  type DurationParts,
  keepBest,
  type KeepBestOptions,
  keepEvery,
  keepEveryNSteps,
  keepLast,
  keepSince,
  keepWhere,
  type RetentionPolicy,
  type RetentionRow,
} from "./retention_policy.ts";
export type { VerifiedVariable, VerifyReport } from "./verify.ts";
export type { SkippedCheckpoint } from "./with_intact.ts";
export { best, type BestChoice, type MetricMode } from "./best.ts";
export type { CheckpointChoice } from "./choice.ts";
export type { BackgroundSaveHook } from "./save_hook.ts";
