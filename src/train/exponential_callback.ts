import { ConfigError } from "../errors.ts";
import { checkOptions } from "../options.ts";
import { addCallback, CALLBACK_OPTIONS, type CallbackOptions, checkPositive } from "./callback.ts";
import type { Loop } from "./loop.ts";
import type { OnStepFn } from "./loop_types.ts";

/**
 * Calls `fn` at steps that lie further and further apart: at `loopStep` `start`, then `start * factor` later (rounded),
 * and so on: 100 and 1.2 give 100, 220, 364 … Steps that a resumed run has behind it are left out. Without `fn` nothing
 * is registered, with a warning.
 *
 * @throws {ConfigError} if `start` is not a whole number from 1, or `factor` is below 1.
 *
 * Source: GoMLX `train.ExponentialCallback`; `atEnd` differs from its `callOnEnd` in not calling twice.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { exponentialCallback, Loop } from "@cairn/checkpoints/train";
 *
 * const loop = new Loop({ context: new Context(), trainStep: () => 0.5 });
 * const steps: number[] = [];
 * exponentialCallback(loop, 10, 2, "note", 0, () => steps.push(loop.loopStep));
 * await loop.runSteps(new Array(100).fill("batch"), 100);
 * if (steps.join() !== "10,30,70") throw new Error(steps.join());
 * ```
 */
export function exponentialCallback<Batch>(
  loop: Loop<Batch>,
  start: number,
  factor: number,
  name: string,
  priority: number,
  fn: OnStepFn<Batch> | undefined,
  options: CallbackOptions = {},
): void {
  checkOptions("exponentialCallback()", options, CALLBACK_OPTIONS);
  checkPositive("start", name, start);
  if (!Number.isFinite(factor) || factor < 1) {
    throw new ConfigError(`Cannot register callback "${name}" with factor ${factor}: wanted a number from 1`);
  }
  let skip = start;
  let next = 0;
  const bump = (): void => {
    next += skip;
    skip = Math.round(skip * factor);
  };
  addCallback(loop, { name: `ExponentialCallback(${start}, ${factor.toFixed(6)}): ${name}`, priority, fn }, options, {
    isDue: ({ loopStep, startStep }) => {
      if (next === 0) { while (startStep >= next) bump(); }
      if (loopStep < next) return false;
      bump();
      return true;
    },
  });
}
