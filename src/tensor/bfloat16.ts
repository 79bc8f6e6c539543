const FLOAT32 = new Float32Array(1);
const BITS = new Uint32Array(FLOAT32.buffer);

/**
 * The bits of the bfloat16 nearest to `x`, ties to even, rounded once from float64. Too large becomes ±Inf, NaN
 * becomes the quiet NaN `0x7fc0`. Source: GoMLX v0.28 `bfloat16.FromFloat32` (until v0.27 it truncates).
 *
 * @example
 * ```ts
 * import { toBFloat16Bits } from "@cairn/checkpoints";
 *
 * console.assert(toBFloat16Bits(1) === 0x3f80);
 * ```
 */
export function toBFloat16Bits(x: number): number {
  if (x !== x) return 0x7fc0;
  FLOAT32[0] = x;
  const nearest = FLOAT32[0];
  let bits = BITS[0] ?? 0;
  if (nearest !== x) {
    // Round to odd: truncate to float32 and set the last bit, so that the second rounding cannot meet a false tie.
    if (Math.abs(nearest) > Math.abs(x)) bits -= 1;
    bits |= 1;
  }
  return ((bits >>> 0) + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/**
 * The value of a bfloat16, exact: its bits are the upper half of a float32's.
 *
 * @example
 * ```ts
 * import { fromBFloat16Bits } from "@cairn/checkpoints";
 *
 * console.assert(fromBFloat16Bits(0x3f80) === 1);
 * ```
 */
export function fromBFloat16Bits(bits: number): number {
  BITS[0] = bits << 16;
  return FLOAT32[0] ?? 0;
}
