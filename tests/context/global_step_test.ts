import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { VariableError } from "../../src/errors.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { FakeLoader, FakeValue } from "./fake_loader.ts";

Deno.test("getGlobalStepVar() makes an untrainable Int64 scalar 0 when there is none", () => {
  const ctx = new Context().in("s");
  const variable = ctx.getGlobalStepVar();
  assertEquals([variable.scopeAndName, variable.dtype, variable.dimensions], ["/s/global_step", "Int64", []]);
  assertEquals([variable.trainable, variable.value().item()], [false, 0n]);
  assertStrictEquals(ctx.getGlobalStepVar(), variable);
});

Deno.test("getGlobalStep() works when the context is reusing and checked", () => {
  assertEquals(new Context().reuse().getGlobalStep(), 0);
});

Deno.test("getGlobalStep() registers the variable when it only reads", () => {
  const ctx = new Context();
  assertEquals([ctx.getGlobalStep(), ctx.numVariables()], [0, 1]);
});

Deno.test("getGlobalStep() takes the loader's value when it is pending", () => {
  const ctx = new Context();
  ctx.setLoader(new FakeLoader({ "/global_step": new FakeValue(Tensor.from(300n), true) }));
  assertEquals(ctx.getGlobalStep(), 300);
  assertEquals(ctx.getVariable("global_step")?.trainable, false);
});

for (const step of [0, 1, -5, 2 ** 53 - 1, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
  Deno.test(`getGlobalStep() gives ${typeof step} ${step} when it was set`, () => {
    const ctx = new Context();
    ctx.setGlobalStep(step);
    assertStrictEquals(ctx.getGlobalStep(), step);
    assertEquals(ctx.getGlobalStepVar().dtype, "Int64");
  });
}

Deno.test("getGlobalStep() gives a number when a safe bigint was set", () => {
  const ctx = new Context();
  ctx.setGlobalStep(5n);
  assertStrictEquals(ctx.getGlobalStep(), 5);
});

Deno.test("setGlobalStep() throws and changes nothing when the step is no exact int64", () => {
  const ctx = new Context();
  for (const step of [0.5, NaN, Infinity, 2 ** 53, 2n ** 63n, -(2n ** 63n) - 1n]) {
    assertThrows(() => ctx.setGlobalStep(step), VariableError, "Cannot set the global step");
  }
  assertEquals(ctx.numVariables(), 0);
});

Deno.test("getGlobalStep() throws when global_step is no Int64 scalar", () => {
  for (const value of [Tensor.from(1), Tensor.from([1n])]) {
    const ctx = new Context();
    const variable = ctx.variableWithValue("global_step", value);
    assertThrows(() => ctx.getGlobalStep(), VariableError, "wanted an (Int64) scalar");
    assertThrows(() => ctx.setGlobalStep(1), VariableError, '"/global_step" as global step: found');
    assert(variable.trainable);
  }
});

Deno.test("deleteGlobalStep() deletes it in the current scope when there is one", () => {
  const ctx = new Context();
  ctx.setGlobalStep(3);
  ctx.in("s").setGlobalStep(4);
  ctx.deleteGlobalStep();
  assertEquals([...ctx.iterVariables()].map(String), ["/s/global_step"]);
  assertEquals(ctx.getGlobalStep(), 0);
});
