import { assert, assertEquals, assertGreater } from "@std/assert";
import { alignedBlocks } from "../../src/backend/aligned_blocks.ts";
import { computeCarefully } from "../../src/backend/host_mean.ts";
import { MeanKernel } from "../../src/backend/mean_kernel.ts";
import { Random } from "../tensor/random.ts";

const KERNEL = new MeanKernel();

/** The kernel's mean, and how many bytes it left to the careful loop. */
function kernelMean(dtype: "Float32" | "BFloat16", sources: readonly Uint8Array[]): { mean: Uint8Array; left: number } {
  const mean = new Uint8Array(sources[0]?.length ?? 0);
  let left = 0;
  KERNEL.mean(dtype, sources, mean, (start, end) => {
    left += end - start;
    computeCarefully(dtype, sources.map((each) => each.subarray(start, end)), mean.subarray(start, end));
  });
  return { mean, left };
}

function carefulMean(dtype: "Float32" | "BFloat16", sources: readonly Uint8Array[]): Uint8Array {
  const mean = new Uint8Array(sources[0]?.length ?? 0);
  computeCarefully(dtype, sources, mean);
  return mean;
}

for (const dtype of ["Float32", "BFloat16"] as const) {
  const bytes = dtype === "Float32" ? 4 : 2;

  Deno.test(`MeanKernel gives the bits of the careful loop for ${dtype} weights, which it does nearly alone`, () => {
    const random = new Random(7);
    for (const k of [2, 3, 4, 5, 7, 8, 20]) {
      for (const size of [1, 3, 4, 1023, 20_001]) {
        const sources = Array.from({ length: k }, () => {
          const weights = Float32Array.from({ length: size }, () => random.unit() * 2 - 1);
          const bits = new Uint32Array(weights.buffer);
          const narrow = dtype === "Float32" ? bits : Uint16Array.from(bits, (each) => each >>> 16);
          return new Uint8Array(narrow.buffer);
        });
        const { mean, left } = kernelMean(dtype, sources);
        assertEquals(mean, carefulMean(dtype, sources), `${k} × ${size}`);
        if (size > 20_000) assert(left < mean.length / 2, `${left} of ${mean.length} bytes`);
      }
    }
  });

  Deno.test(`MeanKernel gives the same bits for ${dtype} blocks of one memory, whatever their distance and order`, () => {
    const random = new Random(9);
    for (const size of [1, 8, 20_001]) {
      const [into = new Uint8Array(), ...blocks] = alignedBlocks(6, size * bytes);
      for (const block of blocks) block.set(weightBytes(random, size).subarray(0, block.length));
      for (const sources of [blocks, blocks.toReversed(), [0, 2, 4].flatMap((index) => blocks[index] ?? [])]) {
        KERNEL.mean(dtype, sources, into, (start, end) => {
          computeCarefully(dtype, sources.map((each) => each.subarray(start, end)), into.subarray(start, end));
        });
        assertEquals(into, carefulMean(dtype, sources), `${sources.length} × ${size}`);
        const uneven = [blocks[1], blocks[0], blocks[3]].flatMap((block) => block ?? []);
        assertEquals(kernelMean(dtype, uneven).mean, carefulMean(dtype, uneven));
      }
    }
  });

  Deno.test(`MeanKernel gives the bits of the careful loop for any bits of ${dtype}`, () => {
    const random = new Random(8);
    let finite = 0;
    for (let round = 0; round < 60; round++) {
      const k = 2 + round % 6;
      // Neighbouring exponents, so that sums are rounded and ties occur; NaN and infinities in every fifth round.
      const exponent = round % 5 === 0 ? 0xff : [0, 1, 100, 127, 254][round % 4] ?? 0;
      const sources = Array.from({ length: k }, (_, index) => {
        if (round % 7 === 0) return signs(random, dtype === "Float32" ? 4000 : 2000, bytes);
        if (round % 7 === 1 && index > 0) return new Uint8Array(dtype === "Float32" ? 4000 : 2000);
        const words = new Uint32Array(random.bytes(4000).buffer.slice(0, 4000));
        const bits = words.map((word) =>
          ((word & 0x807fffff) | ((exponent - (exponent > 1 ? word % 3 : 0)) << 23)) >>> 0
        );
        const narrow = dtype === "Float32" ? bits : Uint16Array.from(bits, (each) => each >>> 16);
        return new Uint8Array(narrow.buffer);
      });
      const [mean, careful] = [kernelMean(dtype, sources).mean, carefulMean(dtype, sources)];
      for (let at = 0; at < mean.length; at += bytes) {
        if (isNaNAt(dtype, mean, at) && isNaNAt(dtype, careful, at)) continue; // Which NaN is open.
        assertEquals(mean.slice(at, at + bytes), careful.slice(at, at + bytes), `round ${round}, byte ${at}`);
        finite++;
      }
    }
    assertGreater(finite, 40_000);
  });
}

/** Float32 weights; their halves are BFloat16 of any size. */
function weightBytes(random: Random, size: number): Uint8Array {
  return new Uint8Array(Float32Array.from({ length: size }, () => random.unit() * 2 - 1).buffer);
}

/** Zeros of both signs. */
function signs(random: Random, length: number, elementBytes: number): Uint8Array {
  return random.bytes(length).map((each, index) => index % elementBytes === elementBytes - 1 ? (each & 1) << 7 : 0);
}

function isNaNAt(dtype: "Float32" | "BFloat16", bytes: Uint8Array, at: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const bits = dtype === "Float32" ? view.getUint32(0, true) : view.getUint16(0, true) * 0x10000;
  return (bits & 0x7fffffff) > 0x7f800000;
}
