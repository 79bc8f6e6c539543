import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { build, ConfigError, Context, MemoryStore } from "../../mod.ts";
import { tfjsTrainer } from "../../src/tfjs/mod.ts";
import { BatchDataset, everyNSteps, Loop, TrainError } from "../../src/train/mod.ts";
import { seededModel, stateOf } from "./optimizers.ts";
import { tf, weightsOf, withoutLeak } from "./tfjs.ts";

interface Batch {
  readonly x: number[];
  readonly y: number[];
}

function rowsOf(rows: ArrayLike<number>): Batch {
  const indices = Array.from(rows);
  return { x: indices.flatMap((i) => [Math.sin(i), Math.cos(i), i / 24]), y: indices.map((i) => Math.sin(3 * i)) };
}

/** Trains a model by an own loss up to a step, in shuffled batches, resuming what the store has. */
async function train(store: MemoryStore, step: number): Promise<unknown> {
  const ctx = new Context();
  const optimizer = tf.train.adam(0.02);
  const model = seededModel(optimizer);
  const trainer = tfjsTrainer(ctx, {
    model,
    optimizer,
    loss: ({ x, y }: Batch) => {
      const predicted = model.apply(tf.tensor2d(x, [4, 3]), { training: true });
      if (!(predicted instanceof tf.Tensor)) throw new Error("one tensor");
      return tf.losses.meanSquaredError(tf.tensor2d(y, [4, 1]), predicted);
    },
  });
  await using handler = await build(ctx).store(store).keep(-1).done();
  const loop = new Loop(trainer);
  everyNSteps(loop, 3, "checkpointing", 100, handler.onStepFn);
  const batches = new BatchDataset(ctx, 24, rowsOf, { batchSize: 4, shuffle: true, seed: 7, infinite: true });
  await loop.runToGlobalStep(batches, Number(ctx.getGlobalStep()) + 1); // makes the moments
  await withoutLeak(() => loop.runToGlobalStep(batches, step));
  return [weightsOf(model), await stateOf(optimizer)];
}

Deno.test("tfjsTrainer() in a Loop resumes to the same bits, between shuffled batches", async () => {
  const whole = await train(new MemoryStore(), 10);
  const store = new MemoryStore();
  await train(store, 4);
  await train(store, 8);
  assertEquals(await train(store, 10), whole);
});

Deno.test("tfjsTrainer() trains variables, in a scope of its own, and leaves fixed ones alone", async () => {
  const ctx = new Context();
  const w = tf.variable(tf.scalar(0));
  const fixed = tf.variable(tf.scalar(5), false);
  const trainer = tfjsTrainer(ctx, {
    model: { w, fixed },
    optimizer: tf.train.sgd(0.1),
    loss: (x: number) => tf.squaredDifference(tf.mul(w, x), fixed),
    scope: "line",
  });
  await new Loop(trainer).runEpochs([1], 100);
  assertEquals([w.dataSync()[0]?.toFixed(3), fixed.dataSync()[0]], ["5.000", 5]);
  assertEquals(
    [...ctx.iterVariables()].map(({ scopeAndName }) => scopeAndName).slice(0, 3),
    ["/line/w", "/line/fixed", "/SGDOptimizer/line/iterations"],
  );
});

Deno.test("tfjsTrainer() refuses a loss that is no function before it tracks anything", () => {
  const ctx = new Context();
  const wanted = "wanted a function of a batch as loss";
  for (
    const [loss, message] of [
      [undefined, `Cannot make a tfjsTrainer: ${wanted}, found undefined`],
      [null, "tfjsTrainer(): wanted a function as loss, found null"],
      ["meanSquaredError", 'tfjsTrainer(): wanted a function as loss, found "meanSquaredError"'],
      [tf.scalar(0), "tfjsTrainer(): wanted a function as loss, found an object"],
    ] as const
  ) {
    const error = assertThrows(
      // @ts-expect-error -- a notebook has no types to prevent it
      () => tfjsTrainer(ctx, { model: { w: tf.variable(tf.scalar(0)) }, optimizer: tf.train.sgd(1), loss }),
      ConfigError,
    );
    assertEquals(error.message, message);
  }
  assertEquals([...ctx.iterVariables()], []);
});

Deno.test("tfjsTrainer() stops a Loop at a loss that is not finite, before it is saved", async () => {
  const ctx = new Context();
  const w = tf.variable(tf.scalar(1));
  const trainer = tfjsTrainer(ctx, { model: { w }, optimizer: tf.train.sgd(1), loss: () => tf.log(tf.mul(w, -1)) });
  await using handler = await build(ctx).store(new MemoryStore()).done();
  const loop = new Loop(trainer);
  everyNSteps(loop, 1, "checkpointing", 100, handler.onStepFn);
  const error = await assertRejects(() => loop.runSteps([1], 1), TrainError);
  assertStringIncludes(error.message, "the loss is NaN");
  assertEquals(await handler.hasCheckpoints(), false);
});
