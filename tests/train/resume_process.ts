import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import { build, Context, Random, Tensor } from "../../mod.ts";
import { importTfjsNode } from "../../src/backend/import_tfjs_node.ts";
import { track } from "../../src/tfjs/mod.ts";
import { BestMetric, everyNSteps, History, inMemoryDataset, Loop, Rng } from "../../src/train/mod.ts";

// Run by tests in a process of its own: `resume_process.ts DIR STEPS [ADDON]`. Trains a small network with tfjs to the
// global step STEPS, from where the last process stopped, by the cpu backend or by tfjs-node. Prints "from N" when it
// begins, and a dot for each step.

const [dir = "", steps = "0", addon] = Deno.args;
if (addon !== undefined) await importTfjsNode(addon);
await tf.setBackend(addon === undefined ? "cpu" : "tensorflow");

const ctx = new Context();
await using checkpoint = await build(ctx).dir(dir).keep(2).done();
const history = await History.open(dir);
const rng = new Rng(ctx, { seed: 11 });
const best = new BestMetric(ctx, "loss");
const dataset = inMemoryDataset(ctx, spiral(500), { batchSize: 32, shuffle: true, seed: 7, infinite: true });

const random = new Random(3n);
const weights = {
  "hidden/weights": variable([2, 24], 0.5),
  "hidden/biases": variable([1, 24], 0.5),
  "readout/weights": variable([24, 2], 0.5),
  "readout/biases": variable([1, 2], 0.5),
};
const optimizer = tf.train.adam(0.01);
track(ctx.in("model"), weights);
track(ctx, optimizer);

const loop = new Loop({ context: ctx, trainStep });
everyNSteps(loop, 5, "history", 50, history.onStepFn);
loop.onStep("best", 60, (_, [loss = NaN]) => best.update(loss));
everyNSteps(loop, 10, "checkpointing", 100, checkpoint.onStepFn);
console.log(`from ${loop.loopStep}`);
loop.onStep("dot", 0, () => Deno.stdout.writeSync(Uint8Array.of(0x2e)));
await loop.runToGlobalStep(dataset, Number(steps));
Deno.exit();

/** Noise on the inputs and dropout both draw from the run's own stream. */
function trainStep(batch: { readonly points: Tensor; readonly labels: Tensor }): number {
  return tf.tidy(() => {
    const noise = rng.draw((random) => Float32Array.from({ length: batch.points.size }, () => random.normal(0, 0.05)));
    const points = tf.add(toTf(batch.points), tf.tensor(noise, [...batch.points.dimensions]));
    const labels = toTf(batch.labels);
    const seed = rng.int(2 ** 31);
    const loss = optimizer.minimize(() => {
      const sum = tf.add(tf.matMul(points, weights["hidden/weights"]), weights["hidden/biases"]);
      const hidden = tf.dropout(tf.tanh(sum), 0.1, undefined, seed);
      const logits = tf.add(tf.matMul(hidden, weights["readout/weights"]), weights["readout/biases"]);
      return tf.losses.softmaxCrossEntropy(labels, logits).asScalar();
    }, true);
    return loss?.dataSync()[0] ?? NaN;
  });
}

function variable(shape: [number, number], spread: number): tf.Variable {
  const values = Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal(0, spread));
  return tf.variable(tf.tensor(values, shape));
}

function toTf(tensor: Tensor): tf.Tensor {
  const data = tensor.data();
  if (!(data instanceof Float32Array)) throw new Error("wanted Float32");
  return tf.tensor(data, [...tensor.dimensions]);
}

/** Two arms; labels one-hot. */
function spiral(count: number): { readonly points: Tensor; readonly labels: Tensor } {
  const noise = new Random(5n);
  const rows = Array.from({ length: count }, (_, index) => {
    const arm = index % 2;
    const angle = index / count * 6 + arm * Math.PI;
    const radius = index / count + noise.normal(0, 0.02);
    return { point: [radius * Math.cos(angle), radius * Math.sin(angle)], label: [1 - arm, arm] };
  });
  return { points: Tensor.from(rows.map(({ point }) => point)), labels: Tensor.from(rows.map(({ label }) => label)) };
}
