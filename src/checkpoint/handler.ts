import type { Context, LoadedList, LoadedValue, Loader, Variable } from "../context/mod.ts";
import type { StudyOptions } from "../context/study.ts";
import { ConfigError, messageOf, NotFoundError, StoreError } from "../errors.ts";
import {
  BACKUP_DIR,
  BIN_DATA_SUFFIX,
  type Entry,
  formatBaseName,
  formatParameterName,
  JSON_NAME_SUFFIX,
  type Manifest,
  nextCounter,
  parseBaseName,
} from "../format/mod.ts";
import {
  drawable,
  formatItems,
  type InspectOptions,
  type JupyterBundle,
  type View,
  viewBundle,
  viewInspected,
} from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import { type DType, Tensor } from "../tensor/mod.ts";
import { checkedMetrics } from "./checked_metrics.ts";
import { checkChoice, type CheckpointChoice } from "./choice.ts";
import { type Checkpoint, savedCheckpoint } from "./checkpoint.ts";
import type { BackgroundSave, BackgroundSaveOptions } from "./background_save.ts";
import { BackgroundSaver, type Captured } from "./background_saver.ts";
import { listCheckpoints } from "./directory.ts";
import type { HandlerSettings } from "./handler_settings.ts";
import { handlerLine, type HandlerParts, handlerView, studyHandler } from "./handler_view.ts";
import { applyPlan, inheritNothing, type LoadPlan, planLoad } from "./load_plan.ts";
import { type LoadRecord, type LoadReport, loadReport, recordLoad } from "./load_report.ts";
import { entryLabel, PayloadReader } from "./payload_reader.ts";
import type { MeanReport } from "./mean.ts";
import { meanReportView } from "./mean_preview_view.ts";
import { PendingPool } from "./pending_pool.ts";
import { listPins } from "./pins.ts";
import { readValues } from "./read_values.ts";
import { Retention } from "./retention.ts";
import type { RetentionPlan } from "./retention_plan.ts";
import type { RetentionPolicy } from "./retention_policy.ts";
import { writingRuns } from "./run_sink.ts";
import { type SaveOptions, type WorkOptions, writeCheckpoint } from "./save.ts";
import { type BackgroundSaveHook, backgroundSaveHook, saveHook } from "./save_hook.ts";
import { clearTrash, listTrash, takeFromTrash } from "./trash.ts";
import { WriterLock } from "./writer_lock.ts";
import {
  captureSnapshot,
  type Inherited,
  inheritRows,
  releaseSnapshot,
  rowsByKey,
  type Snapshot,
  variableKey,
} from "./snapshot.ts";
import { finishOnSignal } from "./signal_guard.ts";
import { type OpenedCheckpoints, type SkippedCheckpoint, withIntact } from "./with_intact.ts";

/** A variable of a checkpoint that the Context has not asked for yet. */
export interface PendingVariable {
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first; `[]` is a scalar. */
  readonly dimensions: readonly number[];
  /** Size in bytes. */
  readonly byteLength: number;
  /** Reads it; it stays pending. */
  read(): Promise<Tensor>;
}

/** Written into every manifest with extras. */
const WRITER = "@cairn/checkpoints 0.1.0";

/** What is told of a Handler's place; for views, so not public. */
export interface HandlerPlace {
  readonly store: Store;
  readonly context: Context;
  /** What the next save would remove, by the Handler's policy or another. */
  plan(policy?: RetentionPolicy): Promise<RetentionPlan>;
}

/** Where a Handler's checkpoints are; not for users, so not a method. */
export let placeOf: (handler: Handler) => HandlerPlace;

/** Makes a Handler that has loaded the last of the sources, if there are any; not for users, so not a constructor. */
export let openHandler: (
  settings: HandlerSettings,
  opened: OpenedCheckpoints,
  options: WorkOptions,
) => Promise<Handler>;

