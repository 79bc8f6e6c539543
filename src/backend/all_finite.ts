import type { DType } from "../tensor/mod.ts";

/** All ones in the exponent is an infinity or NaN. */
const EXPONENTS: Partial<Record<DType, number>> = { Float16: 0x7c00, BFloat16: 0x7f80, Float32: 0x7f800000 };

/** Whether no element of a float dtype is an infinity or NaN. */
export function allFinite(dtype: DType, bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes;
  const exponent = EXPONENTS[dtype];
  if (exponent === undefined) return new Float64Array(buffer, byteOffset, length / 8).every(Number.isFinite);
  const words = dtype === "Float32"
    ? new Uint32Array(buffer, byteOffset, length / 4)
    : new Uint16Array(buffer, byteOffset, length / 2);
  // Four in a turn: most of the time goes into the loop.
  const whole = words.length - words.length % 4;
  for (let index = 0; index < whole; index += 4) {
    if (
      ((words[index] ?? 0) & exponent) === exponent || ((words[index + 1] ?? 0) & exponent) === exponent ||
      ((words[index + 2] ?? 0) & exponent) === exponent || ((words[index + 3] ?? 0) & exponent) === exponent
    ) return false;
  }
  for (let index = whole; index < words.length; index++) {
    if (((words[index] ?? 0) & exponent) === exponent) return false;
  }
  return true;
}
