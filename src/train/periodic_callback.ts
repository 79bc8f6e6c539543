import { ConfigError } from "../errors.ts";
import { checkOptions } from "../options.ts";
import { addCallback, CALLBACK_OPTIONS, type CallbackOptions } from "./callback.ts";
import { goDurationText } from "./duration_text.ts";
import type { Loop } from "./loop.ts";
import type { OnStepFn } from "./loop_types.ts";

/**
 * Calls `fn` after the first step that ends `period` milliseconds or more after the last call returned. The first step
 * only starts the clock. Without `fn` nothing is registered, with a warning.
 *
 * @throws {ConfigError} if `period` is negative or not finite.
 *
 * Source: GoMLX `train.PeriodicCallback`; `atEnd` differs from its `callOnEnd` in not calling twice.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore } from "@cairn/checkpoints";
 * import { Loop, periodicCallback } from "@cairn/checkpoints/train";
 *
 * const ctx = new Context();
 * const checkpoint = await build(ctx).store(new MemoryStore()).done();
 * const loop = new Loop({ context: ctx, trainStep: () => 0.5 });
 * periodicCallback(loop, 10 * 60_000, "checkpointing", 100, checkpoint.onStepFn); // every ten minutes, and at the end
 * await loop.runSteps(["a", "b", "c"], 3);
 * console.log(await checkpoint.listCheckpoints());
 * ```
 */
export function periodicCallback<Batch>(
  loop: Loop<Batch>,
  period: number,
  name: string,
  priority: number,
  fn: OnStepFn<Batch> | undefined,
  options: CallbackOptions = {},
): void {
  checkOptions("periodicCallback()", options, CALLBACK_OPTIONS);
  if (!Number.isFinite(period) || period < 0) {
    throw new ConfigError(`Cannot register callback "${name}" with period ${period}: wanted milliseconds from 0`);
  }
  let last: number | undefined;
  addCallback(loop, { name: `PeriodicCallback(${goDurationText(period)}): ${name}`, priority, fn }, options, {
    isDue: () => {
      const now = loop.clock();
      if (last !== undefined) return now - last >= period;
      last = now;
      return false;
    },
    onCalled: () => {
      last = loop.clock();
    },
  });
}
