import util from "node:util";
import { ConfigError } from "../errors.ts";
import type { TfjsLike } from "./tfjs_backend.ts";
import { TFJS_NODE } from "./tfjs_node_advice.ts";

/** The package that tfjs-node asks where its native library is; the version that it wants. */
const PRE_BINDING = "npm:@mapbox/node-pre-gyp@1.0.9/lib/pre-binding.js";
const METHODS = ["ready", "getBackend", "tidy", "tensor1d", "addN"] as const;

/**
 * Imports tfjs-node with the native library at `addon`, an absolute path. Neither package is a literal of an import:
 * they are only downloaded once there is a native library, and whoever checks types does not need them.
 */
export async function importTfjsNode(addon: string): Promise<TfjsLike> {
  restoreIsNullOrUndefined();
  silence();
  const preBinding: { default?: unknown } = await import(PRE_BINDING);
  if (typeof preBinding.default !== "object") throw new ConfigError(`Cannot prepare tfjs-node: no "${PRE_BINDING}"`);
  Object.assign(preBinding.default ?? {}, { find: () => addon });
  const tf: unknown = await import(TFJS_NODE);
  if (isTfjs(tf)) return tf;
  throw new ConfigError(`Cannot use ${TFJS_NODE}: it lacks one of ${METHODS.join(", ")}`);
}

/** tfjs-node 4.22.0 calls it; today's Node and Deno no longer have it. */
function restoreIsNullOrUndefined(): void {
  if ("isNullOrUndefined" in util) return;
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
}

/** TensorFlow says on stderr which instructions it was built for, unless it is told not to. */
function silence(): void {
  const variable = "TF_CPP_MIN_LOG_LEVEL";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  if (state === "granted" && !Deno.env.has(variable)) Deno.env.set(variable, "1");
}

function isTfjs(x: unknown): x is TfjsLike {
  return typeof x === "object" && x !== null && METHODS.every((name) => name in x);
}
