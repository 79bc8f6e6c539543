// @ts-nocheck: this is AssemblyScript
// Means of blocks that src/backend/mean_kernel.ts copies here: k sources, one behind the other every `stride` bytes from
// `from` on, to `into`; `count` is a multiple of 4. Sums are float64, in the order of the sources, and rounded once: bit by
// bit what narrow_mean.ts gives. Where float64 is not known to be enough they give false, and narrow_mean.ts does it again.
// `enough` is how large a sum must be beside the sum of the absolute values. And sums that tfjs computed become means:
// see src/backend/divide_sum.ts.

/** Four float32 at `at`; as many bfloat16 if `shift` is 16. */
// @ts-ignore: AssemblyScript's own
@inline
function loadFour(at: u32, shift: i32): v128 {
  return shift == 16 ? i32x4.shl(v128.load16x4_u(at), 16) : v128.load(at);
}

/** Means of float32. */
export function meanFloat32(from: u32, stride: u32, k: u32, into: u32, count: u32, enough: f64): bool {
  return mean(0, from, stride, k, into, count, enough);
}

/** Means of bfloat16. */
export function meanBFloat16(from: u32, stride: u32, k: u32, into: u32, count: u32, enough: f64): bool {
  return mean(16, from, stride, k, into, count, enough);
}

// @ts-ignore: AssemblyScript's own
@inline
function mean(shift: i32, from: u32, stride: u32, k: u32, into: u32, count: u32, enough: f64): bool {
  const divisor = f64x2.splat(<f64> k);
  const factor = f64x2.splat(enough);
  const elementBytes: u32 = shift == 16 ? 2 : 4;
  for (let at: u32 = 0; at < count * elementBytes; at += 4 * elementBytes) {
    let low = f64x2.splat(-0.0); // -0 + x is x, with its sign
    let high = low;
    let largest = f32x4.splat(0);
    let source = from + at;
    for (let index: u32 = 0; index < k; index++, source += stride) {
      const four = loadFour(source, shift);
      low = f64x2.add(low, f64x2.promote_low_f32x4(four));
      high = f64x2.add(high, f64x2.promote_low_f32x4(i64x2.shuffle(four, four, 1, 0)));
      largest = f32x4.pmax(largest, f32x4.abs(four));
    }
    // Not less than the sums of the absolute values; a NaN is in the sum.
    const absoluteLow = f64x2.mul(divisor, f64x2.promote_low_f32x4(largest));
    const absoluteHigh = f64x2.mul(divisor, f64x2.promote_low_f32x4(i64x2.shuffle(largest, largest, 1, 0)));
    const lowSure = f64x2.ge(f64x2.abs(low), f64x2.mul(factor, absoluteLow));
    const highSure = f64x2.ge(f64x2.abs(high), f64x2.mul(factor, absoluteHigh));
    if (!i64x2.all_true(v128.and(lowSure, highSure))) {
      // Or every partial sum is exact: all are multiples of the smallest value's last bit.
      const smallest = smallestOf(from + at, stride, k, shift);
      const reach = f64x2.splat(shift == 16 ? 35184372088832 : 536870912); // 2^(53 - significant bits)
      const lowReach = f64x2.mul(reach, f64x2.promote_low_f32x4(smallest));
      const highReach = f64x2.mul(reach, f64x2.promote_low_f32x4(i64x2.shuffle(smallest, smallest, 1, 0)));
      const lowExact = v128.or(lowSure, f64x2.lt(absoluteLow, lowReach));
      const highExact = v128.or(highSure, f64x2.lt(absoluteHigh, highReach));
      if (!i64x2.all_true(v128.and(lowExact, highExact))) return false;
    }
    low = f64x2.div(low, divisor);
    high = f64x2.div(high, divisor);
    const lowMean = f32x4.demote_f64x2_zero(low);
    const highMean = f32x4.demote_f64x2_zero(high);
    const four = i64x2.shuffle(lowMean, highMean, 0, 2);
    if (shift == 16) store<u64>(into + at, narrow(four, low, high, lowMean, highMean));
    else v128.store(into + at, four);
  }
  return true;
}

/** Divides float32 from `at` on, where they are; `bytes` is a multiple of 32. Whether all are finite. */
export function divideFloat32(at: u32, bytes: u32, divisor: f32): bool {
  const divisors = f32x4.splat(divisor);
  let low = f32x4.splat(0); // x - x is 0, or NaN
  let high = low;
  for (const end = at + bytes; at < end; at += 32) {
    const one = f32x4.div(v128.load(at), divisors);
    const other = f32x4.div(v128.load(at, 16), divisors);
    v128.store(at, one);
    v128.store(at, other, 16);
    low = v128.or(low, f32x4.sub(one, one));
    high = v128.or(high, f32x4.sub(other, other));
  }
  return !v128.any_true(v128.or(low, high));
}

/** Of each of four elements the smallest absolute value that is not 0, or infinity. */
function smallestOf(from: u32, stride: u32, k: u32, shift: i32): v128 {
  const infinity = f32x4.splat(Infinity);
  let smallest = infinity;
  for (let index: u32 = 0; index < k; index++, from += stride) {
    const absolute = f32x4.abs(loadFour(from, shift));
    const isZero = f32x4.eq(absolute, f32x4.splat(0));
    smallest = f32x4.min(smallest, v128.bitselect(infinity, absolute, isZero));
  }
  return smallest;
}

/** Four bfloat16: float64 means, which were rounded to the float32 in `bits`, rounded as if once. */
// @ts-ignore: AssemblyScript's own
@inline
function narrow(bits: v128, low: v128, high: v128, lowMean: v128, highMean: v128): u64 {
  // A float32 half-way between two bfloat16 does not tell which is nearer, unless it is moved towards the very mean.
  const halfWay = i32x4.eq(v128.and(bits, i32x4.splat(0xffff)), i32x4.splat(0x8000));
  const lowRounded = f64x2.abs(f64x2.promote_low_f32x4(lowMean));
  const highRounded = f64x2.abs(f64x2.promote_low_f32x4(highMean));
  const below = i32x4.shuffle(f64x2.lt(f64x2.abs(low), lowRounded), f64x2.lt(f64x2.abs(high), highRounded), 0, 2, 4, 6);
  const above = i32x4.shuffle(f64x2.gt(f64x2.abs(low), lowRounded), f64x2.gt(f64x2.abs(high), highRounded), 0, 2, 4, 6);
  const moved = i32x4.add(bits, v128.and(halfWay, i32x4.sub(below, above)));
  const even = v128.and(i32x4.shr_u(moved, 16), i32x4.splat(1));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(moved, i32x4.splat(0x7fff)), even), 16);
  return i64x2.extract_lane(i16x8.narrow_i32x4_u(rounded, rounded), 0);
}
