import { type Context, expectContext } from "../context/mod.ts";
import { ConfigError } from "../errors.ts";
import { TrainError } from "../train/train_error.ts";
import type { Trainer } from "../train/trainer.ts";
import { isTfModel, isTfVariable } from "./tfjs_kinds.ts";
import type { TfModel, TfOptimizer, TfTensor, TfVariable } from "./tfjs_types.ts";
import { track, type TrackOptions } from "./track.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** What {@linkcode tfjsTrainer} trains, and how. */
export interface TfjsTrainerOptions<Batch> extends Pick<TrackOptions, "strict"> {
  /** What is trained: a `LayersModel`, which need not be compiled, or variables by name. */
  readonly model: TfModel | Readonly<Record<string, TfVariable>>;
  /** Changes the trainable ones. */
  readonly optimizer: TfOptimizer;
  /** The loss of a batch, a scalar. tfjs disposes what else it makes. May be called in any scope of `tf.tidy`. */
  loss(batch: Batch): TfTensor;
  /** Scope of the model in the Context. Default `model`. */
  readonly scope?: string | undefined;
}

const TFJS_TRAINER_OPTIONS: OptionNames<TfjsTrainerOptions<unknown>> = {
  model: true,
  optimizer: true,
  loss: "function",
  scope: true,
  strict: "boolean",
};

/**
 * A {@linkcode Trainer} over tfjs: a `Loop` of `@cairn/checkpoints/train` with it takes one step of the optimizer for
 * each batch. Model and optimizer are tracked in the Context, see {@linkcode track}. Metric: the loss.
 *
 * @example
 * ```ts
 * import * as tf from "npm:@tensorflow/tfjs@4.22.0";
 * import { build, Context, MemoryStore } from "@cairn/checkpoints";
 * import { everyNSteps, Loop } from "@cairn/checkpoints/train";
 * import { tfjsTrainer } from "@cairn/checkpoints/tfjs";
 *
 * await tf.setBackend("cpu");
 * const ctx = new Context();
 * const w = tf.variable(tf.scalar(0));
 * const trainer = tfjsTrainer(ctx, {
 *   model: { w },
 *   optimizer: tf.train.adam(0.1),
 *   loss: ([x, y]: readonly [number, number]) => tf.squaredDifference(tf.mul(w, x), y),
 * });
 * await using checkpoint = await build(ctx).store(new MemoryStore()).keep(3).done(); // resumes
 * const loop = new Loop(trainer);
 * everyNSteps(loop, 50, "checkpointing", 100, checkpoint.onStepFn);
 * await loop.runEpochs([[1, 3], [2, 6]], 100);
 * console.log(w.dataSync()[0]); // about 3
 * ```
 */
export function tfjsTrainer<Batch>(context: Context, options: TfjsTrainerOptions<Batch>): Trainer<Batch> {
  checkOptions("tfjsTrainer()", options, TFJS_TRAINER_OPTIONS);
  const { model, optimizer, scope = "model", strict } = options;
  // A notebook has no types to prevent it, and the first step comes late.
  if (typeof options.loss !== "function") {
    throw new ConfigError(
      `Cannot make a tfjsTrainer: wanted a function of a batch as loss, found ${typeof options.loss}`,
    );
  }
  const inside = expectContext(context, "Cannot make a tfjsTrainer", "tfjsTrainer(ctx, { model, … })").in(scope);
  track(inside, model, { strict, optimizer: false });
  track(inside, optimizer, { strict });
  return {
    context,
    async trainStep(batch) {
      const loss = optimizer.minimize(() => options.loss(batch), true, trainableOf(model));
      if (loss === null) throw new TrainError("The optimizer gave no loss", { step: Number(context.getGlobalStep()) });
      try {
        return (await loss.data())[0] ?? NaN;
      } finally {
        loss.dispose();
      }
    },
  };
}

function trainableOf(model: TfjsTrainerOptions<unknown>["model"]): TfVariable[] {
  const variables = isTfModel(model)
    ? model.trainableWeights.map((weight) => weight.read()).filter(isTfVariable)
    : Object.values(model);
  return variables.filter(({ trainable }) => trainable);
}
