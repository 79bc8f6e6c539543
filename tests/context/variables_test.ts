import { assert, assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ShapeError, VariableError } from "../../src/errors.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { Context, zerosInitializer } from "../../src/context/mod.ts";
import { FakeLoader, FakeValue } from "./fake_loader.ts";

type Outcome = "create" | "exists" | "missing" | "take";
const rules: readonly (readonly [checked: boolean, reuse: boolean, exists: boolean, outcome: Outcome])[] = [
  [true, false, false, "create"],
  [true, false, true, "exists"],
  [true, true, false, "missing"],
  [true, true, true, "take"],
  [false, false, false, "create"],
  [false, true, false, "create"],
  [false, false, true, "take"],
  [false, true, true, "take"],
];
const makers = {
  variableWithShape: (ctx: Context) => ctx.variableWithShape("x", "Float32", [2]),
  variableWithValue: (ctx: Context) => ctx.variableWithValue("x", [7, 8]),
};
for (const [name, make] of Object.entries(makers)) {
  for (const [checked, reuse, exists, outcome] of rules) {
    for (const loadable of exists ? [false, true] : [false]) {
      const where = loadable ? "is in the loader" : exists ? "exists" : "does not exist";
      const when = `checked is ${checked}, reuse is ${reuse} and the variable ${where}`;
      Deno.test(`${name}() has outcome "${outcome}" when ${when}`, () => {
        const root = new Context();
        const tensor = Tensor.from([1, 2]);
        if (loadable) root.setLoader(new FakeLoader({ "/s/x": tensor }));
        else if (exists) root.in("s").variableWithValue("x", tensor);
        const scope = root.in("s").checked(checked);
        const ctx = reuse ? scope.reuse() : scope;
        if (outcome === "exists") {
          const { message } = assertThrows(() => make(ctx), VariableError, '"/s/x": it already exists');
          assertStringIncludes(message, "ctx.reuse()");
          assertStringIncludes(message, "ctx.checked(false)");
          assertEquals(root.numVariables(), 1, "the lookup registers it, even if it then throws");
        } else if (outcome === "missing") {
          assertThrows(() => make(ctx), VariableError, 'Cannot reuse variable "/s/x": it does not exist');
        } else if (outcome === "take") {
          assertEquals(make(ctx).value().toNested(), [1, 2]);
        } else {
          assertEquals(make(ctx).hasValue, name === "variableWithValue");
        }
      });
    }
  }
}

Deno.test("variableWithShape() makes a trainable variable without value when it creates", () => {
  const ctx = new Context().in("s");
  const variable = ctx.variableWithShape("x", "BFloat16", [2, 3]);
  assertEquals([variable.dtype, variable.dimensions, variable.trainable], ["BFloat16", [2, 3], true]);
  assert(!variable.hasValue && ctx.needsInitialization && variable.initializer !== undefined);
});

Deno.test("variableWithValue() makes a trainable variable without initializer when it creates", () => {
  const ctx = new Context();
  const tensor = Tensor.from([1, 2]);
  const variable = ctx.variableWithValue("x", tensor);
  assertStrictEquals(variable.value(), tensor, "a tensor is not copied");
  assert(variable.trainable && variable.initializer === undefined && !ctx.needsInitialization);
});

Deno.test("variableWithValue() infers the dtype when it is not stated", () => {
  const ctx = new Context();
  const dtypes = [[1, 2], 3n, [true], new Float64Array(2), new BigInt64Array(1)].map((value, i) =>
    ctx.variableWithValue(`x${i}`, value).dtype
  );
  assertEquals(dtypes, ["Float32", "Int64", "Bool", "Float64", "Int64"]);
  assertEquals(ctx.variableWithValue("n", 3, "Int64").value().item(), 3n);
});

Deno.test("variableWithValue() throws when the value is no tensor of the dtype", () => {
  const ctx = new Context();
  assertThrows(() => ctx.variableWithValue("x", [[1], [2, 3]]), ShapeError);
  assertThrows(() => ctx.variableWithValue("x", 1.5, "Int32"), ShapeError);
  assertThrows(() => ctx.variableWithValue("x", Tensor.from(1), "Int32"), ShapeError, "(Float32)");
  assertEquals(ctx.numVariables(), 0);
});

Deno.test("variableWithValue() converts before it looks the variable up when the value is ragged", () => {
  const ctx = new Context().checked(false);
  const loader = new FakeLoader({ "/x": Tensor.from(1) });
  ctx.setLoader(loader);
  assertThrows(() => ctx.variableWithValue("x", [[1], [2, 3]]), ShapeError);
  assertEquals(loader.calls, []);
});

Deno.test("variableWithShape() throws when no tensor can have the shape", () => {
  const ctx = new Context();
  for (const dimensions of [[-1], [1.5], [2 ** 30, 2 ** 30]]) {
    assertThrows(() => ctx.variableWithShape("x", "Float32", dimensions), ShapeError);
  }
  assertThrows(() => Reflect.apply(ctx.variableWithShape, ctx, ["x", "float32", [1]]), ShapeError, '"float32"');
  assertEquals([ctx.numVariables(), ctx.needsInitialization], [0, false]);
  assertEquals(ctx.variableWithShape("empty", "Float32", [0]).size, 0);
});

