import { assert, assertEquals, assertThrows } from "@std/assert";
import { VariableError } from "../../src/errors.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { Context, GoParam, goParam, joinScope, Random, splitScope } from "../../src/context/mod.ts";
import { FakeLoader } from "./fake_loader.ts";

function pick<T>(random: Random, list: readonly T[]): T {
  const one = list[random.nextUint32() % list.length];
  assert(one !== undefined);
  return one;
}

Deno.test("splitScope() undoes joinScope() when the name has no slash", () => {
  const random = new Random(1n);
  for (let i = 0; i < 2000; i++) {
    const parts = Array.from({ length: random.nextUint32() % 4 }, () => pick(random, ["a", "b c", "é", "🚀", ".."]));
    const scope = `/${parts.join("/")}`;
    const name = pick(random, ["x", "", "y z", "#", "日本"]);
    assertEquals(splitScope(joinScope(scope, name)), { scope, name });
  }
});

Deno.test("goParam() accepts exactly the range when the type is an integer", () => {
  const random = new Random(2n);
  const ranges: readonly (readonly [string, number, boolean])[] = [
    ["int8", 8, true],
    ["uint8", 8, false],
    ["int16", 16, true],
    ["uint16", 16, false],
    ["int32", 32, true],
    ["uint32", 32, false],
    ["int", 64, true],
    ["int64", 64, true],
    ["uint", 64, false],
    ["uint64", 64, false],
  ];
  for (let i = 0; i < 4000; i++) {
    const [goType, bits, signed] = pick(random, ranges);
    const near = 1n << BigInt(random.nextUint32() % 66);
    const value = (random.nextUint32() % 2 === 0 ? near : -near) + BigInt(random.nextUint32() % 3) - 1n;
    const fits = signed ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value;
    if (!fits) assertThrows(() => goParam(goType, value), VariableError);
    else {
      const held = goParam(goType, value).value;
      assert(typeof held === "number" || typeof held === "bigint");
      assertEquals(BigInt(held), value);
      assertEquals(typeof held, Number.isSafeInteger(Number(value)) ? "number" : "bigint");
    }
  }
});

Deno.test("setParam() never loses a number when it is set over any numeric param", () => {
  const random = new Random(3n);
  const olds = [new GoParam("int", 1), new GoParam("int8", 1), new GoParam("uint64", 1), new GoParam("float64", 1)];
  const numbers = [0, 1, -1, 127, 128, 0.5, -0.25, 1e300, 2 ** 53 - 1, 2 ** 63, NaN, Infinity, 2n ** 53n + 1n, 5n];
  for (let i = 0; i < 1000; i++) {
    const ctx = new Context();
    const value = pick(random, numbers);
    ctx.setParam("k", pick(random, olds));
    ctx.setParam("k", value);
    const wanted = typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
    assert(Object.is(ctx.getParam("k"), wanted), `${value}`);
  }
});

Deno.test("Context agrees with a plain list when it is used at random", () => {
  const random = new Random(4n);
  for (let round = 0; round < 40; round++) {
    const ctx = new Context().checked(false);
    const scopes = ["/", "/a", "/a/b", "/ab"];
    const names = ["x", "y"];
    const paths = scopes.flatMap((scope) => names.map((name) => joinScope(scope, name)));
    const pending = new Set(paths.filter(() => random.nextUint32() % 2 === 0));
    ctx.setLoader(new FakeLoader(Object.fromEntries([...pending].map((path) => [path, Tensor.from(path.length)]))));
    let registered: string[] = [];
    const below = (path: string, scope: string) => path.startsWith(scope === "/" ? "/" : `${scope}/`);
    for (let step = 0; step < 60; step++) {
      const scope = pick(random, scopes);
      const name = pick(random, names);
      const path = joinScope(scope, name);
      const action = random.nextUint32() % 5;
      if (action < 2) {
        const variable = action === 0
          ? ctx.inAbsPath(scope).variableWithValue(name, -1)
          : ctx.inAbsPath(scope).getVariable(name);
        const isThere = registered.includes(path) || pending.delete(path) || action === 0;
        assertEquals(variable !== undefined, isThere, path);
        if (isThere && !registered.includes(path)) registered.push(path);
      } else if (action === 2) {
        ctx.deleteVariable(scope, name);
        pending.delete(path);
        registered = registered.filter((other) => other !== path);
      } else if (action === 3 && step % 10 === 0) {
        ctx.inAbsPath(scope).deleteVariablesInScope();
        for (const other of [...pending]) if (below(other, scope)) pending.delete(other);
        registered = registered.filter((other) => !below(other, scope));
      } else {
        const inScope = [...ctx.inAbsPath(scope).iterVariablesInScope()].map((v) => v.scopeAndName);
        assertEquals(inScope, registered.filter((other) => below(other, scope)));
      }
      assertEquals([...ctx.iterVariables()].map((v) => v.scopeAndName), registered);
      assertEquals(ctx.numParameters(), registered.length);
    }
  }
});
