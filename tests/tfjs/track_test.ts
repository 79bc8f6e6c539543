import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type BlobSink,
  build,
  Context,
  load,
  type LoadedEntry,
  MemoryStore,
  NotLoadedError,
  type ReadHandle,
  Tensor,
} from "../../mod.ts";
import { liveGroupsOf } from "../../src/context/mod.ts";
import { ConfigError, ShapeError, VariableError } from "../../src/errors.ts";
import { track } from "../../src/tfjs/mod.ts";
import { tf, weightsOf, withoutLeak } from "./tfjs.ts";

function newModel(units = 2): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.dense({ units, inputShape: [3] }),
      tf.layers.batchNormalization(),
      tf.layers.dense({ units: 1 }),
    ],
  });
}

/** A store with one checkpoint of a model at `/model`, whose weights are returned too. */
async function savedModel(): Promise<{ store: MemoryStore; weights: number[][] }> {
  const store = new MemoryStore();
  const ctx = new Context();
  const model = newModel();
  track(ctx.in("model"), model);
  await using handler = await build(ctx).store(store).done();
  await handler.save();
  const weights = weightsOf(model);
  model.dispose();
  return { store, weights };
}

/** Takes the first bytes, and then no more. */
class FullStore extends MemoryStore {
  override publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
    return super.publish(name, async (sink) => {
      await write(sink);
      throw new Error("disk full");
    });
  }
}

/** Can be read with waiting only, as one that is far away. */
class FarStore extends MemoryStore {
  override async open(name: string): Promise<ReadHandle> {
    const handle = await super.open(name);
    return { size: handle.size, read: (into, at) => handle.read(into, at), close: () => handle.close() };
  }
}

const unexpected = (message: string): void => {
  throw new Error(message);
};

Deno.test("track() gives a model the values of a checkpoint that was loaded before", async () => {
  const { store, weights } = await savedModel();
  const model = newModel();
  await withoutLeak(async () => {
    for (const immediate of [false, true]) {
      const ctx = new Context();
      const config = load(ctx).store(store).onWarning(unexpected);
      await using _ = await (immediate ? config.immediate() : config).done();
      for (const weight of model.getWeights()) weight.dataSync().fill(9);
      const { variables, report } = track(ctx.in("model"), model);
      assertEquals(weightsOf(model), weights);
      assertEquals(report, { missing: [], unexpected: [] });
      assertEquals(variables.map(String).slice(0, 3), [
        "/model/dense/kernel",
        "/model/dense/bias",
        "/model/batch_normalization/gamma",
      ]);
      assertEquals(variables.map(({ trainable }) => trainable), [true, true, true, true, false, false, true, true]);
    }
  });
  model.dispose();
});

Deno.test("track() gives a model the values of a checkpoint that is loaded later, or restored", async () => {
  const { store, weights } = await savedModel();
  const model = newModel();
  const ctx = new Context();
  const tracked = track(ctx.in("model"), model);
  await withoutLeak(async () => {
    await using handler = await load(ctx).store(store).keep(-1).onWarning(unexpected).done();
    assertEquals(weightsOf(model), weights);
    tracked.variables[1]?.setValue([5, 6]);
    ctx.setGlobalStep(1);
    await handler.save();
    tracked.variables[1]?.setValue([7, 8]);
    await handler.restore(1);
    assertEquals(weightsOf(model)[1], [5, 6]);
    await handler.restore(0);
    assertEquals(weightsOf(model), weights);
  });
});

Deno.test("track() has a save write the values as they are when it is called, of float32, int32 and bool", async () => {
  const ctx = new Context();
  const w = tf.variable(tf.tensor([[1, 2], [3, 4]]));
  const count = tf.variable(tf.scalar(5, "int32"));
  const mask = tf.variable(tf.tensor([true, false], [2], "bool"), false);
  track(ctx, { "layer/w": w, count, mask });
  await withoutLeak(async () => {
    await using handler = await build(ctx).store(new MemoryStore()).keep(-1).onWarning(unexpected).done();
    const saving = handler.save();
    tf.tidy(() => w.assign(tf.tensor([[9, 9], [9, 9]])));
    const first = await saving;
    const second = await handler.save();
    assertEquals((await first.read("/layer/w")).toNested(), [[1, 2], [3, 4]]);
    assertEquals((await second.read("/layer/w")).toNested(), [[9, 9], [9, 9]]);
    assertEquals(
      second.variables.map(({ scope, name, dtype, trainable }) => [scope, name, dtype, trainable]),
      [["/layer", "w", "Float32", true], ["/", "count", "Int32", true], ["/", "mask", "Bool", false], [
        "/",
        "global_step",
        "Int64",
        false,
      ]],
    );
    assertEquals((await second.read("/mask")).toNested(), [true, false]);
  });
});

