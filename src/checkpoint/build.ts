import type { Context } from "../context/mod.ts";
import { type Config, configOf } from "./config.ts";

/**
 * Starts the configuration of a {@linkcode Handler} that loads the newest checkpoint if there is one, and saves.
 *
 * Source: GoMLX `checkpoints.Build`.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore } from "@cairn/checkpoints";
 *
 * const ctx = new Context();
 * ctx.setParam("learning_rate", 0.001);
 * await using handler = await build(ctx).store(new MemoryStore()).keep(3).done();
 * await handler.save();
 * ```
 */
export function build(context: Context): Config {
  return configOf(context, false);
}

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
