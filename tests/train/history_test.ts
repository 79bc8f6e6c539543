import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { ConfigError, PermissionError, StoreError } from "../../src/errors.ts";
import { everyNSteps, History, Loop, type PlotPoint, TRAINING_PLOT_FILE_NAME } from "../../src/train/mod.ts";
import { plotPointLine } from "../../src/train/plot_point.ts";
import { contextAt, endless, FakeTrainer } from "./fake_trainer.ts";

const LOSS: PlotPoint = { metricName: "Train: Loss", short: "T/loss", metricType: "loss", step: 1, value: 0.5 };

/** A directory for one test, and the path of the file in it. */
async function withDirectory(work: (dir: string, file: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "cairn-history-" });
  try {
    await work(dir, join(dir, TRAINING_PLOT_FILE_NAME));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function collect(): { readonly warnings: string[]; readonly onWarning: (text: string) => void } {
  const warnings: string[] = [];
  return { warnings, onWarning: (text) => void warnings.push(text) };
}

Deno.test("History reads a real run of GoMLX and appends to it as GoMLX would", async () => {
  await withDirectory(async (dir, file) => {
    const golden = new URL("../golden/v0.27/train/training_plot_points.json", import.meta.url);
    await Deno.copyFile(golden, file);
    const history = await History.open(dir);
    assertEquals(history.points.length, 35);
    assertEquals(history.metricNames, [
      "Mean Loss on train-eval",
      "Mean Loss+Regularization on train-eval",
      "Train: Batch Loss+Regularization",
      "Train: Moving Average Loss",
      "Train: Moving Average Loss+Regularization",
      "Mean Absolute Error on train-eval",
      "Train: Mean Absolute Error",
    ]);
    assertEquals(history.series("Train: Moving Average Loss").map((point) => point.step), [10, 20, 30, 40, 50]);

    const description = { name: "Mean Loss", shortName: "#loss", metricType: "loss" };
    await history.addEval({ name: "train-eval" }, [description], [0.25], 60);
    await history.addEval({ name: "é!", shortName: "e" }, [description], [1], 60);
    assertEquals(
      await Deno.readTextFile(file),
      await Deno.readTextFile(golden) +
        '{"MetricName":"Mean Loss on train-eval","Short":"#loss(tra)","MetricType":"loss","Step":60,"Value":0.25}\n' +
        '{"MetricName":"Mean Loss on é!","Short":"#loss(e)","MetricType":"loss","Step":60,"Value":1}\n',
    );
  });
});

Deno.test("History.onStepFn keeps train metrics under the global step, in GoMLX's format", async () => {
  await withDirectory(async (dir, file) => {
    const context = contextAt(4);
    const history = await History.open(join(dir, "run"));
    const loop = new Loop({
      context,
      trainMetrics: [
        { name: "Batch Loss+Regularization", shortName: "loss+", metricType: "loss" },
        { name: "Accuracy", shortName: "acc", metricType: "accuracy" },
      ],
      trainStep: (batch: number) => [batch, batch === 3 ? NaN : 0.5],
    });
    everyNSteps(loop, 2, "history", 50, history.onStepFn);
    await loop.runSteps(endless(), 4);
    const path = join(dir, "run", TRAINING_PLOT_FILE_NAME);
    assertEquals(history.path, path);
    assertEquals(
      await Deno.readTextFile(path),
      '{"MetricName":"Train: Batch Loss+Regularization","Short":"T/loss+","MetricType":"loss","Step":6,"Value":1}\n' +
        '{"MetricName":"Train: Accuracy","Short":"T/acc","MetricType":"accuracy","Step":6,"Value":0.5}\n' +
        '{"MetricName":"Train: Batch Loss+Regularization","Short":"T/loss+","MetricType":"loss","Step":8,"Value":3}\n',
      "NaN is left out",
    );
    assert(!await Deno.stat(file).catch(() => false));
  });
});

Deno.test("a resumed run makes no duplicates: equal points are not written again, others replace", async () => {
  await withDirectory(async (dir, file) => {
    const train = async (from: number, to: number, lossOf: (step: number) => number): Promise<History> => {
      const history = await History.open(dir);
      const loop = new Loop(new FakeTrainer((step) => lossOf(from + step), contextAt(from)));
      everyNSteps(loop, 10, "history", 50, history.onStepFn);
      await loop.runToGlobalStep(endless(), to);
      return history;
    };
    await train(0, 50, (step) => 1 / (step + 1)); // killed at 50, its last checkpoint is of step 30
    const same = await train(30, 70, (step) => 1 / (step + 1));
    assertEquals(same.points.map((point) => point.step), [10, 20, 30, 40, 50, 60, 70]);
    assertEquals((await Deno.readTextFile(file)).split("\n").length - 1, 7, "bit for bit the same: nothing twice");

    const other = await train(50, 70, () => 9);
    assertEquals(other.series("Train: Loss").map((point) => point.value).slice(-3), [1 / 50, 9, 9]);
    assertEquals((await Deno.readTextFile(file)).split("\n").length - 1, 7, "the lost points are gone");
    assertEquals((await History.open(dir)).points, other.points, "the last one counts in the file too");
  });
});

Deno.test("a resumed run of another cadence keeps nothing of the part that was lost, in memory or file", async () => {
  await withDirectory(async (dir, file) => {
    const description = { name: "Loss", shortName: "loss", metricType: "loss" };
    const train = async (history: History, from: number, to: number, every: number): Promise<number[]> => {
      const loop = new Loop(new FakeTrainer(undefined, contextAt(from)));
      everyNSteps(loop, every, "history", 50, history.onStepFn);
      // Measured before the train metrics of this run are kept for the first time.
      everyNSteps(
        loop,
        4,
        "evaluate",
        10,
        () => history.addEval({ name: "valid" }, [description], [1], loop.loopStep + 1),
      );
      await loop.runToGlobalStep(endless(), to);
      const steps = (name: string): number[] => history.series(name).map(({ step }) => step);
      assertEquals(steps("Loss on valid").filter((step) => step > from), multiples(4, from, to));
      return steps("Train: Loss");
    };
    const first = await History.open(dir);
    await train(first, 0, 50, 10);
    const second = await History.open(dir);
    assertEquals(await train(second, 30, 55, 7), [10, 20, 30, 37, 44, 51]);
    assertEquals((await History.open(dir)).points, second.points);
    assertEquals((await Deno.readTextFile(file)).split("\n").length - 1, second.points.length, "no line too many");
    // In one process, after a checkpoint was restored.
    assertEquals(await train(second, 20, 41, 10), [10, 20, 30, 40]);
    assertEquals((await History.open(dir)).points, second.points);
    await second.dropAfter(25);
    assertEquals((await History.open(dir)).series("Train: Loss").map(({ step }) => step), [10, 20]);
  });
});

function multiples(n: number, from: number, to: number): number[] {
  return Array.from({ length: Math.floor((to - from) / n) }, (_, index) => from + (index + 1) * n);
}

Deno.test("a torn end is reported, left alone by reading, and mended by the next append", async () => {
  const line = plotPointLine(LOSS);
  const next = plotPointLine({ ...LOSS, step: 3 });
  const second = plotPointLine({ ...LOSS, metricName: "Träin", step: 2 });
  const bytes = new TextEncoder().encode(second);
  await withDirectory(async (dir, file) => {
    for (let length = 1; length <= bytes.length; length += 3) {
      const torn = bytes.subarray(0, length);
      await Deno.writeFile(file, new Uint8Array([...new TextEncoder().encode(line), ...torn]));
      const { warnings, onWarning } = collect();
      const history = await History.open(dir, { onWarning });
      const isWhole = length >= bytes.length - 1;
      assertEquals([history.points.length, warnings.length], isWhole ? [2, 0] : [1, 1], `${length} bytes`);
      assertEquals((await Deno.stat(file)).size, line.length + length);
      await history.add([{ ...LOSS, step: 3 }]);
      assertEquals(await Deno.readTextFile(file), line + (isWhole ? second : "") + next);
    }
  });
});

Deno.test("mending the end removes nothing but the torn rest", async () => {
  const line = plotPointLine(LOSS);
  const next = plotPointLine({ ...LOSS, step: 3 });
  const long = `{"MetricName":"${"x".repeat(70_000)}`;
  const rows: [before: string | Uint8Array, after: string][] = [
    ["", next],
    ["\n", `\n${next}`],
    ["{", next],
    [`${line.trim()}  `, `${line}${next}`],
    [`${line.trim()}${line.trim()}{"Metr`, `${line.trim()}${line}${next}`],
    [`${line}\0\0\0\0`, `${line}${next}`],
    [`nonsense\n${line}{"Me`, `nonsense\n${line}${next}`],
    // Nobody can tell what that is.
    [long, `${long}\n${next}`],
    [new Uint8Array([...new TextEncoder().encode(`${line}{"Short":"`), 0xff, 0xe2, 0x82]), `${line}${next}`],
  ];
  await withDirectory(async (dir, file) => {
    for (const [before, after] of rows) {
      await Deno.writeFile(file, typeof before === "string" ? new TextEncoder().encode(before) : before);
      await (await History.open(dir, { onWarning: () => {} })).add([{ ...LOSS, step: 3 }]);
      assertEquals(await Deno.readTextFile(file), after);
    }
    // A byte that is no UTF-8 in a whole point without line feed must not shift where the point ends.
    const whole = new TextEncoder().encode(line.trim().replace("Loss", "~~"));
    whole[whole.indexOf(0x7e)] = 0xff;
    await Deno.writeFile(file, whole);
    await (await History.open(dir)).add([{ ...LOSS, step: 3 }]);
    const bytes = await Deno.readFile(file);
    assertEquals(bytes.subarray(0, whole.length), whole);
    assertEquals(new TextDecoder().decode(bytes.subarray(whole.length)), `\n${next}`);
  });
});

Deno.test("lines that are no points are left out and named, and stay in the file", async () => {
  await withDirectory(async (dir, file) => {
    await Deno.writeTextFile(file, `${plotPointLine(LOSS)}garbage\n${plotPointLine({ ...LOSS, step: 2 })}`);
    const { warnings, onWarning } = collect();
    const history = await History.open(dir, { onWarning });
    assertEquals(history.points.length, 2);
    assertEquals(warnings, [
      `"${file}": what is no plot point was left out, in line 2; GoMLX cannot read this file`,
    ]);
    await history.add([{ ...LOSS, step: 3 }]);
    assertStringIncludes(await Deno.readTextFile(file), "\ngarbage\n");
  });
});

Deno.test("points of one add() and of several at once are whole lines in order", async () => {
  await withDirectory(async (dir, file) => {
    const history = await History.open(dir);
    await Promise.all(
      Array.from({ length: 40 }, (_, step) => history.add([LOSS, LOSS].map((each) => ({ ...each, step })))),
    );
    const text = await Deno.readTextFile(file);
    assertEquals(new Set(text.trimEnd().split("\n").map((line) => JSON.parse(line).Step)).size, 40);
    assertEquals((await History.open(dir)).points, history.points);
  });
});

Deno.test("a History without a file keeps its points in memory", async () => {
  const history = new History();
  await history.add([{ ...LOSS, step: 2 }, LOSS, { ...LOSS, value: NaN }, { ...LOSS, step: Infinity }]);
  assertEquals(history.points.map((point) => point.step), [1, 2]);
  assertEquals(history.path, undefined);
  await assertRejects(() => History.open(""), ConfigError);
});

Deno.test("what fails to be written is not kept, and a symlink out of the directory is refused", async () => {
  await withDirectory(async (dir, file) => {
    const outside = await Deno.makeTempFile();
    try {
      await Deno.symlink(outside, file);
      await assertRejects(() => History.open(dir), PermissionError, "the store refuses");
      await Deno.remove(file);
      const history = await History.open(dir);
      await Deno.symlink(outside, file);
      await assertRejects(() => history.add([LOSS]), PermissionError, "the store refuses");
      await Deno.remove(file);
      await Deno.symlink(`${outside}-missing`, file);
      await assertRejects(() => history.add([LOSS]), StoreError);
      assertEquals([history.points, (await Deno.stat(outside)).size], [[], 0]);
      await Deno.remove(file);
      await history.add([LOSS]);
      assertEquals(await Deno.readTextFile(file), plotPointLine(LOSS));
    } finally {
      await Deno.remove(outside);
    }
  });
});

Deno.test("History shows a line for each metric, in a notebook and in the terminal", async () => {
  const history = new History();
  for (let step = 1; step <= 24; step++) {
    await history.add([
      { ...LOSS, step, value: 24 / step },
      { ...LOSS, metricName: "Train: <b>R</b>\u001b", metricType: "r", step, value: -step },
    ]);
  }
  const text = Deno.inspect(history, { colors: false });
  assertStringIncludes(text, "2 metrics");
  assertStringIncludes(text, "steps 1 to 24");
  assertStringIncludes(text, "Train: Loss");
  assertStringIncludes(text, "█");
  const show: unknown = Reflect.get(history, Symbol.for("Jupyter.display"));
  assert(typeof show === "function");
  const html: string = (await show.call(history))["text/html"];
  assertStringIncludes(html, "&#60;b&#62;R");
  assert(!html.includes("<b>R"));
  assertEquals(Deno.inspect({ history }).includes("\n  "), false);
  assertStringIncludes(Deno.inspect(new History()), "0 metrics");
});
