import { assert, assertEquals } from "@std/assert";
import { type Backend, hostBackend } from "../../src/backend/mod.ts";
import type { Random } from "../tensor/random.ts";

/** The bytes of float32 values. */
export function toBytes(values: Iterable<number>): Uint8Array {
  return new Uint8Array(new Float32Array(values).buffer);
}

/** The values of float32 bytes. */
export function toValues(bytes: Uint8Array): number[] {
  return [...new Float32Array(bytes.slice().buffer)];
}

/** Blocks of normal numbers, as weights have them. */
export function randomBlocks(random: Random, k: number, size: number): Uint8Array[] {
  return Array.from({ length: k }, () => toBytes(Array.from({ length: size }, () => random.normal())));
}

/** The mean that the backend computes. */
export async function meanOf(backend: Backend, blocks: readonly Uint8Array[]): Promise<number[]> {
  const into = new Uint8Array(blocks[0]?.length ?? 0);
  await backend.mean("Float32", blocks, into);
  return toValues(into);
}

/**
 * Asserts that every mean is within k ulps, of the largest absolute value averaged, of the host's, and that a mean in
 * memory of its own has the same bits.
 */
export async function expectCloseToHost(backend: Backend, blocks: readonly Uint8Array[]): Promise<void> {
  const found = await meanOf(backend, blocks);
  const wanted = await meanOf(hostBackend, blocks);
  const own = await backend.meanInOwnMemory?.("Float32", blocks);
  if (own !== undefined) {
    assertEquals([toValues(own.bytes), own.finite], [found, blocks.length > 1 && found.length > 0]);
    assert(blocks.every(({ buffer }) => buffer !== own.bytes.buffer), "memory of a block");
  }
  const sources = blocks.map(toValues);
  for (const [index, mean] of found.entries()) {
    const largest = Math.max(...sources.map((values) => Math.abs(values[index] ?? NaN)));
    const ulp = 2 ** (Math.floor(Math.log2(largest)) - 23);
    const difference = Math.abs(mean - (wanted[index] ?? NaN));
    assert(
      difference <= blocks.length * ulp,
      `element ${index} is ${mean} on ${backend.name} and ${wanted[index]} on the host, ${difference / ulp} ulps apart`,
    );
  }
}
