import { assert, assertEquals } from "@std/assert";
import { type Histogram, Statistics, Tensor } from "../../src/tensor/mod.ts";
import { Random } from "./random.ts";

Deno.test("histogram gives each of a few whole numbers its own bin", () => {
  assertEquals(histogramOf(Int32Array.of(5, 3, 5, 8)), { start: 3, binWidth: 1, counts: [1, 0, 2, 0, 0, 1] });
  assertEquals(histogramOf(Int32Array.of(-2, -2)), { start: -2, binWidth: 1, counts: [2] });
  assertEquals(Tensor.from([true, false, true]).statistics().histogram, { start: 0, binWidth: 1, counts: [1, 2] });
  assertEquals(histogramOf(Uint8Array.from({ length: 256 }, (_, i) => i)), {
    start: 0,
    binWidth: 4,
    counts: new Array(64).fill(4),
  });
});

Deno.test("histogram puts a value on a border into the upper bin", () => {
  const { start, binWidth, counts } = histogramOf(Float64Array.of(0, 0.5, 1, 32));
  assertEquals([start, binWidth, counts.length], [0, 1, 33]);
  assertEquals([counts[0], counts[1], counts[32]], [2, 1, 1]);
});

Deno.test("histogram doubles its width when the range grows, merging pairs and keeping counts", () => {
  const random = new Random(5);
  const statistics = Statistics.of("Float64");
  let before = statistics.histogram;
  let count = 0;
  const widths = new Set<number>();
  for (let range = 1; range < 1e9; range *= 1.7) {
    const values = Float64Array.from({ length: random.whole(1, 50) }, () => (random.unit() - 0.3) * range);
    statistics.add(Tensor.from(values).bytes);
    count += values.length;
    const after = statistics.histogram;
    assertEquals(sum(after.counts), count);
    assert(after.counts.length <= 64);
    assert(
      Number.isInteger(Math.log2(after.binWidth)) && after.binWidth >= before.binWidth || before.counts.length === 0,
    );
    assertRefines(before, after, values);
    widths.add(after.binWidth);
    before = after;
  }
  assert(widths.size > 20, `${widths.size} widths seen`);
});

Deno.test("histogram equals counting at once, whatever the order and the split", () => {
  const random = new Random(6);
  for (let round = 0; round < 30; round++) {
    const scale = 10 ** random.whole(-30, 30);
    const offset = random.whole(0, 3) * scale * 100;
    const values = Float64Array.from({ length: 300 }, () => random.normal() * scale + offset);
    const whole = histogramOf(values);
    assertEquals(whole, counted(values, whole));
    assert((whole.counts[0] ?? 0) > 0 && (whole.counts.at(-1) ?? 0) > 0);
    // Half the width would need more than 64 bins, or is finer than the numbers are.
    const half = { ...whole, binWidth: whole.binWidth / 2 };
    assert(bins(values, half) > 64);
    assertEquals(histogramOf(values.toSorted()), whole);
    assertEquals(histogramOf(values.toReversed()), whole);
    const cut = random.whole(0, values.length + 1);
    const parts = [values.subarray(cut), values.subarray(0, cut)].map((part) => Tensor.from(part).statistics());
    assertEquals(parts.reduce((a, b) => a.merge(b)).histogram, whole);
  }
});

Deno.test("histogram holds any range of float64 without losing a count", () => {
  const extremes = [0, -0, Number.MIN_VALUE, -Number.MIN_VALUE, 2 ** -1022, 1, 1 + 2 ** -52, 1e-300, -1e300];
  extremes.push(Number.MAX_VALUE, -Number.MAX_VALUE);
  for (const a of extremes) {
    for (const b of extremes) {
      const both = histogramOf(Float64Array.of(a, b));
      assertEquals(sum(both.counts), 2, `${a} and ${b}`);
      assert(both.counts.length <= 64 && Number.isFinite(both.start) && both.binWidth > 0, `${a} and ${b}`);
      // A subnormal beside 1e300 counts as 0.
      assert(both.start <= Math.min(a, b) + both.binWidth * 2 ** -1000, `${a} and ${b}: start ${both.start}`);
      const merged = Tensor.from(Float64Array.of(a)).statistics().merge(Tensor.from(Float64Array.of(b)).statistics());
      assertEquals(sum(merged.histogram.counts), 2, `${a} and ${b}`);
    }
  }
});

Deno.test("histogram of one value has one bin around it", () => {
  for (const x of [0, -0, 0.1, -3, 1e15, -1e-300, 1 - 2 ** -53, 2 ** 60]) {
    const { start, binWidth, counts } = histogramOf(Float64Array.of(x, x, x));
    assertEquals(counts, [3]);
    assert(start <= x && x < start + binWidth && !Object.is(start, -0), `${x}: ${start} + ${binWidth}`);
  }
});

Deno.test("histogram keeps whole numbers in their place when merged into floats", () => {
  const floats = Tensor.from(Float64Array.of(0.25, 0.5)).statistics();
  const merged = floats.merge(Tensor.from(Int32Array.of(3, 4)).statistics()).histogram;
  assertEquals(merged, histogramOf(Float64Array.of(0.25, 0.5, 3, 4)));
});

Deno.test("histogram counts long runs of one bin and odd lengths", () => {
  for (const length of [1, 2, 3, 5, 4095, 4096, 4097, 12_289]) {
    assertEquals(histogramOf(new Float32Array(length).fill(-1.5)).counts, [length]);
  }
});

function histogramOf(values: Float64Array | Float32Array | Int32Array | Uint8Array): Histogram {
  return Tensor.from(values).statistics().histogram;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function bins(values: Float64Array, { binWidth }: Histogram): number {
  const indices = values.map((x) => Math.floor(x / binWidth));
  return indices.reduce((a, b) => Math.max(a, b)) - indices.reduce((a, b) => Math.min(a, b)) + 1;
}

/** The same bins, counted one value at a time. */
function counted(values: Float64Array, { start, binWidth, counts }: Histogram): Histogram {
  const own = counts.map(() => 0);
  for (const x of values) {
    const bin = Math.floor(x / binWidth) - start / binWidth;
    own[bin] = (own[bin] ?? 0) + 1;
  }
  return { start, binWidth, counts: own };
}

/** `after` is `before`, each bin put whole into one wider bin, and `values`. */
function assertRefines(before: Histogram, after: Histogram, values: Float64Array): void {
  const expected = [...counted(values, after).counts];
  for (const [i, n] of before.counts.entries()) {
    const bin = Math.floor((before.start + i * before.binWidth - after.start) / after.binWidth);
    if (n > 0) expected[bin] = (expected[bin] ?? 0) + n;
  }
  assertEquals([...after.counts], expected);
}
