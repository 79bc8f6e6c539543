import { ConfigError, messageOf } from "../errors.ts";
import { checkOptions } from "../options.ts";
import { callHook } from "./call_hook.ts";
import { type Batches, type Dataset, type OpenDataset, openDataset } from "./dataset.ts";
import { Epochs } from "./epochs.ts";
import { Hooks } from "./hooks.ts";
import { getTrainLastStep, setTrainLastStep } from "./last_train_step.ts";
import { type LastCheckpoint, LOOP_OPTIONS, type LoopOptions, RUN_OPTIONS, type RunOptions } from "./loop_types.ts";
import type { OnEndFn, OnStartFn, OnStepFn, OnStopFn } from "./loop_types.ts";
import {
  checkBatches,
  checkCount,
  checkEnds,
  checkMetrics,
  checkPriority,
  checkTrainer,
  nameOf,
} from "./loop_checks.ts";
import { TrainError } from "./train_error.ts";
import type { Metrics, Trainer } from "./trainer.ts";

/** A train step that never waits would keep timers and signals (Ctrl-C) out for ever; let them in so often. */
const TURN_MILLISECONDS = 50;

/**
 * Runs a training loop: reads batches, calls {@linkcode Trainer.trainStep}, and after it the hooks, in which
 * checkpoints, metrics and progress bars do their work. Steps are counted from 0, and go on from the Context's global
 * step.
 *
 * Errors of a step or a hook end the run at once as a {@linkcode TrainError}; further hooks are not called, but for
 * those of {@linkcode Loop.onStop}.
 *
 * Differs from GoMLX: the Loop itself counts the Context's global step (see {@linkcode Trainer.countsGlobalStep}) and
 * every run starts from it, so a checkpoint may be restored between runs; a loss that is not finite stops before the
 * hooks. Needs no permission.
 *
 * Source: GoMLX `train.Loop`.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore, Tensor } from "@cairn/checkpoints";
 * import { attachProgressBar, everyNSteps, Loop } from "@cairn/checkpoints/train";
 *
 * const ctx = new Context();
 * const checkpoint = await build(ctx).store(new MemoryStore()).keep(3).done();
 * const weight = ctx.in("model").checked(false).variableWithValue("weight", 0);
 *
 * const loop = new Loop({
 *   context: ctx,
 *   trainStep([x, y]: readonly [number, number]) {
 *     const w = Number(weight.value().item());
 *     const error = w * x - y;
 *     weight.setValue(Tensor.from(w - 0.1 * error * x));
 *     return error ** 2;
 *   },
 * });
 * everyNSteps(loop, 100, "checkpointing", 100, checkpoint.onStepFn);
 * attachProgressBar(loop);
 * await loop.runEpochs([[1, 3], [2, 6]], 75);
 * console.log(weight.value().item(), await checkpoint.listCheckpoints()); // about 3; the second is of the end, step 150
 * ```
 */
export class Loop<Batch = unknown> {
  /** What is trained. */
  readonly trainer: Trainer<Batch>;
  /** For tools to leave something for each other. Source: GoMLX `Loop.SharedData`. */
  readonly sharedData: Map<string, unknown> = new Map();
  /** The clock of all that is measured, in milliseconds. */
  readonly clock: () => number;
  readonly #lossCheck: "before-hooks" | "after-hooks" | "never";
  readonly #onStart = new Hooks<Dataset>();
  readonly #onStep = new Hooks<Metrics>();
  readonly #onEnd = new Hooks<Metrics>();
  readonly #onStop = new Hooks<unknown>();
  #loopStep: number;
  #startStep = 0;
  #endStep = -1;
  #epoch = 0;
  #durations: number[] = [];
  #lastCheckpoint: LastCheckpoint | undefined;
  #running = false;
  #lastTurn = 0;

  /** Makes a Loop that starts at the Context's global step, which is created if missing. */
  constructor(trainer: Trainer<Batch>, options: LoopOptions = {}) {
    checkOptions("new Loop()", options, LOOP_OPTIONS);
    checkTrainer(trainer);
    this.trainer = trainer;
    this.clock = options.clock ?? (() => performance.now());
    this.#lossCheck = options.lossCheck ?? "before-hooks";
    this.#loopStep = this.#globalStep();
  }

  /** The step that is under way, or comes next; counted from 0. Source: GoMLX `Loop.LoopStep`. */
  get loopStep(): number {
    return this.#loopStep;
  }

