import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { assertEquals } from "@std/assert";
import { build, Context, MemoryStore } from "../../mod.ts";
import { track } from "../../src/tfjs/mod.ts";
import { tfjsNodeTest } from "../backend/tfjs_node_tool.ts";
import { OPTIMIZERS, seededModel, stateOf, trainStep } from "./optimizers.ts";
import { tf, weightsOf, withoutLeak } from "./tfjs.ts";

/** Trains on a backend with each optimizer, at once and in two parts, and compares the ends. */
async function resumeAll(backend: string): Promise<void> {
  await tf.setBackend(backend);
  tf.env().set("IS_TEST", false); // else tfjs takes what it moves between backends for a leak
  assertEquals(tf.getBackend(), backend);
  try {
    for (const [name, newOptimizer] of Object.entries(OPTIMIZERS)) {
      const whole = await train(newOptimizer(), new MemoryStore(), 6);
      const store = new MemoryStore();
      await train(newOptimizer(), store, 3);
      assertEquals(await train(newOptimizer(), store, 6), whole, name);
    }
    await saveAllDtypes();
  } finally {
    tf.env().set("IS_TEST", true);
    await tf.setBackend("cpu");
  }
}

async function train(optimizer: tf.Optimizer, store: MemoryStore, steps: number): Promise<unknown> {
  const ctx = new Context();
  const model = seededModel(optimizer);
  await using handler = await build(ctx).store(store).done();
  track(ctx.in("model"), model);
  await trainStep(model, Number(ctx.getGlobalStep()));
  ctx.setGlobalStep(Number(ctx.getGlobalStep()) + 1);
  await withoutLeak(async () => {
    for (let step = Number(ctx.getGlobalStep()); step < steps; step++) await trainStep(model, step);
    ctx.setGlobalStep(steps);
    await handler.save();
  });
  const end = [weightsOf(model), await stateOf(optimizer)];
  model.dispose();
  optimizer.dispose();
  return end;
}

async function saveAllDtypes(): Promise<void> {
  const ctx = new Context();
  const variables = {
    f: tf.variable(tf.tensor([1.5, -0, 3])),
    i: tf.variable(tf.tensor([1, -2], [2], "int32")),
    b: tf.variable(tf.tensor([true, false], [2], "bool")),
    none: tf.variable(tf.zeros([0, 3])),
  };
  track(ctx, variables);
  await using handler = await build(ctx).store(new MemoryStore()).profile("gomlx-0.28").done();
  await withoutLeak(async () => {
    const saved = await handler.save();
    for (const variable of ctx.iterVariables()) {
      const { scopeAndName, dtype, dimensions } = variable;
      const value = await saved.read(scopeAndName);
      assertEquals([value.dtype, value.dimensions, value.equals(variable.value())], [dtype, dimensions, true]);
    }
    assertEquals((await saved.read("/f")).toNested(), [1.5, -0, 3]);
    await handler.restore(0);
  });
  tf.dispose(variables);
}

Deno.test("track() resumes to the same bits on tfjs's wasm backend", () => resumeAll("wasm"));

tfjsNodeTest("track() resumes to the same bits on tfjs-node", () => resumeAll("tensorflow"));
