import { addCallback, CALLBACK_OPTIONS, type CallbackOptions, checkPositive } from "./callback.ts";
import type { Loop } from "./loop.ts";
import type { OnStepFn } from "./loop_types.ts";
import { checkOptions } from "../options.ts";

/**
 * Calls `fn` after every `n` steps. The steps are counted from the registration on, over all runs, whatever the global
 * step is. A Handler's `onStepFn` is called at the end of a run too: see {@linkcode CallbackOptions.atEnd}. Without
 * `fn`, as where there is no Handler, nothing is registered, with a warning.
 *
 * @throws {ConfigError} if `n` is not a whole number from 1.
 *
 * Source: GoMLX v0.19 `train.EveryNSteps`.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore } from "@cairn/checkpoints";
 * import { everyNSteps, Loop } from "@cairn/checkpoints/train";
 *
 * const ctx = new Context();
 * const checkpoint = await build(ctx).store(new MemoryStore()).keep(-1).done();
 * const loop = new Loop({ context: ctx, trainStep: () => 0.5 });
 * everyNSteps(loop, 100, "checkpointing", 100, checkpoint.onStepFn);
 * await loop.runSteps(new Array(250).fill("batch"), 250);
 * console.log(await checkpoint.listCheckpoints()); // of the steps 100, 200 and 250
 * ```
 */
export function everyNSteps<Batch>(
  loop: Loop<Batch>,
  n: number,
  name: string,
  priority: number,
  fn: OnStepFn<Batch> | undefined,
  options: CallbackOptions = {},
): void {
  checkOptions("everyNSteps()", options, CALLBACK_OPTIONS);
  checkPositive("n", name, n);
  let count = 0;
  addCallback(loop, { name: `EveryNSteps(${n}): ${name}`, priority, fn }, options, {
    isDue: () => ++count % n === 0,
  });
}
