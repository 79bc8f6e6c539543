import { assert, assertEquals, assertThrows } from "@std/assert";
import { VariableError } from "../../src/errors.ts";
import { Context, type GoParam, goParam, type ParamValue } from "../../src/context/mod.ts";

function contextWith(param: ParamValue | GoParam): Context {
  const ctx = new Context();
  ctx.setParam("k", param);
  return ctx;
}

Deno.test("getParamOr() gives the default when there is no such param", () => {
  const ctx = new Context();
  assertEquals(ctx.getParamOr("k", 0.5), 0.5);
  assertEquals(ctx.getParamOr("k", "relu"), "relu");
  assertEquals(ctx.getParamOr("k", [1]), [1]);
  assertEquals(ctx.getParamOr("k", goParam("int", 3)), 3);
});

Deno.test("getParamOr() gives the default when the param is nil", () => {
  assertEquals(contextWith(null).getParamOr("k", 0.5), 0.5);
  assertEquals(contextWith(goParam("[]int", null)).getParamOr("k", [1]), [1]);
});

Deno.test("getParamOr() gives the value when it has the default's JavaScript type", () => {
  assertEquals(contextWith(3).getParamOr("k", 0.5), 3);
  assertEquals(contextWith(7.9).getParamOr("k", 1), 7.9);
  assertEquals(contextWith(true).getParamOr("k", false), true);
  assertEquals(contextWith("a").getParamOr("k", ""), "a");
  assertEquals(contextWith([0.5, 1]).getParamOr("k", [3]), [0.5, 1]);
  assertEquals(contextWith(["a"]).getParamOr("k", ["b"]), ["a"]);
  assertEquals(contextWith([]).getParamOr("k", ["b"]), []);
  assertEquals(contextWith("a").getParamOr("k", null), "a");
});

Deno.test("getParamOr() gives a bigint when the default is one", () => {
  assertEquals(contextWith(3).getParamOr("k", 0n), 3n);
  assertEquals(contextWith(-7.9).getParamOr("k", 0n), -7n);
  assertEquals(contextWith(2n ** 53n + 1n).getParamOr("k", 0n), 2n ** 53n + 1n);
});

Deno.test("getParamOr() suggests a bigint default when the value is no exact number", () => {
  assertThrows(() => contextWith(2n ** 53n + 1n).getParamOr("k", 0), VariableError, "use a bigint as default");
});

const misfits: readonly (readonly [ParamValue, ParamValue])[] = [
  [65, ""],
  [0.5, ""],
  ["1", 0],
  ["1", 0n],
  [true, 0],
  [1, false],
  ["true", false],
  [NaN, 0n],
  [1, [1]],
  [[1], 1],
  [["a"], [1]],
  [[1, "a"], [1]],
  [{ a: 1 }, [1]],
  [[1], { a: 1 }],
];
for (const [value, wanted] of misfits) {
  Deno.test(`getParamOr() throws when the value is ${show(value)} and the default ${show(wanted)}`, () => {
    const ctx = contextWith(value).in("a");
    const error = assertThrows(
      () => ctx.getParamOr("k", wanted),
      VariableError,
      'Cannot get param "/a/k": found Go type',
    );
    assertEquals(error.entry, "/a/k");
  });
}

const conversions: readonly (readonly [GoParam, GoParam, ParamValue | undefined])[] = [
  [goParam("int", 7), goParam("float64", 0), 7],
  [goParam("float64", 7.9), goParam("int", 0), 7],
  [goParam("float64", -7.9), goParam("int", 0), -7],
  [goParam("float32", 0.1), goParam("float64", 0), 0.10000000149011612],
  [goParam("float64", 0.1), goParam("float32", 0), 0.10000000149011612],
  [goParam("int", 300), goParam("int8", 0), 44],
  [goParam("int", -1), goParam("uint", 0), 2n ** 64n - 1n],
  [goParam("float64", 1500), goParam("time.Duration", 0), 1500],
  [goParam("float64", 3), goParam("main.Level", 1), 3],
  [goParam("int", 65), goParam("string", ""), undefined],
  [goParam("float64", 0.5), goParam("string", ""), undefined],
  [goParam("string", "1"), goParam("float64", 0), undefined],
  [goParam("bool", true), goParam("int", 0), undefined],
  [goParam("int", 1), goParam("bool", false), undefined],
  [goParam("string", "true"), goParam("bool", false), undefined],
  [goParam("string", "hi"), goParam("[]byte", ""), "aGk="],
  [goParam("[]byte", "aGk="), goParam("string", ""), "hi"],
  [goParam("[]byte", "/w=="), goParam("string", ""), undefined],
  [goParam("[]any", [1.5]), goParam("[]float64", []), undefined],
  [goParam("[]int", [1]), goParam("[]float64", []), undefined],
  [goParam("[]int", [1]), goParam("[]int", []), [1]],
  [goParam("map[string]any", { a: 1 }), goParam("map[string]int", {}), undefined],
  [goParam("float64", 1e300), goParam("int", 0), undefined],
  [goParam("float64", NaN), goParam("int64", 0), undefined],
  [goParam("[]int", [1]), goParam("interface {}", null), [1]],
];
for (const [found, wanted, result] of conversions) {
  const outcome = result === undefined ? "throws" : `gives ${show(result)}`;
  Deno.test(`getParamOr() ${outcome} when ${found.goType} ${show(found.value)} is wanted as ${wanted.goType}`, () => {
    const ctx = contextWith(found);
    if (result === undefined) assertThrows(() => ctx.getParamOr("k", wanted), VariableError, `wanted ${wanted.goType}`);
    else assertEquals(ctx.getParamOr("k", wanted), result);
  });
}

Deno.test("getParamOr() has the type of the default when it is compiled", () => {
  const ctx = new Context();
  const rate: number = ctx.getParamOr("lr", 0.5);
  const name: string = ctx.getParamOr("act", "relu");
  const sizes: readonly number[] = ctx.getParamOr("sizes", [1]);
  assert(rate === 0.5 && name === "relu" && sizes.length === 1);
});

function show(value: ParamValue): string {
  return JSON.stringify(value, (_, v) => typeof v === "bigint" || typeof v === "number" ? String(v) : v);
}
