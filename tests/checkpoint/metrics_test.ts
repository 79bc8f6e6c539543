import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { best, build, load, openCheckpoint, timeline } from "../../src/checkpoint/mod.ts";
import { modeOf } from "../../src/checkpoint/best.ts";
import { Context } from "../../src/context/mod.ts";
import { ConfigError, NotFoundError } from "../../src/errors.ts";
import type { Metrics } from "../../src/format/mod.ts";
import { LocalStore, MemoryStore, type Store } from "../../src/store/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { assertSafeHtml } from "../render/html_check.ts";
import { put, putForeign } from "./blobs.ts";
import { SILENT, valueOf } from "./runs.ts";
import { joinedHead } from "../render/joined_head.ts";

/** Saves one checkpoint with each of these metrics, of steps 1, 2 and so on, whose `/a/w` is the step. */
async function measuredRun(store: Store, ...metrics: readonly (Metrics | undefined)[]): Promise<string[]> {
  const ctx = new Context();
  await using handler = await build(ctx).store(store).keep(-1).done();
  const w = ctx.checked(false).in("a").variableWithValue("w", 0);
  const bases: string[] = [];
  for (const [index, each] of metrics.entries()) {
    ctx.setGlobalStep(index + 1);
    w.setValue(index + 1);
    bases.push((await handler.save({ metrics: each })).baseName);
  }
  return bases;
}

/** The step of the checkpoint that a choice loads. */
async function stepAt(store: Store, choice: Parameters<typeof best> | "best"): Promise<unknown> {
  const ctx = new Context();
  await using _ = await load(ctx).store(store).at(choice === "best" ? choice : best(...choice)).onWarning(SILENT)
    .done();
  return valueOf(ctx, "w");
}

Deno.test("save({ metrics }) keeps them in the file, for whoever opens it later", async () => {
  await using directory = await TemporaryDirectory.make();
  const metrics: Metrics = { loss: 0.1 + 0.2, nan: NaN, up: Infinity, down: -Infinity, zero: -0 };
  const before = Date.now();
  await measuredRun(new LocalStore(directory.path), metrics, undefined);
  await using first = await openCheckpoint(directory.path, { step: 1 });
  assertEquals({ ...first.metrics }, metrics);
  assert((first.saved?.getTime() ?? 0) >= before && (first.saved?.getTime() ?? 0) <= Date.now());
  await using second = await openCheckpoint(directory.path);
  assertEquals(second.metrics, {});
});

Deno.test("save() returns the metrics as they were at its call, and a later save does not inherit them", async () => {
  const store = new MemoryStore();
  const handler = await build(new Context()).store(store).keep(-1).done();
  const metrics = { loss: 1 };
  const saving = handler.save({ metrics });
  metrics.loss = 2;
  assertEquals((await saving).metrics, { loss: 1 });
  assertEquals((await handler.save()).metrics, {});
});

Deno.test("save() refuses metrics that are not numbers by name, before a byte is written", async () => {
  const store = new MemoryStore();
  const handler = await build(new Context()).store(store).done();
  const wrong: [unknown, RegExp][] = [
    [{ loss: "0.5" }, /metric "loss": "0\.5" found, wanted a number/],
    [{ loss: 5n }, /metric "loss"/],
    [{ loss: null }, /metric "loss": null found/],
    [{ loss: new Float32Array(1) }, /metric "loss": a Float32Array found/],
    [{ "": 1 }, /metric "": wanted a name/],
    [{ "\ud800": 1 }, /wanted a name/],
    [{ ["x".repeat(1001)]: 1 }, /1 to 1000 characters/],
    [[1], /numbers by name/],
    [0.5, /metrics 0\.5/],
    [
      Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`m${index}`, 1])),
      /1001 metrics: wanted at most 1000/,
    ],
  ];
  for (const [metrics, message] of wrong) {
    // @ts-expect-error -- a notebook has no types to prevent it
    const error = await assertRejects(() => handler.save({ metrics }), ConfigError);
    assertMatch(error.message, message);
  }
  assertEquals(await store.list(), []);
});

