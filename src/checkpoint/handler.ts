import type { Context, LoadedList, LoadedValue, Loader, Variable } from "../context/mod.ts";
import type { StudyOptions } from "../context/study.ts";
import type { Metrics } from "../format/mod.ts";
import { type InspectOptions, type JupyterBundle, type View, viewBundle, viewInspected } from "../render/mod.ts";
import {
  BACKGROUND_SAVE_OPTIONS,
  type BackgroundSave,
  type BackgroundSaveOptions,
  SAVE_OPTIONS,
} from "./background_save.ts";
import { BackgroundSaver } from "./background_saver.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { CheckpointChoice } from "./choice.ts";
import { listCheckpoints } from "./directory.ts";
import type { HandlerPlace } from "./handler_place.ts";
import { dirOf, type HandlerSettings } from "./handler_settings.ts";
import { handlerLine, type HandlerParts, handlerView, studyHandler } from "./handler_view.ts";
import type { LoadReport } from "./load_report.ts";
import { Loading } from "./loading.ts";
import type { MeanReport } from "./mean.ts";
import { PendingPool } from "./pending_pool.ts";
import { type PendingVariable, pendingVariables } from "./pending_values.ts";
import { listPins } from "./pins.ts";
import { Retention } from "./retention.ts";
import type { RetentionPlan } from "./retention_plan.ts";
import type { SaveOptions, WorkOptions } from "./save.ts";
import { type BackgroundSaveHook, backgroundSaveHook, saveHook } from "./save_hook.ts";
import { Saving } from "./saving.ts";
import type { OpenedCheckpoints, SkippedCheckpoint } from "./with_intact.ts";
import { checkOptions } from "../options.ts";
import { WORK_OPTIONS } from "./byte_progress.ts";

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
   * handler.onStepFn)`. The callbacks of `@cairn/checkpoints/train` call it at the end of a run too, and keep the
   * metrics of the step with the checkpoint, by their short names (`loss`); called by hand, its arguments are ignored.
   *
   * Source: GoMLX `checkpoints.Handler.OnStepFn`.
   */
  readonly onStepFn: (...args: unknown[]) => Promise<void> = saveHook(
    (metrics) => this.save(this.#withMetrics(metrics)),
    () => this.lock(),
  );

  /**
   * {@linkcode saveInBackground} in the form of a training loop's hook, as {@linkcode onStepFn} is of {@linkcode save}.
   * The callbacks of `@cairn/checkpoints/train` call it at the end of a run too, and wait until all is durable.
   */
  readonly onStepFnInBackground: BackgroundSaveHook = backgroundSaveHook(
    (metrics) => this.saveInBackground(this.#withMetrics(metrics)),
    () => this.lock(),
    () => this.flush(),
  );

  readonly #settings: HandlerSettings;
  readonly #pool: PendingPool;
  readonly #retention: Retention;
  readonly #loading: Loading;
  readonly #saving: Saving;
  readonly #background: BackgroundSaver;

  static {
    placeOf = (handler) => ({
      store: handler.#settings.store,
      context: handler.context,
      plan: (policy) => handler.#retention.plan(policy),
    });
    openHandler = async (settings, opened, options) => {
      const handler = new Handler(settings);
      await handler.#loading.attach(handler, opened, options);
      return handler;
    };
  }

  private constructor(settings: HandlerSettings) {
    this.#settings = settings;
    this.#pool = new PendingPool(settings.context, settings.rules.length > 0);
    this.#retention = new Retention(settings);
    this.#loading = new Loading(settings, this.#pool, this.#retention);
    this.#saving = new Saving(settings, this.#pool, this.#retention, this.#loading);
    this.#background = new BackgroundSaver(this.#saving);
  }

  /**
   * Saves the Context, and what it has not asked for yet, as a new checkpoint; then removes what {@linkcode
   * Config.keep} no longer keeps. The list of variables, the params and the tensors are captured before the first
   * await; saves run in the order of their calls. Do not write into a tensor's memory while a save runs.
   *
   * `metrics` are kept in the manifest, so that `at("best")` and retention know them also after a restart.
   *
   * Needs `--allow-read=<dir> --allow-write=<dir>`. Throws a ConfigError if this Handler cannot save, or not these
   * metrics, or has no such option, a VariableError for a variable without value, FormatError and ShapeError for what the
   * profile cannot hold: all before a byte is written. After an error the directory is as before.
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
    checkOptions("save()", options, SAVE_OPTIONS);
    return await this.#saving.save(options);
  }

  /**
   * As {@linkcode save}, but the caller waits only until all values are copied into memory: they are written, checksummed
   * and synced while training goes on, and what happens to the variables and their tensors meanwhile does not reach the
   * checkpoint. Values that are still in a file are not copied; those of a live model (tfjs) are read into the copy, which
   * may have to wait for a GPU. One save is written and one may wait (see {@linkcode
   * BackgroundSaveOptions.whenBusy}), so there are two copies at most; their memory is kept for the next save, until
   * {@linkcode releaseSnapshots} or the disposal.
   *
   * The writing goes on whenever the program waits for something that takes the event loop a turn, as `tf.nextFrame()`
   * or a timer. A loop that never does, or only awaits promises that are resolved already, keeps it from going on; so
   * does one of long steps, for a turn writes a few megabytes. `Deno.exit()` does not wait for it: call `flush()` first.
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
  async saveInBackground(options: BackgroundSaveOptions = {}): Promise<BackgroundSave> {
    checkOptions("saveInBackground()", options, BACKGROUND_SAVE_OPTIONS);
    return await this.#saving.guarded(() => this.#background.save(options));
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
    return this.#saving.inTurn(async () => {
      this.#saving.expectOpen("back up");
      const { backUpNewest, expectNewest } = await import("./back_up_newest.ts");
      await expectNewest(this.#settings);
      return await this.#saving.locked(() => backUpNewest(this.#settings));
    });
  }

  /**
   * Pins a checkpoint, by default the newest: retention never removes it, neither this Handler's nor another process's.
   * A pin is a small file in the folder `pins`, which GoMLX does not see. Returns the base name. Needs no lock.
   */
  async pin(choice?: CheckpointChoice): Promise<string> {
    this.#saving.expectOpen("pin a checkpoint in");
    return await this.#retention.pin(choice);
  }

  /** Takes a pin away, and returns the base name; the next save removes the checkpoint if nothing else keeps it. */
  async unpin(choice: CheckpointChoice): Promise<string> {
    this.#saving.expectOpen("unpin a checkpoint in");
    return await this.#retention.unpin(choice);
  }

  /** Base names of the pinned checkpoints, oldest first. */
  async pinned(): Promise<string[]> {
    const pins = await listPins(this.#settings.store);
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
  async trashed(): Promise<string[]> {
    const { listTrash } = await import("./trash.ts");
    return await listTrash(this.#settings.store);
  }

  /**
   * Moves a checkpoint (a step or a base name, by default the newest there) out of the trash again, and pins it, since
   * else the next save would put it there again. Returns its base name. Takes the lock, as {@linkcode save} does.
   */
  restoreFromTrash(choice?: number | bigint | string): Promise<string> {
    return this.#saving.lockedInTurn("restore from the trash of", async () => {
      const { takeFromTrash } = await import("./trash.ts");
      return await takeFromTrash(this.#settings.store, choice);
    });
  }

  /**
   * Removes what is in the trash for good, and returns the base names of what is gone: not of a checkpoint whose move
   * into the trash was interrupted, which the next save moves. Takes the lock, as {@linkcode save} does.
   */
  emptyTrash(): Promise<string[]> {
    return this.#saving.lockedInTurn("empty the trash of", async () => {
      const { clearTrash } = await import("./trash.ts");
      return await clearTrash(this.#settings.store);
    });
  }

  /**
   * Takes the directory's lock now, as the first {@linkcode save} would, and throws what would refuse it: a missing
   * permission, another process that saves there. So this is known before hours of training and not after: the
   * callbacks of `@cairn/checkpoints/train` and `checkpointCallback` call it when a run starts.
   */
  lock(): Promise<void> {
    return this.#saving.claim();
  }

  /** The directory (or the label of the store); "" for an embedded checkpoint. Source: GoMLX `Handler.Dir`. */
  dir(): string {
    return dirOf(this.#settings);
  }

  /** The Context that it loads into and saves from. */
  get context(): Context {
    return this.#settings.context;
  }

  /** Base names of the checkpoints, oldest first. Source: GoMLX `Handler.ListCheckpoints`. */
  async listCheckpoints(): Promise<string[]> {
    if (this.#settings.embedded) return [];
    return (await listCheckpoints(this.#settings.store)).checkpoints.map((each) => each.base);
  }

  /** Whether there is any checkpoint. Source: GoMLX `Handler.HasCheckpoints`. */
  async hasCheckpoints(): Promise<boolean> {
    return (await this.listCheckpoints()).length > 0;
  }

  /** Base name of the checkpoint that the Context was loaded from, undefined if there was none. */
  get loadedBase(): string | undefined {
    return this.#loading.base;
  }

  /** Damaged checkpoints that were passed over when the Context was loaded, newest first, and what is wrong with them. */
  get skipped(): readonly SkippedCheckpoint[] {
    return this.#loading.skipped;
  }

  /** How the loaded values came about, if they are a mean: see `Config.takeMean`. */
  get mean(): MeanReport | undefined {
    return this.#loading.mean;
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
    return this.#loading.report();
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
    return pendingVariables(this.#pool.values());
  }

  /**
   * Reads variables into memory that are still in the file, so that `variable.value()` need not: all, or those whose
   * scope (or `/scope/name`) is given or lies below. Throws NotFoundError for a scope without variables.
   */
  async prefetch(scopeOrNames: string | readonly string[] = "/", options: WorkOptions = {}): Promise<void> {
    checkOptions("prefetch()", options, WORK_OPTIONS);
    const { prefetch } = await import("./prefetch.ts");
    return await prefetch(scopeOrNames, this.#pool, this.context, options);
  }

  /**
   * Loads another checkpoint of the directory into the Context: the newest of a step, a base name, or the best by a
   * metric (`"best"`, see {@linkcode best}). Variables that the Context has get its values, the others become pending,
   * params are overwritten (but for excluded ones). The Context's variables that it does not have keep their values, and
   * are reported; pending ones are forgotten. A damaged one is an error that names intact ones; of the best the next
   * best is taken.
   */
  async restore(choice: CheckpointChoice, options: WorkOptions = {}): Promise<void> {
    checkOptions("restore()", options, WORK_OPTIONS);
    return await this.#saving.inTurn(() => this.#loading.restore(choice, options));
  }

  /** These variables are not saved from now on. Source: GoMLX `Handler.ExcludeVarsFromSaving`. */
  excludeVarsFromSaving(...variables: readonly Variable[]): void {
    this.#saving.exclude(variables);
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
    this.#saving.close();
    try {
      await this.flush();
    } finally {
      await this.#saving.end(() => {
        this.releaseSnapshots();
        this.#pool.close();
      });
    }
  }

  #parts(): HandlerParts {
    return { ...this.#loading.parts(), title: this.toString(), saves: this.#background.facts };
  }

  /** What a notebook shows: what is loaded, still pending and being saved in the background. Reads 64 MiB at most, and consumes nothing. */
  [Symbol.for("Jupyter.display")](): Promise<JupyterBundle> {
    return viewBundle(() => handlerView(this.#parts()));
  }

  /** What `console.log` shows: the same as text, or one line inside another value. */
  [Symbol.for("Deno.customInspect")](_inspect?: unknown, options?: InspectOptions): string {
    return (options?.currentDepth ?? 0) > 0
      ? handlerLine(this.#parts())
      : viewInspected(() => handlerView(this.#parts()), options);
  }

  /** What `display()` shows. */
  async [Symbol.for("cairn.view")](options: StudyOptions = {}): Promise<View> {
    return await studyHandler(this.#parts(), options);
  }

  /** A loop's metrics are kept where they can be. */
  #withMetrics(metrics: Metrics | undefined): SaveOptions {
    return this.#settings.extras ? { metrics } : {};
  }
}
