import { startMeanKernel } from "./start_mean_kernel.ts";

/** Bytes that are divided at once: they stay in the first-level cache. */
const CHUNK_BYTES = 16 * 1024;
/** What the kernel takes in one turn. */
const TURN_BYTES = 32;

/**
 * Divides float32 elements by `k` into `into`, which has as many bytes and may be the same memory. Gives whether all are
 * finite, which costs nothing more. Each is rounded once, subnormal numbers as well.
 */
export function divideSum(sum: Uint8Array, k: number, into: Uint8Array): boolean {
  let finite = true;
  for (let at = 0; at < sum.length; at += CHUNK_BYTES) {
    const part = sum.subarray(at, at + CHUNK_BYTES);
    const turns = Math.ceil(part.length / TURN_BYTES) * TURN_BYTES;
    if (part.length < turns) chunk.fill(0, part.length, turns);
    chunk.set(part);
    finite = divideFloat32(0, turns, k) !== 0 && finite;
    into.set(part.length === CHUNK_BYTES ? chunk : chunk.subarray(0, part.length), at);
  }
  return finite;
}

const memory = new WebAssembly.Memory({ initial: 1 });
const chunk = new Uint8Array(memory.buffer, 0, CHUNK_BYTES);
const { divideFloat32 } = startMeanKernel(memory);
