import { isBackgroundSave, saveOf } from "../checkpoint/save_hook.ts";
import type { Loop } from "./loop.ts";
import type { OnStepFn } from "./loop_types.ts";
import { LOSS_ONLY, type Metrics } from "./trainer.ts";

/** Calls a hook; one that saves gets the metrics to keep with the checkpoint, and is noted. */
export async function callHook<Batch>(loop: Loop<Batch>, fn: OnStepFn<Batch>, metrics: Metrics): Promise<void> {
  const save = saveOf(fn);
  if (save === undefined) return void await fn(loop, metrics);
  const result = await save(namedMetrics(loop, metrics));
  if (!isBackgroundSave(result)) return loop.noteCheckpoint();
  const { step, blocked, done } = result;
  done.then(
    (checkpoint) => checkpoint && loop.noteCheckpoint({ step: Number(step), blocked, durable: result.durable }),
    () => {}, // The Handler tells of a failure.
  );
}

/** By the short names of the trainer's metrics. */
function namedMetrics<Batch>({ trainer }: Loop<Batch>, metrics: Metrics): Record<string, number> {
  const names = (trainer.trainMetrics ?? LOSS_ONLY).map(({ shortName }) => shortName);
  return Object.fromEntries(metrics.map((value, i) => [names[i] ?? String(i), value]));
}
