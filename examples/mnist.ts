/**
 * Trains a small network on real handwritten digits. Stop it with Ctrl-C, or kill it, and start the same command again:
 * it goes on where it was.
 *
 * ```sh
 * deno run -A examples/mnist.ts                                          # trains to step 400, in ./mnist_run
 * deno run -A examples/mnist.ts --steps 900 --set "learning_rate=0.001"  # trains on, more slowly
 * deno run -A examples/mnist.ts --dir from_go --from-gomlx examples/mnist/gomlx_run  # goes on from a run of GoMLX (Go)
 * ```
 *
 * On WebAssembly `--allow-read --allow-write=mnist_run --allow-env` is enough.
 */
import { parseArgs } from "node:util";
import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import {
  type Backend,
  build,
  Context,
  display,
  load,
  openCheckpoint,
  parseContextSettings,
  type Tensor,
} from "@cairn/checkpoints";
import { track } from "@cairn/checkpoints/tfjs";
import {
  attachProgressBar,
  type Batches,
  BestMetric,
  everyNSteps,
  History,
  inMemoryDataset,
  interruptSignal,
  Loop,
  type MetricDescription,
  plotHistory,
} from "@cairn/checkpoints/train";
import { type Digits, loadDigits } from "./mnist/digits.ts";
import { CHOICES, startTfjs } from "./mnist/start_tfjs.ts";

const OPTIONS = {
  dir: { type: "string", default: "mnist_run" },
  steps: { type: "string", default: "400" },
  every: { type: "string", default: "20" },
  keep: { type: "string", default: "5" },
  set: { type: "string", default: "" },
  backend: { type: "string", default: "auto" },
  "from-gomlx": { type: "string" },
  figure: { type: "string" },
} as const;

const EVAL_METRICS: readonly MetricDescription[] = [
  { name: "Loss", shortName: "loss", metricType: "loss" },
  { name: "Accuracy", shortName: "acc", metricType: "accuracy" },
];

const { values: flags } = parseArgs({ options: OPTIONS });
const [steps, every, keep] = [wholeNumber("steps"), wholeNumber("every"), wholeNumber("keep")];
const choice = CHOICES.find((each) => each === flags.backend);
if (choice === undefined) throw new Error(`--backend is ${flags.backend}; wanted one of ${CHOICES.join(", ")}`);

const backend = await startTfjs(choice);
console.log(`tfjs computes on ${tf.getBackend()}`);
const digits = await loadDigits();
await train();
await compareWithMean(backend);
await using newest = await openCheckpoint(flags.dir);
await display(newest);

async function train(): Promise<void> {
  const ctx = new Context();
  ctx.setParams({ learning_rate: 0.01, batch_size: 64, hidden_units: 32 });
  const fromFlags = parseContextSettings(ctx, flags.set); // and these are not overwritten by the checkpoint's:
  await using checkpoint = await build(ctx).dir(flags.dir).keep(keep).excludeParams(...fromFlags).done();
  const gomlx = checkpoint.loadedBase === undefined ? flags["from-gomlx"] : undefined;
  if (gomlx !== undefined) await takeGomlxModel(ctx, gomlx);
  console.log(`${checkpoint.loadedBase ?? "a new run"}: from step ${ctx.getGlobalStep()} to ${steps}`);

  const model = newModel(ctx);
  const optimizer = tf.train.adam(ctx.getParamOr("learning_rate", 0.01));
  track(ctx.in("model"), model);
  track(ctx, optimizer);
  if (gomlx !== undefined) console.log(`GoMLX has brought it to ${textOf(evaluate(model))}`);

  const dataset = inMemoryDataset(ctx, digits.train, {
    batchSize: ctx.getParamOr("batch_size", 64),
    shuffle: true,
    infinite: true,
    seed: 42,
  });
  const loop = new Loop({
    context: ctx,
    trainStep({ images, labels }: Digits) {
      return tf.tidy(() => {
        const loss = optimizer.minimize(() => lossOf(model, images, labels).asScalar(), true);
        return loss?.dataSync()[0] ?? NaN;
      });
    },
  });

  const history = await History.open(flags.dir);
  const best = new BestMetric(ctx, "test_loss");
  everyNSteps(loop, 10, "history", 50, history.onStepFn);
  everyNSteps(loop, every, "evaluate", 90, async () => {
    const evaluation = evaluate(model);
    best.update(evaluation.loss);
    await history.addEval({ name: "test" }, EVAL_METRICS, [evaluation.loss, evaluation.accuracy], loop.loopStep + 1);
  });
  everyNSteps(loop, every, "checkpointing", 100, checkpoint.onStepFn);
  attachProgressBar(loop);
  await runUntilInterrupted(loop, dataset);

  console.log(
    `best loss on the test digits: ${best.value?.toFixed(4) ?? "not measured yet"} at step ${best.step ?? 0}`,
  );
  console.log(history);
  if (flags.figure !== undefined) await writeFigure(history, flags.figure);
}