/**
 * Attached to one {@linkcode Context}: loads a checkpoint into it and saves checkpoints from it. Made by
 * {@linkcode build} or {@linkcode load}.
 *
 * Permissions: loading needs `--allow-read=<dir>`, saving adds `--allow-write=<dir>`.
 *
 * Source: GoMLX `checkpoints.Handler`.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore } from "@cairn/checkpoints";
 *
 * const ctx = new Context();
 * ctx.in("layer").variableWithValue("weights", [[1, 2], [3, 4]]);
 * await using handler = await build(ctx).store(new MemoryStore()).keep(3).done();
 * const saved = await handler.save();
 * console.log(saved.baseName, await handler.listCheckpoints());
 * ```
 */
export class Handler implements Loader, AsyncDisposable {
  /**
   * {@linkcode save} in the form of a training loop's hook: `everyNSteps(loop, 100, "checkpointing", 100,
   * handler.onStepFn)`. Its arguments are ignored. The callbacks of `@cairn/checkpoints/train` call it at the end of a
   * run too.
   *
   * Source: GoMLX `checkpoints.Handler.OnStepFn`.
   */
  readonly onStepFn: (...args: unknown[]) => Promise<void> = saveHook(() => this.save());

  /**
   * {@linkcode saveInBackground} in the form of a training loop's hook, as {@linkcode onStepFn} is of {@linkcode save}.
   * The callbacks of `@cairn/checkpoints/train` call it at the end of a run too, and wait until all is durable.
   */
  readonly onStepFnInBackground: BackgroundSaveHook = backgroundSaveHook(
    () => this.saveInBackground(),
    () => this.flush(),
  );