Deno.test("track() lets a save in a tidy() read what it captured", async () => {
  const ctx = new Context();
  const w = tf.variable(tf.tensor([1, 2]));
  track(ctx, { w });
  await using handler = await build(ctx).store(new MemoryStore()).done();
  await withoutLeak(async () => {
    const savings: Promise<{ read(path: string): Promise<Tensor> }>[] = [];
    tf.tidy(() => void savings.push(handler.save()));
    assertEquals((await (await savings[0])?.read("/w"))?.toNested(), [1, 2]);
  });
});

Deno.test("track() leaves no tensors when a save fails", async () => {
  const ctx = new Context();
  const w = tf.variable(tf.tensor([1, 2]));
  const gone = tf.variable(tf.tensor([3]));
  track(ctx, { w, gone });
  await using handler = await build(ctx).store(new MemoryStore()).done();
  await withoutLeak(async () => {
    await using other = await build(ctx).store(new FullStore()).done();
    await assertRejects(() => other.save(), Error, "disk full");
    const aborted = AbortSignal.abort(new Error("enough"));
    await assertRejects(() => handler.save({ signal: aborted }), Error, "enough");
  });
  gone.dispose();
  await withoutLeak(() => assertRejects(() => handler.save(), VariableError, 'tf.variable "'));
});

Deno.test("track() changes nothing when a shape differs, and names all that differ", async () => {
  const { store } = await savedModel();
  const model = newModel(4);
  const before = weightsOf(model);
  await withoutLeak(async () => {
    const ctx = new Context();
    await using _ = await load(ctx).store(store).done();
    const error = assertThrows(() => track(ctx.in("model"), model, { strict: false }), ShapeError);
    assertStringIncludes(error.message, '"/model/dense/kernel" is (Float32)[3 2], wanted (Float32)[3 4]');
    assertStringIncludes(error.message, "7 variables of another shape");

    const later = new Context();
    track(later.in("model"), model);
    await assertRejects(() => load(later).store(store).done(), ShapeError, "7 variables of another shape");
    assertEquals(later.loader, undefined);
  });
  assertEquals(weightsOf(model), before);
});

Deno.test("track() reports missing and unexpected variables, and assigns nothing unless it may", async () => {
  const { store, weights } = await savedModel();
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 2, inputShape: [3] }),
      tf.layers.dense({ units: 2, name: "added" }),
      tf.layers.dense({ units: 1 }),
    ],
  });
  const before = weightsOf(model);
  const missing = ["/model/added/kernel", "/model/added/bias"];
  const unexpectedPaths = ["gamma", "beta", "moving_mean", "moving_variance"].map((name) => {
    return `/model/batch_normalization/${name}`;
  });
  await withoutLeak(async () => {
    const ctx = new Context();
    await using _ = await load(ctx).store(store).done();
    const error = assertThrows(() => track(ctx.in("model"), model), VariableError);
    assertStringIncludes(error.message, `2 variables missing in the checkpoint: "${missing[0]}", "${missing[1]}"`);
    assertStringIncludes(error.message, `4 variables in the checkpoint only: "${unexpectedPaths[0]}"`);
    assertStringIncludes(error.message, "{ strict: false }");
    assertEquals(weightsOf(model), before);

    const later = new Context();
    track(later.in("model"), model);
    await assertRejects(() => load(later).store(store).done(), VariableError, "2 variables missing");
    assertEquals(weightsOf(model), before);

    const tracked = track(ctx.in("model"), model, { strict: false });
    assertEquals(tracked.report, { missing, unexpected: unexpectedPaths });
    assertEquals(weightsOf(model).slice(0, 2), weights.slice(0, 2));
    assertEquals(weightsOf(model).slice(2, 4), before.slice(2, 4));
  });
});

