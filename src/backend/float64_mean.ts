import { exactMean } from "./exact_mean.ts";

/** Elements worked on at once, so that the three sums stay in the first-level cache. */
const CHUNK = 1024;
/** Splits a float64 in two halves of 26 bits (Veltkamp). */
const SPLITTER = 2 ** 27 + 1;
/** Sums of absolute values above this might overflow on the way. */
const LARGE = 2 ** 960;

/**
 * The mean of float64 sources within 1 ulp: a compensated sum (Neumaier), divided with its remainder. Where that is not
 * known to be enough, because nearly everything cancels or a sum might overflow, the element is computed exactly.
 */
export function float64Mean(sources: readonly Float64Array[], into: Float64Array): void {
  const size = Math.min(CHUNK, into.length);
  const sums: Sums = { sum: new Float64Array(size), lost: new Float64Array(size), absolute: new Float64Array(size) };
  for (let from = 0; from < into.length; from += CHUNK) {
    const count = Math.min(CHUNK, into.length - from);
    clear(sums);
    for (const source of sources) add(sums, source, from, count);
    finish(sums, sources, into, from, count);
  }
}

interface Sums {
  readonly sum: Float64Array;
  /** What rounding took from `sum`. */
  readonly lost: Float64Array;
  /** Of the absolute values: the scale of the rounding errors. */
  readonly absolute: Float64Array;
}

function clear({ sum, lost, absolute }: Sums): void {
  sum.fill(-0); // -0 + x is x, with its sign
  lost.fill(0);
  absolute.fill(0);
}

function add({ sum, lost, absolute }: Sums, source: Float64Array, from: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const x = source[from + i] ?? 0;
    const before = sum[i] ?? 0;
    const after = before + x;
    const added = after - before;
    sum[i] = after;
    lost[i] = (lost[i] ?? 0) + ((before - (after - added)) + (x - added));
    absolute[i] = (absolute[i] ?? 0) + Math.abs(x);
  }
}

function finish(
  { sum, lost, absolute }: Sums,
  sources: readonly Float64Array[],
  into: Float64Array,
  from: number,
  count: number,
): void {
  const k = sources.length;
  // `lost` itself is off by at most (k * 2^-53)^2 times the absolute sum; that has to be far below an ulp of the sum.
  const enough = k * k * 2 ** -49;
  for (let i = 0; i < count; i++) {
    const scale = absolute[i] ?? 0;
    const before = sum[i] ?? 0;
    if (scale === 0) {
      into[from + i] = before;
      continue;
    }
    const low = lost[i] ?? 0;
    const high = before + low;
    if (scale < LARGE && Math.abs(high) >= enough * scale) {
      into[from + i] = divide(high, low - (high - before), k);
    } else {
      into[from + i] = exactMean(sources.map((source) => source[from + i] ?? 0));
    }
  }
}

/** `(high + low) / k`, within little more than half an ulp. */
function divide(high: number, low: number, k: number): number {
  const quotient = high / k;
  const spread = quotient * SPLITTER;
  const upper = spread - (spread - quotient);
  const product = quotient * k;
  const productLow = (upper * k - product) + (quotient - upper) * k;
  return quotient + ((high - product - productLow) + low) / k;
}
