import { addCallback, CALLBACK_OPTIONS, type CallbackOptions, checkPositive } from "./callback.ts";
import type { Loop } from "./loop.ts";
import type { OnStepFn } from "./loop_types.ts";
import { checkOptions } from "../options.ts";

/** Where the end is not known, the first call comes after so many steps, and each next one after twice as many. */
const FIRST_BLIND_STEPS = 128;

/**
 * Calls `fn` about `n` times in a run, evenly: after the first step, then `n` times, of which the last is the run's last
 * step. While the end is not known (in a first epoch), after 128 steps, 256, 512 … Calls are counted over all runs of
 * the loop, as in GoMLX: a second run is called less. Without `fn` nothing is registered, with a
 * warning.
 *
 * @throws {ConfigError} if `n` is not a whole number from 1.
 *
 * Source: GoMLX `train.NTimesDuringLoop`.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { Loop, nTimesDuringLoop } from "@cairn/checkpoints/train";
 *
 * const loop = new Loop({ context: new Context(), trainStep: () => 0.5 });
 * const steps: number[] = [];
 * nTimesDuringLoop(loop, 3, "note", 0, () => steps.push(loop.loopStep));
 * await loop.runSteps(new Array(10).fill("batch"), 10);
 * if (steps.join() !== "0,3,6,9") throw new Error(steps.join());
 * ```
 */
export function nTimesDuringLoop<Batch>(
  loop: Loop<Batch>,
  n: number,
  name: string,
  priority: number,
  fn: OnStepFn<Batch> | undefined,
  options: CallbackOptions = {},
): void {
  checkOptions("nTimesDuringLoop()", options, CALLBACK_OPTIONS);
  checkPositive("n", name, n);
  let used = 0;
  const isDue = ({ loopStep, startStep, endStep }: Loop): boolean => {
    const done = loopStep - startStep + 1;
    if (endStep < 0) return done >= FIRST_BLIND_STEPS * 2 ** used;
    if (loopStep >= endStep - 1) return true;
    const stepsPerCall = (endStep - startStep) / n;
    return stepsPerCall <= 1 || used <= done / stepsPerCall;
  };
  addCallback(loop, { name: `NTimesDuringLoop(${n}): ${name}`, priority, fn }, options, {
    isDue: (running) => {
      if (!isDue(running)) return false;
      used++;
      return true;
    },
  });
}
