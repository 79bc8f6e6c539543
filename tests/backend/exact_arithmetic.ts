/** The exact mean as an integer fraction, against which computed means are measured; slow and obvious. */

/** How finely a dtype can say a number. */
export interface FloatKind {
  /** Significant bits, the implicit one counted. */
  readonly precision: number;
  /** Binary exponent of the smallest positive number. */
  readonly smallest: number;
}

/** All float64 are multiples of 2^-1074. */
const UNIT = -1074;

/** The number in units of 2^-1074. */
export function toUnits(x: number): bigint {
  if (!Number.isFinite(x)) throw new Error(`${x} is not finite`);
  let exponent = 0;
  let scaled = x;
  while (!Number.isInteger(scaled)) {
    // Multiplying by two is exact: what is no integer yet is below 2^52.
    scaled *= 2;
    exponent--;
  }
  return BigInt(scaled) << BigInt(exponent - UNIT);
}

/** How far `found` is from the exact mean of `values`, in ulps of a number of the mean's size. */
export function errorInUlps(found: number, values: readonly number[], kind: FloatKind): number {
  const k = BigInt(values.length);
  const sum = values.map(toUnits).reduce((total, value) => total + value, 0n);
  const difference = absolute(toUnits(found) * k - sum);
  // In 1/1024 ulps; everything is k times too large.
  return Number((difference << 10n) / (k * ulpInUnits(absolute(sum) / k, kind))) / 1024;
}

function ulpInUnits(magnitude: bigint, { precision, smallest }: FloatKind): bigint {
  const exponent = magnitude.toString(2).length - precision;
  return 1n << BigInt(Math.max(exponent, smallest - UNIT));
}

function absolute(x: bigint): bigint {
  return x < 0n ? -x : x;
}
