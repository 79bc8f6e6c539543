import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { CheckpointError, ConfigError, ShapeError, VariableError } from "../../src/errors.ts";
import { DTYPES, kindOf, Tensor } from "../../src/tensor/mod.ts";
import {
  Context,
  defaultInitializer,
  onesInitializer,
  Random,
  uniformInitializer,
  zerosInitializer,
} from "../../src/context/mod.ts";
import { FakeLoader } from "./fake_loader.ts";

for (const dtype of DTYPES) {
  const kind = kindOf(dtype);
  const random = kind === "float" || kind === "complex";
  Deno.test(`defaultInitializer() makes ${random ? "uniform numbers" : "zeros"} when the dtype is ${dtype}`, () => {
    const tensor = defaultInitializer(dtype, [20, 50], new Random(1n));
    assertEquals([tensor.dtype, tensor.dimensions], [dtype, [20, 50]]);
    if (!random) return assert(tensor.equals(Tensor.zeros(dtype, [20, 50])));
    const parts = dtype === "BFloat16" || dtype === "Float16" ? tensor.toNested() : [...tensor.data()];
    const numbers = Array.isArray(parts) ? parts.flat(9).map(Number) : [];
    assert(numbers.length >= 1000 && numbers.every((x) => x >= -0.0502 && x <= 0.0502));
    assertAlmostEquals(numbers.reduce((sum, x) => sum + x, 0) / numbers.length, 0, 0.005);
    assertAlmostEquals(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length, 0.1 ** 2 / 12, 1e-4);
  });

  Deno.test(`onesInitializer() makes ones when the dtype is ${dtype}`, () => {
    const one = kind === "bool"
      ? true
      : kind === "complex"
      ? { re: 1, im: 0 }
      : dtype.endsWith("64") && kind !== "float"
      ? 1n
      : 1;
    const tensor = onesInitializer(dtype, [3]);
    // One bit of two's complement holds 0 and -1.
    assertEquals(tensor.toNested(), Array(3).fill(dtype === "Int1" ? -1 : one));
    assert(tensor.equals(Tensor.from(tensor.toNested(), dtype)), "no stray bits behind the last element");
  });
}

Deno.test("zerosInitializer() makes zeros when asked", () => {
  assertEquals(zerosInitializer("Int4", [3]).toNested(), [0, 0, 0]);
});

Deno.test("uniformInitializer() keeps its bounds when they are given", () => {
  const { min, max } = uniformInitializer(2, 3)("Float64", [1000], new Random(5n)).statistics();
  assert(min >= 2 && min < 2.05 && max < 3 && max > 2.95);
});

Deno.test("uniformInitializer() throws when the dtype has no fractions", () => {
  const make = uniformInitializer(0, 1);
  for (const dtype of ["Int32", "Bool", "Uint16", "Int4"] as const) {
    assertThrows(() => make(dtype, [2], new Random(1n)), ShapeError, "wanted a float or complex dtype");
  }
});

Deno.test("Random gives the known stream when the seed is 0", () => {
  // The state that SplitMix64 fills from seed 0 is published: e220a8397b1dcdaf, 6e789e6aa1b965f4.
  const state = [0x7b1dcdaf, 0xe220a839, 0xa1b965f4, 0x6e789e6a];
  const random = new Random(0n);
  for (let i = 0; i < 100; i++) assertEquals(random.nextUint32(), referenceNext(state));
});

/** xoshiro128** step by step, as its authors print it. */
function referenceNext(s: number[]): number {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = s;
  const rotl = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0;
  const result = Math.imul(rotl(Math.imul(s1, 5) >>> 0, 7), 9) >>> 0;
  const t = (s1 << 9) >>> 0;
  const next = [s0, s1, s2, s3].map(BigInt);
  const [a = 0n, b = 0n, c = 0n, d = 0n] = next;
  const c1 = c ^ a;
  const d1 = d ^ b;
  const b1 = b ^ c1;
  const a1 = a ^ d1;
  s[0] = Number(a1);
  s[1] = Number(b1);
  s[2] = Number(c1 ^ BigInt(t));
  s[3] = rotl(Number(d1), 11);
  return result;
}

Deno.test("nextFloat() fills [0, 1) evenly when drawn often", () => {
  const random = new Random(42n);
  const bins = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const x = random.nextFloat();
    assert(x >= 0 && x < 1);
    const bin = Math.floor(x * 10);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  assert(bins.every((n) => Math.abs(n - 10_000) < 500), String(bins));
});

