/** tfjs on its cpu backend, for tests. */

import * as tf from "npm:@tensorflow/tfjs@4.22.0";

tf.env().set("IS_TEST", true); // no advertisement for tfjs-node
await tf.setBackend("cpu");

export { tf };

/** Runs `work`, and fails if it leaves another number of tensors than it found. */
export async function withoutLeak(work: () => unknown): Promise<void> {
  const before = tf.memory().numTensors;
  await work();
  const after = tf.memory().numTensors;
  if (after !== before) throw new Error(`${after - before} tensors leaked`);
}

/** The weights of a model as one list of numbers. */
export function weightsOf(model: tf.LayersModel): number[][] {
  return model.getWeights().map((weight) => Array.from(weight.dataSync()));
}
