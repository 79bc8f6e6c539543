import { formatNumber, rateOf, RecentRate } from "../render/mod.ts";
import type { Loop } from "./loop.ts";
import type { ProgressMetric, TrainProgress } from "./train_progress.ts";
import { LOSS_ONLY, type Metrics } from "./trainer.ts";

/** Weight of the newest loss in the smoothed one, as of a moving average over about a hundred steps. */
const LOSS_WEIGHT = 0.02;
/** Sorting a million durations takes long: the median is computed anew when there are so many more. */
const MEDIAN_GROWTH = 1.05;

/** Follows one run of a loop, and says how far it has come. */
export class ProgressTracker {
  readonly #loop: Loop;
  readonly #started: number;
  readonly #rate: RecentRate;
  #metrics: Metrics = [];
  #lossSum = 0;
  #lossWeight = 0;
  #median: { readonly of: number; readonly value: number } | undefined;

  /** Starts to follow the run that is starting now. */
  constructor(loop: Loop) {
    this.#loop = loop;
    this.#started = loop.clock();
    this.#rate = new RecentRate(this.#started, loop.loopStep);
  }

  /** A step was trained. */
  step(metrics: Metrics): void {
    this.#metrics = metrics;
    const [loss] = metrics;
    if (loss === undefined || !Number.isFinite(loss)) return;
    // The weights are summed as well, so that the first steps are not drawn towards zero.
    this.#lossSum += (loss - this.#lossSum) * LOSS_WEIGHT;
    this.#lossWeight += (1 - this.#lossWeight) * LOSS_WEIGHT;
  }

  /** The state now; `step` is the number of steps that are done. */
  progress(step: number, state: TrainProgress["state"]): TrainProgress {
    const loop = this.#loop;
    const { lastCheckpoint } = loop;
    const now = loop.clock();
    const byEpochs = loop.endStep < 0 || loop.epoch > 0;
    return {
      step,
      startStep: loop.startStep,
      endStep: loop.endStep < 0 ? undefined : loop.endStep,
      epoch: byEpochs && state === "running" ? loop.epoch : undefined,
      elapsed: now - this.#started,
      rate: state === "running" ? this.#rate.at(now, step) : rateOf(step - loop.startStep, now - this.#started),
      medianStep: this.#medianStep(state !== "running"),
      metrics: this.#shownMetrics(),
      checkpoint: lastCheckpoint && { step: lastCheckpoint.step, age: Math.max(0, now - lastCheckpoint.time) },
      state,
    };
  }

  #medianStep(isLast: boolean): number | undefined {
    const { length } = this.#loop.trainStepDurations;
    if (length === 0) return undefined;
    const isStale = this.#median === undefined || length >= this.#median.of * (isLast ? 1 : MEDIAN_GROWTH);
    if (isStale) this.#median = { of: length, value: this.#loop.medianTrainStepDuration() };
    return this.#median?.value;
  }

  #shownMetrics(): ProgressMetric[] {
    const descriptions = this.#loop.trainer.trainMetrics ?? LOSS_ONLY;
    return this.#metrics.map((value, index) => {
      const description = descriptions[index];
      const name = description?.shortName ?? `metric ${index}`;
      const smoothed = index === 0 && this.#lossWeight > 0;
      const shown = smoothed ? this.#lossSum / this.#lossWeight : value;
      return { label: smoothed ? `~${name}` : name, text: description?.format?.(shown) ?? formatNumber(shown) };
    });
  }
}