Deno.test("track() misses no step, optimizer, metrics or trainer in a model's scope, but all else", async () => {
  const ctx = new Context();
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  track(ctx, model);
  const beside = ["/trainer", "/metrics", "/AdamOptimizer/dense", "/teacher/AdamOptimizer", "/teacher/metrics"];
  for (const scope of [...beside, "/other"]) ctx.inAbsPath(scope).variableWithValue("x", 1);
  ctx.in("a").setGlobalStep(3);
  const store = new MemoryStore();
  await (await build(ctx).store(store).done()).save();
  const again = new Context();
  await using _ = await load(again).store(store).done();
  assertEquals(track(again, model, { strict: false }).report.unexpected, ["/other/x"]);
});

Deno.test("track() says where the checkpoint has its variables when it finds none of them", async () => {
  const { store } = await savedModel();
  const ctx = new Context();
  await using _ = await load(ctx).store(store).done();
  const error = assertThrows(() => track(ctx.in("net"), newModel()), VariableError);
  assertStringIncludes(error.message, '8 variables missing in the checkpoint: "/net/dense/kernel"');
  assertStringIncludes(error.message, '"/model/dense"');
});

Deno.test("track() takes part of a checkpoint into part of a model, without a report", async () => {
  const { store, weights } = await savedModel();
  const model = newModel();
  const before = weightsOf(model);
  const ctx = new Context();
  track(ctx.in("net"), model);
  await using _ = await load(ctx).store(store).scope("/model/dense", "/net/dense").onWarning(unexpected).done();
  assertEquals(weightsOf(model), [...weights.slice(0, 2), ...before.slice(2)]);
});

Deno.test("track() gives the model what the Context has already", () => {
  const ctx = new Context();
  ctx.in("model").variableWithValue("w", [1, 2]);
  const w = tf.variable(tf.tensor([0, 0]));
  track(ctx.in("model"), { w });
  assertEquals(Array.from(w.dataSync()), [1, 2]);
  const wrong = tf.variable(tf.tensor([0, 0, 0]));
  const other = new Context();
  other.variableWithValue("w", [1, 2]);
  assertThrows(() => track(other, { w: wrong }), ShapeError, '"/w" is (Float32)[2], wanted (Float32)[3]');
});

Deno.test("track() shows live values in a Context, sets them, and clones them", async () => {
  const ctx = new Context();
  const w = tf.variable(tf.tensor([1, 2]));
  track(ctx, { w });
  await withoutLeak(async () => {
    tf.tidy(() => w.assign(tf.tensor([40, 42])));
    const variable = ctx.getVariable("w");
    assert(variable?.hasValue);
    assertStringIncludes(Deno.inspect(ctx), "41");
    assertEquals(variable.value().toNested(), [40, 42]);
    assertEquals((await variable.load()).toNested(), [40, 42]);
    const clone = ctx.clone();
    const own = Tensor.from([5, 6]);
    variable.setValue(own);
    own.bytes.fill(0);
    assertEquals(Array.from(w.dataSync()), [5, 6]);
    assertEquals(clone.getVariable("w")?.value().toNested(), [40, 42]);
    assertThrows(
      () => variable.setValue(Tensor.from([1, 2, 3])),
      ShapeError,
      "found (Float32)[3]; wanted (Float32)[2]",
    );
    assertThrows(() => variable.reset(), VariableError, "lives outside");
    ctx.initializeVariables();
    assertEquals(Array.from(w.dataSync()), [5, 6]);
  });
});

Deno.test("track() twice binds once, and refuses another model in the same place", () => {
  const ctx = new Context();
  const model = newModel();
  const { variables } = track(ctx, model);
  assertEquals(track(ctx, model).variables, variables);
  assertThrows(
    () => track(ctx, newModel()),
    VariableError,
    "another tf.variable is tracked there already; use another scope",
  );
  const outer = tf.sequential({ layers: [model, tf.layers.dense({ units: 1, name: "top" })] });
  assertEquals(track(ctx.in("outer"), outer).variables.map(String), ["/outer/top/kernel", "/outer/top/bias"]);
});

