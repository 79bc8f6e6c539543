import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../src/errors.ts";
import {
  byteLengthOf,
  type Complex,
  type DType,
  DTYPES,
  kindOf,
  Statistics,
  Tensor,
  type TensorElement,
} from "../../src/tensor/mod.ts";
import { Random } from "./random.ts";

Deno.test("Statistics has the figures of a small vector", () => {
  const statistics = Tensor.from([2, 4, 4, 4, 5, 5, 7, 9]).statistics();
  assertEquals(figures(statistics), {
    count: 8,
    nan: 0,
    inf: 0,
    zero: 0,
    min: 2,
    max: 9,
    mean: 5,
    std: 2,
    rms: Math.sqrt(29),
    meanAbsolute: 5,
  });
});

Deno.test("Statistics counts NaN, infinities and zeros apart; the other figures are of the finite elements", () => {
  const statistics = Tensor.from([NaN, -3, Infinity, 0, -0, 3, -Infinity, NaN]).statistics();
  assertEquals(figures(statistics), {
    count: 8,
    nan: 2,
    inf: 2,
    zero: 2,
    min: -3,
    max: 3,
    mean: 0,
    std: Math.sqrt(4.5),
    rms: Math.sqrt(4.5),
    meanAbsolute: 1.5,
  });
  assertEquals(total(statistics), 4);
});

Deno.test("Statistics of no finite element are NaN, and its histogram is empty", () => {
  for (const values of [[], [NaN, Infinity]]) {
    const statistics = Tensor.from(values).statistics();
    assertEquals(statistics.count, values.length);
    const { min, max, mean, std, rms, meanAbsolute } = statistics;
    assertEquals([min, max, mean, std, rms, meanAbsolute], [NaN, NaN, NaN, NaN, NaN, NaN]);
    assertEquals(statistics.histogram, { start: 0, binWidth: 1, counts: [] });
  }
});

Deno.test("Statistics of equal elements are exact, in any number", () => {
  const statistics = Tensor.from(new Float64Array(10_001).fill(0.1)).statistics();
  assertEquals([statistics.mean, statistics.std, statistics.rms, statistics.meanAbsolute], [0.1, 0, 0.1, 0.1]);
  assertEquals(statistics.histogram.counts, [10_001]);
});

for (const dtype of DTYPES) {
  Deno.test(`Statistics of random ${dtype} agree with a plain two-pass calculation`, () => {
    const random = new Random(100);
    for (const size of [1, 2, 7, 4096, 4097, 10_003]) {
      const tensor = randomTensor(dtype, size, random);
      assertAgrees(tensor.statistics(), numbersOf(tensor), `${tensor}`);
    }
  });

  Deno.test(`Statistics of ${dtype} added in misaligned blocks or merged from random parts equal those of the whole`, () => {
    const random = new Random(200);
    for (let round = 0; round < 6; round++) {
      const tensor = randomTensor(dtype, 5000, random);
      const whole = tensor.statistics();
      const blocks = Statistics.of(dtype);
      let merged = Statistics.of(dtype);
      // Packed dtypes can be cut between bytes only.
      for (let at = 0; at < tensor.size;) {
        const to = Math.min(tensor.size, at + 8 * random.whole(1, 200));
        const bytes = tensor.bytes.subarray(byteLengthOf(dtype, at), byteLengthOf(dtype, to));
        const misaligned = new Uint8Array(bytes.length + 1).subarray(1);
        misaligned.set(bytes);
        blocks.add(misaligned, to - at);
        const part = Statistics.of(dtype);
        part.add(bytes);
        merged = random.bits() % 2 === 0 ? merged.merge(part) : part.merge(merged);
        at = to;
      }
      assertSame(blocks, whole);
      assertSame(merged, whole);
    }
  });
}

Deno.test("Statistics.add() does not depend on block borders where the range grows", () => {
  const values = Float64Array.from({ length: 20_000 }, (_, i) => Math.sin(i) * 1.001 ** i);
  const whole = Tensor.from(values).statistics();
  const single = Statistics.of("Float64");
  for (const x of values) single.add(Tensor.from(Float64Array.of(x)).bytes);
  assertSame(single, whole);
  assertAgrees(whole, [...values], "growing");
});

