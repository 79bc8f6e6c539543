import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { build, Context, load, MemoryStore, openCheckpoint } from "../../mod.ts";
import { ConfigError, ShapeError, VariableError } from "../../src/errors.ts";
import { track } from "../../src/tfjs/mod.ts";
import { OPTIMIZERS, seededModel, stateOf, trainStep } from "./optimizers.ts";
import { tf, weightsOf, withoutLeak } from "./tfjs.ts";

const unexpected = (message: string): void => {
  throw new Error(message);
};

/** A store with a checkpoint of a model and its Adam after 2 steps, and what came of a third. */
async function trained(): Promise<{ store: MemoryStore; weights: number[][]; state: Record<string, number[]> }> {
  const store = new MemoryStore();
  const ctx = new Context();
  const model = seededModel(tf.train.adam(0.01));
  track(ctx.in("model"), model);
  await using handler = await build(ctx).store(store).keep(-1).done();
  for (const step of [0, 1]) await trainStep(model, step);
  ctx.setGlobalStep(2);
  await handler.save();
  await trainStep(model, 2);
  return { store, weights: weightsOf(model), state: await stateOf(model.optimizer) };
}

for (const [name, newOptimizer] of Object.entries(OPTIMIZERS)) {
  Deno.test(`track() of ${name} leaves no tensors when it saves, loads, restores and trains`, async () => {
    const start = tf.memory().numTensors;
    const plain = seededModel(newOptimizer());
    await trainStep(plain, 0);
    plain.dispose();
    plain.optimizer.dispose();
    const before = tf.memory().numTensors;

    const store = new MemoryStore();
    const model = seededModel(newOptimizer());
    const ctx = new Context();
    track(ctx.in("model"), model);
    const handler = await build(ctx).store(store).keep(-1).onWarning(unexpected).done();
    await handler.save();
    await trainStep(model, 0);
    ctx.setGlobalStep(1);
    await withoutLeak(async () => {
      await trainStep(model, 1);
      await handler.save();
      await trainStep(model, 2);
      await handler.restore(1);
      await trainStep(model, 2);
    });
    await handler.restore(0); // before there were moments
    assertEquals(model.optimizer.iterations, 0);
    await trainStep(model, 0);
    model.dispose();
    model.optimizer.dispose();
    await handler[Symbol.asyncDispose]();

    const again = seededModel(newOptimizer());
    const fresh = new Context();
    await using _ = await load(fresh).store(store).onWarning(unexpected).done();
    track(fresh.in("model"), again);
    await trainStep(again, 2);
    again.dispose();
    again.optimizer.dispose();
    // Some of tfjs's optimizers leave a tensor of their own.
    assertEquals(tf.memory().numTensors - before, 2 * (before - start));
  });

  Deno.test(`track() of ${name} restores the state of an earlier step, and goes on as it did`, async () => {
    const model = seededModel(newOptimizer());
    const ctx = new Context();
    track(ctx.in("model"), model);
    await using handler = await build(ctx).store(new MemoryStore()).keep(-1).onWarning(unexpected).done();
    const ends: unknown[] = [];
    for (const from of [0, 2]) {
      ctx.setGlobalStep(from);
      await handler.save();
      for (let step = from; step < from + 2; step++) await trainStep(model, step);
      ends.push([weightsOf(model), await stateOf(model.optimizer)]);
    }
    for (const [index, from] of [[1, 2], [0, 0], [0, 0]] as const) {
      await handler.restore(from);
      for (let step = from; step < from + 2; step++) await trainStep(model, step);
      assertEquals([weightsOf(model), await stateOf(model.optimizer)], ends[index]);
    }
  });
}

Deno.test("track() names an optimizer's state after its variables, as GoMLX does", async () => {
  const { store } = await trained();
  await using checkpoint = await openCheckpoint(store);
  const rows = checkpoint.variables.map(({ scope, name, dtype, trainable }) =>
    `${scope}/${name} ${dtype} ${trainable}`
  );
  for (
    const row of [
      "/AdamOptimizer/model/iterations Int64 false",
      "/AdamOptimizer/model/accumulated_beta1 Float32 false",
      "/AdamOptimizer/model/accumulated_beta2 Float32 false",
      "/AdamOptimizer/model/dense/kernel_1st_moment Float32 false",
      "/AdamOptimizer/model/dense_2/bias_2nd_moment Float32 false",
      "/model/dense/kernel Float32 true",
      "/model/batch_normalization/moving_mean Float32 false",
    ]
  ) assert(rows.includes(row), `${row} in ${rows.join(", ")}`);
  assertEquals((await checkpoint.read("/AdamOptimizer/model/iterations")).item(), 2n);
});