Deno.test("track() refuses what it cannot track", () => {
  const ctx = new Context();
  const w = tf.variable(tf.scalar(1));
  assertThrows(() => track(ctx, w), ConfigError, "made up its name");
  assertThrows(() => track(ctx, {}), ConfigError, "no variable");
  assertThrows(() => track(ctx, { "a//b": w }), ConfigError, 'Cannot track "a//b"');
  // @ts-expect-error: not a variable, as it may come from a notebook
  assertThrows(() => track(ctx, { w: tf.scalar(1) }), ConfigError, 'Cannot track "w": wanted a LayersModel');
  // @ts-expect-error: nothing that can be tracked
  assertThrows(() => track(ctx, 7), ConfigError, 'Cannot track "7"');
  // @ts-expect-error: where a Context belongs
  assertThrows(() => track("run", { w }), ConfigError, "wanted a Context first");
  const gone = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  gone.dispose();
  assertThrows(() => track(ctx, gone), VariableError, "already disposed");
  const layers = [tf.layers.flatten({ inputShape: [2, 2] })];
  assertThrows(() => track(ctx, tf.sequential({ layers })), ConfigError, "has no weights");
  assertThrows(
    () => track(ctx, tf.sequential()),
    ConfigError,
    "has no weights yet; give its first layer an inputShape",
  );
  const text = tf.variable(tf.tensor(["a"]));
  assertThrows(() => track(ctx, { text }), ShapeError, 'tfjs dtype "string" found, wanted one of float32, int32, bool');
  const complex = tf.variable(tf.complex([1], [2]));
  assertThrows(() => track(ctx, { complex }), ShapeError, 'tfjs dtype "complex64"');
  assertEquals(ctx.numVariables(), 0);
});

Deno.test("track() takes variables by the names they were given", () => {
  const ctx = new Context();
  const named = [tf.variable(tf.scalar(1), true, "head/scale"), tf.variable(tf.scalar(2), true, "shift")];
  assertEquals(track(ctx.in("m"), named).variables.map(String), ["/m/head/scale", "/m/shift"]);
  named.forEach((each) => each.dispose());
});

Deno.test("track() lets go of what was read for it, whether it was loaded before or after", async () => {
  const { store, weights } = await savedModel();
  for (const isTrackedFirst of [true, false]) {
    const ctx = new Context();
    const model = newModel();
    const seen: LoadedEntry[] = [];
    if (isTrackedFirst) track(ctx.in("model"), model);
    liveGroupsOf(ctx).add({ expect: ({ entries }) => (seen.push(...entries), []), finish: () => {} });
    await using handler = await load(ctx).store(store).onWarning(unexpected).done();
    if (!isTrackedFirst) track(ctx.in("model"), model);
    assertEquals(weightsOf(model), weights);
    assertEquals(
      seen.filter(({ scope }) => scope !== "/").map(({ value }) => value.loaded),
      new Array(8).fill(undefined),
    );
    const states = handler.loadReport?.variables.filter(({ path }) => path.startsWith("/model")).map(({ state }) =>
      state
    );
    assertEquals(states, new Array(8).fill(isTrackedFirst ? "replaced" : "loaded"));
  }
});

Deno.test("track() works with a store that has to be waited for: before a load, and after prefetch()", async () => {
  const store = new FarStore();
  const ctx = new Context();
  track(ctx, { w: tf.variable(tf.tensor([1, 2])) });
  await (await build(ctx).store(store).done()).save();
  const [before, after] = [tf.variable(tf.tensor([0, 0])), tf.variable(tf.tensor([0, 0]))];
  const first = new Context();
  track(first, { w: before });
  await using _ = await load(first).store(store).done();
  assertEquals(Array.from(before.dataSync()), [1, 2]);

  const later = new Context();
  await using handler = await load(later).store(store).done();
  assertThrows(() => track(later, { w: after }), NotLoadedError, "await handler.prefetch()");
  assertEquals(Array.from(after.dataSync()), [0, 0]);
  await handler.prefetch();
  track(later, { w: after });
  assertEquals(Array.from(after.dataSync()), [1, 2]);
});
