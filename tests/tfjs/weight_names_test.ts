import { assertEquals } from "@std/assert";
import { nameWeights } from "../../src/tfjs/weight_names.ts";
import { tf } from "./tfjs.ts";

function namesOf(model: tf.LayersModel): string[] {
  return nameWeights(model).map(({ scopes, name }) => [...scopes, name].join("/"));
}

const { layers } = tf;
const DENSE = ["kernel", "bias"];
const BATCH_NORMALIZATION = ["gamma", "beta", "moving_mean", "moving_variance"];

function mixed(): tf.Sequential {
  return tf.sequential({
    layers: [
      layers.dense({ units: 2, inputShape: [3] }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 2, name: "readout" }),
      layers.dense({ units: 1 }),
    ],
  });
}

Deno.test("nameWeights() gives the same names when a model is built again in the same process", () => {
  const names = [
    ...DENSE.map((name) => `dense/${name}`),
    ...BATCH_NORMALIZATION.map((name) => `batch_normalization/${name}`),
    ...DENSE.map((name) => `readout/${name}`),
    ...DENSE.map((name) => `dense_1/${name}`),
  ];
  assertEquals(namesOf(mixed()), names);
  assertEquals(namesOf(mixed()), names);
});

Deno.test("nameWeights() gives the same names when layers are frozen", () => {
  const model = mixed();
  const names = namesOf(model);
  for (const layer of model.layers.slice(0, 2)) layer.trainable = false;
  assertEquals(namesOf(model), names);
});

Deno.test("nameWeights() takes a layer's new name when it was renamed", () => {
  const model = mixed();
  const first = model.layers[0];
  if (first !== undefined) first.name = "encoder/in";
  assertEquals(namesOf(model).slice(0, 2), ["encoder_in/kernel", "encoder_in/bias"]);
});

Deno.test("nameWeights() keeps given names from those that it makes up", () => {
  const model = tf.sequential({
    layers: [
      layers.dense({ units: 1, inputShape: [1] }),
      layers.dense({ units: 1, name: "dense" }),
      layers.dense({ units: 1, name: "dense_2" }),
      layers.dense({ units: 1 }),
    ],
  });
  assertEquals(namesOf(model).filter((name) => name.endsWith("kernel")), [
    "dense_1/kernel",
    "dense/kernel",
    "dense_2/kernel",
    "dense_3/kernel",
  ]);
});

Deno.test("nameWeights() enters models in models, and names a shared layer once", () => {
  const shared = layers.dense({ units: 2, name: "shared" });
  const inner = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [2] }), layers.dense({ units: 2 })] });
  const input = tf.input({ shape: [2] });
  const left = shared.apply(input);
  const right = inner.apply(shared.apply(left));
  const output = layers.dense({ units: 1 }).apply(right);
  if (Array.isArray(output) || output instanceof tf.Tensor) throw new Error("one symbolic tensor");
  assertEquals(namesOf(tf.model({ inputs: input, outputs: output })), [
    ...DENSE.map((name) => `shared/${name}`),
    ...DENSE.map((name) => `sequential/dense/${name}`),
    ...DENSE.map((name) => `sequential/dense_1/${name}`),
    ...DENSE.map((name) => `dense/${name}`),
  ]);
});

Deno.test("nameWeights() names what is in recurrent layers and wrappers", () => {
  const recurrent = ["kernel", "recurrent_kernel", "bias"];
  const inputShape = [4, 3];
  const layer = layers.gru({ units: 2, returnSequences: true });
  const model = tf.sequential({
    layers: [
      layers.lstm({ units: 2, inputShape, returnSequences: true }),
      layers.bidirectional({ layer, mergeMode: "concat" }),
      layers.rnn({
        cell: [layers.lstmCell({ units: 2 }), layers.gruCell({ units: 2 })],
        returnSequences: true,
      }),
      layers.timeDistributed({ layer: layers.dense({ units: 2 }) }),
    ],
  });
  assertEquals(namesOf(model), [
    ...recurrent.map((name) => `lstm/${name}`),
    ...recurrent.map((name) => `bidirectional/forward/${name}`),
    ...recurrent.map((name) => `bidirectional/backward/${name}`),
    ...recurrent.map((name) => `rnn/cell_0/${name}`),
    ...recurrent.map((name) => `rnn/cell_1/${name}`),
    ...DENSE.map((name) => `time_distributed/${name}`),
  ]);
});
