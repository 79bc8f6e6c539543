/** Run by fuzz_test.ts: does batches of mutations, since only another thread sees that one hangs. */

import { fuzz, makeFuzzer } from "./fuzz_run.ts";

const fuzzer = makeFuzzer();

addEventListener("message", async (event: Event) => {
  if (!(event instanceof MessageEvent)) return;
  const { seed, from, to } = event.data;
  Reflect.get(globalThis, "postMessage")(await fuzz(await fuzzer, seed, from, to));
});
