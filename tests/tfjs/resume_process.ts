/**
 * Trains a model with each optimizer up to a step, resuming from `<dir>/<optimizer>` if there is something, saves, and
 * prints weights and state: `resume_process.ts <dir> <step> <models made before>`.
 */

import { build, Context } from "../../mod.ts";
import { track } from "../../src/tfjs/mod.ts";
import { OPTIMIZERS, seededModel, stateOf, trainStep } from "./optimizers.ts";
import { tf, weightsOf } from "./tfjs.ts";

const [dir = "", last = "0", before = "0"] = Deno.args;
const result: Record<string, unknown> = {};
for (const [name, newOptimizer] of Object.entries(OPTIMIZERS)) {
  // tfjs goes on counting names.
  for (let i = 0; i < Number(before); i++) tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  const ctx = new Context();
  const model = seededModel(newOptimizer());
  // Both orders: what is loaded comes first, or what it is loaded into.
  const isTrackedFirst = Number(before) % 2 === 1;
  if (isTrackedFirst) track(ctx.in("model"), model);
  await using handler = await build(ctx).dir(`${dir}/${name}`).keep(-1).onWarning(fail).done();
  if (!isTrackedFirst) track(ctx.in("model"), model);
  const resumed = ctx.getGlobalStep();
  for (let step = Number(resumed); step < Number(last); step++) {
    await trainStep(model, step);
    ctx.setGlobalStep(step + 1);
  }
  await handler.save();
  result[name] = { resumed, weights: weightsOf(model), state: await stateOf(model.optimizer) };
}
console.log(JSON.stringify(result));

function fail(message: string): void {
  throw new Error(message);
}