Deno.test("Statistics.merge() leaves both as they are", () => {
  const left = Tensor.from([1, 2, NaN]).statistics();
  const right = Tensor.from([1000, -1000]).statistics();
  const before = [figures(left), left.histogram, figures(right), right.histogram];
  const merged = left.merge(right);
  assertEquals([figures(left), left.histogram, figures(right), right.histogram], before);
  assertEquals([merged.count, merged.nan, merged.min, merged.max, total(merged)], [5, 1, -1000, 1000, 4]);
  merged.add(Tensor.from([5]).bytes);
  assertEquals([left.count, right.count, merged.count], [3, 2, 6]);
});

Deno.test("Statistics.merge() with none is the same, also from another dtype", () => {
  const some = Tensor.from([1, 2]).statistics();
  assertSame(some.merge(Statistics.of("Float32")), some);
  assertSame(Statistics.of("Float32").merge(some), some);
  const both = Tensor.from([0.25, 0.5]).statistics().merge(Tensor.from([3n, 4n]).statistics());
  assertEquals([both.count, both.min, both.max, both.mean, total(both)], [4, 0.25, 4, 1.9375, 4]);
});

Deno.test("Statistics.add() wants whole elements", () => {
  assertThrows(() => Statistics.of("Float32").add(new Uint8Array(6)), ShapeError, "6 bytes found, wanted 4");
  assertThrows(() => Statistics.of("Float32").add(new Uint8Array(8), 1), ShapeError, "8 bytes found, wanted 4");
  assertThrows(() => Statistics.of("Complex128").add(new Uint8Array(8)), ShapeError, "8 bytes found, wanted 0");
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  assertThrows(() => Statistics.of("Float32").add(bytes), ShapeError, "detached");
});

Deno.test("Statistics.add() takes the padding of a packed dtype for elements unless told the size", () => {
  const bytes = Uint8Array.of(0x21, 0x03);
  const padded = Statistics.of("Uint4");
  padded.add(bytes);
  assertEquals([padded.count, padded.zero], [4, 1]);
  const exact = Statistics.of("Uint4");
  exact.add(bytes, 3);
  assertEquals([exact.count, exact.zero, exact.mean], [3, 0, 2]);
});

Deno.test("Statistics takes Int64 and Uint64 as the nearest float64", () => {
  const values = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 2n ** 53n + 3n, -(2n ** 53n) - 1n, -1n, 0n];
  for (const value of values) assertEquals(Tensor.from(value).statistics().min, Number(value));
  for (const value of [2n ** 64n - 1n, 2n ** 63n + 1025n, 2n ** 63n + 1024n]) {
    assertEquals(Tensor.from(value, "Uint64").statistics().max, Number(value));
  }
});

Deno.test("Statistics takes complex numbers by magnitude, also where squares leave float64", () => {
  const statistics = Tensor.from([{ re: 3, im: -4 }, { re: 0, im: -0 }]).statistics();
  assertEquals([statistics.max, statistics.mean, statistics.zero], [5, 2.5, 1]);
  const huge = Tensor.from([{ re: 3e200, im: 4e200 }], "Complex128").statistics();
  assertAlmostEquals(huge.max / 5e200, 1, 1e-12);
  const tiny = Tensor.from([{ re: 3e-200, im: 4e-200 }], "Complex128").statistics();
  assertEquals([tiny.zero, Math.round(tiny.max * 1e200)], [0, 5]);
  const special = Tensor.from([{ re: NaN, im: 1 }, { re: NaN, im: Infinity }, { re: 1, im: -Infinity }]).statistics();
  assertEquals([special.nan, special.inf], [1, 2]);
});

Deno.test("Statistics of numbers whose sum or distance overflows keep a finite mean and every count", () => {
  const largest = Number.MAX_VALUE;
  const one = Tensor.from([largest, largest, largest, -largest], "Float64").statistics();
  assertAlmostEquals(one.mean / largest, 0.5, 1e-12);
  assertAlmostEquals(one.meanAbsolute / largest, 1, 1e-12);
  assertEquals([one.min, one.max, one.inf, total(one)], [-largest, largest, 0, 4]);
  const two = Tensor.from(largest, "Float64").statistics().merge(Tensor.from(-largest, "Float64").statistics());
  assertEquals([two.mean, two.std, total(two)], [0, Infinity, 2]);
});

