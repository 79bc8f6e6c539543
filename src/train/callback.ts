import { flushOf, lockOf, saveOf } from "../checkpoint/save_hook.ts";
import { ConfigError, warnOnConsole } from "../errors.ts";
import { type OptionNames, textOf } from "../options.ts";
import { callHook } from "./call_hook.ts";
import type { Loop } from "./loop.ts";
import type { OnStepFn } from "./loop_types.ts";

/** Options of the callbacks. */
export interface CallbackOptions {
  /**
   * Whether the function is also called at the end of a run, unless it was called at its last step. Default: true for a
   * Handler's `onStepFn`, else false.
   */
  readonly atEnd?: boolean | undefined;
}

export const CALLBACK_OPTIONS: OptionNames<CallbackOptions> = { atEnd: "boolean" };

/** When a callback's turn is. */
export interface CallbackRule {
  /** Is asked at every step. */
  isDue(loop: Loop): boolean;
  /** Is told after each call in a step, also one that failed. */
  onCalled?(loop: Loop): void;
}

/** By loop and function, the step after which it was called last: two callbacks of one function save once at the end. */
const lastCalls = new WeakMap<object, Map<unknown, number>>();

/** Registers `fn` for the steps at which the rule says so; nothing, with a warning, if there is no `fn`. */
export function addCallback<Batch>(
  loop: Loop<Batch>,
  hook: { readonly name: string; readonly priority: number; readonly fn: OnStepFn<Batch> | undefined },
  options: CallbackOptions,
  rule: CallbackRule,
): void {
  const { name, priority, fn } = hook;
  if (fn === undefined) return warnOnConsole(`callback "${name}" has no function, and does nothing`);
  if (typeof fn !== "function") {
    throw new ConfigError(`Cannot register callback "${name}": wanted a function, such as a Handler's onStepFn`);
  }
  const calls = lastCalls.get(loop) ?? new Map<unknown, number>();
  lastCalls.set(loop, calls);
  // Who may not save learns it before the first step.
  loop.onStart(name, priority, lockOf(fn));
  loop.onStep(name, priority, async (_, metrics) => {
    if (!rule.isDue(loop)) return;
    calls.set(fn, loop.loopStep);
    try {
      await callHook(loop, fn, metrics);
    } finally {
      rule.onCalled?.(loop);
    }
  });
  if (options.atEnd ?? saveOf(fn) !== undefined) {
    loop.onEnd(name, priority, async (_, metrics) => {
      const lastStep = loop.loopStep - 1;
      if (lastStep < loop.startStep || calls.get(fn) === lastStep) return;
      calls.set(fn, lastStep);
      await callHook(loop, fn, metrics);
    });
  }
  // A run is over when all that it saved in the background is durable.
  loop.onEnd(name, priority, flushOf(fn));
}

/** Refuses a count that is not a whole number from 1. */
export function checkPositive(what: string, name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new ConfigError(
    `Cannot register callback "${name}" with ${what} ${textOf(value)}: wanted a whole number from 1`,
  );
}
