import type { Loop } from "./loop.ts";
import { ProgressTracker } from "./progress_tracker.ts";
import { renderProgress, type TrainProgress } from "./train_progress.ts";

/** Options of {@linkcode attachProgressBar}. */
export interface ProgressBarOptions {
  /** A bar that is drawn again and again, or lines. Default: a bar if standard error is a terminal. */
  readonly form?: "terminal" | "log" | undefined;
  /** Milliseconds between two drawings at least. Default: 200 for a bar, 10 000 for lines. */
  readonly interval?: number | undefined;
  /** Takes what is drawn. Default: standard error, so that the program's own output stays clean. */
  readonly write?: ((text: string) => void) | undefined;
  /** Columns of the terminal. Default: as it is at every drawing. */
  readonly width?: number | undefined;
}

const HOOK = "progress bar";
const PRIORITY = 0;
const ERASE_TO_END_OF_LINE = "\x1b[K";

/**
 * Shows how far every run of the loop has come: step, rate, time left, the loss (a moving average over about a hundred
 * steps) and the other metrics, the age of the last checkpoint, the median time of a step. It is drawn after steps only,
 * and once more when the run is over; it never makes a run fail. Needs no permission.
 *
 * Source: GoMLX `commandline.AttachProgressBar`.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { attachProgressBar, Loop } from "@cairn/checkpoints/train";
 *
 * const loop = new Loop({ context: new Context(), trainStep: (batch: number) => 1 / batch });
 * attachProgressBar(loop);
 * await loop.runSteps([1, 2, 3], 3);
 * ```
 */
export function attachProgressBar<Batch>(loop: Loop<Batch>, options: ProgressBarOptions = {}): void {
  const { form = Deno.stderr.isTerminal() ? "terminal" : "log", write = writeToStderr } = options;
  const interval = options.interval ?? (form === "terminal" ? 200 : 10_000);
  let tracker: ProgressTracker | undefined;
  let lastDrawn = -Infinity;
  let canWrite = true;

  const draw = (progress: TrainProgress): void => {
    lastDrawn = loop.clock();
    const isLast = progress.state !== "running";
    const line = renderProgress(progress, { form, width: options.width ?? terminalWidth() });
    try {
      if (canWrite) write(form === "log" ? `${line}\n` : `\r${line}${ERASE_TO_END_OF_LINE}${isLast ? "\n" : ""}`);
    } catch {
      // Nobody reads any more. That must not cost the training.
      canWrite = false;
    }
  };

  loop.onStart(HOOK, PRIORITY, () => {
    tracker = new ProgressTracker(loop);
    // A log says nothing of the first interval: short runs are one line.
    lastDrawn = form === "log" ? loop.clock() : -Infinity;
  });
  loop.onStep(HOOK, PRIORITY, (_, metrics) => {
    tracker?.step(metrics);
    if (tracker !== undefined && loop.clock() - lastDrawn >= interval) {
      draw(tracker.progress(loop.loopStep + 1, "running"));
    }
  });
  loop.onStop(HOOK, PRIORITY, (_, error) => {
    if (tracker !== undefined) draw(tracker.progress(loop.loopStep, error === undefined ? "done" : "failed"));
    tracker = undefined;
  });
}

function writeToStderr(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
}

/** One column less than there are: a terminal breaks the line after the last one. */
function terminalWidth(): number {
  try {
    return Math.max(20, Deno.consoleSize().columns - 1);
  } catch {
    return 80;
  }
}