Deno.test("Statistics is printed with its figures", () => {
  const text = Deno.inspect(Tensor.from([1, 2]).statistics());
  assert(text.startsWith("Statistics {"), text);
  assert(text.includes("mean: 1.5"), text);
});

function figures(statistics: Statistics): Record<string, number> {
  const { count, nan, inf, zero, min, max, mean, std, rms, meanAbsolute } = statistics;
  return { count, nan, inf, zero, min, max, mean, std, rms, meanAbsolute };
}

function total(statistics: Statistics): number {
  return statistics.histogram.counts.reduce((sum, n) => sum + n, 0);
}

/** Equal in what is exact, close in what is rounded. */
function assertSame(actual: Statistics, expected: Statistics): void {
  const { mean, std, rms, meanAbsolute, ...exact } = figures(actual);
  const wanted = figures(expected);
  for (const [name, value] of Object.entries(exact)) assertEquals(value, wanted[name], name);
  assertEquals(actual.histogram, expected.histogram);
  const scale = wanted.rms ?? NaN;
  for (const [name, value] of Object.entries({ mean, std, rms, meanAbsolute })) {
    assertClose(value ?? NaN, wanted[name] ?? NaN, scale, name);
  }
}

function assertAgrees(statistics: Statistics, numbers: readonly number[], name: string): void {
  const finite = numbers.filter(Number.isFinite);
  assertEquals(statistics.count, numbers.length, name);
  assertEquals(statistics.nan, numbers.filter(Number.isNaN).length, name);
  assertEquals(statistics.inf, numbers.filter((x) => Math.abs(x) === Infinity).length, name);
  assertEquals(statistics.zero, numbers.filter((x) => x === 0).length, name);
  assertEquals(total(statistics), finite.length, name);
  if (finite.length === 0) return;
  const mean = average(finite);
  const scale = Math.sqrt(average(finite.map((x) => x ** 2)));
  // A magnitude may differ from Math.hypot's in its last bit.
  const [min, max] = [finite.reduce((a, b) => Math.min(a, b)) + 0, finite.reduce((a, b) => Math.max(a, b)) + 0];
  if (kindOf(statistics.dtype) !== "complex") assertEquals([statistics.min, statistics.max], [min, max], name);
  assertClose(statistics.min, min, scale, `${name} min`);
  assertClose(statistics.max, max, scale, `${name} max`);
  assertClose(statistics.mean, mean, scale, `${name} mean`);
  assertClose(statistics.std, Math.sqrt(average(finite.map((x) => (x - mean) ** 2))), scale, `${name} std`);
  assertClose(statistics.rms, scale, scale, `${name} rms`);
  assertClose(statistics.meanAbsolute, average(finite.map(Math.abs)), scale, `${name} meanAbsolute`);
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

function assertClose(actual: number, expected: number, scale: number, name: string): void {
  if (Object.is(actual, expected)) return;
  assert(Math.abs(actual - expected) <= 1e-11 * scale, `${name}: ${actual} found, wanted ${expected}`);
}

/** Random bits for whole numbers; normal numbers with a few special ones for floats. */
function randomTensor(dtype: DType, size: number, random: Random): Tensor {
  const kind = kindOf(dtype);
  if (kind === "complex") {
    const part = () => randomNumber(random);
    return Tensor.from(Array.from({ length: size }, () => ({ re: part(), im: part() })), { dtype, dimensions: [size] });
  }
  if (kind === "float") return Tensor.from(Array.from({ length: size }, () => randomNumber(random)), dtype);
  const bytes = random.bytes(byteLengthOf(dtype, size));
  return new Tensor(dtype, [size], kind === "bool" ? bytes.map((byte) => byte & 1) : bytes);
}

function randomNumber(random: Random): number {
  switch (random.whole(0, 400)) {
    case 0:
      return NaN;
    case 1:
      return random.bits() % 2 === 0 ? Infinity : -Infinity;
    case 2:
      return 0;
    default:
      return random.normal() * 3 + 1;
  }
}

/** The elements one by one, as the tensor's own reader gives them. */
function numbersOf(tensor: Tensor): number[] {
  return Array.from({ length: tensor.size }, (_, i) => numberOf(tensor.at(i)));
}

function numberOf(element: TensorElement): number {
  return typeof element === "object" ? magnitude(element) : Number(element);
}

function magnitude({ re, im }: Complex): number {
  return Math.hypot(re, im);
}
