import { formatNumber } from "../render/mod.ts";
import type { Loop } from "./loop.ts";
import type { ProgressMetric, TrainProgress } from "./train_progress.ts";
import { LOSS_ONLY, type Metrics } from "./trainer.ts";

/** Weight of the newest loss in the smoothed one, as of a moving average over about a hundred steps. */
const LOSS_WEIGHT = 0.02;
/** The rate forgets what is longer ago, in milliseconds. */
const RATE_MEMORY = 10_000;
/** Sorting a million durations takes long: the median is computed anew when there are so many more. */
const MEDIAN_GROWTH = 1.05;

/** Follows one run of a loop, and says how far it has come. */
export class ProgressTracker {
  readonly #loop: Loop;
  readonly #started: number;
  #metrics: Metrics = [];
  #lossSum = 0;
  #lossWeight = 0;
  #recentSteps = 0;
  #recentTime = 0;
  #rateTime: number;
  #rateStep: number;
  #median: { readonly of: number; readonly value: number } | undefined;

  /** Starts to follow the run that is starting now. */
  constructor(loop: Loop) {
    this.#loop = loop;
    this.#started = loop.clock();
    this.#rateTime = this.#started;
    this.#rateStep = loop.loopStep;
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
      rate: state === "running" ? this.#recentRate(now, step) : rateOf(step - loop.startStep, now - this.#started),
      medianStep: this.#medianStep(state !== "running"),
      metrics: this.#shownMetrics(),
      checkpoint: lastCheckpoint && { step: lastCheckpoint.step, age: Math.max(0, now - lastCheckpoint.time) },
      state,
    };
  }

  #recentRate(now: number, step: number): number | undefined {
    const passed = now - this.#rateTime;
    const keep = Math.exp(-passed / RATE_MEMORY);
    this.#recentSteps = this.#recentSteps * keep + step - this.#rateStep;
    this.#recentTime = this.#recentTime * keep + passed;
    this.#rateTime = now;
    this.#rateStep = step;
    return rateOf(this.#recentSteps, this.#recentTime);
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

/** Steps in a second; undefined if no time has passed. */
function rateOf(steps: number, milliseconds: number): number | undefined {
  return milliseconds > 0 ? steps * 1000 / milliseconds : undefined;
}