Deno.test("track() keeps an optimizer's loaded state until its first step, also in a save", async () => {
  const { store, weights, state } = await trained();
  const copy = new MemoryStore();
  const between = new Context();
  await using from = await load(between).store(store).done();
  const untrained = seededModel(tf.train.adam(0.01));
  const { optimizer } = track(between.in("model"), untrained);
  assertEquals(optimizer?.variables.length, 3 + 2 * 7);
  await using to = await build(between).store(copy).done();
  await to.save();
  await using _ = from;

  const ctx = new Context();
  await using __ = await load(ctx).store(copy).onWarning(unexpected).done();
  const model = seededModel(tf.train.adam(0.01));
  track(ctx.in("model"), model);
  await trainStep(model, 2);
  assertEquals(weightsOf(model), weights);
  assertEquals(await stateOf(model.optimizer), state);
});

Deno.test("track() keys what an optimizer has by variable, whatever their order in a step", async () => {
  const store = new MemoryStore();
  const run = async (order: "ab" | "ba", steps: number): Promise<number[]> => {
    const a = tf.variable(tf.tensor([1, 2]));
    const b = tf.variable(tf.tensor([3, 4, 5]));
    const optimizer = tf.train.adam(0.1);
    const ctx = new Context();
    track(ctx, { a, b });
    track(ctx, optimizer);
    await using handler = await build(ctx).store(store).done();
    const loss = () => tf.add<tf.Scalar>(tf.sum(tf.square(a)), tf.sum(tf.pow(b, 3)));
    for (let i = 0; i < steps; i++) optimizer.minimize(loss, false, order === "ab" ? [a, b] : [b, a]);
    await handler.save();
    return [...a.dataSync(), ...b.dataSync()];
  };
  const whole = await run("ab", 4);
  await store.remove((await store.list()).at(-1)?.name ?? "");
  for (const { name } of await store.list()) await store.remove(name);
  await run("ab", 2);
  assertEquals(await run("ba", 2), whole);
});

Deno.test("track() takes over an optimizer that has trained already", async () => {
  const { weights, state } = await trained();
  const store = new MemoryStore();
  const model = seededModel(tf.train.adam(0.01));
  for (const step of [0, 1]) await trainStep(model, step);
  const ctx = new Context();
  track(ctx.in("model"), model);
  await (await build(ctx).store(store).done()).save();
  const other = seededModel(tf.train.adam(0.5));
  for (const step of [5, 6, 7]) await trainStep(other, step);
  Object.assign(other.optimizer, { learningRate: 0.01 });
  const again = new Context();
  await using _ = await load(again).store(store).done();
  track(again.in("model"), other); // what was loaded replaces what was there
  await trainStep(other, 2);
  assertEquals(weightsOf(other), weights);
  assertEquals(await stateOf(other.optimizer), state);
});

Deno.test("track() takes over what tfjs itself has loaded into an optimizer, under names of another process", async () => {
  const other = seededModel(tf.train.adam(0.01));
  for (const step of [0, 1]) await trainStep(other, step);
  const model = seededModel(tf.train.adam(0.01));
  await model.optimizer.setWeights(await other.optimizer.getWeights());
  const ctx = new Context();
  track(ctx.in("model"), model);
  const bias = ctx.inspectVariableIfLoaded("/AdamOptimizer/model/dense_2", "bias_1st_moment");
  assertEquals(bias?.value().toNested(), (await stateOf(other.optimizer))["accumulatedFirstMoment 6"]);
});

Deno.test("track() says which state of another optimizer is missing, and trains on without it if it may", async () => {
  const { store, weights } = await trained();
  const ctx = new Context();
  await using _ = await load(ctx).store(store).done();
  const model = seededModel(tf.train.sgd(0.1));
  const before = weightsOf(model);
  const error = assertThrows(() => track(ctx.in("model"), model), VariableError);
  assertStringIncludes(error.message, 'the tfjs optimizer "SGD" at "/model"');
  assertStringIncludes(error.message, '1 variable missing in the checkpoint: "/SGDOptimizer/model/iterations"');
  assertEquals(weightsOf(model), before);
  track(ctx.in("model"), model, { strict: false });
  assertEquals(model.optimizer.iterations, 0);
  assert(JSON.stringify(weightsOf(model)) !== JSON.stringify(before) && weights.length > 0);

  const weightsOnly = new Context();
  await using __ = await load(weightsOnly).store(store).done();
  track(weightsOnly.in("model"), seededModel(tf.train.sgd(0.1)), { optimizer: false });
});

