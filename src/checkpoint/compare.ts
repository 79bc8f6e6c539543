import { bitsOf, type DType, sizeOf, Tensor } from "../tensor/mod.ts";
import { numbersFor, toNumbers } from "../tensor/numbers.ts";
import type { LoadedValue } from "../context/mod.ts";
import { StoredValue } from "./stored_value.ts";

/** Bytes compared at once: as numbers, those of all sides stay in the cache. Holds whole elements of every dtype. */
const BLOCK_BYTES = 64 * 1024;

/** Copies the bytes of a value from `start` on into `into`. */
export type ReadBlock = (into: Uint8Array, start: number) => Promise<void>;

/** How to read a value for somebody who only looks. */
export function blockReader(value: Tensor | LoadedValue): ReadBlock {
  if (value instanceof StoredValue) return (into, start) => value.copy(into, start);
  let tensor: Promise<Tensor> | undefined;
  return async (into, start) => {
    tensor ??= value instanceof Tensor ? Promise.resolve(value) : value.read();
    into.set((await tensor).bytes.subarray(start, start + into.length));
  };
}

/**
 * Walks through values of one dtype and shape side by side, as float64, and their bytes; `visit` may change both, but not
 * keep them.
 */
export async function forEachSideBySide(
  dtype: DType,
  dimensions: readonly number[],
  byteLength: number,
  readers: readonly ReadBlock[],
  visit: (numbers: readonly Float64Array[], bytes: readonly Uint8Array[]) => void,
  onRead: (bytes: number) => void = () => {},
): Promise<void> {
  let left = sizeOf(dimensions);
  // Used again and again: fresh memory takes longer than what is done with it.
  const sides = readers.map((read) => ({
    read,
    bytes: new Uint8Array(Math.min(BLOCK_BYTES, byteLength)),
    numbers: numbersFor(dtype, Math.min(left, BLOCK_BYTES * 8 / bitsOf(dtype))),
  }));
  for (let at = 0; at < byteLength; at += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, byteLength - at);
    const size = Math.min(left, length * 8 / bitsOf(dtype));
    left -= size;
    const parts = sides.map((side) => ({ ...side, bytes: side.bytes.subarray(0, length) }));
    await Promise.all(parts.map(({ read, bytes }) => read(bytes, at)));
    visit(
      parts.map(({ bytes, numbers }) => toNumbers(dtype, bytes, size, numbers)),
      parts.map(({ bytes }) => bytes),
    );
    onRead(length * readers.length);
  }
}
