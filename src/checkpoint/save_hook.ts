import type { Metrics } from "../format/mod.ts";
import type { BackgroundSave } from "./background_save.ts";

/**
 * Marks a function that saves: a training loop calls it at the end of a run too, so that the last steps are not lost,
 * and knows by it when the last checkpoint was made. The value saves with the metrics that the loop gives it. From the
 * global registry, since two copies of the package may be loaded.
 */
const SAVES: unique symbol = Symbol.for("@cairn/checkpoints:saves");
/** Takes the right to save, before a run. */
const LOCK: unique symbol = Symbol.for("@cairn/checkpoints:lock");
/** Marks one whose saves go on after it has returned; the value waits for them. */
const FLUSH: unique symbol = Symbol.for("@cairn/checkpoints:flush");

/** A hook of a training loop that saves; its arguments are ignored. */
export type SaveHook = (...args: unknown[]) => Promise<void>;

/** A hook that saves in the background. */
export type BackgroundSaveHook = (...args: unknown[]) => Promise<BackgroundSave>;

/** Makes a hook that saves, and is known as one. */
export function saveHook(save: (metrics?: Metrics) => Promise<unknown>, lock: () => Promise<void>): SaveHook {
  const hook: SaveHook = async () => {
    await save();
  };
  return Object.assign(hook, { [SAVES]: save, [LOCK]: lock });
}

/** Makes a hook that saves in the background, and is known as one; `flush` waits for its saves. */
export function backgroundSaveHook(
  save: (metrics?: Metrics) => Promise<BackgroundSave>,
  lock: () => Promise<void>,
  flush: () => Promise<void>,
): BackgroundSaveHook {
  return Object.assign(() => save(), { [SAVES]: save, [LOCK]: lock, [FLUSH]: flush });
}

/** Makes sure that a hook may save; undefined for other hooks. */
export function lockOf(hook: unknown): (() => unknown) | undefined {
  return memberOf(hook, LOCK);
}

/** Waits until what a hook has saved in the background is durable; undefined for other hooks. */
export function flushOf(hook: unknown): (() => unknown) | undefined {
  return memberOf(hook, FLUSH);
}

/** Whether a hook's result is a save that goes on in the background. */
export function isBackgroundSave(result: unknown): result is BackgroundSave {
  return typeof result === "object" && result !== null && "blocked" in result && "done" in result &&
    result.done instanceof Promise;
}

/** The save of a hook that was made by {@linkcode saveHook}; undefined for other hooks. */
export function saveOf(hook: unknown): ((metrics: Metrics) => unknown) | undefined {
  return memberOf(hook, SAVES);
}

function memberOf(hook: unknown, symbol: symbol): ((...args: unknown[]) => unknown) | undefined {
  const member: unknown = typeof hook === "function" ? Reflect.get(hook, symbol) : undefined;
  return typeof member === "function" ? (...args) => member(...args) : undefined;
}