Deno.test("save({ metrics }) is an error with extras(false), which has no place for them", async () => {
  const store = new MemoryStore();
  const handler = await build(new Context()).store(store).extras(false).done();
  await assertRejects(() => handler.save({ metrics: { loss: 1 } }), ConfigError, "extras(false) leaves out");
  await handler.save({ metrics: {} });
  assertEquals((await handler.listCheckpoints()).length, 1);
});

Deno.test("at(best()) loads the smallest loss or the largest accuracy, of equal ones the newest, never NaN", async () => {
  const store = new MemoryStore();
  const rows: [number, number, number][] = [[0.5, 0.7, 3], [0.2, 0.6, 2], [0.2, 0.9, 1], [NaN, 0.8, 4]];
  await measuredRun(store, ...rows.map(([val_loss, accuracy, odd]) => ({ val_loss, accuracy, odd })), undefined);
  assertEquals(await stepAt(store, ["val_loss"]), 3);
  assertEquals(await stepAt(store, ["val_loss", "max"]), 1);
  assertEquals(await stepAt(store, ["accuracy"]), 3);
  assertEquals(await stepAt(store, ["odd", "max"]), 4);
  assertEquals(await stepAt(store, "best"), 3);
  await assertRejects(
    () => stepAt(store, ["odd"]),
    ConfigError,
    'best("odd", "max"), keepBest(1, { metric: "odd", mode: "max" }), or "min"',
  );
});

Deno.test("infinities are ordered, and -0 is 0", async () => {
  const store = new MemoryStore();
  await measuredRun(store, { loss: Infinity }, { loss: -0 }, { loss: 0 }, { loss: NaN });
  assertEquals([await stepAt(store, "best"), await stepAt(store, ["loss", "max"])], [3, 1]);
});

Deno.test('restore("best") and openCheckpoint({ at: best }) choose as at() does', async () => {
  const store = new MemoryStore();
  await measuredRun(store, { loss: 3 }, { loss: 1 }, { loss: 2 });
  const ctx = new Context();
  await using handler = await load(ctx).store(store).keep(-1).done();
  await handler.restore("best");
  assertEquals(valueOf(ctx, "w"), 2);
  await handler.restore(best("loss", "max"));
  assertEquals(valueOf(ctx, "w"), 1);
  await using checkpoint = await openCheckpoint(store, { at: "best" });
  assertEquals([checkpoint.step, checkpoint.metrics], [2, { loss: 1 }]);
  await using byName = await openCheckpoint(store, { at: checkpoint.baseName });
  assertEquals(byName.step, 2);
  await assertRejects(
    () => openCheckpoint(store, { at: "best", step: 2 }),
    ConfigError,
    'Cannot open "best" and step 2',
  );
});

Deno.test('"best" takes the only metric, else val_loss, else the only loss, else asks', async () => {
  const choose = async (metrics: readonly string[]): Promise<unknown> => {
    const store = new MemoryStore("run");
    await measuredRun(
      store,
      ...[1, 2].map((step) => Object.fromEntries(metrics.map((name, index) => [name, index === 0 ? 3 - step : step]))),
    );
    return await stepAt(store, "best");
  };
  assertEquals(await choose(["loss"]), 2);
  assertEquals(await choose(["val_loss", "loss", "accuracy"]), 2);
  assertEquals(await choose(["Mean Loss", "accuracy"]), 2);
  const error = await assertRejects(() => choose(["loss", "aux_loss"]), ConfigError);
  assertStringIncludes(
    error.message,
    'in "memory:run": its checkpoints have 2 metrics; name one: best("loss"), best("aux',
  );
  await assertRejects(() => choose(["accuracy", "f1"]), ConfigError, "name one");
});

