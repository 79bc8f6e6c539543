import { isBackgroundSave, isSaveHook } from "../checkpoint/save_hook.ts";
import type { Loop } from "./loop.ts";
import type { OnStepFn } from "./loop_types.ts";
import type { Metrics } from "./trainer.ts";

/** Calls a hook, and notes it if that saved a checkpoint. */
export async function callHook<Batch>(loop: Loop<Batch>, fn: OnStepFn<Batch>, metrics: Metrics): Promise<void> {
  const result = await fn(loop, metrics);
  if (!isSaveHook(fn)) return;
  if (!isBackgroundSave(result)) return loop.noteCheckpoint();
  const { step, blocked, done } = result;
  done.then(
    (checkpoint) => checkpoint && loop.noteCheckpoint({ step: Number(step), blocked, durable: result.durable }),
    () => {}, // The Handler tells of a failure.
  );
}
