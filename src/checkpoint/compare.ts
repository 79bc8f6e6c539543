import { bitsOf, type DType, sizeOf, Tensor } from "../tensor/mod.ts";
import { toNumbers } from "../tensor/numbers.ts";
import type { LoadedValue } from "../context/mod.ts";
import { StoredValue } from "./stored_value.ts";

/** Bytes compared at once; holds whole elements of every dtype. */
const BLOCK_BYTES = 256 * 1024;

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

/** Walks through values of one dtype and shape side by side, as float64, and their bytes. */
export async function forEachSideBySide(
  dtype: DType,
  dimensions: readonly number[],
  byteLength: number,
  readers: readonly ReadBlock[],
  visit: (numbers: readonly Float64Array[], bytes: readonly Uint8Array[]) => void,
  onRead: (bytes: number) => void = () => {},
): Promise<void> {
  let left = sizeOf(dimensions);
  for (let at = 0; at < byteLength; at += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, byteLength - at);
    const size = Math.min(left, length * 8 / bitsOf(dtype));
    left -= size;
    const blocks = readers.map(() => new Uint8Array(length));
    await Promise.all(readers.map((read, index) => read(blocks[index] ?? new Uint8Array(), at)));
    visit(blocks.map((block) => toNumbers(dtype, block, size)), blocks);
    onRead(length * readers.length);
  }
}
