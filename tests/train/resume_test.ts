import { assertEquals, assertRejects } from "@std/assert";
import { build, type Checkpoint, ConfigError, Context, load, MemoryStore } from "../../mod.ts";
import { parseContextSettings } from "../../src/context/mod.ts";
import { BatchDataset, type Batches, type Dataset, everyNSteps, Loop } from "../../src/train/mod.ts";

const ROWS = ["a", "b", "c"];

/** Batches of "a", "b", "c", in all the forms that a Loop takes; each call makes new ones. */
const FORMS: Record<string, (context: Context) => Batches<string>> = {
  array: () => ROWS,
  "generator function": () =>
    function* () {
      yield* ROWS;
    },
  dataset: () => plainDataset(),
  BatchDataset: (context) => new BatchDataset(context, 3, (rows) => ROWS[rows[0] ?? 0] ?? "?", { batchSize: 1 }),
};

function plainDataset(): Dataset<string> {
  let next = 0;
  return { yield: () => ROWS[next++], reset: () => void (next = 0) };
}

interface Ran {
  readonly seen: string;
  readonly epochs: string;
  readonly endSteps: number[];
}

/** Runs on in a new Context with what the store has, until `stopAfter` steps; saves after each. */
async function run(
  store: MemoryStore,
  batches: (context: Context) => Batches<string>,
  train: (loop: Loop<string>, batches: Batches<string>, signal: AbortSignal) => Promise<unknown>,
  stopAfter = Infinity,
): Promise<Ran> {
  const context = new Context();
  await using checkpoint = await build(context).store(store).keep(-1).done();
  let [seen, epochs] = ["", ""];
  const endSteps: number[] = [];
  const loop = new Loop({ context, trainStep: (batch: string) => (seen += batch).length });
  const stop = new AbortController();
  loop.onStep("note", 0, () => {
    epochs += loop.epoch;
    endSteps.push(loop.endStep);
    if (seen.length === stopAfter) stop.abort(new Error("stopped"));
  });
  everyNSteps(loop, 1, "checkpointing", 100, checkpoint.onStepFn);
  await train(loop, batches(context), stop.signal).catch((error) => {
    if (error !== stop.signal.reason) throw error;
  });
  return { seen, epochs, endSteps };
}

for (const [form, batches] of Object.entries(FORMS)) {
  Deno.test(`runEpochs() goes on in its epoch at the right batch: ${form}`, async () => {
    for (let stop = 1; stop <= 9; stop++) {
      const store = new MemoryStore();
      const train = (loop: Loop<string>, data: Batches<string>, signal: AbortSignal) =>
        loop.runEpochs(data, 3, { signal });
      const first = await run(store, batches, train, stop);
      const second = await run(store, batches, train);
      // Stopped after its last step, a run is finished: the same call is a new one.
      const whole = stop === 9 ? "abcabcabcabcabcabc" : "abcabcabc";
      assertEquals(first.seen + second.seen, whole, `stopped after ${stop}`);
      if (stop < 9) assertEquals(first.epochs + second.epochs, "000111222");
      const known = stop % 3 === 0 || stop > 3 ? 9 : -1;
      if (stop < 9) assertEquals(second.endSteps[0], stop < 3 ? -1 : known, `end of ${stop}`);
    }
  });

  Deno.test(`runToEpoch() is the same call for starting, resuming and being done: ${form}`, async () => {
    const store = new MemoryStore();
    let seen = "";
    let epochs = "";
    const train = (loop: Loop<string>, data: Batches<string>, signal: AbortSignal) =>
      loop.runToEpoch(data, 4, { signal });
    for (const stop of [2, 1, 4, 3, 1, 1, 1, 1]) {
      const ran = await run(store, batches, train, stop);
      seen += ran.seen;
      epochs += ran.epochs;
    }
    assertEquals([seen, epochs], ["abcabcabcabc", "000111222333"]);
  });
}

Deno.test("runEpochs() that was aborted goes on in the same process too, with every kind of batches", async () => {
  for (const [form, batches] of Object.entries(FORMS)) {
    const context = new Context();
    const data = batches(context);
    let seen = "";
    let stop = new AbortController();
    const loop = new Loop({ context, trainStep: (batch: string) => (seen += batch).length });
    loop.onStep("stop", 0, () => loop.loopStep % 2 === 1 && stop.abort());
    for (let run = 0; run < 4; run++, stop = new AbortController()) {
      await assertRejects(() => loop.runEpochs(data, 3, { signal: stop.signal }), DOMException);
    }
    await loop.runEpochs(data, 3);
    assertEquals(seen, "abcabcabc", form);
  }
});

Deno.test("runEpochs() goes on after restore(), which may lie behind", async () => {
  for (const [form, batches] of Object.entries(FORMS)) {
    const context = new Context();
    await using checkpoint = await build(context).store(new MemoryStore()).keep(-1).done();
    const data = batches(context);
    let seen = "";
    const stop = new AbortController();
    const saved: Checkpoint[] = [];
    const loop = new Loop({ context, trainStep: (batch: string) => (seen += batch).length });
    loop.onStep("save", 0, async () => {
      saved.push(await checkpoint.save());
      if (loop.loopStep === 4) stop.abort();
    });
    await assertRejects(() => loop.runEpochs(data, 3, { signal: stop.signal }), DOMException);
    assertEquals(seen, "abcab");
    await checkpoint.restore(saved[3]?.baseName ?? "");
    await loop.runEpochs(data, 3);
    assertEquals(seen, "abcab" + "bcabc", form);
  }
});

Deno.test("runEpochs() with another number of epochs extends the run, or is a new one", async () => {
  const train = (epochs: number) => (loop: Loop<string>, data: Batches<string>, signal: AbortSignal) =>
    loop.runEpochs(data, epochs, { signal });
  const longer = new MemoryStore();
  await run(longer, () => ROWS, train(2), 4);
  assertEquals((await run(longer, () => ROWS, train(3))).seen, "bcabc", "3 epochs in all");
  const shorter = new MemoryStore();
  await run(shorter, () => ROWS, train(3), 4);
  assertEquals((await run(shorter, () => ROWS, train(1))).seen, "abc", "one epoch more");
});

Deno.test("a run that is refused leaves the epochs of the one under way as they are", async () => {
  const context = new Context();
  let seen = "";
  const loop = new Loop({ context, trainStep: (batch: string) => (seen += batch).length });
  const first = loop.runEpochs(ROWS, 2);
  await assertRejects(() => loop.runEpochs(ROWS, 5), ConfigError, "running already");
  await assertRejects(() => loop.runToEpoch(ROWS, 5), ConfigError, "running already");
  await first;
  assertEquals(seen, "abcabc");
});

Deno.test("params set by flags win over the checkpoint's, and are what the next checkpoint has", async () => {
  const store = new MemoryStore();
  const make = async (flags: string) => {
    const ctx = new Context();
    ctx.setParams({ learning_rate: 0.1, units: 8 });
    const handler = await build(ctx).store(store).keep(-1).excludeParams(...parseContextSettings(ctx, flags)).done();
    await handler.save();
    return [ctx.getParam("learning_rate"), ctx.getParam("units")];
  };
  assertEquals(await make("units=16"), [0.1, 16]);
  assertEquals(await make("learning_rate=0.5"), [0.5, 16], "units as it was saved");
  assertEquals(await make(""), [0.5, 16]);
  const ctx = new Context();
  await using _ = await load(ctx).store(store).done();
  assertEquals(ctx.getParam("learning_rate"), 0.5);
});
