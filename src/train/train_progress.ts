import { visible } from "../errors.ts";
import { formatCount } from "../render/mod.ts";
import { durationText } from "./duration_text.ts";

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

/** How {@linkcode renderProgress} draws. */
export interface RenderProgressOptions {
  /** `terminal`: with a bar, in one line of `width`. `log`: words. */
  readonly form: "terminal" | "log";
  /** Columns that a terminal's line may take; default 80. */
  readonly width?: number | undefined;
}

/** A piece of the line; where there is no room, the one with the highest `drop` goes first, one without it stays. */
interface Piece {
  readonly text: string;
  readonly drop?: number;
}

const SEPARATOR = " · ";
const BAR_CELLS = 16;

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
export function renderProgress(progress: TrainProgress, options: RenderProgressOptions): string {
  const pieces = options.form === "log"
    ? [stepWords(progress), share(progress), ...facts(progress)]
    : [bar(progress), stepNumbers(progress), ...facts(progress)];
  const shown = pieces.filter((piece) => piece !== undefined);
  const texts = options.form === "log" ? shown.map((piece) => piece.text) : fit(shown, options.width ?? 80);
  return texts.join(SEPARATOR);
}

function facts(progress: TrainProgress): (Piece | undefined)[] {
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

function stepWords({ step, endStep }: TrainProgress): Piece {
  return {
    text: endStep === undefined ? `step ${formatCount(step)}` : `step ${formatCount(step)} of ${formatCount(endStep)}`,
  };
}

function stepNumbers({ step, endStep }: TrainProgress): Piece {
  return { text: endStep === undefined ? `step ${formatCount(step)}` : `${formatCount(step)}/${formatCount(endStep)}` };
}

function share(progress: TrainProgress): Piece | undefined {
  const done = doneShare(progress);
  return done === undefined ? undefined : { text: `${Math.floor(done * 100)} %` };
}

function bar(progress: TrainProgress): Piece | undefined {
  const done = doneShare(progress);
  if (done === undefined) return undefined;
  const full = Math.floor(done * BAR_CELLS);
  return {
    text: `${String(Math.floor(done * 100)).padStart(3)} % ${"━".repeat(full)}${"─".repeat(BAR_CELLS - full)}`,
    drop: 0,
  };
}

/** Of this run, from 0 to 1. */
function doneShare({ step, startStep, endStep }: TrainProgress): number | undefined {
  if (endStep === undefined || endStep <= startStep) return undefined;
  return Math.max(0, Math.min(1, (step - startStep) / (endStep - startStep)));
}

function eta({ step, endStep, rate }: TrainProgress): Piece | undefined {
  if (endStep === undefined || rate === undefined || rate <= 0) return undefined;
  return { text: `ETA ${durationText(Math.max(0, endStep - step) / rate * 1000)}`, drop: 2 };
}

/** Drops pieces until the line fits, and cuts what is left if even that does not. */
function fit(pieces: readonly Piece[], width: number): string[] {
  let left = [...pieces];
  while (lengthOf(left) > width) {
    const first = left.reduce<Piece | undefined>((a, b) => (b.drop ?? -1) > (a?.drop ?? -1) ? b : a, undefined);
    if (first === undefined) return [[...left.map((piece) => piece.text).join(SEPARATOR)].slice(0, width).join("")];
    left = left.filter((piece) => piece !== first);
  }
  return left.map((piece) => piece.text);
}

function lengthOf(pieces: readonly Piece[]): number {
  return [...pieces.map((piece) => piece.text).join(SEPARATOR)].length;
}

function rateText(rate: number): string {
  return rate >= 100 ? formatCount(Math.round(rate)) : String(Number(rate.toPrecision(3)));
}

function ageText(age: number): string {
  return age < 1000 ? "just now" : `${durationText(age)} ago`;
}
