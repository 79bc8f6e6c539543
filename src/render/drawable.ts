import { type InspectOptions, viewBundle, viewInspected } from "./jupyter_bundle.ts";
import type { View } from "./view.ts";

/**
 * Gives plain data, a fresh object or list, a face: what a notebook and `console.log` show of it. The members that do
 * this are not enumerable, so the data compare, copy and serialise as before.
 */
export function drawable<T extends object>(data: T, draw: (data: T) => View): T {
  const face = {
    [Symbol.for("Jupyter.display")]: () => viewBundle(() => draw(data)),
    [Symbol.for("Deno.customInspect")]: (_: unknown, options?: InspectOptions) =>
      viewInspected(() => draw(data), options),
    [Symbol.for("cairn.view")]: () => draw(data),
  };
  for (const key of Object.getOwnPropertySymbols(face)) {
    Object.defineProperty(data, key, { value: face[key], enumerable: false });
  }
  return data;
}
