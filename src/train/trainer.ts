import type { Context } from "../context/mod.ts";

/** What a train step measured, in the order of {@linkcode Trainer.trainMetrics}; the first is the loss of the batch. */
export type Metrics = readonly number[];

/** Says what one of the {@linkcode Metrics} is. Source: GoMLX `metrics.Interface`. */
export interface MetricDescription {
  /** For people: `Moving Average Loss`. */
  readonly name: string;
  /** For narrow places: `~loss`. */
  readonly shortName: string;
  /** Metrics of one type share an axis in plots: `loss`, `accuracy`. */
  readonly metricType: string;
  /** Its text in the progress bar. Default: four significant digits. */
  format?(value: number): string;
}

/**
 * What a {@linkcode Loop} trains: your own step function and the Context that it changes.
 *
 * Source: GoMLX `train.Trainer`.
 */
export interface Trainer<Batch = unknown> {
  /** Holds the model's variables and the global step. */
  readonly context: Context;
  /** What {@linkcode Trainer.trainStep} returns. Default: one metric, the loss. */
  readonly trainMetrics?: readonly MetricDescription[] | undefined;
  /** Trains on one batch and returns its metrics, or its loss alone. */
  trainStep(batch: Batch): Metrics | number | Promise<Metrics | number>;
  /** Called when a run starts: forget the moving averages. */
  resetTrainMetrics?(): void | Promise<void>;
  /**
   * True if `trainStep` counts the Context's global step itself, as GoMLX's optimizers do: for gradients that are
   * accumulated over several steps. Default: the Loop counts it, one for each step.
   */
  readonly countsGlobalStep?: boolean | undefined;
}

/** Of a Trainer that does not describe its metrics. */
export const LOSS_ONLY: readonly MetricDescription[] = [{ name: "Loss", shortName: "loss", metricType: "loss" }];
