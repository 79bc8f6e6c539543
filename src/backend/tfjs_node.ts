/**
 * Means on tfjs-node: TensorFlow's native library, called from Deno.
 *
 * Loading it needs, with A as the absolute path of the native library and nothing else,
 * `--allow-ffi=A --allow-read=A` and `--allow-env` of the names that the packages ask for; an error lists them.
 *
 * @example
 * ```ts ignore
 * import { build, Context } from "@cairn/checkpoints";
 * import { tfjsNodeBackend } from "@cairn/checkpoints/tfjs-node";
 *
 * const ctx = new Context();
 * await using handler = await build(ctx).dir("run").takeMean(5, await tfjsNodeBackend()).done();
 * ```
 *
 * @module
 */

import { CheckpointError, ConfigError, messageOf, PermissionError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import type { Backend } from "./backend.ts";
import { findTfjsAddon } from "./find_tfjs_addon.ts";
import { importTfjsNode } from "./import_tfjs_node.ts";
import { tfjsBackend } from "./tfjs_backend.ts";
import { HOW_TO_INSTALL, smallestFlags } from "./tfjs_node_advice.ts";

export type { DType } from "../tensor/mod.ts";
export type { Backend, OwnMean } from "./backend.ts";

/** Options of {@linkcode tfjsNodeBackend}. */
export interface TfjsNodeOptions {
  /** Path of the native library, `tfjs_binding.node`; without it, it is looked for. */
  readonly addon?: string;
}

const TFJS_NODE_OPTIONS: OptionNames<TfjsNodeOptions> = { addon: true };

/**
 * A {@linkcode Backend} on `npm:@tensorflow/tfjs-node@4.22.0`, which is downloaded on the first call, and its native
 * library, which has to be there: the first that exists of `options.addon`, the environment variable `CAIRN_TFJS_NODE`,
 * `node_modules` of the working directory, and `.cairn/tfjs_node` of the working directory or of Cairn's checkout.
 * Float32 only, see `tfjsBackend`. A process uses the library that was loaded first.
 *
 * @throws {NotFoundError} There is no native library; the message holds the commands that install it.
 * @throws {PermissionError} A permission is missing; the message holds the smallest flags.
 * @throws {ConfigError} The library could not be loaded, or computes something else than a mean.
 */
export async function tfjsNodeBackend(options: TfjsNodeOptions = {}): Promise<Backend> {
  checkOptions("tfjsNodeBackend()", options, TFJS_NODE_OPTIONS);
  const addon = await findTfjsAddon(options.addon);
  try {
    const backend = tfjsBackend(await importTfjsNode(addon));
    await expectAnswer(backend, addon);
    return backend;
  } catch (cause) {
    throw cause instanceof CheckpointError ? cause : explain(cause, addon);
  }
}

/** Whether TensorFlow really computes. */
async function expectAnswer(backend: Backend, addon: string): Promise<void> {
  const into = new Float32Array(2);
  const blocks = [[1, 2], [3, 6]].map((values) => new Uint8Array(new Float32Array(values).buffer));
  await backend.mean("Float32", blocks, new Uint8Array(into.buffer));
  if (backend.name === "tfjs-node" && into[0] === 2 && into[1] === 4) return;
  throw new ConfigError(
    `Cannot use tfjs-node with "${addon}": backend "${backend.name}" says that the mean of (1, 2) and (3, 6) is ` +
      `(${into.join(", ")}); wanted backend "tfjs-node" and (2, 4)`,
    { path: addon },
  );
}

function explain(cause: unknown, addon: string): CheckpointError {
  const why = messageOf(cause);
  if (cause instanceof Deno.errors.NotCapable) {
    return new PermissionError(`Cannot load tfjs-node: ${why}; run again with ${smallestFlags(addon)}`, {
      path: addon,
      cause,
    });
  }
  return new ConfigError(`Cannot load tfjs-node with the native library "${addon}": ${why}; ${HOW_TO_INSTALL}`, {
    path: addon,
    cause,
  });
}
