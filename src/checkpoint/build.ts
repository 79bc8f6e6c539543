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
