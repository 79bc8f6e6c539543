import { ShapeError } from "../errors.ts";
import { forEachBlock } from "./decode.ts";
import { bitsOf, byteLengthOf, type DType, kindOf } from "./dtype.ts";
import { GrowingHistogram, type Histogram } from "./histogram.ts";
import { isDetached } from "./tensor_data.ts";

/**
 * Statistics of many elements, in float64, in one pass over blocks of bytes; those of parts can be merged.
 *
 * `min`, `max`, `mean`, `std`, `rms`, `meanAbsolute` and the histogram are of the finite elements; NaN and ±Inf are
 * counted apart. Booleans count as 0 and 1, complex numbers by their magnitude, 64-bit integers as the nearest float64
 * (exact up to ±2^53). Squares outside of 1e±154 leave float64: `std` and `rms` are then Infinity, or 0.
 *
 * @example
 * ```ts
 * import { Statistics, Tensor } from "@cairn/checkpoints";
 *
 * const whole = Tensor.from([1, 2, 3, NaN]).statistics();
 * console.assert(whole.mean === 2 && whole.nan === 1);
 *
 * const left = Statistics.of("Float32");
 * left.add(Tensor.from([1, 2]).bytes);
 * const right = Statistics.of("Float32");
 * right.add(Tensor.from([3, NaN]).bytes);
 * console.assert(left.merge(right).mean === 2);
 * ```
 */
export class Statistics {
  /** Element type of the bytes that {@linkcode Statistics.add} takes. */
  readonly dtype: DType;
  readonly #histogram: GrowingHistogram;
  #nan = 0;
  #inf = 0;
  #zero = 0;
  #finite = 0;
  #min = Infinity;
  #max = -Infinity;
  #mean = 0;
  #meanAbsolute = 0;
  /** Sum of squared distances from the mean. */
  #squares = 0;

  private constructor(dtype: DType) {
    this.dtype = dtype;
    const kind = kindOf(dtype);
    this.#histogram = new GrowingHistogram(kind === "float" || kind === "complex" ? -Infinity : 0);
  }

  /** Statistics of no element yet. */
  static of(dtype: DType): Statistics {
    return new Statistics(dtype);
  }

  /** Number of elements, NaN and ±Inf included. */
  get count(): number {
    return this.#finite + this.#nan + this.#inf;
  }

  /** Number of NaN elements. */
  get nan(): number {
    return this.#nan;
  }

  /** Number of elements that are Infinity or -Infinity. */
  get inf(): number {
    return this.#inf;
  }

  /** Number of elements that are 0 or -0. */
  get zero(): number {
    return this.#zero;
  }

  /** Smallest finite element; NaN if there is none. */
  get min(): number {
    return this.#finite === 0 ? NaN : this.#min;
  }

  /** Largest finite element; NaN if there is none. */
  get max(): number {
    return this.#finite === 0 ? NaN : this.#max;
  }

  /** Mean of the finite elements; NaN if there is none. */
  get mean(): number {
    return this.#finite === 0 ? NaN : this.#mean;
  }

  /** Population standard deviation of the finite elements; NaN if there is none. */
  get std(): number {
    return this.#finite === 0 ? NaN : Math.sqrt(this.#squares / this.#finite);
  }

  /** Root of the mean square of the finite elements; NaN if there is none. */
  get rms(): number {
    return this.#finite === 0 ? NaN : Math.sqrt(square(this.#mean) + this.#squares / this.#finite);
  }

  /** Mean of the absolute values of the finite elements; NaN if there is none. */
  get meanAbsolute(): number {
    return this.#finite === 0 ? NaN : this.#meanAbsolute;
  }

  /** Counts of the finite elements in at most 64 bins, whose width doubles when the range grows. */
  get histogram(): Histogram {
    return this.#histogram.snapshot();
  }

