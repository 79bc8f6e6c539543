import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { build } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { durationText } from "../../src/render/mod.ts";
import { attachProgressBar, everyNSteps, Loop, renderProgress, type TrainProgress } from "../../src/train/mod.ts";
import { contextAt, endless, FakeTrainer } from "./fake_trainer.ts";

const HALFWAY: TrainProgress = {
  step: 1500,
  startStep: 1000,
  endStep: 2000,
  epoch: undefined,
  elapsed: 5000,
  rate: 100,
  medianStep: 9.5,
  metrics: [{ label: "~loss", text: "0.250" }, { label: "#acc", text: "0.910" }],
  checkpoint: { step: 1400, age: 65_000 },
  state: "running",
};

/** Narrow no-break spaces are hard to see in a test. */
function plain(text: string): string {
  return text.replaceAll("\u202f", ",");
}

Deno.test("renderProgress() says it all in a log's line", () => {
  assertEquals(
    plain(renderProgress(HALFWAY, { form: "log" })),
    "step 1,500 of 2,000 · 50 % · ETA 5.0 s · 100 steps/s · ~loss 0.250 · #acc 0.910 · " +
      "saved 1 min 05 s ago at step 1,400 · median step 9.5 ms",
  );
  assertEquals(
    plain(renderProgress({ ...HALFWAY, step: 2000, state: "done", checkpoint: undefined }, { form: "log" })),
    "step 2,000 of 2,000 · 100 % · in 5.0 s · 100 steps/s · ~loss 0.250 · #acc 0.910 · median step 9.5 ms",
  );
  assertStringIncludes(renderProgress({ ...HALFWAY, state: "failed" }, { form: "log" }), " · stopped · in 5.0 s");
});

Deno.test("renderProgress() knows neither share nor time left in a first epoch", () => {
  const first = { ...HALFWAY, endStep: undefined, epoch: 0, checkpoint: undefined };
  assertEquals(
    plain(renderProgress(first, { form: "log" })),
    "step 1,500 · epoch 1 · 100 steps/s · ~loss 0.250 · #acc 0.910 · median step 9.5 ms",
  );
  assertEquals(
    plain(renderProgress(first, { form: "terminal", width: 60 })),
    "step 1,500 · epoch 1 · 100 steps/s · ~loss 0.250",
  );
});

Deno.test("renderProgress() draws a bar of this run's share", () => {
  const at = (step: number): string => renderProgress({ ...HALFWAY, step }, { form: "terminal", width: 200 });
  assert(at(1000).startsWith("  0 % ──────────────── · "));
  assert(at(1500).startsWith(" 50 % ━━━━━━━━──────── · "));
  assert(at(1999).startsWith(" 99 % ━━━━━━━━━━━━━━━─ · "));
  assert(at(2000).startsWith("100 % ━━━━━━━━━━━━━━━━ · "));
  assert(at(9999).startsWith("100 % ━━━━━━━━━━━━━━━━ · "));
});

Deno.test("renderProgress() drops what matters least, and never exceeds the width", () => {
  const widths = [200, 100, 80, 60, 40, 20, 5, 1];
  const lines = widths.map((width) => renderProgress(HALFWAY, { form: "terminal", width }));
  lines.forEach((line, index) => assert([...line].length <= (widths[index] ?? 0), line));
  assertStringIncludes(lines[0] ?? "", "#acc 0.910");
  assertStringIncludes(lines[2] ?? "", "~loss 0.250");
  assert(!lines[2]?.includes("#acc"));
  assertEquals(plain(lines[5] ?? ""), "1,500/2,000");
});

Deno.test("renderProgress() lets no name of a metric rewrite the terminal", () => {
  const metrics = [{ label: "\x1b[2Jloss", text: "1\n2" }];
  const line = renderProgress({ ...HALFWAY, metrics }, { form: "terminal", width: 300 });
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  assert(!/[\x00-\x1f]/.test(line), line);
});

Deno.test("durationText() is short", () => {
  const rows: [milliseconds: number, text: string][] = [
    [0, "0 µs"],
    [0.085, "85 µs"],
    [1.234, "1.2 ms"],
    [850, "850 ms"],
    [3100, "3.1 s"],
    [9949, "9.9 s"],
    [9951, "10 s"],
    [59_600, "1 min 00 s"],
    [185_000, "3 min 05 s"],
    [7_800_000, "2 h 10 min"],
    [273_600_000, "3 d 4 h"],
    [Infinity, "?"],
    [NaN, "?"],
  ];
  for (const [milliseconds, text] of rows) assertEquals(durationText(milliseconds), text);
});

Deno.test("attachProgressBar() draws at most once in an interval, and at the end", async () => {
  let now = 0;
  const loop = new Loop(new FakeTrainer(), { clock: () => now });
  const written: string[] = [];
  attachProgressBar(loop, { form: "terminal", write: (text) => void written.push(text), interval: 200, width: 100 });
  loop.onStep("90 ms for each step", -1, () => now += 90);
  await loop.runSteps(endless(), 10);
  const steps = written.map((text) => /(\d+)\/10/.exec(text)?.[1]);
  assertEquals(steps, ["1", "4", "7", "10", "10"]);
  assert(written.every((text) => text.startsWith("\r") && text.includes("\x1b[K")));
  assertEquals(written.map((text) => text.endsWith("\n")), [false, false, false, false, true]);
  assertStringIncludes(written[0] ?? "", "ETA 810 ms · 11.1 steps/s");
  assertStringIncludes(written.at(-1) ?? "", "100 %");
  assertStringIncludes(written.at(-1) ?? "", "in 900 ms");
});

