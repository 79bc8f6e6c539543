import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { VariableError } from "../../src/errors.ts";
import { Context, GoParam, goParam, inferGoParam, type ParamValue } from "../../src/context/mod.ts";

const inferred: readonly (readonly [ParamValue, string])[] = [
  [3, "int"],
  [-3, "int"],
  [0, "int"],
  [-0, "float64"],
  [0.5, "float64"],
  [NaN, "float64"],
  [Infinity, "float64"],
  [-Infinity, "float64"],
  [2 ** 53 - 1, "int"],
  [2 ** 63, "float64"],
  [-(2 ** 63), "float64"],
  [1e300, "float64"],
  [3n, "int64"],
  [2n ** 53n + 1n, "int64"],
  [2n ** 63n - 1n, "int64"],
  [true, "bool"],
  ["relu", "string"],
  [null, "<nil>"],
  [[1, 2], "[]int"],
  [[0.5, 1.5], "[]float64"],
  [[1, 2.5], "[]float64"],
  [[1n, 2n], "[]int64"],
  [["a", ""], "[]string"],
  [[true], "[]bool"],
  [[], "[]interface {}"],
  [[1, "a"], "[]interface {}"],
  [[null], "[]interface {}"],
  [[[1], [2]], "[]interface {}"],
  [{ a: 1 }, "map[string]interface {}"],
];
for (const [value, goType] of inferred) {
  Deno.test(`inferGoParam() gives ${goType} when the value is ${text(value)}`, () => {
    const param = inferGoParam(value);
    assertEquals(param.goType, goType);
    if (typeof value === "number") assert(Object.is(param.value, value));
  });
}

const unsafe = [2 ** 53, -(2 ** 53), 2 ** 62, 1e18];
for (const value of unsafe) {
  Deno.test(`inferGoParam() suggests a bigint or goParam when the number is ${value}`, () => {
    const error = assertThrows(() => inferGoParam(value), VariableError);
    assertStringIncludes(error.message, `${BigInt(value)}n`);
    assertStringIncludes(error.message, `goParam("float64", ${value})`);
  });
}

Deno.test("inferGoParam() refuses an unsafe number when it is deep in a value", () => {
  assertThrows(() => inferGoParam([2 ** 60]), VariableError);
  assertThrows(() => inferGoParam([1, "a", 2 ** 60]), VariableError);
  assertThrows(() => inferGoParam({ a: { b: [true, 2 ** 60] } }), VariableError);
});

Deno.test("inferGoParam() accepts an unsafe whole number when a fraction beside it says float", () => {
  assertEquals(inferGoParam([2 ** 60, 0.5]).value, [2 ** 60, 0.5]);
});

Deno.test("inferGoParam() refuses a bigint when int64 cannot hold it", () => {
  assertThrows(() => inferGoParam(2n ** 63n), VariableError, "from -9223372036854775808 to 9223372036854775807");
});

Deno.test("inferGoParam() refuses a value when it is no data", () => {
  const values: unknown[] = [undefined, () => 1, Symbol("s"), new Date(0), new Map(), new Uint8Array(2), /x/];
  const ctx = new Context();
  for (const value of values) {
    assertThrows(() => Reflect.apply(inferGoParam, undefined, [value]), VariableError);
    assertThrows(() => Reflect.apply(ctx.setParam, ctx, ["k", [value]]), VariableError);
  }
  assertEquals(ctx.params, []);
});

Deno.test("inferGoParam() refuses a value when it contains itself", () => {
  const list: ParamValue[] = [];
  list.push(list);
  assertThrows(() => inferGoParam(list), VariableError, "nests too deep");
  const map: { [key: string]: ParamValue } = {};
  map["self"] = map;
  assertThrows(() => inferGoParam(map), VariableError, "nests too deep");
});

Deno.test("inferGoParam() copies and freezes when the value is a list or object", () => {
  const inner = [1, 2];
  const given = { inner, ["__proto__"]: 3 };
  const param = inferGoParam(given);
  inner.push(3);
  const value = param.value;
  assert(typeof value === "object" && value !== null && !Array.isArray(value));
  assertEquals(Object.getPrototypeOf(value), null);
  assertEquals(Object.entries(value), [["inner", [1, 2]], ["__proto__", 3]]);
  assert(Object.isFrozen(value));
  assertThrows(() => Reflect.apply(Array.prototype.push, Reflect.get(value, "inner"), [1]), TypeError);
});

