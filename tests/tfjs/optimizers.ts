/** The optimizers of tfjs, in all forms that keep state of their own. */

import { tf } from "./tfjs.ts";

/** Each makes a new one. */
export const OPTIMIZERS: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.05, 0.9),
  nesterov: () => tf.train.momentum(0.05, 0.9, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.5),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.01),
  rmsprop: () => tf.train.rmsprop(0.01),
  centered: () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-12, true),
};

/** A compiled model with first weights that are always the same. */
export function seededModel(optimizer: tf.Optimizer): tf.LayersModel {
  const dense = (
    units: number,
    seed: number,
    rest: { readonly inputShape?: number[]; readonly useBias?: boolean } = {},
  ) => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed });
    return tf.layers.dense({ units, kernelInitializer, activation: "tanh", ...rest });
  };
  const model = tf.sequential({
    layers: [
      dense(4, 1, { inputShape: [3], useBias: false }),
      tf.layers.batchNormalization(),
      dense(2, 2),
      dense(1, 3),
    ],
  });
  model.compile({ optimizer, loss: "meanSquaredError" });
  return model;
}

/** Trains with the batch of one step, which is always the same. */
export async function trainStep(model: tf.LayersModel, step: number): Promise<void> {
  const x = tf.tensor2d(Array.from({ length: 12 }, (_, i) => Math.sin(step * 12 + i)), [4, 3]);
  const y = tf.tensor2d(Array.from({ length: 4 }, (_, i) => Math.cos(step * 4 + i)), [4, 1]);
  await model.trainOnBatch(x, y);
  tf.dispose([x, y]);
}

/** An optimizer's own variables and count, by what tfjs calls them. */
export async function stateOf(optimizer: tf.Optimizer): Promise<Record<string, number[]>> {
  const state: Record<string, number[]> = { iterations: [optimizer.iterations] };
  for (const [key, value] of Object.entries(optimizer)) {
    if (value instanceof tf.Tensor) state[key] = Array.from(await value.data());
    if (!Array.isArray(value)) continue;
    for (const [i, { variable }] of value.entries()) state[`${key} ${i}`] = Array.from(await variable.data());
  }
  return state;
}

/** Data to fit: 16 rows of 3, and their targets. */
export function fitData(): { readonly x: tf.Tensor2D; readonly y: tf.Tensor2D } {
  const x = tf.tensor2d(Array.from({ length: 48 }, (_, i) => Math.sin(i)), [16, 3]);
  return { x, y: tf.tensor2d(Array.from({ length: 16 }, (_, i) => Math.cos(i)), [16, 1]) };
}
