import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { build, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { ConfigError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import {
  everyNSteps,
  exponentialCallback,
  Loop,
  nTimesDuringLoop,
  periodicCallback,
  TrainError,
} from "../../src/train/mod.ts";
import { goDurationText } from "../../src/train/duration_text.ts";
import { GatedStore } from "../checkpoint/gated_store.ts";
import { collectSteps, contextAt, endless, FakeTrainer } from "./fake_trainer.ts";

Deno.test("everyNSteps() counts its own calls: GoMLX's table", async () => {
  const { steps, fn } = collectSteps();
  const loop = new Loop(new FakeTrainer());
  everyNSteps(loop, 3, "note", 0, fn);
  await loop.runSteps(endless(), 10);
  assertEquals(steps, [2, 5, 8]);
  await loop.runSteps(endless(), 10);
  assertEquals(steps, [2, 5, 8, 11, 14, 17]);

  const restored = new Loop(new FakeTrainer(undefined, contextAt(100)));
  const later = collectSteps();
  everyNSteps(restored, 3, "note", 0, later.fn);
  await restored.runSteps(endless(), 10);
  assertEquals(later.steps, [102, 105, 108]);
});

Deno.test("nTimesDuringLoop() calls evenly, first and last: GoMLX's table", async () => {
  const rows: [n: number, steps: number, calls: number[]][] = [
    [4, 100, [0, 24, 49, 74, 99]],
    [1, 10, [0, 9]],
    [3, 10, [0, 3, 6, 9]],
    [10, 95, [0, 9, 18, 28, 37, 47, 56, 66, 75, 85, 94]],
    [10, 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [99, 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ];
  for (const [n, count, calls] of rows) {
    const { steps, fn } = collectSteps();
    const loop = new Loop(new FakeTrainer());
    nTimesDuringLoop(loop, n, "note", 0, fn);
    await loop.runSteps(endless(), count);
    assertEquals(steps, calls, `${n} times in ${count}`);
  }
});

Deno.test("nTimesDuringLoop() has spent its calls in a second run, but for the last step", async () => {
  const { steps, fn } = collectSteps();
  const loop = new Loop(new FakeTrainer());
  nTimesDuringLoop(loop, 4, "note", 0, fn);
  await loop.runSteps(endless(), 100);
  steps.length = 0;
  await loop.runSteps(endless(), 100);
  assertEquals(steps, [199]);
});

Deno.test("nTimesDuringLoop() doubles from 128 while the end is not known", async () => {
  for (const n of [1, 4, 1000]) {
    const { steps, fn } = collectSteps();
    const loop = new Loop(new FakeTrainer());
    nTimesDuringLoop(loop, n, "note", 0, fn);
    await loop.runEpochs(new Array(1100).fill(0), 1);
    assertEquals(steps, [127, 255, 511, 1023]);
  }
});

Deno.test("exponentialCallback() calls further and further apart: GoMLX's table", async () => {
  const rows: [start: number, factor: number, from: number, to: number, calls: number[]][] = [
    [100, 1.2, 0, 1300, [100, 220, 364, 537, 745, 995, 1295]],
    [100, 1.2, 150, 1000, [220, 364, 537, 745, 995]],
    [100, 1.2, 100, 300, [220]],
    [10, 1.0, 0, 45, [10, 20, 30, 40]],
    [1, 1.2, 0, 6, [1, 2, 3, 4, 5]],
  ];
  for (const [start, factor, from, to, calls] of rows) {
    const { steps, fn } = collectSteps();
    const loop = new Loop(new FakeTrainer(undefined, contextAt(from)));
    exponentialCallback(loop, start, factor, "note", 0, fn);
    await loop.runSteps(endless(), to - from);
    assertEquals(steps, calls, `${start}, ${factor} from ${from}`);
  }
});

Deno.test("periodicCallback() starts its clock at the first step, and again when the call has returned", async () => {
  let now = 0;
  const loop = new Loop(new FakeTrainer(), { clock: () => now });
  const called: number[] = [];
  loop.onStep("a second for each step", -1, () => now += 1000);
  periodicCallback(loop, 3000, "note", 0, () => {
    called.push(now / 1000);
    now += 10_000; // its own time does not count
  });
  await loop.runSteps(endless(), 8);
  assertEquals(called, [4, 17]);
});

Deno.test("periodicCallback() restarts the clock after a failure too", async () => {
  let now = 0;
  const loop = new Loop(new FakeTrainer(), { clock: () => now });
  let calls = 0;
  loop.onStep("a second for each step", -1, () => now += 1000);
  periodicCallback(loop, 2000, "note", 0, () => {
    if (++calls === 1) throw new Error("once");
  });
  await assertRejects(
    () => loop.runSteps(endless(), 9),
    TrainError,
    'hook "PeriodicCallback(2s): note" at step 2: once',
  );
  await loop.runSteps(endless(), 1);
  assertEquals(calls, 1);
  await loop.runSteps(endless(), 1);
  assertEquals(calls, 2);
});

Deno.test("callbacks are named as in GoMLX", async () => {
  const fail = (): never => {
    throw new Error("x");
  };
  const nameOf = async (register: (loop: Loop) => void): Promise<string | undefined> => {
    let now = 0;
    const loop = new Loop(new FakeTrainer(), { clock: () => now += 1e9 });
    register(loop);
    return (await assertRejects(() => loop.runSteps(endless(), 200), TrainError)).hook;
  };
  assertEquals(await nameOf((loop) => everyNSteps(loop, 3, "a", 0, fail)), "EveryNSteps(3): a");
  assertEquals(await nameOf((loop) => nTimesDuringLoop(loop, 3, "a", 0, fail)), "NTimesDuringLoop(3): a");
  assertEquals(
    await nameOf((loop) => exponentialCallback(loop, 100, 1.2, "a", 0, fail)),
    "ExponentialCallback(100, 1.200000): a",
  );
  assertEquals(await nameOf((loop) => periodicCallback(loop, 90_000, "a", 0, fail)), "PeriodicCallback(1m30s): a");
});

Deno.test("goDurationText() writes as Go does", () => {
  const rows: [milliseconds: number, text: string][] = [
    [0, "0s"],
    [0.000001, "1ns"],
    [0.1, "100µs"],
    [1.5, "1.5ms"],
    [3000, "3s"],
    [1500, "1.5s"],
    [60_000, "1m0s"],
    [90_500, "1m30.5s"],
    [3_600_000, "1h0m0s"],
    [86_400_000, "24h0m0s"],
  ];
  for (const [milliseconds, text] of rows) assertEquals(goDurationText(milliseconds), text);
});

Deno.test("{ atEnd } also calls at the end, unless the last step did", async () => {
  const callbacks: [name: string, register: (loop: Loop, fn: (loop: Loop) => void, atEnd: boolean) => void][] = [
    ["every", (loop, fn, atEnd) => everyNSteps(loop, 3, "a", 0, fn, { atEnd })],
    ["exponential", (loop, fn, atEnd) => exponentialCallback(loop, 2, 1, "a", 0, fn, { atEnd })],
    ["n times", (loop, fn, atEnd) => nTimesDuringLoop(loop, 2, "a", 0, fn, { atEnd })],
  ];
  const wanted: Record<string, [steps: number, without: number[], withAtEnd: number[]][]> = {
    every: [[4, [2], [2, 4]], [6, [2, 5], [2, 5]], [1, [], [1]]],
    exponential: [[4, [2], [2, 4]], [5, [2, 4], [2, 4]]],
    "n times": [[4, [0, 1, 3], [0, 1, 3]]],
  };
  for (const [name, register] of callbacks) {
    for (const [count, without, withAtEnd] of wanted[name] ?? []) {
      for (const atEnd of [false, true]) {
        const { steps, fn } = collectSteps();
        const loop = new Loop(new FakeTrainer());
        register(loop, fn, atEnd);
        await loop.runSteps(endless(), count);
        assertEquals(steps, atEnd ? withAtEnd : without, `${name} in ${count} steps, atEnd ${atEnd}`);
      }
    }
  }
});

Deno.test("{ atEnd } calls at the end of each run, also one that is aborted, but not after a failure", async () => {
  const { steps, fn } = collectSteps();
  const loop = new Loop(new FakeTrainer((step) => step === 9 ? NaN : 1));
  periodicCallback(loop, 1e9, "note", 0, fn, { atEnd: true });
  await loop.runEpochs([], 3);
  assertEquals(steps, [], "nothing was trained");
  await loop.runSteps(endless(), 2);
  await loop.runSteps(endless(), 2);
  const stop = new AbortController();
  loop.onStep("stop", 0, () => loop.loopStep === 5 && stop.abort());
  await assertRejects(() => loop.runSteps(endless(), 9, { signal: stop.signal }));
  await assertRejects(() => loop.runSteps(endless(), 9), TrainError, "NaN");
  assertEquals(steps, [2, 4, 6]);
});

Deno.test("a Handler's onStepFn is called at the end by default, and is known to have saved", async () => {
  let now = 0;
  const context = contextAt(0);
  const store = new MemoryStore();
  const checkpoint = await build(context).store(store).keep(-1).done();
  const loop = new Loop(new FakeTrainer(undefined, context), { clock: () => now++ });
  everyNSteps(loop, 100, "checkpointing", 100, checkpoint.onStepFn);
  assertEquals(loop.lastCheckpoint, undefined);
  await loop.runSteps(endless(), 250);
  const steps = (bases: readonly string[]): number[] => bases.map((base) => Number(base.split("-step-")[1]));
  assertEquals(steps(await checkpoint.listCheckpoints()), [100, 200, 250]);
  assertEquals(loop.lastCheckpoint?.step, 250);
  await loop.runSteps(endless(), 50);
  assertEquals(steps(await checkpoint.listCheckpoints()), [100, 200, 250, 300], "step 300 is saved once");

  const quiet = new Loop(new FakeTrainer(undefined, context));
  everyNSteps(quiet, 100, "checkpointing", 100, checkpoint.onStepFn, { atEnd: false });
  await quiet.runSteps(endless(), 50);
  assertEquals((await checkpoint.listCheckpoints()).length, 4);
});

Deno.test("a Handler's onStepFn keeps the step's metrics with the checkpoint, where it has extras", async () => {
  const trainMetrics = [
    { name: "Loss", shortName: "loss", metricType: "loss" },
    { name: "Accuracy", shortName: "acc", metricType: "accuracy" },
  ];
  for (
    const [extras, hook, wanted] of [
      [true, "onStepFn", [{ loss: 4, acc: 0.25 }, { loss: 8, acc: 0.125 }]],
      [true, "onStepFnInBackground", [{ loss: 4, acc: 0.25 }, { loss: 8, acc: 0.125 }]],
      [false, "onStepFn", [{}, {}]],
    ] as const
  ) {
    const context = contextAt(0);
    const store = new MemoryStore();
    await using handler = await build(context).store(store).keep(-1).extras(extras).done();
    const loop = new Loop({ context, trainMetrics, trainStep: (batch: number) => [batch, 1 / batch] });
    everyNSteps(loop, 2, "checkpointing", 100, handler[hook]);
    await loop.runSteps([1, 4, 2, 8], 4);
    const found = [];
    for (const at of [2, 4]) {
      await using checkpoint = await openCheckpoint(store, { at });
      found.push({ ...checkpoint.metrics });
    }
    assertEquals(found, [...wanted]);
  }
});

Deno.test("a Handler that may not save is known before the first step", async () => {
  const store = new MemoryStore();
  const context = contextAt(0);
  await using older = await build(context).store(store).done();
  await using newer = await build(context).store(store).done();
  await newer.lock();
  assertEquals(await newer.listCheckpoints(), []);
  for (const hook of ["onStepFn", "onStepFnInBackground"] as const) {
    const trainer = new FakeTrainer(undefined, context);
    const loop = new Loop(trainer);
    everyNSteps(loop, 2, "checkpointing", 100, older[hook]);
    const error = await assertRejects(() => loop.runSteps(endless(), 10), TrainError, "superseded");
    assertEquals([error.step, error.hook, context.getGlobalStep()], [0, "EveryNSteps(2): checkpointing", 0]);
  }
});

Deno.test("one onStepFn in two callbacks saves once at the end, two Handlers save both", async () => {
  const context = contextAt(0);
  const first = await build(context).store(new MemoryStore()).keep(-1).done();
  const second = await build(context).store(new MemoryStore()).keep(-1).done();
  const loop = new Loop(new FakeTrainer(undefined, context));
  everyNSteps(loop, 4, "checkpointing", 100, first.onStepFn);
  periodicCallback(loop, 1e9, "checkpointing", 100, first.onStepFn);
  everyNSteps(loop, 7, "other", 100, second.onStepFn);
  await loop.runSteps(endless(), 6);
  await loop.runSteps(endless(), 2);
  const steps = async (handler: typeof first): Promise<string[]> =>
    (await handler.listCheckpoints()).map((base) => base.slice(-1));
  assertEquals([await steps(first), await steps(second)], [["4", "6", "8"], ["6", "7", "8"]]);
});

Deno.test("a NaN loss stops before a checkpoint of it is saved", async () => {
  const context = contextAt(0);
  const checkpoint = await build(context).store(new MemoryStore()).keep(-1).done();
  const loop = new Loop(new FakeTrainer((step) => step === 5 ? NaN : 1, context));
  everyNSteps(loop, 3, "checkpointing", 100, checkpoint.onStepFn);
  await assertRejects(() => loop.runSteps(endless(), 9), TrainError, "at step 5");
  assertEquals((await checkpoint.listCheckpoints()).map((base) => base.slice(-8)), ["00000003"]);
});

Deno.test("callbacks without a function register nothing; senseless numbers are refused", async () => {
  const loop = new Loop(new FakeTrainer());
  const none = new Map<string, { onStepFn: () => void }>().get("none");
  const { warn } = console;
  const warnings: unknown[] = [];
  console.warn = (text: unknown) => warnings.push(text);
  try {
    everyNSteps(loop, 1, "checkpointing", 100, none?.onStepFn);
  } finally {
    console.warn = warn;
  }
  assertEquals(warnings, ['cairn: callback "EveryNSteps(1): checkpointing" has no function, and does nothing']);
  nTimesDuringLoop(loop, 1, "a", 0, undefined, { atEnd: true });
  exponentialCallback(loop, 1, 1, "a", 0, undefined);
  periodicCallback(loop, 0, "a", 0, undefined);
  await loop.runSteps(endless(), 3);
  // @ts-expect-error: a Handler itself
  assertThrows(() => everyNSteps(loop, 1, "a", 0, new Map()), ConfigError, 'EveryNSteps(1): a": wanted a function');
  for (const n of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => everyNSteps(loop, n, "a", 0, () => {}), ConfigError, `"a" with n ${n}`);
    assertThrows(() => nTimesDuringLoop(loop, n, "a", 0, () => {}), ConfigError, `n ${n}`);
    assertThrows(() => exponentialCallback(loop, n, 2, "a", 0, () => {}), ConfigError, `start ${n}`);
  }
  for (const factor of [0, 0.99, NaN, Infinity]) {
    assertThrows(() => exponentialCallback(loop, 1, factor, "a", 0, () => {}), ConfigError, `factor ${factor}`);
  }
  for (const period of [-1, NaN, Infinity]) {
    assertThrows(() => periodicCallback(loop, period, "a", 0, () => {}), ConfigError, `period ${period}`);
  }
});

Deno.test("a Handler's onStepFnInBackground saves while training goes on; the run ends when all is durable", async () => {
  const context = contextAt(0);
  const store = new GatedStore();
  const checkpoint = await build(context).store(store).keep(-1).done();
  const loop = new Loop(new FakeTrainer(undefined, context));
  everyNSteps(loop, 2, "checkpointing", 100, checkpoint.onStepFnInBackground);
  const seen: unknown[] = [];
  store.hold();
  loop.onStep("look", 200, async () => {
    if (loop.loopStep === 7) {
      store.letGo();
      await checkpoint.flush();
    }
    seen.push(loop.lastCheckpoint?.step);
  });
  await loop.runSteps(endless(), 9);
  // While that of 2 is held, 8 takes the place of 6, which took that of 4.
  assertEquals((await checkpoint.listCheckpoints()).map((base) => Number(base.slice(-8))), [2, 8, 9]);
  assertEquals(seen.slice(0, 7), new Array(7).fill(undefined));
  assertEquals(seen[7], 8);
  const last = loop.lastCheckpoint;
  assert(last?.step === 9 && (last.blocked ?? -1) >= 0 && (last.durable ?? -1) >= (last.blocked ?? 0));
});

Deno.test("a save in the background that fails ends the run at the next save, or at its end", async () => {
  const context = contextAt(0);
  const store = new GatedStore();
  const checkpoint = await build(context).store(store).keep(-1).onWarning(() => {}).done();
  const loop = new Loop(new FakeTrainer(undefined, context));
  everyNSteps(loop, 2, "checkpointing", 100, checkpoint.onStepFnInBackground);
  loop.onStep("turn", 200, () => new Promise((resolve) => setTimeout(resolve, 0)));
  store.failures.push(new Error("disk full"));
  await assertRejects(() => loop.runSteps(endless(), 9), TrainError, 'hook "EveryNSteps(2): checkpointing" at step 3');
  assertEquals(loop.lastCheckpoint, undefined);
  store.failures.push(new Error("disk full"));
  await assertRejects(() => loop.runSteps(endless(), 2), TrainError, "the earlier one of step 6 failed: disk full");
  await loop.runSteps(endless(), 2);
  assertEquals(loop.lastCheckpoint?.step, 8);
});