Deno.test("best() says what is missing where no checkpoint can be the best", async () => {
  const store = new MemoryStore("run");
  await assertRejects(() => stepAt(store, "best"), NotFoundError, 'No best checkpoint in "memory:run": it has none');
  await measuredRun(store, undefined);
  await assertRejects(
    () => stepAt(store, "best"),
    NotFoundError,
    "none of its 1 checkpoint has metrics; save({ metrics",
  );
  await assertRejects(() => stepAt(store, ["loss"]), NotFoundError, "has that metric; they have none");
  await measuredRun(store, { other: 1, loss: NaN });
  await assertRejects(() => stepAt(store, ["val_loss"]), NotFoundError, 'has that metric; they have "other", "loss"');
  await assertRejects(() => stepAt(store, ["loss"]), NotFoundError, "it is NaN in all of them");
  await assertRejects(() => stepAt(store, ["toString", "min"]), NotFoundError, "has that metric");
  assertThrows(() => best(""), ConfigError);
  // @ts-expect-error -- a notebook has no types to prevent it
  assertThrows(() => best("loss", "low"), ConfigError, 'wanted "min" or "max"');
  // @ts-expect-error -- a notebook has no types to prevent it
  await assertRejects(() => load(new Context()).store(store).at({}).done(), ConfigError, 'or best("val_loss")');
});

Deno.test("best() passes over a checkpoint whose manifest is damaged", async () => {
  const store = new MemoryStore();
  const [, second] = await measuredRun(store, { loss: 2 }, { loss: 1 }, { loss: 3 });
  await put(store, `${second}.json`, "{");
  assertEquals(await stepAt(store, "best"), 1);
});

Deno.test("modeOf() goes by the words of a name, and does not guess", () => {
  for (const name of ["loss", "val_loss", "valLoss", "Mean Loss", "train/loss2", "rmse", "Perplexity", "word-error"]) {
    assertEquals(modeOf(name), "min", name);
  }
  for (const name of ["accuracy", "val_acc", "Mean Accuracy", "F1", "top5 acc", "valAuc", "episode_reward"]) {
    assertEquals(modeOf(name), "max", name);
  }
  for (const name of ["glossy", "", "fid", "accelerator", "loss_accuracy", "lossless"]) {
    assertThrows(() => modeOf(name), ConfigError, name);
  }
});

Deno.test("a checkpoint and a timeline show the metrics", async () => {
  const store = new MemoryStore("run");
  await measuredRun(store, { val_loss: 0.25 }, { val_loss: NaN, accuracy: 0.75 }, undefined);
  await using checkpoint = await openCheckpoint(store, { at: best("accuracy") });
  assertMatch(joinedHead(Deno.inspect(checkpoint, { colors: false })), /· step 2 · val_loss NaN · accuracy 0\.750 ·/);
  const line = await timeline(store);
  assertEquals(line.checkpoints.map(({ metrics }) => metrics.val_loss), [0.25, NaN, undefined]);
  const text = Deno.inspect(line, { colors: false });
  assertMatch(text, /checkpoint .* step .* val_loss .* accuracy/);
  assertMatch(text, / 1 +0\.250/);
});

Deno.test("names of metrics from a stranger's file are shown short, and neither as HTML nor as control characters", async () => {
  const store = new MemoryStore("run");
  const name = `<img src=x>\u001b[31m${"x".repeat(5000)}`;
  const base = "checkpoint-n0000001-20260101-000000-initial";
  await putForeign(store, base, [], { more: { Cairn: { FormatVersion: 1, Metrics: { [name]: 1 } } } });
  await using checkpoint = await openCheckpoint(store, { onWarning: SILENT });
  for (const shown of [checkpoint, await timeline(store)]) {
    const bundle = await Reflect.get(shown, Symbol.for("Jupyter.display")).call(shown);
    assertSafeHtml(bundle["text/html"]);
    for (const face of [Deno.inspect(shown, { colors: false }), bundle["text/html"]]) {
      assert(
        face.includes("[31mxxx") && !face.includes("\u001b") && !face.includes("x".repeat(41)),
        face.slice(0, 500),
      );
    }
  }
});