/** The same command goes on where Ctrl-C has stopped it. */
async function runUntilInterrupted<Batch>(loop: Loop<Batch>, dataset: Batches<Batch>): Promise<void> {
  const signal = interruptSignal();
  try {
    await loop.runToGlobalStep(dataset, steps, { signal });
  } catch (error) {
    if (error !== signal.reason) throw error;
    console.log(`stopped at step ${loop.loopStep}, which is saved; the same command goes on from there`);
    Deno.exit(130);
  }
}

/** Weights, moments and step of a network that GoMLX has trained, under the names that they have here. */
async function takeGomlxModel(ctx: Context, dir: string): Promise<void> {
  const config = load(ctx).dir(dir).immediate().scope("/global_step", "/global_step");
  for (const layer of ["hidden", "readout"]) {
    config.scope(`/model/${layer}/dense/weights`, `/model/${layer}/kernel`);
    config.scope(`/model/${layer}/dense/biases`, `/model/${layer}/bias`);
  }
  await using handler = await config.done();
  console.log(`took the network that GoMLX has trained: ${handler.loadedBase}`);
  // GoMLX computes from its step what tfjs's Adam keeps.
  const step = Number(ctx.getGlobalStep());
  const adam = ctx.in("AdamOptimizer");
  adam.variableWithValue("iterations", BigInt(step)).setTrainable(false);
  adam.variableWithValue("accumulated_beta1", 0.9 ** (step + 1)).setTrainable(false);
  adam.variableWithValue("accumulated_beta2", 0.999 ** (step + 1)).setTrainable(false);
}

/** 784 pixels, a hidden layer, 10 classes: as tests/gomlx/v0.19.4/digits builds it in Go. */
function newModel(ctx: Context): tf.LayersModel {
  const kernelInitializer = (seed: number) => tf.initializers.glorotUniform({ seed });
  const units = ctx.getParamOr("hidden_units", 32);
  return tf.sequential({
    layers: [
      tf.layers.dense({
        name: "hidden",
        units,
        inputShape: [784],
        activation: "relu",
        kernelInitializer: kernelInitializer(1),
      }),
      tf.layers.dense({ name: "readout", units: 10, kernelInitializer: kernelInitializer(2) }),
    ],
  });
}

interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
}

/** On the digits that were not trained on. */
function evaluate(model: tf.LayersModel): Evaluation {
  return tf.tidy(() => {
    const { images, labels } = digits.test;
    const right = tf.equal(tf.argMax(logitsOf(model, images), 1), tf.tensor1d(labels.bytes, "int32"));
    return {
      loss: lossOf(model, images, labels).dataSync()[0] ?? NaN,
      accuracy: tf.mean(tf.cast(right, "float32")).dataSync()[0] ?? NaN,
    };
  });
}

function lossOf(model: tf.LayersModel, images: Tensor, labels: Tensor): tf.Tensor {
  const wanted = tf.oneHot(tf.tensor1d(labels.bytes, "int32"), 10);
  return tf.losses.softmaxCrossEntropy(wanted, logitsOf(model, images));
}

function logitsOf(model: tf.LayersModel, images: Tensor): tf.Tensor {
  const [count = 0] = images.dimensions;
  const pixels = tf.div(tf.tensor2d(Float32Array.from(images.bytes), [count, 784]), 255);
  const logits = model.apply(pixels);
  if (logits instanceof tf.Tensor) return logits;
  throw new Error("the model has one output");
}

/** The mean of the last checkpoints is often better than the last one; say whether it is. */
async function compareWithMean(backend: Backend): Promise<void> {
  const newest = await evaluateMean(1, backend);
  const mean = await evaluateMean(keep, backend);
  const change = (mean.loss - newest.loss) / newest.loss * 100;
  console.log(`newest checkpoint: ${textOf(newest)}`);
  console.log(`mean of the last ${keep}: ${textOf(mean)}`);
  const sign = change < 0 ? "" : "+";
  console.log(`the mean is ${change < 0 ? "better" : "no better"}: ${sign}${change.toFixed(1)} % loss`);
}

async function evaluateMean(count: number, backend: Backend): Promise<Evaluation> {
  const ctx = new Context();
  await using _ = await load(ctx).dir(flags.dir).takeMean(count, backend).done();
  const model = newModel(ctx);
  track(ctx.in("model"), model);
  const evaluation = evaluate(model);
  model.dispose();
  return evaluation;
}

/** Curves for people, by Observable Plot, which nobody else has to download. */
async function writeFigure(history: History, path: string): Promise<void> {
  const Plot = await import("npm:@observablehq/plot@0.6.17");
  const { DOMParser } = await import("npm:linkedom@0.18.12");
  const document = new DOMParser().parseFromString("<html></html>", "text/html");
  await Deno.writeTextFile(path, plotHistory(history, Plot, { document }).html);
  console.log(`wrote ${path}`);
}

function textOf({ loss, accuracy }: Evaluation): string {
  return `loss ${loss.toFixed(4)}, accuracy ${(accuracy * 100).toFixed(2)} % on the test digits`;
}

function wholeNumber(name: "steps" | "every" | "keep"): number {
  const value = Number(flags[name]);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`--${name} is ${flags[name]}; wanted a whole number from 1`);
}
