import { CheckpointError, type ErrorPlace } from "../errors.ts";

/** Where a {@linkcode TrainError} happened. */
export interface TrainPlace extends ErrorPlace {
  /** The `loopStep` that was being run. */
  readonly step?: number | undefined;
  /** Full name of the hook that failed. */
  readonly hook?: string | undefined;
}

/**
 * A run of a {@linkcode Loop} failed: in a train step, a hook or the dataset, or the loss is not finite. `code` is
 * `"train"`; `cause` is what was thrown there.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { Loop, TrainError } from "@cairn/checkpoints/train";
 *
 * const loop = new Loop({ context: new Context(), trainStep: () => 0 / 0 });
 * try {
 *   await loop.runSteps([1, 2, 3], 3);
 * } catch (error) {
 *   if (!(error instanceof TrainError) || error.step !== 0) throw error;
 * }
 * ```
 */
export class TrainError extends CheckpointError {
  /** The `loopStep` that was being run. */
  readonly step?: number | undefined;
  /** Full name of the hook that failed, if one did. */
  readonly hook?: string | undefined;

  /** Makes a TrainError. */
  constructor(message: string, place: TrainPlace = {}) {
    super("train", message, place);
    this.step = place.step;
    this.hook = place.hook;
  }
}
