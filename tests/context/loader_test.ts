import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { VariableError } from "../../src/errors.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { FakeLoader, FakeValue } from "./fake_loader.ts";

function loadable(): { ctx: Context; loader: FakeLoader } {
  const ctx = new Context();
  const loader = new FakeLoader({
    "/x": Tensor.from([1, 2]),
    "/a/x": Tensor.from([3, 4]),
    "/a/b/y": Tensor.from(5n),
    "/global_step": Tensor.from(7n),
  });
  ctx.setLoader(loader);
  return { ctx, loader };
}

Deno.test("getVariable() registers at the end when the loader has the value", () => {
  const { ctx, loader } = loadable();
  ctx.variableWithValue("first", 1);
  const variable = ctx.in("a").getVariable("x");
  assertEquals(variable?.value().toNested(), [3, 4]);
  assertEquals([variable?.trainable, variable?.initializer], [true, undefined]);
  assertEquals([...ctx.iterVariables()].map(String), ["//first", "/a/x"]);
  assertStrictEquals(ctx.in("a").getVariable("x"), variable);
  assertEquals(loader.calls, ["load /first", "load /a/x"], "asked once per variable, only when not registered");
});

Deno.test("getVariable() gives undefined when neither the context nor the loader has it", () => {
  assertEquals(loadable().ctx.getVariable("nope"), undefined);
  assertEquals(new Context().getVariable("nope"), undefined);
});

Deno.test("getVariable() ignores reuse and checked when it finds a value", () => {
  const { ctx } = loadable();
  assert(ctx.getVariable("x") !== undefined);
  assert(ctx.reuse().in("a").getVariable("x") !== undefined);
  assertEquals(ctx.reuse().getVariable("nope"), undefined);
});

Deno.test("getVariable() takes the trainable flag when the checkpoint has one", () => {
  const ctx = new Context();
  const tensor = Tensor.from(1);
  ctx.setLoader(
    new FakeLoader({ "/off": new FakeValue(tensor, false), "/on": new FakeValue(tensor, true), "/none": tensor }),
  );
  assertEquals(["off", "on", "none"].map((name) => ctx.getVariable(name)?.trainable), [false, true, true]);
});

Deno.test("getVariable() reads no bytes when it registers", () => {
  const ctx = new Context();
  const value = new FakeValue(Tensor.from([1, 2]));
  ctx.setLoader(new FakeLoader({ "/x": value }));
  const variable = ctx.getVariable("x");
  assertEquals([variable?.dtype, variable?.dimensions, variable?.byteLength, variable?.hasValue], [
    "Float32",
    [2],
    8,
    true,
  ]);
  assertStrictEquals(variable?.source, value);
  assertEquals(value.reads, 0);
});

Deno.test("getVariableByScopeAndName() throws when the loader has an unrooted scope", () => {
  const ctx = new Context();
  ctx.setLoader(new FakeLoader({ "a/x": Tensor.from(1) }));
  assertThrows(() => ctx.getVariableByScopeAndName("a", "x"), VariableError, 'starts with "/"');
  assertEquals(ctx.getVariableByScopeAndName("b", "x"), undefined);
});

Deno.test("setLoader() replaces the loader of all references when it is called on one", () => {
  const { ctx, loader } = loadable();
  assertStrictEquals(ctx.in("a").loader, loader);
  const other = new FakeLoader({});
  ctx.in("a").setLoader(other);
  assertStrictEquals(ctx.loader, other);
  ctx.setLoader(undefined);
  assertEquals(ctx.getVariable("x"), undefined);
});

const silent: readonly (readonly [string, (ctx: Context) => unknown])[] = [
  ["inspectVariableIfLoaded()", (ctx) => ctx.inspectVariableIfLoaded("/", "x")],
  ["iterVariables()", (ctx) => [...ctx.iterVariables()]],
  ["iterVariablesInScope()", (ctx) => [...ctx.iterVariablesInScope()]],
  ["numVariables()", (ctx) => ctx.numVariables()],
  ["numParameters()", (ctx) => ctx.numParameters()],
  ["memory()", (ctx) => ctx.memory()],
  ["initializeVariables()", (ctx) => ctx.initializeVariables()],
  ["params", (ctx) => ctx.params],
  ["clone()", (ctx) => ctx.clone().loader],
  ["toString()", (ctx) => ctx.toString()],
];
for (const [name, use] of silent) {
  Deno.test(`${name} asks no loader when there is one`, () => {
    const { ctx, loader } = loadable();
    const result = use(ctx);
    assertEquals(loader.calls, []);
    if (Array.isArray(result)) assertEquals(result, []);
  });
}

const asking: readonly (readonly [string, (ctx: Context) => unknown, string[]])[] = [
  ["variableWithShape()", (ctx) => ctx.reuse().variableWithShape("x", "Float32", [2]), ["load /x"]],
  ["variableWithValue()", (ctx) => ctx.reuse().variableWithValue("x", [0, 0]), ["load /x"]],
  ["getGlobalStep()", (ctx) => ctx.getGlobalStep(), ["load /global_step"]],
  ["deleteVariable()", (ctx) => ctx.deleteVariable("/a", "x"), ["delete /a/x"]],
  ["deleteGlobalStep()", (ctx) => ctx.deleteGlobalStep(), ["delete /global_step"]],
  ["deleteVariablesInScope()", (ctx) => ctx.in("a").deleteVariablesInScope(), ["deleteInScope /a"]],
];
for (const [name, use, calls] of asking) {
  Deno.test(`${name} asks the loader when the variable is not registered`, () => {
    const { ctx, loader } = loadable();
    use(ctx);
    assertEquals(loader.calls, calls);
  });
}

Deno.test("deleteVariable() asks the loader first when the variable is registered", () => {
  const { ctx, loader } = loadable();
  ctx.getVariable("x");
  const hadIt: boolean[] = [];
  ctx.setLoader({
    loadVariable: () => undefined,
    deleteVariable: (context) => void hadIt.push(context.inspectVariableIfLoaded("/", "x") !== undefined),
    deleteVariablesInScope: () => {},
  });
  ctx.deleteVariable("/", "x");
  assertEquals([hadIt, ctx.numVariables(), loader.calls], [[true], 0, ["load /x"]]);
});

Deno.test("deleteVariablesInScope() deletes pending values when nobody asked for them yet", () => {
  const { ctx } = loadable();
  ctx.in("a").deleteVariablesInScope();
  assertEquals(ctx.in("a").getVariable("x"), undefined);
  assertEquals(ctx.inAbsPath("/a/b").getVariable("y"), undefined);
  assert(ctx.getVariable("x") !== undefined);
});
