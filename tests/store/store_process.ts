import { LocalStore } from "../../src/store/mod.ts";
import { printOutcomes } from "./operation_outcome.ts";

// Run by tests in a process of its own: `store_process.ts DIR OPERATION...`. Prints one JSON line per operation, with
// its result or its error; `hold` takes the lock and keeps it until standard input ends.

const [directory = "", ...operations] = Deno.args;
const store = new LocalStore(directory);

await printOutcomes(operations, run);

async function run(operation: string): Promise<unknown> {
  switch (operation) {
    case "ensureRoot":
      return await store.ensureRoot() ?? "done";
    case "list":
      return (await store.list()).map((blob) => blob.name);
    case "read":
      return await readText();
    case "publish":
      return await store.publish("new", (sink) => sink.write(new TextEncoder().encode("new"))) ?? "done";
    case "link":
      return await store.link("a", "backup/a") ?? "done";
    case "remove":
      return await store.remove("old") ?? "done";
    case "lock":
      return (await store.lock()).release() ?? "done";
    case "hold":
      return await hold();
    default:
      throw new Error(`unknown operation ${operation}`);
  }
}

async function readText(): Promise<string> {
  const handle = await store.open("a");
  const bytes = new Uint8Array(handle.size);
  await handle.read(bytes, 0);
  const again = new Uint8Array(handle.size);
  handle.readSync?.(again, 0);
  handle.close();
  return new TextDecoder().decode(bytes) + new TextDecoder().decode(again);
}

async function hold(): Promise<string> {
  const lock = await store.lock();
  console.log(JSON.stringify({ pid: Deno.pid }));
  for await (const _ of Deno.stdin.readable);
  lock.release();
  return "released";
}
