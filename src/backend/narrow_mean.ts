import { exactMean } from "./exact_mean.ts";

/** Elements worked on at once, so that the sums stay in the first-level cache. */
const CHUNK = 1024;

/** How the elements of Float32, Float16 or BFloat16 are read and written. */
export interface NarrowFormat<Elements> {
  /** Significant bits, the implicit one counted. */
  readonly precision: number;
  /** Elements from `from` on as float32: the source itself at `from`, or `scratch` filled from 0 on. */
  decode(source: Elements, from: number, scratch: Float32Array): Float32Array;
  /** Rounds float64 values, once, to elements from `from` on. */
  encode(values: Float64Array, into: Elements, from: number): void;
}

/**
 * The mean of float32 or narrower sources within 1 ulp: summed in float64 and rounded once. Where float64 is not known
 * to be enough, because nearly everything cancels, the element is computed exactly.
 */
export function narrowMean<Elements extends { readonly length: number }>(
  format: NarrowFormat<Elements>,
  sources: readonly Elements[],
  into: Elements,
): void {
  const size = Math.min(CHUNK, into.length);
  const sum = new Float64Array(size);
  const absolute = new Float64Array(size);
  const nothing = new Float32Array(size).fill(-0); // -0 + x is x, with its sign
  const scratch: Scratch = [new Float32Array(size), new Float32Array(size)];
  const element = new Float32Array(1);
  for (let from = 0; from < into.length; from += CHUNK) {
    const count = Math.min(CHUNK, into.length - from);
    const decode = (source: Elements, at: 0 | 1) => format.decode(source, from, scratch[at].subarray(0, count));
    sum.fill(-0);
    absolute.fill(0);
    for (let i = 0; i < sources.length; i += 2) {
      const [one, other] = sources.slice(i, i + 2);
      if (one === undefined) continue;
      addTwo(sum, absolute, decode(one, 0), other === undefined ? nothing : decode(other, 1), count);
    }
    for (const i of divide(sum, absolute, sources.length, format.precision, count)) {
      const values = sources.map((source) => format.decode(source, from + i, element)[0] ?? 0);
      if (!isSumExact(values, absolute[i] ?? 0, format.precision)) sum[i] = exactMean(values);
    }
    format.encode(sum.subarray(0, count), into, from);
  }
}

type Scratch = readonly [Float32Array, Float32Array];

/** Two sources at once: more than twice as fast as one after the other. */
function addTwo(sum: Float64Array, absolute: Float64Array, one: Float32Array, other: Float32Array, count: number) {
  for (let i = 0; i < count; i++) {
    const x = one[i] ?? 0;
    const y = other[i] ?? 0;
    sum[i] = (sum[i] ?? 0) + x + y;
    absolute[i] = (absolute[i] ?? 0) + Math.abs(x) + Math.abs(y);
  }
}

/** Turns sums into means; gives the positions of those that might be off by more than an eighth of an ulp. */
function divide(sum: Float64Array, absolute: Float64Array, k: number, precision: number, count: number): number[] {
  const doubtful: number[] = [];
  const enough = enoughFor(k, precision);
  for (let i = 0; i < count; i++) {
    const total = sum[i] ?? 0;
    if (!(Math.abs(total) >= enough * (absolute[i] ?? 0))) doubtful.push(i);
    sum[i] = total / k;
  }
  return doubtful;
}

/**
 * How large a sum must be beside the sum of the absolute values. A sum of `k` is off by at most (k - 1) * 2^-53 times
 * that, and an ulp of it is 2^-precision.
 */
export function enoughFor(k: number, precision: number): number {
  return k * 2 ** (precision - 50);
}

/** Whether float64 holds every partial sum: all are multiples of the smallest value's last bit. */
function isSumExact(values: readonly number[], absolute: number, precision: number): boolean {
  let smallest = Infinity;
  for (const value of values) if (value !== 0 && Math.abs(value) < smallest) smallest = Math.abs(value);
  return absolute < smallest * 2 ** (53 - precision);
}