  readonly #settings: HandlerSettings;
  readonly #context: Context;
  readonly #store: Store;
  readonly #excludedVars: Set<Variable>;
  readonly #pool: PendingPool;
  readonly #writer: WriterLock;
  readonly #retention: Retention;
  #inherited: Inherited;
  #loadedBase: string | undefined;
  #mean: MeanReport | undefined;
  #loadRecord: LoadRecord | undefined;
  #skipped: readonly SkippedCheckpoint[] = [];
  #counter = 0n;
  #isClosed = false;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #queued = new Set<Snapshot>();
  readonly #background = new BackgroundSaver({
    capture: (options) => this.#capture(options),
    write: (captured, options) => this.#write(captured, options),
    inTurn: (work) => this.#saveInTurn(work),
    queued: this.#queued,
    onWarning: (text) => this.#warn(text),
  });

  static {
    placeOf = (handler) => handler.#place;
    openHandler = async (settings, opened, options) => {
      const handler = new Handler(settings);
      await handler.#attach(opened, options);
      return handler;
    };
  }

  private constructor(settings: HandlerSettings) {
    this.#settings = settings;
    this.#context = settings.context;
    this.#store = settings.store;
    this.#pool = new PendingPool(settings.context, settings.rules.length > 0);
    this.#writer = new WriterLock(settings.store, settings.onWarning);
    this.#retention = new Retention(settings);
    this.#excludedVars = new Set(settings.excludedVars);
    this.#inherited = inheritNothing(settings);
  }

  /**
   * Saves the Context, and what it has not asked for yet, as a new checkpoint; then removes what {@linkcode
   * Config.keep} no longer keeps. The list of variables, the params and the tensors are captured before the first
   * await; saves run in the order of their calls. Do not write into a tensor's memory while a save runs.
   *
   * `metrics` are kept in the manifest, so that `at("best")` and retention know them also after a restart.
   *
   * Needs `--allow-read=<dir> --allow-write=<dir>`. Throws a ConfigError if this Handler cannot save, or not these
   * metrics, a VariableError for a variable without value, FormatError and ShapeError for what the profile cannot hold:
   * all before a byte is written. After an error the directory is as before.
   *
   * One writer: the first save takes the directory's lock, which is released when the Handler is disposed or the process
   * ends, and removes what interrupted saves left. A LockedError names the other process that holds it. Within one
   * process a Handler that was built later takes over at its own first save; saves of the older one then throw a
   * LockedError.
   *
   * While a save is in flight, Ctrl-C and SIGTERM end the process after it: see {@linkcode Config.finishOnSignal}.
   *
   * Source: GoMLX `checkpoints.Handler.Save`.
   */
  async save(options: SaveOptions = {}): Promise<Checkpoint> {
    const captured = this.#capture(options);
    this.#queued.add(captured.snapshot);
    return await this.#saveInTurn(async () => {
      try {
        return await this.#write(captured, options);
      } finally {
        this.#queued.delete(captured.snapshot);
        releaseSnapshot(captured.snapshot);
      }
    });
  }

  /**
   * As {@linkcode save}, but the caller waits only until all values are copied into memory: they are written, checksummed
   * and synced while training goes on, and what happens to the variables and their tensors meanwhile does not reach the
   * checkpoint. Values that are still in a file are not copied; those of a live model (tfjs) are read into the copy, which
   * may have to wait for a GPU. One save is written and one may wait (see {@linkcode
   * BackgroundSaveOptions.whenBusy}), so there are two copies at most; their memory is kept for the next save, until
   * {@linkcode releaseSnapshots} or the disposal.
   *
   * Throws what `save()` throws before a byte is written, a LimitError if there is no memory for a copy, and the failure
   * of an earlier save in the background, if nobody was told of it: then nothing was saved by this call.
   *
   * @example
   * ```ts
   * import { build, Context, MemoryStore } from "@cairn/checkpoints";
   *
   * const ctx = new Context();
   * const weights = ctx.variableWithValue("weights", [1, 2]);
   * await using handler = await build(ctx).store(new MemoryStore()).done();
   * const saving = await handler.saveInBackground();
   * weights.setValue([3, 4]); // train on; the checkpoint has [1, 2]
   * await handler.flush();
   * console.log(saving.blocked, saving.durable, (await saving.done)?.baseName);
   * ```
   */
  saveInBackground(options: BackgroundSaveOptions = {}): Promise<BackgroundSave> {
    return this.#background.save(options);
  }

  /**
   * Waits until all that was saved in the background is durable. Throws the first failure that nobody was told of yet;
   * so does the disposal.
   */
  flush(): Promise<void> {
    return this.#background.flush();
  }

  /**
   * Takes the memory that the next {@linkcode saveInBackground} will copy into, so that the first one, too, is as quick
   * as memory allows.
   */
  reserveSnapshot(): void {
    this.#background.reserve();
  }

  /** Lets go of the memory of {@linkcode saveInBackground} that no save is using. */
  releaseSnapshots(): void {
    this.#background.release();
  }

  /**
   * Links (or, where the file system cannot, copies) the newest checkpoint into the folder `backup`, where nothing is
   * ever removed, and returns its base name. Backing up the same one twice is harmless. Takes the lock, as
   * {@linkcode save} does.
   *
   * Source: GoMLX `checkpoints.Handler.Backup`.
   */
  backup(): Promise<string> {
    return this.#inTurn(async () => {
      this.#expectOpen("back up");
      await this.#expectNewest();
      return await this.#writer.during(() => this.#backUp());
    });
  }

  async #backUp(): Promise<string> {
    const newest = await this.#expectNewest();
    for (const suffix of [BIN_DATA_SUFFIX, JSON_NAME_SUFFIX]) {
      await this.#store.link(newest + suffix, `${BACKUP_DIR}/${newest}${suffix}`);
    }
    return newest;
  }

  async #expectNewest(): Promise<string> {
    const newest = (await this.listCheckpoints()).at(-1);
    if (newest !== undefined) return newest;
    throw new ConfigError(`Cannot back up "${this.dir()}": there is no checkpoint yet; call save() first`, {
      path: this.dir(),
    });
  }

  /**
   * Pins a checkpoint, by default the newest: retention never removes it, neither this Handler's nor another process's.
   * A pin is a small file in the folder `pins`, which GoMLX does not see. Returns the base name. Needs no lock.
   */
  async pin(choice?: CheckpointChoice): Promise<string> {
    this.#expectOpen("pin a checkpoint in");
    return await this.#retention.pin(choice);
  }

  /** Takes a pin away, and returns the base name; the next save removes the checkpoint if nothing else keeps it. */
  async unpin(choice: CheckpointChoice): Promise<string> {
    this.#expectOpen("unpin a checkpoint in");
    return await this.#retention.unpin(choice);
  }

  /** Base names of the pinned checkpoints, oldest first. */
  async pinned(): Promise<string[]> {
    const pins = await listPins(this.#store);
    return (await this.listCheckpoints()).filter((base) => pins.has(base));
  }

  /**
   * What the next save would remove by {@linkcode Config.keep}, and why the others stay; removes nothing. The save is
   * taken for one of the newest checkpoint's step, without metrics.
   */
  planRetention(): Promise<RetentionPlan> {
    return this.#retention.plan();
  }

  /** Base names of what is in the folder `trash`, see {@linkcode Config.trash}; oldest first. */
  trashed(): Promise<string[]> {
    return listTrash(this.#store);
  }

  /**
   * Moves a checkpoint, by default the newest there, out of the trash again, and pins it, since else the next save would
   * put it there again. Returns its base name. Takes the lock, as {@linkcode save} does.
   */
  restoreFromTrash(base?: string): Promise<string> {
    return this.#inTurn(() => {
      this.#expectOpen("restore from the trash of");
      return this.#writer.during(() => takeFromTrash(this.#store, base));
    });
  }

  /** Removes what is in the trash for good, and returns its base names. Takes the lock, as {@linkcode save} does. */
  emptyTrash(): Promise<string[]> {
    return this.#inTurn(() => {
      this.#expectOpen("empty the trash of");
      return this.#writer.during(() => clearTrash(this.#store));
    });
  }

  /** The directory (or the label of the store); "" for an embedded checkpoint. Source: GoMLX `Handler.Dir`. */
  dir(): string {
    return this.#settings.embedded ? "" : this.#store.label;
  }

  /** The Context that it loads into and saves from. */
  get context(): Context {
    return this.#context;
  }

  /** Base names of the checkpoints, oldest first. Source: GoMLX `Handler.ListCheckpoints`. */
  async listCheckpoints(): Promise<string[]> {
    if (this.#settings.embedded) return [];
    return (await listCheckpoints(this.#store)).checkpoints.map((each) => each.base);
  }

  /** Whether there is any checkpoint. Source: GoMLX `Handler.HasCheckpoints`. */
  async hasCheckpoints(): Promise<boolean> {
    return (await this.listCheckpoints()).length > 0;
  }

  /** Base name of the checkpoint that the Context was loaded from, undefined if there was none. */
  get loadedBase(): string | undefined {
    return this.#loadedBase;
  }

  /** Damaged checkpoints that were passed over when the Context was loaded, newest first, and what is wrong with them. */
  get skipped(): readonly SkippedCheckpoint[] {
    return this.#skipped;
  }

  /** How the loaded values came about, if they are a mean: see `Config.takeMean`. */
  get mean(): MeanReport | undefined {
    return this.#mean;
  }

  /**
   * What the last load did, as things stand now: the checkpoint taken, what became of each variable and param, what was
   * passed over. Undefined if nothing was loaded.
   *
   * @example
   * ```ts
   * import { build, Context, load, MemoryStore } from "@cairn/checkpoints";
   *
   * const store = new MemoryStore();
   * const ctx = new Context();
   * ctx.in("encoder").variableWithValue("weights", [1, 2]);
   * await using handler = await build(ctx).store(store).done();
   * await handler.save();
   *
   * const again = new Context();
   * await using resumed = await load(again).store(store).done();
   * again.checked(false).in("head").variableWithValue("weights", [0, 0]); // new: not in the checkpoint
   * console.log(resumed.loadReport);
   * ```
   */
  get loadReport(): LoadReport | undefined {
    if (this.#loadRecord === undefined) return undefined;
    return loadReport(this.#loadRecord, this.#context, this.#pool.values(), {
      skipped: this.#skipped,
      mean: this.#mean,
    });
  }

  /**
   * The value of a pending variable, which is no longer pending then; earlier Handlers of the Context are asked first.
   * Called by the Context. Source: GoMLX `Handler.LoadVariable`.
   */
  loadVariable(context: Context, scope: string, name: string): LoadedValue | undefined {
    return this.#pool.loadVariable(context, scope, name);
  }

  /** What is pending here and in earlier Handlers, for those who must see all of it before they ask for any. */
  listLoaded(): LoadedList | undefined {
    return this.#pool.listLoaded();
  }

  /** Forgets a pending variable, here and in earlier Handlers. Source: GoMLX `Handler.DeleteVariable`. */
  deleteVariable(context: Context, scope: string, name: string): void {
    this.#pool.deleteVariable(context, scope, name);
  }

  /** Forgets the pending variables in `scope` and below. */
  deleteVariablesInScope(context: Context, scope: string): void {
    this.#pool.deleteVariablesInScope(context, scope);
  }

  /**
   * The pending variables by parameter name (`var:/scope/name`, at the root `var://name`). Looking consumes nothing.
   *
   * Source: GoMLX `Handler.LoadedVariables`.
   */
  loadedVariables(): ReadonlyMap<string, PendingVariable> {
    return new Map(
      this.#pool.values().map(({ scope, name, value }) => [formatParameterName("gomlx-0.10", scope, name), {
        dtype: value.dtype,
        dimensions: value.dimensions,
        byteLength: value.byteLength,
        read: () => value.peek(),
      }]),
    );
  }

  /**
   * Reads variables into memory that are still in the file, so that `variable.value()` need not: all, or those whose
   * scope (or `/scope/name`) is given or lies below. Throws NotFoundError for a scope without variables.
   */
  async prefetch(scopeOrNames: string | readonly string[] = "/", options: WorkOptions = {}): Promise<void> {
    const stored = this.#pool.stored();
    const registered = Array.from(this.#context.iterVariables());
    const wanted = (typeof scopeOrNames === "string" ? [scopeOrNames] : scopeOrNames).map((path) => {
      const below = path.endsWith("/") ? path : `${path}/`;
      const covers = (label: string): boolean => label === path || label.startsWith(below);
      if (path === "/" || [...stored, ...registered].some((each) => covers(entryLabel(each)))) return covers;
      throw new NotFoundError(`Cannot prefetch "${path}": no variable is at or below it`, { entry: path });
    });
    const values = stored.filter((each) => wanted.some((covers) => covers(entryLabel(each)))).map(({ value }) => value);
    await readValues(values.filter((value) => value.reader?.positional), options);
    // Whoever asks for a part of a compressed payload will ask for more of it: these keep the rest.
    for (const value of values) await value.read();
    this.#pool.closeUnused(this.#queued);
  }

  /**
   * Loads another checkpoint of the directory into the Context: the newest of a step, a base name, or the best by a
   * metric (`"best"`, see {@linkcode best}). Variables that the Context has get its values, the others become pending,
   * params are overwritten (but for excluded ones). The Context's variables that it does not have keep their values, and
   * are reported; pending ones are forgotten. A damaged one is an error that names intact ones; of the best the next
   * best is taken.
   */
  restore(choice: CheckpointChoice, options: WorkOptions = {}): Promise<void> {
    return this.#inTurn(async () => {
      checkChoice(choice);
      const { strict, verify, onWarning } = this.#settings;
      await withIntact(this.#store, { choice, n: 1, strict, verify, onWarning }, options, async (opened) => {
        const source = opened.sources.at(-1);
        if (source === undefined) return;
        const plan = await planLoad(source, [], { ...this.#settings, mean: undefined }, options);
        this.#skipped = opened.skipped;
        this.#apply(plan);
        this.#warnOfMissing(plan);
      });
      this.#pool.closeUnused(this.#queued);
    });
  }

  /** These variables are not saved from now on. Source: GoMLX `Handler.ExcludeVarsFromSaving`. */
  excludeVarsFromSaving(...variables: readonly Variable[]): void {
    variables.forEach((each) => this.#excludedVars.add(each));
  }

  /** `checkpoints.Handler("dir")`, as in GoMLX. */
  toString(): string {
    return `checkpoints.Handler("${this.dir()}")`;
  }

  /**
   * Waits for running saves and closes the files; variables that were not read yet can no longer be read. Throws as
   * {@linkcode flush} does, with everything closed.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    try {
      await this.flush();
    } finally {
      await this.#queue;
      this.releaseSnapshots();
      this.#pool.close();
      this.#writer.release();
    }
  }

  /** What a notebook shows: what is loaded and still pending. Reads 64 MiB at most, and consumes nothing. */
  [Symbol.for("Jupyter.display")](): JupyterBundle {
    return viewBundle(() => handlerView(this.#parts));
  }

  /** What `console.log` shows: the same as text, or one line inside another value. */
  [Symbol.for("Deno.customInspect")](_inspect?: unknown, options?: InspectOptions): string {
    return (options?.currentDepth ?? 0) > 0
      ? handlerLine(this.#parts)
      : viewInspected(() => handlerView(this.#parts), options);
  }

  /** What `display()` shows. */
  async [Symbol.for("cairn.view")](options: StudyOptions = {}): Promise<View> {
    return await studyHandler(this.#parts, options);
  }

  get #place(): HandlerPlace {
    return {
      store: this.#store,
      context: this.#context,
      plan: (policy) => this.#retention.plan(policy),
    };
  }

  get #parts(): HandlerParts {
    return {
      title: this.toString(),
      loadedBase: this.#loadedBase,
      mean: this.#mean,
      skipped: this.#skipped,
      profile: this.#inherited.profile,
      pending: this.#pool.values(),
      variables: this.#context.numVariables(),
    };
  }

  /** Loads the last of `sources`, and becomes the Context's loader. */
  async #attach({ sources, skipped }: OpenedCheckpoints, options: WorkOptions): Promise<void> {
    const newest = sources.at(-1);
    const plan = newest && await planLoad(newest, sources.slice(0, -1), this.#settings, options);
    this.#pool.chain(this.#context.loader);
    this.#context.setLoader(this);
    this.#skipped = skipped;
    if (plan !== undefined) this.#apply(plan);
  }

  #expectOpen(what: string): void {
    if (!this.#isClosed) return;
    throw new ConfigError(`Cannot ${what} "${this.dir()}": this Handler was disposed; build another one`, {
      path: this.dir(),
    });
  }

  #expectWritable(): void {
    this.#expectOpen("save checkpoint into");
    if (this.#settings.embedded) {
      throw new ConfigError(
        "Cannot save checkpoint: this Handler was built with fromEmbed(), which only reads; " +
          "build another one with dir() on the same Context",
      );
    }
    if (this.#settings.rules.length > 0) {
      throw new ConfigError(
        `Cannot save checkpoint into "${this.dir()}": this Handler loaded only a part of the model ` +
          "(scope() or onlyScopes()); build another one with dir() on the same Context",
        { path: this.dir() },
      );
    }
  }

  #apply(plan: LoadPlan): void {
    this.#loadedBase = plan.source.base;
    this.#loadRecord = recordLoad(plan, this.#context, this.#settings);
    this.#mean = plan.mean && drawable(plan.mean, meanReportView);
    this.#retention.own(plan.source.base);
    this.#inherited = applyPlan(plan, this.#context, this.#pool, this.#settings);
    this.#pool.closeUnused(this.#queued);
  }

  /** What a save called now would write. */
  #capture({ metrics }: SaveOptions): Captured {
    this.#expectWritable();
    const { extras } = this.#settings;
    const style = { extras, writer: WRITER, metrics: checkedMetrics(metrics, extras) };
    const step = this.#captureStep();
    const snapshot = captureSnapshot(
      this.#context,
      this.#pool.values(),
      this.#excludedVars,
      this.#inherited,
      style,
    );
    return { snapshot, step };
  }

  #warnOfMissing({ source, values }: LoadPlan): void {
    const loaded = new Set(values.all().map(variableKey));
    const missing = Array.from(this.#context.iterVariables()).filter((each) => !loaded.has(variableKey(each)));
    if (missing.length === 0) return;
    this.#warn(
      `"${source.base}" lacks ${formatItems(missing.length, "variable")} of the Context, left as they were: ` +
        missing.slice(0, 10).map(entryLabel).join(", "),
    );
  }

  /** The global step as it is now; reading it may have to wait. */
  #captureStep(): () => Promise<bigint> {
    const variable = this.#context.getGlobalStepVar();
    const source = variable.source ?? variable.value();
    return async () => {
      const tensor = source instanceof Tensor ? source : await source.read();
      return BigInt(String(tensor.item()));
    };
  }

  async #write(captured: Captured, options: SaveOptions): Promise<Checkpoint> {
    const step = await captured.step();
    return await this.#writer.during(() => this.#writeAs(captured, step, options));
  }

  async #writeAs({ snapshot: captured, memory }: Captured, step: bigint, options: SaveOptions): Promise<Checkpoint> {
    const listing = await listCheckpoints(this.#store);
    const next = nextCounter(listing.seen);
    const counter = next > this.#counter ? next : this.#counter;
    this.#counter = counter + 1n;
    const saved = this.#settings.clock();
    const snapshot: Snapshot = { ...captured, saved };
    const base = formatBaseName(counter, saved, step);
    const name = parseBaseName(base);
    if (name === undefined) {
      throw new StoreError(
        `Cannot save checkpoint into "${this.dir()}": the next counter is ${counter}, since a file has the one before; ` +
          "no name can hold it, wanted at most 40 digits",
        { path: this.dir() },
      );
    }
    const store = memory === undefined ? this.#store : writingRuns(this.#store, memory);
    const write = (): Promise<Manifest> => writeCheckpoint(store, base, snapshot, (text) => this.#warn(text), options);
    const manifest = await (options.pin === true ? this.#retention.whilePinned(base, write) : write());
    this.#retention.saved(name, manifest);
    const rows = rowsByKey(manifest);
    for (const item of snapshot.entries) {
      const row = item.origin && rows().get(variableKey(item));
      if (row !== undefined) item.origin?.addRow(row);
    }
    this.#inherited = inheritRows(this.#inherited, rows);
    await this.#afterSave("continue with the new file", () => this.#movePending(base, manifest, captured, rows));
    await this.#afterSave("remove older checkpoints", () => {
      return this.#retention.apply({ ...listing, checkpoints: [...listing.checkpoints, name] }, saved);
    });
    return savedCheckpoint(this.#store, base, manifest);
  }

  /** The checkpoint stands already: what fails from here on is reported, and tried again after the next save. */
  async #afterSave(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#warn(`the checkpoint was saved, but could not ${what}: ${messageOf(error)}`);
    }
  }

  /** What is still in the old file is read from the new one from now on, so that the old one may go. */
  async #movePending(
    base: string,
    manifest: Manifest,
    snapshot: Snapshot,
    rows: () => ReadonlyMap<string, Entry>,
  ): Promise<void> {
    // Without segments a compressed file would have to be inflated for what the old one gives by position.
    const isPositional = snapshot.compression === "none" || manifest.segments !== undefined;
    if (isPositional && snapshot.entries.some(({ value }) => this.#pool.isUnread(value))) {
      const name = base + BIN_DATA_SUFFIX;
      const reader = new PayloadReader(`${this.dir()}/${name}`, manifest, () => this.#store.open(name));
      await reader.ready();
      this.#pool.moveTo(reader, rows(), snapshot);
    }
    this.#pool.closeUnused(this.#queued);
  }

  /** As {@linkcode #inTurn}; a process that is asked to end does so after it. */
  #saveInTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#inTurn(work);
    return this.#settings.finishOnSignal ? finishOnSignal(turn, (text) => this.#warn(text)) : turn;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    // The caller gets the failure; the next in the queue must not.
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #warn(text: string): void {
    this.#settings.onWarning(text);
  }
}
