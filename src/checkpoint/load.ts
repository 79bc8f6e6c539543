import type { Context } from "../context/mod.ts";
import { type Config, configOf } from "./config.ts";

/**
 * As {@linkcode build}, but there must be a checkpoint: nothing is created, and `done()` throws a NotFoundError if there
 * is none.
 *
 * Source: GoMLX `checkpoints.Load`.
 *
 * @example
 * ```ts
 * import { build, Context, load, MemoryStore } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore();
 * const trained = new Context();
 * trained.in("layer").variableWithValue("weights", [1, 2, 3]);
 * await (await build(trained).store(store).done()).save();
 *
 * const ctx = new Context();
 * await using handler = await load(ctx).store(store).immediate().done();
 * console.log(handler.loadedBase, ctx.numVariables());
 * ```
 */
export function load(context: Context): Config {
  return configOf(context, true);
}