for (const [name, dtype, dimensions] of [["dtype", "Float64", [2]], ["dimensions", "Float32", [1, 2]]] as const) {
  Deno.test(`variableWithShape() throws when the existing variable has another ${name}`, () => {
    const ctx = new Context();
    ctx.in("s").variableWithValue("x", [1, 2]);
    const again = ctx.in("s").reuse();
    assertThrows(
      () => again.variableWithShape("x", dtype, dimensions),
      ShapeError,
      '"/s/x": found (Float32)[2]; wanted',
    );
    assertThrows(() => again.variableWithValue("x", Tensor.zeros(dtype, dimensions)), ShapeError, "(Float32)[2]");
    assertEquals(ctx.inspectVariableIfLoaded("/s", "x")?.value().toNested(), [1, 2]);
  });
}

Deno.test("variableWithShape() accepts an existing scalar when the dtypes agree", () => {
  const ctx = new Context().checked(false);
  const scalar = ctx.variableWithValue("x", 1);
  assertStrictEquals(ctx.variableWithShape("x", "Float32", []), scalar);
});

Deno.test("variableWithShape() replaces only the initializer when the variable exists", () => {
  const ctx = new Context();
  const loader = new FakeLoader({ "/x": new FakeValue(Tensor.from([1, 2]), false) });
  ctx.setLoader(loader);
  const variable = ctx.checked(false).withInitializer(zerosInitializer).variableWithShape("x", "Float32", [2]);
  assertEquals([variable.value().toNested(), variable.trainable], [[1, 2], false]);
  variable.reset();
  ctx.initializeVariables();
  assertEquals(variable.value().toNested(), [0, 0]);
});

Deno.test("variableWithValue() leaves value, initializer and trainable alone when the variable exists", () => {
  const ctx = new Context();
  const variable = ctx.withInitializer(zerosInitializer).variableWithShape("x", "Float32", [2]).setTrainable(false);
  assertStrictEquals(ctx.reuse().variableWithValue("x", [7, 8]), variable);
  assertEquals([variable.hasValue, variable.initializer === zerosInitializer, variable.trainable], [
    false,
    true,
    false,
  ]);
});

Deno.test("iterVariables() goes in order of creation when scopes are mixed", () => {
  const ctx = new Context();
  const [a, b] = [ctx.in("a"), ctx.in("b")];
  a.variableWithValue("x", 1);
  b.variableWithValue("y", 1);
  b.in("c").variableWithValue("z", 1);
  const names = (variables: Iterable<{ name: string }>) => [...variables].map(({ name }) => name);
  assertEquals(names(ctx.iterVariables()), ["x", "y", "z"]);
  assertEquals(names(a.iterVariables()), ["x", "y", "z"]);
  assertEquals(names(b.iterVariablesInScope()), ["y", "z"]);
  assertEquals(names(ctx.in("c").iterVariablesInScope()), []);
  assertEquals(names(ctx.iterVariablesInScope()), ["x", "y", "z"]);
});

Deno.test("iterVariablesInScope() stops at slashes when scopes share a prefix", () => {
  const ctx = new Context();
  ctx.in("a").variableWithValue("x", 1);
  ctx.in("ab").variableWithValue("y", 1);
  assertEquals([...ctx.in("a").iterVariablesInScope()].map(String), ["/a/x"]);
});

Deno.test("iterVariables() appends when a deleted variable is created again", () => {
  const ctx = new Context();
  for (const name of ["x", "y", "z"]) ctx.variableWithValue(name, 1);
  ctx.deleteVariable("/", "x");
  assertEquals([...ctx.iterVariables()].map(({ name }) => name), ["y", "z"]);
  ctx.variableWithValue("x", 1);
  assertEquals([...ctx.iterVariables()].map(({ name }) => name), ["y", "z", "x"]);
});

Deno.test("numVariables(), numParameters() and memory() count registered variables when some have no value", () => {
  const ctx = new Context();
  ctx.setLoader(new FakeLoader({ "/pending": Tensor.zeros("Float32", [100]) }));
  ctx.in("a").variableWithShape("x", "Float64", [2, 3]);
  ctx.variableWithValue("s", 1n);
  ctx.variableWithShape("packed", "Int4", [3]);
  const at = ctx.in("elsewhere");
  assertEquals([at.numVariables(), at.numParameters(), at.memory()], [3, 6 + 1 + 3, 48 + 8 + 2]);
});

Deno.test("deleteVariable() drops the value when somebody still holds the variable", () => {
  const ctx = new Context();
  const variable = ctx.in("s").variableWithValue("x", [1, 2]);
  ctx.deleteVariable("/s", "x");
  assertEquals([variable.hasValue, variable.dimensions, variable.isValid], [false, [2], true]);
  assertThrows(() => variable.value(), VariableError, "it was deleted from its Context");
  assertEquals(ctx.getVariableByScopeAndName("/s", "x"), undefined);
});

Deno.test("deleteVariable() does nothing when there is no such variable", () => {
  const ctx = new Context();
  ctx.variableWithValue("x", 1);
  ctx.deleteVariable("/s", "x");
  ctx.deleteVariable("nowhere", "x");
  assertEquals(ctx.numVariables(), 1);
});

Deno.test("deleteVariablesInScope() deletes below the scope, and nothing when it is empty", () => {
  const ctx = new Context();
  for (const scope of ["/a", "/a/b", "/ab", "/"]) ctx.inAbsPath(scope).variableWithValue("x", 1);
  ctx.in("empty").deleteVariablesInScope();
  assertEquals(ctx.numVariables(), 4);
  ctx.in("a").deleteVariablesInScope();
  assertEquals([...ctx.iterVariables()].map(({ scope }) => scope), ["/ab", "/"]);
  ctx.deleteVariablesInScope();
  assertEquals(ctx.numVariables(), 0);
});