function valuesOf(ctx: Context): string {
  return JSON.stringify([...ctx.iterVariables()].map((v) => [String(v), v.value().toNested()]).sort());
}

function model(names: readonly string[]): Context {
  const ctx = new Context();
  for (const name of names) ctx.variableWithShape(name, "Float32", [4]);
  return ctx;
}

Deno.test("initializeVariables() repeats itself when the seed is the same, in whatever order", () => {
  const [a, b, c] = [model(["x", "y"]), model(["y", "x"]), model(["x", "y"])];
  a.initializeVariables({ seed: 7 });
  b.initializeVariables({ seed: 7n });
  c.initializeVariables({ seed: 8 });
  assertEquals(valuesOf(a), valuesOf(b));
  assertNotEquals(valuesOf(a), valuesOf(c));
  assertNotEquals(a.getVariable("x")?.value().toNested(), a.getVariable("y")?.value().toNested());
});

Deno.test("initializeVariables() differs every time when there is no seed", () => {
  const [a, b] = [model(["x"]), model(["x"])];
  a.initializeVariables();
  b.setParam("initializers_seed", 0);
  b.initializeVariables();
  assertNotEquals(valuesOf(a), valuesOf(b));
});

Deno.test("initializeVariables() takes the param initializers_seed when there is no seed", () => {
  const [a, b] = [model(["x"]), model(["x"])];
  a.setParam("initializers_seed", 42);
  a.initializeVariables();
  b.initializeVariables({ seed: 42 });
  assertEquals(valuesOf(a), valuesOf(b));
});

Deno.test("initializeVariables() is reproducible when the seed is an explicit 0", () => {
  const [a, b] = [model(["x"]), model(["x"])];
  a.initializeVariables({ seed: 0 });
  b.initializeVariables({ seed: 0 });
  assertEquals(valuesOf(a), valuesOf(b));
});

Deno.test("initializeVariables() throws when the seed is no safe integer", () => {
  for (const seed of [0.5, NaN, 2 ** 53]) {
    assertThrows(() => model(["x"]).initializeVariables({ seed }), ConfigError, "Cannot use the seed");
  }
});

Deno.test("initializeVariables() leaves values alone when there are some", () => {
  const ctx = new Context();
  ctx.variableWithValue("set", [1, 2]);
  const value = new FakeLoader({ "/pending": Tensor.from(1) });
  ctx.setLoader(value);
  const pending = ctx.getVariable("pending");
  ctx.variableWithShape("new", "Int32", []);
  ctx.initializeVariables();
  assertEquals(ctx.getVariable("set")?.value().toNested(), [1, 2]);
  assertEquals(pending?.source instanceof Tensor, false, "a loaded value is a value");
  assertEquals(ctx.getVariable("new")?.value().item(), 0);
  assertEquals(value.pending.size, 0);
});

Deno.test("needsInitialization stays set when initializeVariables() had nothing to do", () => {
  const ctx = new Context();
  ctx.variableWithShape("x", "Float32", []).setValue(Tensor.from(1));
  ctx.initializeVariables();
  assert(ctx.needsInitialization, "as in GoMLX: it returns early");
  ctx.variableWithShape("y", "Float32", []);
  ctx.initializeVariables();
  assert(!ctx.needsInitialization);
});

Deno.test("initializeVariables() throws and sets nothing when a variable has no initializer", () => {
  const ctx = new Context();
  const first = ctx.variableWithShape("a", "Float32", [2]);
  ctx.variableWithValue("x", 1).reset();
  assertThrows(
    () => ctx.initializeVariables(),
    VariableError,
    'Cannot initialize variable "/x": it has no initializer',
  );
  assert(!first.hasValue && ctx.needsInitialization);
});

Deno.test("initializeVariables() throws when an initializer makes another shape", () => {
  const ctx = new Context().withInitializer(() => Tensor.from([1, 2]));
  const variable = ctx.variableWithShape("x", "Float32", [3]);
  const { code } = assertThrows(
    () => ctx.initializeVariables(),
    CheckpointError,
    "made (Float32)[2]; wanted (Float32)[3]",
  );
  assertEquals([code, variable.hasValue], ["shape", false]);
});