const held: readonly (readonly [string, ParamValue, ParamValue])[] = [
  ["int", 3n, 3],
  ["int", -0, 0],
  ["int", 2n ** 53n + 1n, 2n ** 53n + 1n],
  ["int64", -(2n ** 63n), -(2n ** 63n)],
  ["uint64", 2n ** 64n - 1n, 2n ** 64n - 1n],
  ["int8", -128, -128],
  ["uint8", 255, 255],
  ["float64", 3, 3],
  ["float64", 2 ** 60, 2 ** 60],
  ["float64", 3n, 3],
  ["float64", NaN, NaN],
  ["float64", -0, -0],
  ["float32", 0.1, 0.10000000149011612],
  ["float32", Infinity, Infinity],
  ["time.Duration", 1500000000, 1500000000],
  ["bool", false, false],
  ["string", "", ""],
  ["<nil>", null, null],
  ["[]int", [1, 2n], [1, 2]],
  ["[]int", null, null],
  ["[]float32", [0.1], [0.10000000149011612]],
  ["[][]int", [[1], []], [[1], []]],
  ["[2]int", [1, 2], [1, 2]],
  ["[]uint8", "aGk=", "aGk="],
  ["*int", null, null],
  ["main.myInt", 5, 5],
  ["main.textNamed", "tn-5", "tn-5"],
];
for (const [goType, given, wanted] of held) {
  Deno.test(`goParam() holds ${text(wanted)} when the type is ${goType} and the value ${text(given)}`, () => {
    const param = goParam(goType, given);
    assertEquals(param.goType, goType);
    assert(Object.is(param.value, wanted) || JSON.stringify(param.value) === JSON.stringify(wanted), text(param.value));
  });
}

const refused: readonly (readonly [string, ParamValue])[] = [
  ["int", 1.5],
  ["int", NaN],
  ["int", "3"],
  ["int", null],
  ["int", true],
  ["int", 2 ** 53],
  ["int8", 128],
  ["int8", -129],
  ["uint", -1],
  ["uint64", 2n ** 64n],
  ["int64", 2n ** 63n],
  ["float64", "x"],
  ["float64", 2n ** 53n + 1n],
  ["float32", 1e300],
  ["bool", 1],
  ["bool", null],
  ["string", 1],
  ["string", null],
  ["<nil>", 0],
  ["[]int", [1.5]],
  ["[]int", ["a"]],
  ["[]int", 3],
  ["[]string", [1]],
  ["[2]int", [1, 2, 3]],
  ["[]uint8", "not base64!"],
  ["[]uint8", [104, 105]],
  ["map[string]int", { a: "x" }],
  ["map[string]int", [1]],
  ["complex128", 1],
  ["chan int", 1],
  ["", 1],
];
for (const [goType, value] of refused) {
  Deno.test(`goParam() throws when the type is "${goType}" and the value ${text(value)}`, () => {
    assertThrows(() => goParam(goType, value), VariableError, "Cannot make a param of");
  });
}

Deno.test("goParam() spells the type as Go's %T when it is given by an alias", () => {
  assertEquals(goParam("rune", 120).goType, "int32");
  assertEquals(goParam("byte", 121).goType, "uint8");
  assertEquals(goParam("[]any", [1, "a"]).goType, "[]interface {}");
  assertEquals(goParam("map[string]any", {}).goType, "map[string]interface {}");
  assertEquals(goParam("main.any", 1).goType, "main.any");
});

Deno.test("goParam() names the range when an integer does not fit", () => {
  assertThrows(
    () => goParam("int8", 300),
    VariableError,
    'Cannot make a param of Go type "int8": found 300; wanted a whole number from -128 to 127',
  );
});

Deno.test("GoParam is immutable when somebody assigns to it", () => {
  const param = new GoParam("int", 1);
  assertThrows(() => Object.assign(param, { goType: "int8" }), TypeError);
});

function text(value: ParamValue): string {
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "number") return String(value);
  return JSON.stringify(value, (_, v) => typeof v === "bigint" ? `${v}n` : v);
}
