/** Most bins that a {@linkcode Histogram} has. */
const BINS = 64;
const LANES = 4;

/** Counts of values in bins of equal width. */
export interface Histogram {
  /** Lower end of the first bin. */
  readonly start: number;
  /** Width of each bin, a power of two. Bin i holds the values from `start + i * binWidth` up to, not including, the next. */
  readonly binWidth: number;
  /** Values per bin, at most 64 bins; the first and the last one are not empty. */
  readonly counts: readonly number[];
}

/**
 * A histogram that grows with its data. Bins have a width of 2^exponent and lie on a grid through 0, so each bin of a
 * wider grid is made of two whole bins of the narrower one: widening loses no count, and the result depends only on the
 * values, not on their order or on how they were split. The width is the smallest that holds the range.
 */
export class GrowingHistogram {
  readonly #minExponent: number;
  readonly #counts = new Float64Array(BINS);
  readonly #lanes = new Uint32Array(BINS * LANES);
  #exponent = -Infinity;
  /** Grid index of the first bin. */
  #low = 0;
  #min = Infinity;
  #max = -Infinity;

  /** Bins are never narrower than `2 ** minExponent`: 0 for whole numbers. */
  constructor(minExponent: number) {
    // 2 ** 1022 is the largest power of two whose inverse is a normal number.
    this.#minExponent = Math.max(minExponent, -1022);
  }

  /** Counts finite values (fewer than 2^32), the smallest and largest of which are given. */
  add(numbers: Float64Array, min: number, max: number): void {
    if (numbers.length === 0) return;
    this.#cover(min, max);
    count(numbers, 2 ** -this.#exponent, this.#low, this.#lanes);
    for (const [i, n] of this.#lanes.entries()) this.#counts[i % BINS] = (this.#counts[i % BINS] ?? 0) + n;
  }

  /**
   * Adds the counts of another histogram. Its bins may be wider than the result's only if they are of width 1 and hold
   * whole numbers (an integer dtype merged into a float one), which lie at the bins' lower ends.
   */
  merge(other: GrowingHistogram): void {
    if (other.#min > other.#max) return;
    this.#cover(other.#min, other.#max);
    this.#addBins(other.#counts, other.#exponent, other.#low);
  }

  /** The histogram so far; without any value it has no bin. */
  snapshot(): Histogram {
    if (this.#min > this.#max) return { start: 0, binWidth: 1, counts: [] };
    const last = gridIndex(this.#max, this.#exponent) - this.#low;
    const binWidth = 2 ** this.#exponent;
    // A bin may begin below the smallest float64.
    const start = Math.max(-Number.MAX_VALUE, this.#low * binWidth);
    return { start, binWidth, counts: Array.from(this.#counts.subarray(0, last + 1)) };
  }

  /** Moves the bins, and widens them, so that `min` to `max` fit as well. */
  #cover(min: number, max: number): void {
    if (min >= this.#min && max <= this.#max) return;
    this.#min = Math.min(min, this.#min);
    this.#max = Math.max(max, this.#max);
    const counts = this.#counts.slice();
    const exponent = this.#exponent;
    const low = this.#low;
    this.#exponent = Math.max(exponent, exponentFor(this.#min, this.#max, this.#minExponent));
    this.#low = gridIndex(this.#min, this.#exponent);
    this.#counts.fill(0);
    if (exponent > -Infinity) this.#addBins(counts, exponent, low);
  }

  #addBins(counts: Float64Array, exponent: number, low: number): void {
    const narrower = 2 ** (exponent - this.#exponent);
    for (const [i, n] of counts.entries()) {
      if (n === 0) continue;
      const index = Math.floor((low + i) * narrower) - this.#low;
      // Beyond the ends only where a scaled subnormal vanished to 0.
      const bin = Math.max(0, Math.min(BINS - 1, index));
      this.#counts[bin] = (this.#counts[bin] ?? 0) + n;
    }
  }
}

/** The smallest exponent with which `min` to `max` take no more than all bins. */
function exponentFor(min: number, max: number, minExponent: number): number {
  const magnitude = Math.max(Math.abs(min), Math.abs(max));
  // Bins narrower than the spacing of float64 at `magnitude` would have no exact index.
  const finest = Math.max(minExponent, Math.floor(Math.log2(magnitude)) - 52);
  let exponent = Math.max(finest, Math.floor(Math.log2(max / BINS - min / BINS)) - 1);
  while (gridIndex(max, exponent) - gridIndex(min, exponent) >= BINS) exponent++;
  return exponent;
}

function gridIndex(x: number, exponent: number): number {
  // + 0 turns -0 into 0.
  return Math.floor(x * 2 ** -exponent) + 0;
}

/**
 * Counts into four sets of bins in turn: neighbours often fall into one bin, and would wait for each other's increment.
 * `lanes` is cleared first; a block is too short to overflow it.
 */
function count(numbers: Float64Array, scale: number, low: number, lanes: Uint32Array): void {
  lanes.fill(0);
  const whole = numbers.length - numbers.length % LANES;
  for (let i = 0; i < whole; i += LANES) {
    const a = Math.floor((numbers[i] ?? 0) * scale) - low;
    const b = Math.floor((numbers[i + 1] ?? 0) * scale) - low + BINS;
    const c = Math.floor((numbers[i + 2] ?? 0) * scale) - low + 2 * BINS;
    const d = Math.floor((numbers[i + 3] ?? 0) * scale) - low + 3 * BINS;
    lanes[a] = (lanes[a] ?? 0) + 1;
    lanes[b] = (lanes[b] ?? 0) + 1;
    lanes[c] = (lanes[c] ?? 0) + 1;
    lanes[d] = (lanes[d] ?? 0) + 1;
  }
  for (let i = whole; i < numbers.length; i++) {
    const bin = Math.floor((numbers[i] ?? 0) * scale) - low;
    lanes[bin] = (lanes[bin] ?? 0) + 1;
  }
}
