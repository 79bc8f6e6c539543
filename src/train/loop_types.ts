import type { Dataset } from "./dataset.ts";
import type { Loop } from "./loop.ts";
import type { Metrics } from "./trainer.ts";
import type { OptionNames } from "../options.ts";

/** A hook for the start of a run. Source: GoMLX `train.OnStartFn`. */
export type OnStartFn<Batch = unknown> = (loop: Loop<Batch>, dataset: Dataset) => unknown;
/** A hook for the end of every step. Source: GoMLX `train.OnStepFn`. */
export type OnStepFn<Batch = unknown> = (loop: Loop<Batch>, metrics: Metrics) => unknown;
/** A hook for the end of a run. Source: GoMLX `train.OnEndFn`. */
export type OnEndFn<Batch = unknown> = (loop: Loop<Batch>, metrics: Metrics) => unknown;
/** A hook for when a run is over, however it ended; `error` is what it ended with. */
export type OnStopFn<Batch = unknown> = (loop: Loop<Batch>, error: unknown) => unknown;

/** Options of {@linkcode Loop}. */
export interface LoopOptions {
  /**
   * When a loss that is NaN or infinite stops the run: before the hooks of its step, so that no checkpoint of it is
   * saved (default); after them, as GoMLX does; or never.
   */
  readonly lossCheck?: "before-hooks" | "after-hooks" | "never" | undefined;
  /** A clock that never goes back, in milliseconds. Default: `performance.now`. */
  readonly clock?: (() => number) | undefined;
}

export const LOOP_OPTIONS: OptionNames<LoopOptions> = { lossCheck: true, clock: "function" };

/** Options of a run. */
export interface RunOptions {
  /**
   * Ends the run in good order: the step that is under way is finished with its hooks, the hooks for the end are called
   * (so that a checkpoint is saved), and then the run throws the signal's reason.
   */
  readonly signal?: AbortSignal | undefined;
}

export const RUN_OPTIONS: OptionNames<RunOptions> = { signal: "signal" };

/** When and how the last checkpoint was saved. */
export interface LastCheckpoint {
  /** Steps that had been trained. */
  readonly step: number;
  /** When it was there, by the Loop's clock, in milliseconds. */
  readonly time: number;
  /** How long training had to wait for it, in milliseconds, if it was saved in the background. */
  readonly blocked?: number | undefined;
  /** How long it took until it was durable, in milliseconds, if it was saved in the background. */
  readonly durable?: number | undefined;
}