Deno.test("attachProgressBar() writes lines where there is no terminal: one for a short run", async () => {
  let now = 0;
  const loop = new Loop(new FakeTrainer(), { clock: () => now });
  const written: string[] = [];
  attachProgressBar(loop, { form: "log", write: (text) => void written.push(text) });
  loop.onStep("time", -1, () => now += 1000);
  await loop.runSteps(endless(), 9);
  assertEquals(written.length, 1);
  await loop.runSteps(endless(), 25);
  assertEquals(written.map((text) => plain(text).split(" · ")[0]), [
    "step 9 of 9",
    "step 19 of 34",
    "step 29 of 34",
    "step 34 of 34",
  ]);
  assert(written.every((text) => text.endsWith("\n") && !text.includes("\x1b")));
});

Deno.test("the progress bar shows a smoothed loss without a bias to zero, own formats, and the checkpoint's age", async () => {
  let now = 0;
  const context = new Context();
  const checkpoint = await build(context).store(new MemoryStore()).done();
  const loop = new Loop({
    context,
    trainMetrics: [
      { name: "Loss", shortName: "loss", metricType: "loss" },
      { name: "Accuracy", shortName: "acc", metricType: "accuracy", format: (value) => `${value * 100} %` },
    ],
    trainStep: () => [4, 0.5],
  }, { clock: () => now });
  const written: string[] = [];
  attachProgressBar(loop, { form: "log", interval: 0, write: (text) => void written.push(text) });
  loop.onStep("time", -1, () => now += 1000);
  everyNSteps(loop, 2, "checkpointing", 100, checkpoint.onStepFn);
  await loop.runSteps(endless(), 3);
  assert(written.every((text) => text.includes("~loss 4 · acc 50 %")), written.join(""));
  assertStringIncludes(written[2] ?? "", "saved 1.0 s ago at step 2");
  assertStringIncludes(written.at(-1) ?? "", "saved just now at step 3");
});

Deno.test("the progress bar ends its line also where the run fails, and its own failure costs nothing", async () => {
  const loop = new Loop(new FakeTrainer((step) => step === 2 ? NaN : 1, contextAt(10)));
  const written: string[] = [];
  attachProgressBar(loop, { form: "terminal", write: (text) => void written.push(text), width: 100 });
  await assertRejects(() => loop.runSteps(endless(), 5));
  assertStringIncludes(written.at(-1) ?? "", "12/15 · stopped");
  assert(written.at(-1)?.endsWith("\n"));

  const broken = new Loop(new FakeTrainer());
  let calls = 0;
  attachProgressBar(broken, {
    form: "log",
    interval: 0,
    write: () => {
      calls++;
      throw new Error("broken pipe");
    },
  });
  await broken.runSteps(endless(), 5);
  assertEquals(calls, 1);
});

Deno.test("the progress bar follows epochs, and a loop without steps", async () => {
  let now = 0;
  const loop = new Loop(new FakeTrainer(), { clock: () => now++ });
  const written: string[] = [];
  attachProgressBar(loop, { form: "log", interval: 0, write: (text) => void written.push(text) });
  await loop.runEpochs([1, 2], 2);
  assertEquals(written.map((text) => text.replace(/ · (ETA|in|\d+ steps).*\n/, "")), [
    "step 1 · epoch 1",
    "step 2 · epoch 1",
    "step 3 of 4 · 75 % · epoch 2",
    "step 4 of 4 · 100 % · epoch 2",
    "step 4 of 4 · 100 %",
  ]);
  await loop.runEpochs([], 1);
  assertEquals(written.length, 6);
});

Deno.test("the rate is that of the last ten seconds or so, and a slow first step does not linger", async () => {
  let now = 0;
  const loop = new Loop(new FakeTrainer(), { clock: () => now });
  const rates: number[] = [];
  attachProgressBar(loop, {
    form: "log",
    interval: 0,
    write: (text) => void rates.push(Number(/([\d.]+) steps\/s/.exec(text)?.[1])),
  });
  // Ten steps a second after a second of warming up; from step 600 on, half as fast.
  loop.onStep("time", -1, ({ loopStep }) => now += loopStep === 0 ? 1000 : loopStep < 600 ? 100 : 200);
  await loop.runSteps(endless(), 1001);
  assertEquals(rates[0], 1);
  assertAlmostEquals(rates[50] ?? 0, 50 / 6, 1);
  assertAlmostEquals(rates[590] ?? 0, 10, 0.1);
  assertAlmostEquals(rates[1000] ?? 0, 5, 0.1);
  assertAlmostEquals(rates.at(-1) ?? 0, 1001 / 140.9, 0.1, "the whole run's at the end");
});

Deno.test("attachProgressBar() updates one display in a kernel for each run, and waits until it is shown", async () => {
  let now = 0;
  const loop = new Loop(new FakeTrainer(), { clock: () => now });
  const shown: [id: string | undefined, update: boolean | undefined, step: string | undefined][] = [];
  attachProgressBar(loop, {
    form: "kernel",
    interval: 200,
    display: async (bundle, options) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const text = String(Reflect.get(Object(bundle), "text/plain"));
      shown.push([options?.display_id, options?.update, /^step (\d+ of \d+ · \d+ %)/.exec(text)?.[1]]);
    },
  });
  loop.onStep("90 ms for each step", -1, () => now += 90);
  await loop.runSteps(endless(), 6);
  const id = shown[0]?.[0];
  assertEquals(shown, [
    [id, false, "1 of 6 · 16 %"],
    [id, true, "4 of 6 · 66 %"],
    [id, true, "6 of 6 · 100 %"],
  ]);
  await loop.runSteps(endless(), 1);
  assertEquals(shown.slice(3).map(([other, update]) => [other === id, update]), [[false, false], [false, true]]);
});
