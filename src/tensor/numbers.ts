import { forEachBlock } from "./decode.ts";
import type { DType } from "./dtype.ts";

/**
 * Elements as float64: complex ones as re and im in turn, 64-bit integers as the nearest float64. For slices: the
 * result takes 8 bytes per number.
 */
export function toNumbers(dtype: DType, bytes: Uint8Array, size: number): Float64Array {
  const part = dtype === "Complex64" ? "Float32" : dtype === "Complex128" ? "Float64" : undefined;
  const count = part === undefined ? size : 2 * size;
  const numbers = new Float64Array(count);
  forEachBlock(part ?? dtype, bytes, count, (block, from) => numbers.set(block, from));
  return numbers;
}
