/** Tests on the real tfjs-node. `deno task setup` builds its native library; see tools/tfjs_node.ts. */

import type { Backend } from "../../src/backend/mod.ts";
import { tfjsNodeBackend } from "../../src/backend/tfjs_node.ts";
import { TFJS_NODE_ADDON } from "../../tools/tfjs_node.ts";
import { type NeededTool, toolTest } from "../needs_tool.ts";

/** Registers a test that needs tfjs-node's native library; see {@linkcode toolTest} for where there is none. */
export function tfjsNodeTest(name: string, fn: (backend: Backend, t: Deno.TestContext) => void | Promise<void>): void {
  toolTest(name, TFJS_NODE, async (t) => fn(await tfjsNodeBackend({ addon: TFJS_NODE_ADDON }), t));
}

const TFJS_NODE: NeededTool = { name: "tfjs-node (built by deno task setup)", isThere: isBuilt };

function isBuilt(): boolean {
  try {
    return Deno.statSync(TFJS_NODE_ADDON).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