  /**
   * Adds the next block of little-endian elements; it need not be aligned.
   *
   * @param bytes Whole elements.
   * @param size Number of elements; by default as many as `bytes` holds. Needed for a packed dtype with padding bits.
   * @throws {ShapeError} `bytes` does not hold that many whole elements, or its buffer is detached.
   */
  add(bytes: Uint8Array, size: number = Math.floor(bytes.byteLength / bitsOf(this.dtype) * 8)): void {
    if (isDetached(bytes)) throw new ShapeError("Cannot add to statistics: the buffer of the bytes is detached");
    if (byteLengthOf(this.dtype, size) !== bytes.byteLength) {
      throw new ShapeError(
        `Cannot add to statistics: ${bytes.byteLength} bytes found, wanted ${
          byteLengthOf(this.dtype, size)
        } for ${size} whole elements of ${this.dtype}`,
      );
    }
    forEachBlock(this.dtype, bytes, size, (numbers) => this.#addBlock(numbers));
  }

  /** The statistics of the elements of both, which stay as they are; the result has this one's dtype. */
  merge(other: Statistics): Statistics {
    const merged = new Statistics(this.dtype);
    merged.#take(this);
    merged.#take(other);
    return merged;
  }

  /** All figures, for `console.log`. */
  [Symbol.for("Deno.customInspect")](inspect: (value: unknown, options: unknown) => string, options: unknown): string {
    const { dtype, count, min, max, mean, std, rms, meanAbsolute, nan, inf, zero } = this;
    return `Statistics ${inspect({ dtype, count, min, max, mean, std, rms, meanAbsolute, nan, inf, zero }, options)}`;
  }

  #addBlock(block: Float64Array): void {
    let numbers = block;
    let sums = sumsOf(numbers);
    if (!Number.isFinite(sums.absolute)) {
      numbers = this.#withoutSpecials(block);
      sums = sumsOf(numbers);
    }
    const count = numbers.length;
    if (count === 0) return;
    this.#zero += sums.zero;
    const { min, max } = sums;
    // The clamp makes the mean of equal numbers exact, and their deviation 0.
    const mean = Math.max(min, Math.min(max, meanOf(sums.sum, numbers)));
    const meanAbsolute = min >= 0 || max <= 0 ? Math.abs(mean) : meanOf(sums.absolute, numbers, Math.abs);
    this.#combine(count, min, max, mean, meanAbsolute, squaresOf(numbers, mean));
    this.#histogram.add(numbers, min, max);
  }

  /** Counts NaN and ±Inf and gives the finite rest, in the block's own memory. */
  #withoutSpecials(block: Float64Array): Float64Array {
    let kept = 0;
    for (const x of block) {
      if (x !== x) this.#nan++;
      else if (x === Infinity || x === -Infinity) this.#inf++;
      else block[kept++] = x;
    }
    return block.subarray(0, kept);
  }

  #take(other: Statistics): void {
    this.#nan += other.#nan;
    this.#inf += other.#inf;
    this.#zero += other.#zero;
    this.#histogram.merge(other.#histogram);
    if (other.#finite === 0) return;
    this.#combine(other.#finite, other.#min, other.#max, other.#mean, other.#meanAbsolute, other.#squares);
  }

  /** Chan's update: joins the moments of two parts without going back to their elements. */
  #combine(
    count: number,
    min: number,
    max: number,
    mean: number,
    meanAbsolute: number,
    squares: number,
  ): void {
    const total = this.#finite + count;
    const share = count / total;
    const delta = mean - this.#mean;
    // Infinity * 0 is NaN.
    const between = this.#finite === 0 ? 0 : square(delta) * this.#finite * share;
    this.#squares += squares + between;
    this.#mean = weighted(this.#mean, mean, share);
    this.#meanAbsolute = weighted(this.#meanAbsolute, meanAbsolute, share);
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
    this.#finite = total;
  }
}

interface Sums {
  readonly sum: number;
  readonly absolute: number;
  readonly min: number;
  readonly max: number;
  readonly zero: number;
}

function sumsOf(numbers: Float64Array): Sums {
  let sum = 0;
  let absolute = 0;
  let min = Infinity;
  let max = -Infinity;
  let zero = 0;
  for (let i = 0; i < numbers.length; i++) {
    const x = numbers[i] ?? 0;
    sum += x;
    absolute += Math.abs(x);
    if (x < min) min = x;
    if (x > max) max = x;
    if (x === 0) zero++;
  }
  return { sum, absolute, min, max, zero };
}

/** Sum of squared distances from `mean`; four sums at once, since one would wait for each addition (10 times slower). */
function squaresOf(numbers: Float64Array, mean: number): number {
  let a = 0, b = 0, c = 0, d = 0;
  const whole = numbers.length - numbers.length % 4;
  for (let i = 0; i < whole; i += 4) {
    a += square((numbers[i] ?? 0) - mean);
    b += square((numbers[i + 1] ?? 0) - mean);
    c += square((numbers[i + 2] ?? 0) - mean);
    d += square((numbers[i + 3] ?? 0) - mean);
  }
  for (let i = whole; i < numbers.length; i++) a += square((numbers[i] ?? 0) - mean);
  return a + b + c + d;
}

function square(x: number): number {
  return x * x;
}

/** The mean, also where the sum of finite numbers overflows. */
function meanOf(sum: number, numbers: Float64Array, part: (x: number) => number = (x) => x): number {
  if (Number.isFinite(sum)) return sum / numbers.length;
  return numbers.reduce((mean, x) => mean + part(x) / numbers.length, 0);
}

/** `a` moved towards `b` by `share`, also where their distance overflows. */
function weighted(a: number, b: number, share: number): number {
  const delta = b - a;
  return Number.isFinite(delta) ? a + delta * share : a * (1 - share) + b * share;
}
