/** Bits of the quotient: more than float64 has, so that the last one may stand for all that was cut off. */
const QUOTIENT_BITS = 64;
const SIGNIFICAND_BITS = 53;
const FRACTION_BITS = 52;
const FRACTION_MASK = (1n << 52n) - 1n;
/** The exponent of float64's smallest number, 2^-1074. */
const SMALLEST_EXPONENT = -1074;

const NUMBER = new Float64Array(1);
const NUMBER_BITS = new BigUint64Array(NUMBER.buffer);

/**
 * The float64 nearest to the exact mean, ties to even, whatever cancels and however large the sum. Slow: some
 * microseconds for what float64 cannot do alone. Without NaN and infinities a zero is +0.
 */
export function exactMean(values: readonly number[]): number {
  const notFinite = values.filter((value) => !Number.isFinite(value));
  if (notFinite.length > 0) return notFinite.reduce((sum, value) => sum + value);
  const parts = values.map(splitNumber);
  const exponent = Math.min(...parts.map((part) => part.exponent));
  const sum = parts.reduce((total, part) => total + (part.significand << BigInt(part.exponent - exponent)), 0n);
  return sum < 0n ? -divide(-sum, exponent, values.length) : divide(sum, exponent, values.length);
}

/** The number as an integer times a power of two. */
function splitNumber(x: number): { significand: bigint; exponent: number } {
  NUMBER[0] = x;
  const bits = NUMBER_BITS[0] ?? 0n;
  const biased = Number((bits >> 52n) & 0x7ffn);
  const magnitude = biased === 0 ? bits & FRACTION_MASK : (bits & FRACTION_MASK) | (1n << BigInt(FRACTION_BITS));
  return { significand: x < 0 ? -magnitude : magnitude, exponent: SMALLEST_EXPONENT + Math.max(biased - 1, 0) };
}

/** The float64 nearest to `sum * 2^exponent / count`. */
function divide(sum: bigint, exponent: number, count: number): number {
  if (sum === 0n) return 0;
  const divisor = BigInt(count);
  const shift = Math.max(QUOTIENT_BITS + bitLength(divisor) - bitLength(sum), 0);
  const dividend = sum << BigInt(shift);
  const quotient = dividend / divisor;
  const sticky = quotient * divisor === dividend ? quotient : quotient | 1n;
  const lowest = exponent - shift;
  const dropped = Math.max(bitLength(sticky) - SIGNIFICAND_BITS, SMALLEST_EXPONENT - lowest);
  return Number(shiftToEven(sticky, BigInt(dropped))) * 2 ** (lowest + dropped);
}

/** `x / 2^bits` rounded to the nearest integer, ties to even. */
function shiftToEven(x: bigint, bits: bigint): bigint {
  const floor = x >> bits;
  const twice = (x - (floor << bits)) << 1n;
  const one = 1n << bits;
  const up = twice > one || (twice === one && (floor & 1n) === 1n);
  return up ? floor + 1n : floor;
}

function bitLength(x: bigint): number {
  const hex = x.toString(16);
  return hex.length * 4 - Math.clz32(parseInt(hex.charAt(0), 16)) + 28;
}
