import { tfjsNodeBackend } from "../../src/backend/tfjs_node.ts";
import { CheckpointError } from "../../src/errors.ts";
import { meanOf, toBytes } from "./float32_blocks.ts";

// Run by tfjs_node_test.ts in a process of its own, with the path of the native library or without; prints JSON.

const [addon] = Deno.args;
try {
  const backend = await tfjsNodeBackend(addon === undefined ? {} : { addon });
  const mean = await meanOf(backend, [[1, 2, 4], [3, 2, 5], [5, 8, 3]].map(toBytes));
  console.log(JSON.stringify({ name: backend.name, mean }));
} catch (error) {
  if (!(error instanceof CheckpointError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