  /** `loopStep` at the start of the run. Source: GoMLX `Loop.StartStep`. */
  get startStep(): number {
    return this.#startStep;
  }

  /** One past the last step of the run; -1: unknown, as in a first epoch. Source: GoMLX `Loop.EndStep`. */
  get endStep(): number {
    return this.#endStep;
  }

  /** The epoch of the run, from 0. Source: GoMLX `Loop.Epoch`. */
  get epoch(): number {
    return this.#epoch;
  }

  /** What each step of the run took, hooks included, in milliseconds. Source: GoMLX `Loop.TrainStepDurations`. */
  get trainStepDurations(): readonly number[] {
    return this.#durations;
  }

  /**
   * The last checkpoint that a Handler's `onStepFn` (or `onStepFnInBackground`, once it was durable) saved in this Loop,
   * or for which {@linkcode Loop.noteCheckpoint} was called.
   */
  get lastCheckpoint(): LastCheckpoint | undefined {
    return this.#lastCheckpoint;
  }

  /**
   * Tells the Loop that a checkpoint was just saved, by default one of the current step: for hooks of your own, so that
   * the progress bar knows.
   */
  noteCheckpoint(saved: Partial<Omit<LastCheckpoint, "time">> = {}): void {
    const step = saved.step ?? this.#globalStep();
    this.#lastCheckpoint = { ...saved, step, time: this.clock() };
  }

  /** Registers a hook for the start of every run; undefined: none. Source: GoMLX `Loop.OnStart`. */
  onStart(name: string, priority: number, fn: OnStartFn<Batch> | undefined): void {
    if (fn === undefined) return;
    this.#onStart.add({ name, priority: checkPriority(name, priority), call: (dataset) => fn(this, dataset) });
  }

  /**
   * Registers a hook for every step; undefined: none. `loopStep` is the step that was just trained. Hooks of the lowest
   * priority come first, equal ones in the order of their registration. Source: GoMLX `Loop.OnStep`.
   */
  onStep(name: string, priority: number, fn: OnStepFn<Batch> | undefined): void {
    if (fn === undefined) return;
    this.#onStep.add({ name, priority: checkPriority(name, priority), call: (metrics) => callHook(this, fn, metrics) });
  }

  /** Registers a hook for the end of every run that did not fail; undefined: none. Source: GoMLX `Loop.OnEnd`. */
  onEnd(name: string, priority: number, fn: OnEndFn<Batch> | undefined): void {
    if (fn === undefined) return;
    this.#onEnd.add({ name, priority: checkPriority(name, priority), call: (metrics) => callHook(this, fn, metrics) });
  }

  /** Registers a hook for when a run is over, also by an error: to let go of what it holds. Not in GoMLX. */
  onStop(name: string, priority: number, fn: OnStopFn<Batch> | undefined): void {
    if (fn === undefined) return;
    this.#onStop.add({ name, priority: checkPriority(name, priority), call: (error) => fn(this, error) });
  }

