import { assertEquals, assertGreater } from "@std/assert";
import { fuzz, type FuzzTotals, makeFuzzer } from "./fuzz_run.ts";

const MUTATIONS = 10_000;
const SEED = 20_240_102;
const BATCH = 250;
/** A batch takes a second or so. */
const WATCHDOG_MILLISECONDS = 60_000;

// A failure names seed and mutation; `CAIRN_FUZZ=seed:mutation` runs only that one, in this thread.

Deno.test("10,000 mutations give a CheckpointError or load; where there are checksums, the right values", async () => {
  const again = /^(\d+):(\d+)$/.exec(Deno.env.get("CAIRN_FUZZ") ?? "");
  const totals = again === null ? await fuzzInWorker() : await fuzz(
    await makeFuzzer(),
    Number(again[1]),
    Number(again[2]),
    Number(again[2]) + 1,
  );
  console.log(
    `fuzz: ${totals.mutations} mutations of seed ${SEED}: ${totals.loaded} load, ${totals.refused} are refused ` +
      `(${Object.entries(totals.byCode).map(([code, count]) => `${code} ${count}`).join(", ")}), ` +
      `the slowest took ${Math.round(totals.slowestMilliseconds)} ms`,
  );
  assertEquals(totals.failures, []);
  // One that refused everything, or nothing, would prove nothing.
  if (again === null) {
    assertGreater(totals.loaded, MUTATIONS / 20);
    assertGreater(totals.refused, MUTATIONS / 4);
  }
});

async function fuzzInWorker(): Promise<FuzzTotals> {
  const worker = new Worker(new URL("./fuzz_worker.ts", import.meta.url), { type: "module" });
  try {
    const all: FuzzTotals[] = [];
    for (let from = 0; from < MUTATIONS; from += BATCH) {
      all.push(await runBatch(worker, from));
      if (all.some((each) => each.failures.length > 0)) break;
    }
    return all.reduce(addTotals);
  } finally {
    worker.terminate();
  }
}

async function runBatch(worker: Worker, from: number): Promise<FuzzTotals> {
  const { promise, resolve, reject } = Promise.withResolvers<FuzzTotals>();
  const to = Math.min(MUTATIONS, from + BATCH);
  const timer = setTimeout(
    () => reject(new Error(`one of the mutations ${from} to ${to} of seed ${SEED} hangs`)),
    WATCHDOG_MILLISECONDS,
  );
  worker.onmessage = (event) => resolve(event.data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`one of the mutations ${from} to ${to} of seed ${SEED} killed the thread: ${event.message}`));
  };
  worker.postMessage({ seed: SEED, from, to });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function addTotals(a: FuzzTotals, b: FuzzTotals): FuzzTotals {
  const byCode = { ...a.byCode };
  for (const [code, count] of Object.entries(b.byCode)) byCode[code] = (byCode[code] ?? 0) + count;
  return {
    mutations: a.mutations + b.mutations,
    loaded: a.loaded + b.loaded,
    refused: a.refused + b.refused,
    byCode,
    slowestMilliseconds: Math.max(a.slowestMilliseconds, b.slowestMilliseconds),
    failures: [...a.failures, ...b.failures],
  };
}
