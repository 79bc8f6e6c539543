import { tfjsNodeBackend } from "../../src/backend/tfjs_node.ts";
import { meanOf, toBytes } from "./float32_blocks.ts";

// Run by tfjs_node_test.ts as a worker: takes the path of the native library, gives the backend's name and a mean.

addEventListener("message", async (event: Event) => {
  if (!(event instanceof MessageEvent)) return;
  const backend = await tfjsNodeBackend({ addon: event.data });
  const mean = await meanOf(backend, [[1, 2, 4], [3, 2, 5], [5, 8, 3]].map(toBytes));
  Reflect.get(globalThis, "postMessage")({ name: backend.name, mean });
});
