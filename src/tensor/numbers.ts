import { forEachBlock } from "./decode.ts";
import { type DType, kindOf } from "./dtype.ts";

/** Memory for {@linkcode toNumbers} of `size` elements: 8 bytes per number. */
export function numbersFor(dtype: DType, size: number): Float64Array {
  return new Float64Array(countOf(dtype, size));
}

/**
 * The first `size` elements of `bytes` as float64: complex ones as re and im in turn, 64-bit integers as the nearest
 * float64. They are written into `into`, of which the part that they take is returned.
 */
export function toNumbers(dtype: DType, bytes: Uint8Array, size: number, into: Float64Array): Float64Array {
  const part = dtype === "Complex64" ? "Float32" : dtype === "Complex128" ? "Float64" : dtype;
  const count = countOf(dtype, size);
  forEachBlock(part, bytes, count, (block, from) => into.set(block, from));
  return into.subarray(0, count);
}

function countOf(dtype: DType, size: number): number {
  return kindOf(dtype) === "complex" ? 2 * size : size;
}
