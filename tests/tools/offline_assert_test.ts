// These hold for jsr:@std/assert as well as for its stand-in, so that a test means the same wherever it runs.
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  AssertionError,
  assertIsError,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
} from "@std/assert";

class Point {
  #hidden = 1;
  constructor(readonly x: number, readonly y: number) {}
  get sum(): number {
    return this.x + this.y + this.#hidden;
  }
}

const CYCLE: { self?: unknown } = {};
CYCLE.self = CYCLE;
const OTHER_CYCLE: { self?: unknown } = {};
OTHER_CYCLE.self = OTHER_CYCLE;

Deno.test("equal() holds for the same structure", () => {
  const pairs: [unknown, unknown][] = [
    [NaN, NaN],
    [0, -0],
    [5n, 5n],
    [[1, [2, { a: 3 }]], [1, [2, { a: 3 }]]],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [new Float32Array([1, NaN]), new Float32Array([1, NaN])],
    [new BigInt64Array([-1n]), new BigInt64Array([-1n])],
    [new Uint8Array([9, 1, 2]).subarray(1), new Uint8Array([1, 2])],
    [new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
    [new Map<unknown, unknown>([["a", 1], [{ k: 1 }, [2]]]), new Map<unknown, unknown>([[{ k: 1 }, [2]], ["a", 1]])],
    [new Set([1, [2]]), new Set([[2], 1])],
    [new Date(5), new Date(5)],
    [/a/g, /a/g],
    [new URL("file:///a"), new URL("file:///a")],
    [new Point(1, 2), new Point(1, 2)],
    [CYCLE, OTHER_CYCLE],
    [{ [Symbol.for("s")]: 1 }, { [Symbol.for("s")]: 1 }],
  ];
  for (const [a, b] of pairs) assert(equal(a, b), `${String(Deno.inspect(a))} and ${Deno.inspect(b)}`);
});

Deno.test("equal() does not hold for different ones", () => {
  const pairs: [unknown, unknown][] = [
    [1, 1n],
    [1, "1"],
    [null, undefined],
    [null, {}],
    [[], {}],
    [[1], [1, undefined]],
    [{ a: undefined }, {}],
    [{ a: undefined }, { b: undefined }],
    [new Float32Array([1]), new Float64Array([1])],
    [new Float32Array([1]), [1]],
    [new Uint8Array([1, 2]), new Uint8Array([1, 3])],
    [new Uint8Array([1]), new Uint8Array([1, 0])],
    [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new Map([["a", undefined]]), new Map([["b", undefined]])],
    [new Set([1]), new Set([2])],
    [new Set([[1]]), new Set([[2]])],
    [new Date(5), new Date(6)],
    [/a/g, /a/i],
    [new Point(1, 2), new Point(2, 1)],
    [new Point(1, 2), { x: 1, y: 2 }],
    [new Error("a"), new Error("b")],
    [{ [Symbol.for("s")]: 1 }, { [Symbol.for("s")]: 2 }],
    [() => 1, () => 1],
  ];
  for (const [a, b] of pairs) {
    assert(!equal(a, b), `${Deno.inspect(a)} and ${Deno.inspect(b)}`);
    assert(!equal(b, a), `${Deno.inspect(b)} and ${Deno.inspect(a)}`);
  }
});

Deno.test("assertEquals() shows both values and the message", () => {
  const error = assertThrows(() => assertEquals({ a: [1] }, { a: [2] }, "why"), AssertionError, "why");
  assertStringIncludes(error.message, "1");
  assertStringIncludes(error.message, "2");
});

Deno.test("assertStrictEquals() tells 0 from -0, assertEquals() does not", () => {
  assertEquals(0, -0);
  assertThrows(() => assertStrictEquals(0, -0), AssertionError);
  assertThrows(() => assertNotEquals(0, -0), AssertionError);
});

Deno.test("assertThrows() gives what was thrown, and fails for another class, another message, or none", () => {
  const thrown = new RangeError("too far");
  const fn = () => {
    throw thrown;
  };
  assertStrictEquals(assertThrows(fn, Error, "far"), thrown);
  assertThrows(() => assertThrows(fn, TypeError), AssertionError, "TypeError");
  assertThrows(() => assertThrows(fn, RangeError, "near"), AssertionError, "near");
  assertThrows(() => assertThrows(() => {}), AssertionError);
});

Deno.test("assertRejects() gives the reason, and fails for a promise that resolves and for a function that throws", async () => {
  const reason = new TypeError("no");
  assertStrictEquals(await assertRejects(() => Promise.reject(reason), TypeError, "no"), reason);
  await assertRejects(() => assertRejects(() => Promise.resolve(1)), AssertionError);
  const thrower = () => {
    throw reason;
  };
  await assertRejects(() => assertRejects(thrower), AssertionError);
});

Deno.test("assertAlmostEquals() allows the tolerance, and 1e-7 of the expected value without one", () => {
  assertAlmostEquals(1e10, 1e10 + 100);
  assertThrows(() => assertAlmostEquals(1, 1 + 1e-6), AssertionError);
  assertAlmostEquals(1, 1.5, 0.5);
  assertThrows(() => assertAlmostEquals(NaN, 1), AssertionError);
});

Deno.test("assertIsError() fails for what is no error", () => {
  assertIsError(new TypeError("abc"), TypeError, /b/);
  assertThrows(() => assertIsError("abc"), AssertionError);
});
