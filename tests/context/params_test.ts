import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { VariableError } from "../../src/errors.ts";
import { Context, GoParam, goParam, inferGoParam, type ParamValue } from "../../src/context/mod.ts";
import { goParamOf, readExpected } from "./golden.ts";

Deno.test("getParam() takes the innermost scope's value when several scopes hold the key", () => {
  const ctx = new Context();
  ctx.setParams({ x: 10, y: 20, z: 40 });
  ctx.in("a").setParam("y", 30);
  ctx.in("a").in("b").setParam("x", 100);
  const rows = ["/a/b", "/a/c", "/a", "/q"].map((scope) =>
    ["x", "y", "z", "w"].map((key) => ctx.inAbsPath(scope).getParam(key))
  );
  assertEquals(rows, [
    [100, 30, 40, undefined],
    [10, 30, 40, undefined],
    [10, 30, 40, undefined],
    [10, 20, 40, undefined],
  ]);
});

Deno.test("getParam() gives null and stops when an inner scope holds nil", () => {
  const ctx = new Context();
  ctx.setParam("x", 1);
  ctx.in("a").setParam("x", null);
  assertEquals(ctx.in("a").in("b").getParam("x"), null);
  assertEquals(ctx.in("a").in("b").getParamOr("x", 7), 7);
});

Deno.test("getParam() climbs by the text when a scope has double slashes", () => {
  const ctx = new Context();
  ctx.inAbsPath("/a/").setParam("k", 1);
  ctx.inAbsPath("/a").setParam("k", 2);
  assertEquals(ctx.inAbsPath("/a//b").getParam("k"), 1);
  assertEquals(ctx.inAbsPath("/a/b").getParam("k"), 2);
});

Deno.test("getParam() gives a number when it is safe and a bigint when not", () => {
  const ctx = new Context();
  ctx.setParam("small", 3n);
  ctx.setParam("large", 2n ** 53n + 1n);
  assertEquals(ctx.getParam("small"), 3);
  assertEquals(ctx.getParam("large"), 9007199254740993n);
});

Deno.test("getParam() agrees with GoMLX when asked for every golden case of params-scopes", async () => {
  const golden = await readExpected("params-scopes");
  const ctx = new Context();
  for (const row of golden.saved.params) ctx.inAbsPath(row.scope).setParam(row.key, goParamOf(row.value));
  const asked = Object.entries(golden.getParam ?? {});
  assert(asked.length >= 18);
  for (const [question, { found, value }] of asked) {
    const [scope = "", key = ""] = question.split(" ");
    const answer = ctx.inAbsPath(scope).getGoParam(key);
    assertEquals(answer !== undefined, found, question);
    if (answer !== undefined) assertEquals(answer, goParamOf(value), question);
  }
});

Deno.test("enumerateParams() has GoMLX's order when keys have every kind of character", async () => {
  const golden = await readExpected("params-scopes");
  const ctx = new Context();
  for (const row of golden.saved.params.toReversed()) ctx.inAbsPath(row.scope).setParam(row.key, goParamOf(row.value));
  const seen: unknown[] = [];
  ctx.in("somewhere").enumerateParams((scope, key, value, goType) => seen.push([scope, key, value, goType]));
  assertEquals(
    seen,
    golden.saved.params.map(({ scope, key, value, goType }) => [
      scope,
      key,
      goParamOf(value).value,
      goType,
    ]),
  );
});

Deno.test("params has the rows of enumerateParams() when there are some", () => {
  const ctx = new Context();
  ctx.in("b").setParam("k", 0.5);
  ctx.setParam("nil", null);
  assertEquals(ctx.params, [
    { scope: "/", key: "nil", goType: "<nil>", value: null, param: new GoParam("<nil>", null) },
    { scope: "/b", key: "k", goType: "float64", value: 0.5, param: new GoParam("float64", 0.5) },
  ]);
});

