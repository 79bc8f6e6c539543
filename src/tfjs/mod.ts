/**
 * Checkpoints of tfjs models: {@linkcode checkpointCallback} for `model.fit`, {@linkcode tfjsTrainer} for a `Loop` over
 * an own loss, and below them {@linkcode track}, which binds a `LayersModel`, an optimizer or variables to a Context.
 *
 * tfjs is not imported here: its objects are recognised by what they can do, so `@tensorflow/tfjs`, `tfjs-core` with
 * `tfjs-layers`, and `tfjs-node` will all do. Needs no permission of its own.
 *
 * @example
 * ```ts
 * import * as tf from "npm:@tensorflow/tfjs@4.22.0";
 * import { build, Context, MemoryStore } from "@cairn/checkpoints";
 * import { track } from "@cairn/checkpoints/tfjs";
 *
 * await tf.setBackend("cpu");
 * const ctx = new Context();
 * const w = tf.variable(tf.scalar(1));
 * track(ctx, { w });
 * await using handler = await build(ctx).store(new MemoryStore()).done();
 * w.assign(tf.scalar(2));
 * const saved = await handler.save();
 * console.log((await saved.read("/w")).item()); // 2
 * ```
 *
 * @module
 */
export {
  type CheckpointCallback,
  checkpointCallback,
  type CheckpointCallbackOptions,
  type HandlerCallbackOptions,
} from "./checkpoint_callback.ts";
export type { FitOptions } from "./fit_checkpoints.ts";
export type { TrackReport } from "./track_report.ts";
export type { TfBuffer, TfLayer, TfModel, TfOptimizer, TfTensor, TfVariable, TfWeight } from "./tfjs_types.ts";
export { tfjsTrainer, type TfjsTrainerOptions } from "./tfjs_trainer.ts";
export { track, type Trackable, type Tracked, type TrackOptions } from "./track.ts";
export type { Handler, RetentionPolicy } from "../checkpoint/mod.ts";
export type { Context, Variable } from "../context/mod.ts";
export type { OnWarning } from "../errors.ts";
export type { Store } from "../store/mod.ts";
export type { Trainer } from "../train/mod.ts";