Deno.test("track() refuses moments of another shape before it changes anything", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const model = seededModel(tf.train.adam(0.01));
  track(ctx.in("model"), model);
  await using handler = await build(ctx).store(store).done();
  await trainStep(model, 0);
  await handler.save();
  const broken = new Context();
  await using other = await load(broken).store(store).done();
  broken.inAbsPath("/AdamOptimizer/model/dense").getVariable("kernel_1st_moment")?.setValue([1, 2]);
  await other.save();
  const before = weightsOf(model);
  const state = await stateOf(model.optimizer);
  await withoutLeak(async () => {
    const kernel = '"/AdamOptimizer/model/dense/kernel_1st_moment" is (Float32)[2], wanted (Float32)[3 4]';
    await assertRejects(() => build(ctx).store(store).done(), ShapeError, kernel);
  });
  assertEquals(weightsOf(model), before);
  assertEquals(await stateOf(model.optimizer), state);
});

Deno.test("track() refuses a step that changes variables that are not tracked, before it is taken", () => {
  const ctx = new Context();
  const optimizer = tf.train.adam(0.1);
  const w = tf.variable(tf.scalar(1), true, "untracked_w");
  track(ctx, optimizer);
  assertThrows(() => optimizer.minimize(() => tf.square(w), false, [w]), VariableError, 'tf.variable "untracked_w"');
  assertEquals([optimizer.iterations, w.dataSync()[0]], [0, 1]);
  track(ctx, { w });
  optimizer.minimize(() => tf.square(w), false, [w]);
  assertEquals(optimizer.iterations, 1);
});

Deno.test("track() keeps two optimizers of a class apart by their scopes", async () => {
  const store = new MemoryStore();
  const run = async (steps: number): Promise<unknown> => {
    const ctx = new Context();
    const models = ["generator", "discriminator"].map((scope) => ({ scope, model: seededModel(tf.train.adam(0.01)) }));
    for (const { scope, model } of models) track(ctx.in(scope), model);
    await using handler = await build(ctx).store(store).onWarning(unexpected).done();
    for (let i = 0; i < steps; i++) {
      for (const [index, { model }] of models.entries()) {
        await trainStep(model, Number(ctx.getGlobalStep()) * 2 + index);
      }
      ctx.setGlobalStep(Number(ctx.getGlobalStep()) + 1);
    }
    await handler.save();
    return await Promise.all(models.map(async ({ model }) => [weightsOf(model), await stateOf(model.optimizer)]));
  };
  const whole = await run(3);
  for (const { name } of await store.list()) await store.remove(name);
  await run(1);
  assertEquals(await run(2), whole);
  const ctx = new Context();
  track(ctx, { w: tf.variable(tf.scalar(1)) });
  track(ctx, tf.train.adam(0.1));
  assertThrows(() => track(ctx, tf.train.adam(0.1)), VariableError, "another Adam optimizer is tracked there already");
});

Deno.test("track().untrack() gives the Context and the optimizer back", async () => {
  const ctx = new Context();
  const model = seededModel(tf.train.adam(0.01));
  const tracked = track(ctx.in("model"), model);
  await trainStep(model, 0);
  const weights = weightsOf(model);
  tracked.untrack();
  assertEquals([ctx.numVariables(), weightsOf(model)], [0, weights]);
  assert(!Object.hasOwn(model.optimizer, "applyGradients"));
  track(ctx.in("model"), seededModel(tf.train.adam(0.01)));
});

Deno.test("track() refuses an optimizer that is none of tfjs's own", () => {
  const adam = tf.train.adam(0.1);
  Object.assign(adam, { getClassName: () => "Lion" });
  assertThrows(() => track(new Context(), adam), ConfigError, 'Cannot track optimizer "Lion": wanted one of tfjs 4.22');
  const changed = tf.train.adam(0.1);
  Object.assign(changed, { accBeta1: 0.9 });
  assertThrows(() => track(new Context(), changed), ConfigError, 'Cannot track optimizer "Adam"');
});

Deno.test("track() has a save in the background write what was there when it was called", async () => {
  const { store } = await trained();
  const ctx = new Context();
  await using handler = await load(ctx).store(store).keep(-1).done();
  const model = seededModel(tf.train.adam(0.01));
  track(ctx.in("model"), model);
  await trainStep(model, 2);
  const weights = weightsOf(model);
  await withoutLeak(async () => {
    const saving = await handler.saveInBackground();
    await trainStep(model, 3);
    await saving.done;
  });
  await handler.restore((await handler.listCheckpoints()).at(-1) ?? "");
  assertEquals(weightsOf(model), weights);
});
