import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
import "npm:@tensorflow/tfjs-backend-cpu@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { tfjsBackend } from "../../src/backend/mod.ts";
import { ShapeError } from "../../src/errors.ts";
import { DTYPES } from "../../src/tensor/mod.ts";
import { Random } from "../tensor/random.ts";
import { expectCloseToHost, meanOf, randomBlocks, toBytes, toValues } from "./float32_blocks.ts";

tf.env().set("IS_TEST", true); // no advertisement for tfjs-node

Deno.test("tfjsBackend() says its backend as soon as tfjs is ready", async () => {
  const backend = tfjsBackend(tf);
  assertEquals(backend.name, "tfjs");
  await meanOf(backend, [toBytes([1]), toBytes([2])]);
  assertEquals(backend.name, `tfjs-${tf.getBackend()}`);
});

for (const name of ["cpu", "wasm"]) {
  Deno.test(`tfjsBackend() on ${name} computes means close to the host's, and leaves no tensors and no changed sources`, async () => {
    await tf.setBackend(name);
    const backend = tfjsBackend(tf);
    assertEquals(backend.name, `tfjs-${name}`);
    const before = tf.memory().numTensors;
    const random = new Random(5);
    for (const [k, size] of [[1, 10], [2, 1000], [3, 1], [5, 777], [20, 64], [4, 0]] as const) {
      const blocks = randomBlocks(random, k, size);
      const copies = blocks.map((block) => block.slice());
      await expectCloseToHost(backend, blocks);
      assertEquals(blocks, copies);
    }
    assertStrictEquals(tf.memory().numTensors, before);
  });

  Deno.test(`tfjsBackend() on ${name} writes into any part of memory, from any part`, async () => {
    await tf.setBackend(name);
    const memory = new Uint8Array(17).fill(0xaa);
    const blocks = [[1, 2, 3], [3, 4, 5]].map((values) => new Uint8Array([0, ...toBytes(values)]).subarray(1));
    await tfjsBackend(tf).mean("Float32", blocks, memory.subarray(2, 14));
    assertEquals(memory, Uint8Array.of(0xaa, 0xaa, ...toBytes([2, 3, 4]), 0xaa, 0xaa, 0xaa));
  });

  Deno.test(`tfjsBackend() on ${name} may be given the same memory again with other values`, async () => {
    await tf.setBackend(name);
    const backend = tfjsBackend(tf);
    const blocks = [new Float32Array(64), new Float32Array(64)];
    const results: number[][] = [];
    for (const value of [1, 2, 3]) {
      for (const block of blocks) block.fill(value);
      results.push(await meanOf(backend, blocks.map((block) => new Uint8Array(block.buffer))));
    }
    assertEquals(results, [1, 2, 3].map((value) => Array.from({ length: 64 }, () => value)));
  });
}

Deno.test("tfjsBackend() disposes all tensors when an operation throws, and when the result cannot be read", async () => {
  await tf.setBackend("cpu");
  const before = tf.memory().numTensors;
  const blocks = [toBytes([1]), toBytes([2])];
  const broken = new Error("broken");
  const throwing = tfjsBackend<tf.Tensor>({
    ...tf,
    addN: () => {
      throw broken;
    },
  });
  assertStrictEquals(await assertRejects(() => meanOf(throwing, blocks)), broken);
  const unreadable = tfjsBackend<tf.Tensor>({
    ...tf,
    addN: (tensors) => Object.assign(tf.addN(tensors), { data: () => Promise.reject(broken) }),
  });
  assertStrictEquals(await assertRejects(() => meanOf(unreadable, blocks)), broken);
  assertStrictEquals(tf.memory().numTensors, before);
});

Deno.test("tfjsBackend() gives infinity where the sum is beyond float32", async () => {
  await tf.setBackend("cpu");
  assertEquals(await tfjsBackend(tf).meanInOwnMemory?.("Float32", [toBytes([3e38]), toBytes([3e38])]), {
    bytes: toBytes([Infinity]),
    finite: false,
  });
  assertEquals(await meanOf(tfjsBackend(tf), [toBytes([3e38]), toBytes([3e38])]), [Infinity]);
});

Deno.test("tfjsBackend() writes into no memory that tfjs shares with others", async () => {
  await tf.setBackend("cpu");
  const shared = Float32Array.of(2, 4, 6, 8);
  for (const [values, wanted] of [[shared.subarray(1, 3), [2, 3]], [shared, [1, 2, 3, 4]]] as const) {
    const backend = tfjsBackend<tf.Tensor>({
      ...tf,
      addN: (tensors) => Object.assign(tf.addN(tensors), { data: () => Promise.resolve(values) }),
    });
    // Blocks of all of that memory, and of none of it.
    const blocks = values === shared
      ? [new Uint8Array(shared.buffer), new Uint8Array(shared.buffer)]
      : [toBytes([1, 2]), toBytes([1, 2])];
    const own = await backend.meanInOwnMemory?.("Float32", blocks);
    assertEquals([toValues(own?.bytes ?? new Uint8Array()), await meanOf(backend, blocks)], [wanted, wanted]);
    assertEquals(shared, Float32Array.of(2, 4, 6, 8));
  }
});

Deno.test("tfjsBackend() gives one block back bit by bit", async () => {
  await tf.setBackend("cpu");
  const block = new Random(3).bytes(400);
  const into = new Uint8Array(400);
  await tfjsBackend(tf).mean("Float32", [block], into);
  assertEquals(into, block);
});

Deno.test("tfjsBackend() supports Float32 only, and refuses others by name", async () => {
  const backend = tfjsBackend(tf);
  assertEquals(DTYPES.filter((dtype) => backend.supports(dtype)), ["Float32"]);
  await tf.setBackend("cpu");
  const block = new Uint8Array(8);
  const error = await assertRejects(async () => await backend.mean("Float64", [block, block], block), ShapeError);
  assertEquals(error.message, 'Cannot compute a mean of Float64 on "tfjs-cpu": it has none of this dtype');
  await assertRejects(async () => await backend.meanInOwnMemory?.("Float32", []), ShapeError, "no blocks found");
  await assertRejects(
    async () => await backend.meanInOwnMemory?.("Float32", [block, block.subarray(4)]),
    ShapeError,
    "a block of 4 bytes found, wanted 8",
  );
});
