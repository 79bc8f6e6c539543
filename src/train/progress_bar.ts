import { STATUS_LINE_OPTIONS, StatusLine, type StatusLineOptions } from "../render/mod.ts";
import type { Loop } from "./loop.ts";
import { ProgressTracker } from "./progress_tracker.ts";
import { trainStatus } from "./train_progress.ts";
import { checkOptions } from "../options.ts";

const HOOK = "progress bar";
const PRIORITY = 0;
const INTERVAL = 200;

/**
 * Shows how far every run of the loop has come: step, rate, time left, the loss (a moving average over about a hundred
 * steps) and the other metrics, the age of the last checkpoint, the median time of a step. In a notebook's kernel it is a
 * display that changes in place, in a terminal a bar (both at most every 200 ms), in a log a line every ten seconds. It is
 * drawn after steps only, and once more when the run is over; it never makes a run fail. Needs no permission.
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
export function attachProgressBar<Batch>(loop: Loop<Batch>, options: StatusLineOptions = {}): void {
  checkOptions("attachProgressBar()", options, STATUS_LINE_OPTIONS);
  const line = new StatusLine(options, INTERVAL);
  let tracker: ProgressTracker | undefined;

  loop.onStart(HOOK, PRIORITY, () => {
    tracker = new ProgressTracker(loop);
    line.start(loop.clock());
  });
  loop.onStep(HOOK, PRIORITY, (_, metrics) => {
    tracker?.step(metrics);
    const now = loop.clock();
    if (tracker === undefined || !line.isDue(now)) return;
    // Awaited, since a loop may leave a kernel no other time to draw.
    return line.draw(now, trainStatus(tracker.progress(loop.loopStep + 1, "running")));
  });
  loop.onStop(HOOK, PRIORITY, (_, error) => {
    const stopped = tracker;
    tracker = undefined;
    if (stopped === undefined) return;
    return line.finish(trainStatus(stopped.progress(loop.loopStep, error === undefined ? "done" : "failed")));
  });
}