const overs: readonly (readonly [string, ParamValue, ParamValue, string, ParamValue])[] = [
  ["int", 3, 4, "int", 4],
  ["int", 3, -0, "int", 0],
  ["int", 3, 2.5, "float64", 2.5],
  ["int", 3, 4n, "int", 4],
  ["int8", 3, 127, "int8", 127],
  ["int8", 3, 300, "int", 300],
  ["uint", 3, -1, "int", -1],
  ["int32", 3, 2n ** 40n, "int64", 2 ** 40],
  ["int64", 3, 2n ** 53n + 1n, "int64", 2n ** 53n + 1n],
  ["uint64", 3, 2n ** 64n - 1n, "uint64", 2n ** 64n - 1n],
  ["float64", 0.5, 3, "float64", 3],
  ["float64", 0.5, 3n, "float64", 3],
  ["float64", 0.5, 2 ** 60, "float64", 2 ** 60],
  ["float64", 0.5, 2n ** 53n + 1n, "int64", 2n ** 53n + 1n],
  ["float64", 0.5, NaN, "float64", NaN],
  ["float32", 0.5, 0.1, "float32", 0.10000000149011612],
  ["float32", 0.5, 1e300, "float64", 1e300],
  ["time.Duration", 5, 1500, "time.Duration", 1500],
  ["main.myInt", 5, 6, "main.myInt", 6],
  ["main.myInt", 5, 6.5, "float64", 6.5],
  ["[]float64", [0.5], [1, 2], "[]float64", [1, 2]],
  ["[]int32", [1], [], "[]int32", []],
  ["[]int", [1], [1.5], "[]float64", [1.5]],
  ["[]int", [1], ["a"], "[]string", ["a"]],
  ["string", "a", 3, "int", 3],
  ["bool", true, 1, "int", 1],
  ["<nil>", null, 3, "int", 3],
  ["float64", 0.5, "x", "string", "x"],
  ["float64", 0.5, true, "bool", true],
  ["int64", 5, null, "<nil>", null],
];
for (const [oldType, old, value, goType, wanted] of overs) {
  Deno.test(`setParam() gives ${goType} when ${show(value)} is set over ${oldType}`, () => {
    const ctx = new Context();
    ctx.setParam("k", goParam(oldType, old));
    ctx.setParam("k", value);
    assertEquals(ctx.getGoParam("k"), new GoParam(goType, wanted));
  });
}

Deno.test("setParam() refuses an unsafe number when the existing param is an integer", () => {
  const ctx = new Context();
  ctx.setParam("k", goParam("int64", 1));
  const error = assertThrows(() => ctx.in("a").setParam("k", 2 ** 60), VariableError);
  assertStringIncludes(error.message, 'Cannot set param "/a/k"');
  assertEquals(error.entry, "/a/k");
  assertThrows(() => ctx.setParam("k", 2 ** 60), VariableError, "1152921504606846976n");
  assertEquals(ctx.getParam("k"), 1);
});

Deno.test("setParam() infers the type when only an outer scope holds the key", () => {
  const ctx = new Context();
  ctx.setParam("lr", 0.5);
  ctx.in("a").setParam("lr", 1);
  assertEquals(ctx.in("a").getGoParam("lr")?.goType, "int");
});

Deno.test("setParam() takes the stated type when the value is a GoParam", () => {
  const ctx = new Context();
  ctx.setParam("k", 0.5);
  ctx.setParam("k", goParam("int64", 3n));
  assertEquals(ctx.getGoParam("k"), new GoParam("int64", 3));
});

Deno.test("setParam() is seen in every reference when it is set in one", () => {
  const ctx = new Context();
  const other = ctx.in("a").reuse();
  ctx.inAbsPath("/a").setParam("k", 1);
  assertEquals(other.getParam("k"), 1);
  assertEquals(ctx.getParam("k"), undefined);
});

Deno.test("setParam() survives exactly when values are hard to hold", () => {
  const ctx = new Context();
  const values: ParamValue[] = [3, 2n ** 53n + 1n, NaN, Infinity, -Infinity, -0, "", [], [1, 2.5]];
  for (const [i, value] of values.entries()) {
    ctx.setParam(`k${i}`, value);
    assert(Object.is(ctx.getParam(`k${i}`), value) || JSON.stringify(ctx.getParam(`k${i}`)) === JSON.stringify(value));
  }
});

Deno.test("setParams() sets nothing when one value is refused", () => {
  const ctx = new Context();
  assertThrows(() => ctx.setParams({ a: 1, b: 2 ** 60 }), VariableError, '"/b"');
  assertEquals(ctx.params, []);
});

Deno.test("setParams() takes any key when given a Map", () => {
  const ctx = new Context();
  ctx.setParams(new Map<string, ParamValue | GoParam>([["__proto__", 1], ["", 2], ["a/b", inferGoParam("x")]]));
  assertEquals(ctx.params.map(({ key, value }) => [key, value]), [["", 2], ["__proto__", 1], ["a/b", "x"]]);
});

function show(value: ParamValue): string {
  if (Object.is(value, -0)) return "-0";
  return JSON.stringify(value, (_, v) => typeof v === "bigint" || typeof v === "number" ? String(v) : v);
}
