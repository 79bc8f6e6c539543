import { visible } from "../errors.ts";
import { checkOptions } from "../options.ts";
import {
  durationText,
  formatCount,
  RENDER_STATUS_OPTIONS,
  renderStatus,
  type RenderStatusOptions,
  type Status,
  type StatusFact,
} from "../render/mod.ts";

/** How far a training run has come: all that a progress bar shows. */
export interface TrainProgress {
  /** Steps that are done, counted as the global step is. */
  readonly step: number;
  /** `step` at the start of the run. */
  readonly startStep: number;
  /** `step` at the end; undefined while it is not known. */
  readonly endStep: number | undefined;
  /** The epoch, from 0; undefined if the run is not by epochs, as far as one can tell. */
  readonly epoch: number | undefined;
  /** Milliseconds since the start of the run. */
  readonly elapsed: number;
  /** Steps in a second, lately; undefined before the first step. */
  readonly rate: number | undefined;
  /** The median of the steps' durations, in milliseconds. */
  readonly medianStep: number | undefined;
  /** What was measured, the smoothed loss first. */
  readonly metrics: readonly ProgressMetric[];
  /** The last checkpoint: steps that had been trained, and its age in milliseconds. */
  readonly checkpoint: { readonly step: number; readonly age: number } | undefined;
  /** Whether the run goes on, has ended, or has failed. */
  readonly state: "running" | "done" | "failed";
}

/** A metric as it is shown. */
export interface ProgressMetric {
  /** Short name. */
  readonly label: string;
  /** Its value as text. */
  readonly text: string;
}

/**
 * One line, without its end, that says how far a run has come.
 *
 * @example
 * ```ts
 * import { renderProgress } from "@cairn/checkpoints/train";
 *
 * const line = renderProgress({
 *   step: 50, startStep: 0, endStep: 200, epoch: undefined, elapsed: 1000, rate: 50, medianStep: 19.5,
 *   metrics: [{ label: "~loss", text: "0.250" }], checkpoint: { step: 40, age: 200 }, state: "running",
 * }, { form: "log" });
 * console.log(line); // step 50 of 200 · 25 % · ETA 3.0 s · 50 steps/s · ~loss 0.250 · saved just now at step 40 · …
 * ```
 */
export function renderProgress(progress: TrainProgress, options: RenderStatusOptions): string {
  checkOptions("renderProgress()", options, RENDER_STATUS_OPTIONS);
  return renderStatus(trainStatus(progress), options);
}

/** What a progress bar says of a run. */
export function trainStatus(progress: TrainProgress): Status {
  const { step, endStep } = progress;
  const [done, end] = [formatCount(step), endStep === undefined ? undefined : formatCount(endStep)];
  return {
    share: doneShare(progress),
    words: end === undefined ? `step ${done}` : `step ${done} of ${end}`,
    short: end === undefined ? `step ${done}` : `${done}/${end}`,
    facts: facts(progress).filter((fact) => fact !== undefined),
  };
}

function facts(progress: TrainProgress): (StatusFact | undefined)[] {
  const { state, elapsed, rate, medianStep, metrics, checkpoint, epoch } = progress;
  return [
    state === "failed" ? { text: "stopped" } : undefined,
    epoch === undefined ? undefined : { text: `epoch ${epoch + 1}`, drop: 5 },
    state === "running" ? eta(progress) : { text: `in ${durationText(elapsed)}`, drop: 2 },
    rate === undefined ? undefined : { text: `${rateText(rate)} steps/s`, drop: 4 },
    ...metrics.map(({ label, text }, index) => ({
      text: `${visible(label)} ${visible(text)}`,
      drop: index === 0 ? 1 : 7 + index,
    })),
    checkpoint && { text: `saved ${ageText(checkpoint.age)} at step ${formatCount(checkpoint.step)}`, drop: 3 },
    medianStep === undefined ? undefined : { text: `median step ${durationText(medianStep)}`, drop: 6 },
  ];
}

/** Of this run, from 0 to 1. */
function doneShare({ step, startStep, endStep }: TrainProgress): number | undefined {
  if (endStep === undefined || endStep <= startStep) return undefined;
  return Math.max(0, Math.min(1, (step - startStep) / (endStep - startStep)));
}

function eta({ step, endStep, rate }: TrainProgress): StatusFact | undefined {
  if (endStep === undefined || rate === undefined || rate <= 0) return undefined;
  return { text: `ETA ${durationText(Math.max(0, endStep - step) / rate * 1000)}`, drop: 2 };
}

function rateText(rate: number): string {
  return rate >= 100 ? formatCount(Math.round(rate)) : String(Number(rate.toPrecision(3)));
}

function ageText(age: number): string {
  return age < 1000 ? "just now" : `${durationText(age)} ago`;
}
