/**
 * `model.fit` for some epochs with a checkpointCallback, and nothing else of Cairn; prints a line after each epoch, and at
 * the end the weights: `fit_process.ts <dir> <epochs>`.
 */

import { checkpointCallback } from "../../src/tfjs/mod.ts";
import { fitData, seededModel, stateOf } from "./optimizers.ts";
import { tf, weightsOf } from "./tfjs.ts";

const [dir = "", epochs = "1"] = Deno.args;
const model = seededModel(tf.train.adam(0.01));
const { x, y } = fitData();
await model.fit(x, y, {
  epochs: Number(epochs),
  batchSize: 4,
  shuffle: false,
  verbose: 0,
  validationSplit: 0.25,
  callbacks: [
    await checkpointCallback(model, dir, { keep: 2, saveBest: "val_loss" }),
    {
      onEpochEnd: () => console.log("epoch"),
    },
  ],
});
console.log(JSON.stringify({ weights: weightsOf(model), state: await stateOf(model.optimizer) }));
