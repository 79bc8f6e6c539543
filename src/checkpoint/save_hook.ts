/**
 * Marks a function that saves: a training loop calls it at the end of a run too, so that the last steps are not lost,
 * and knows by it when the last checkpoint was made. From the global registry, since two copies of the package may be
 * loaded.
 */
const SAVES: unique symbol = Symbol.for("@cairn/checkpoints:saves");

/** A hook of a training loop that saves; its arguments are ignored. */
export type SaveHook = (...args: unknown[]) => Promise<void>;

/** Makes a hook that saves, and is known as one. */
export function saveHook(save: () => Promise<unknown>): SaveHook {
  const hook: SaveHook = async () => {
    await save();
  };
  return Object.assign(hook, { [SAVES]: true });
}

/** Whether a hook was made by {@linkcode saveHook}. */
export function isSaveHook(hook: unknown): boolean {
  return typeof hook === "function" && SAVES in hook && hook[SAVES] === true;
}