  /**
   * Trains `steps` steps and returns the metrics of the last. For 0 steps nothing happens, not even hooks. Batches that
   * end too early are a TrainError. Source: GoMLX `Loop.RunSteps`.
   */
  async runSteps(batches: Batches<Batch>, steps: number, options: RunOptions = {}): Promise<Metrics> {
    checkOptions("runSteps()", options, RUN_OPTIONS);
    checkCount("steps", steps);
    checkBatches(batches);
    if (steps === 0) return [];
    return await this.#run(batches, () => steps, options, async (dataset, run) => {
      while (this.#loopStep < this.#endStep) {
        if (run.signal?.aborted) return false;
        const batch = await this.#yield(dataset, run);
        if (batch === undefined) throw this.#endedEarly(dataset, steps);
        await this.#step(batch, run);
      }
      return true;
    });
  }

  /**
   * Trains until the Context's global step is `step`: the same call starts a run and resumes it. If it is that far
   * already, nothing happens. Source: GoMLX v0.28 `Loop.RunToGlobalStep`.
   */
  async runToGlobalStep(batches: Batches<Batch>, step: number, options: RunOptions = {}): Promise<Metrics> {
    checkOptions("runToGlobalStep()", options, RUN_OPTIONS);
    checkCount("steps", step);
    return await this.runSteps(batches, Math.max(0, step - this.#globalStep()), options);
  }

  /**
   * Trains until the batches have ended `epochs` times, and returns the metrics of the last step. The dataset is reset
   * after every epoch, the last too. For 0 epochs the hooks for start and end are called.
   *
   * A run that was interrupted goes on: with a Context that was saved in epoch 3 of 5, at the batch after the last that
   * was trained on. A run that is finished is finished: the same call trains as many epochs again. Where a script may be
   * started again at any time, use {@linkcode Loop.runToEpoch}. Source: GoMLX `Loop.RunEpochs`.
   */
  async runEpochs(batches: Batches<Batch>, epochs: number, options: RunOptions = {}): Promise<Metrics> {
    checkOptions("runEpochs()", options, RUN_OPTIONS);
    checkCount("epochs", epochs);
    checkEnds(batches);
    const state = new Epochs(this.trainer.context);
    let resumes = false;
    const begin = (): Epochs => {
      resumes = state.resume(epochs);
      if (!resumes) state.start(epochs);
      return state;
    };
    return await this.#run(batches, begin, options, async (dataset, run) => {
      if (!await this.#trainEpochs(dataset, run, state)) return false;
      if (!resumes || this.#loopStep > this.#startStep) return true;
      // The checkpoint was saved in the last step of its run, so nothing was left of that: this is a new one.
      state.start(epochs);
      return await this.#trainEpochs(dataset, run, state);
    });
  }

  /**
   * Trains until `epoch` epochs are done, counted over all runs of the Context (`/trainer/epoch`): the same call starts
   * a run and resumes it, at the batch after the last that was trained on. If it is that far already, nothing happens.
   */
  async runToEpoch(batches: Batches<Batch>, epoch: number, options: RunOptions = {}): Promise<Metrics> {
    checkOptions("runToEpoch()", options, RUN_OPTIONS);
    checkCount("epochs", epoch);
    checkEnds(batches);
    const state = new Epochs(this.trainer.context);
    if (state.total >= epoch) return [];
    const begin = (): Epochs => {
      state.resumeTo(epoch);
      return state;
    };
    return await this.#run(batches, begin, options, (dataset, run) => this.#trainEpochs(dataset, run, state));
  }

  /**
   * The upper median of {@linkcode Loop.trainStepDurations}, in milliseconds; 1 if there is none, so that one can divide
   * by it. Source: GoMLX `Loop.MedianTrainStepDuration`.
   */
  medianTrainStepDuration(): number {
    const sorted = Float64Array.from(this.#durations).sort();
    return sorted[Math.floor(sorted.length / 2)] ?? 1;
  }

  /** Trains what is left of a run by epochs; false if it was aborted. */
  async #trainEpochs(dataset: OpenDataset<Batch>, run: Run, state: Epochs): Promise<boolean> {
    this.#epoch = state.epoch;
    if (state.step > 0) await dataset.seek(state.step);
    while (state.left > 0) {
      for (;;) {
        if (run.signal?.aborted) return false;
        const batch = await this.#yield(dataset, run);
        if (batch === undefined) break;
        state.beginStep();
        await this.#step(batch, run);
      }
      this.#setEndStep(this.#loopStep + state.step * (state.left - 1));
      await dataset.reset();
      state.finishEpoch();
      this.#epoch = state.epoch;
    }
    return true;
  }

  /** What is common to all runs, of steps or epochs; `train` returns false if it was aborted. */
  async #run(
    batches: Batches<Batch>,
    begin: () => number | Epochs,
    { signal }: RunOptions,
    train: (dataset: OpenDataset<Batch>, run: Run) => Promise<boolean>,
  ): Promise<Metrics> {
    if (this.#running) throw new ConfigError("Cannot run the loop: it is running already; await the other run first");
    signal?.throwIfAborted();
    this.#running = true;
    const run: Run = { signal, metrics: [] };
    const dataset = openDataset(batches);
    let failure: unknown;
    try {
      if (!this.trainer.countsGlobalStep) this.#loopStep = this.#globalStep();
      this.#startStep = this.#loopStep;
      const length = begin();
      this.#epoch = typeof length === "number" ? 0 : length.epoch;
      await this.trainer.resetTrainMetrics?.();
      this.#setEndStep(typeof length === "number" ? this.#loopStep + length : this.#knownEnd(length));
      await this.#callHooks("onStart", this.#onStart, dataset, run);
      this.#durations = [];
      const isDone = await train(dataset, run);
      await this.#callHooks("onEnd", this.#onEnd, run.metrics, run);
      if (!isDone) signal?.throwIfAborted();
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      this.#running = false;
      await this.#stop(dataset, failure, run);
    }
    return run.metrics;
  }

  async #step(batch: Batch, run: Run): Promise<void> {
    const started = this.clock();
    try {
      run.metrics = await this.#train(batch, run);
      if (!this.trainer.countsGlobalStep) this.trainer.context.setGlobalStep(this.#loopStep + 1);
      if (this.#lossCheck === "before-hooks") this.#checkLoss(run.metrics);
      await this.#callHooks("onStep", this.#onStep, run.metrics, run);
      if (this.#lossCheck === "after-hooks") this.#checkLoss(run.metrics);
    } finally {
      this.#durations.push(this.clock() - started);
    }
    this.#loopStep++;
  }

  async #train(batch: Batch, run: Run): Promise<Metrics> {
    try {
      const metrics = await this.trainer.trainStep(batch);
      checkMetrics(metrics);
      const list = typeof metrics === "number" ? [metrics] : metrics;
      const wanted = this.trainer.trainMetrics?.length ?? 1;
      if (list.length === wanted) return list;
      throw new ConfigError(`trainStep() returned ${list.length} metrics, wanted ${wanted} as in trainMetrics`);
    } catch (cause) {
      throw this.#failure(`Cannot train step ${this.#loopStep}`, cause, run);
    }
  }

  async #yield(dataset: Dataset<Batch>, run: Run): Promise<Batch | undefined> {
    if (performance.now() - this.#lastTurn > TURN_MILLISECONDS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#lastTurn = performance.now();
    }
    try {
      return await dataset.yield();
    } catch (cause) {
      throw this.#failure(`Cannot read the batch of step ${this.#loopStep}${nameOf(dataset)}`, cause, run);
    }
  }

  async #callHooks<Argument>(kind: string, hooks: Hooks<Argument>, argument: Argument, run: Run): Promise<void> {
    await hooks.callAll(argument, (cause, { name }) => {
      return this.#failure(`Cannot run ${kind} hook "${name}" at step ${this.#loopStep}`, cause, run, name);
    });
  }

  /** What a run failed of counts; a failure to stop it only where there is no other. */
  async #stop(dataset: { close(): Promise<void> }, failure: unknown, run: Run): Promise<void> {
    try {
      await this.#callHooks("onStop", this.#onStop, failure, run);
      await dataset.close();
    } catch (error) {
      if (failure === undefined) throw error;
    }
  }

  #failure(what: string, cause: unknown, { signal }: Run, hook?: string): unknown {
    // Whoever hands the same signal to trainStep or to a hook wants to see the abort, not a failure.
    if (signal?.aborted && cause === signal.reason) return cause;
    return new TrainError(`${what}: ${messageOf(cause)}`, { step: this.#loopStep, hook, cause });
  }

  #endedEarly(dataset: Dataset<Batch>, steps: number): TrainError {
    const done = this.#loopStep - this.#startStep;
    return new TrainError(
      `Cannot run ${steps} steps: the batches${nameOf(dataset)} ended after ${done}; wanted batches without end, ` +
        "or use runEpochs()",
      { step: this.#loopStep },
    );
  }

  #checkLoss(metrics: Metrics): void {
    const loss = metrics[0];
    if (loss === undefined || Number.isFinite(loss)) return;
    throw new TrainError(`Training stopped at step ${this.#loopStep}: the loss is ${loss}`, { step: this.#loopStep });
  }

  /** Where a run by epochs that goes on will end, if that is known since its first epoch; else -1. */
  #knownEnd({ epoch, step }: Epochs): number {
    if (epoch === 0 && step === 0) return -1;
    const end = getTrainLastStep(this.trainer.context);
    return end > this.#loopStep ? end : -1;
  }

  #setEndStep(step: number): void {
    this.#endStep = step;
    setTrainLastStep(this.trainer.context, step);
  }

  #globalStep(): number {
    const step = this.trainer.context.getGlobalStep();
    if (typeof step === "number") return step;
    throw new ConfigError(`Cannot train from global step ${step}: wanted one up to 2^53 - 1`);
  }
}

/** What belongs to one run. */
interface Run {
  readonly signal: AbortSignal | undefined;
  metrics: Metrics;
}
