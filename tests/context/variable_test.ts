import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { CorruptError, ShapeError, VariableError } from "../../src/errors.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { Context, type Variable, zerosInitializer } from "../../src/context/mod.ts";
import { FakeLoader, FakeValue } from "./fake_loader.ts";

function loaded(value: FakeValue): { ctx: Context; variable: Variable } {
  const ctx = new Context();
  ctx.setLoader(new FakeLoader({ "/s/x": value }));
  const variable = ctx.in("s").getVariable("x");
  assert(variable !== undefined);
  return { ctx, variable };
}

for (
  const [scope, scopeAndName, parameterName, text] of [
    ["/", "/x", "var://x", "//x"],
    ["/a", "/a/x", "var:/a/x", "/a/x"],
    ["/a/b", "/a/b/x", "var:/a/b/x", "/a/b/x"],
    ["/AdamOptimizer/", "/AdamOptimizer/x", "var:/AdamOptimizer//x", "/AdamOptimizer//x"],
  ] as const
) {
  Deno.test(`Variable has its names when it is in scope "${scope}"`, () => {
    const variable = new Context().inAbsPath(scope).variableWithValue("x", 1);
    assertEquals([variable.name, variable.scope], ["x", scope]);
    assertEquals([variable.scopeAndName, variable.parameterName, String(variable)], [
      scopeAndName,
      parameterName,
      text,
    ]);
  });
}

Deno.test("Variable prints one line when inspected", () => {
  assertEquals(
    Deno.inspect(new Context().in("a").variableWithValue("x", [[1], [2]])),
    'Variable "/a/x" (Float32)[2 1]',
  );
  assertEquals(Deno.inspect(new Context().variableWithValue("n", 1n)), 'Variable "/n" (Int64)');
});

Deno.test("size and byteLength follow the shape when there is no value", () => {
  const variable = new Context().variableWithShape("x", "Complex64", [2, 3]);
  assertEquals([variable.size, variable.byteLength, variable.hasValue], [6, 48, false]);
});

Deno.test("dimensions cannot be changed from outside when they were given as an array", () => {
  const dimensions = [2, 3];
  const variable = new Context().variableWithShape("x", "Float32", dimensions);
  dimensions[0] = 9;
  assertEquals(variable.dimensions, [2, 3]);
  assert(Object.isFrozen(variable.dimensions));
});

Deno.test("setTrainable() returns the variable when called", () => {
  const variable = new Context().variableWithValue("x", 1);
  assertStrictEquals(variable.setTrainable(false), variable);
  assert(!variable.trainable);
});

Deno.test("value() names initializeVariables() when there is none", async () => {
  const variable = new Context().in("a").variableWithShape("x", "Float32", [2]);
  const { entry } = assertThrows(
    () => variable.value(),
    VariableError,
    "has no value yet: call ctx.initializeVariables()",
  );
  assertEquals(entry, "/a/x");
  await assertRejects(() => variable.load(), VariableError, "has no value yet");
});

Deno.test("value() reads once and keeps the tensor when the value is in a checkpoint", () => {
  const value = new FakeValue(Tensor.from([1, 2]));
  const { variable } = loaded(value);
  const tensor = variable.value();
  assertStrictEquals(variable.value(), tensor);
  assertEquals([value.reads, tensor.toNested()], [1, [1, 2]]);
  assertStrictEquals(variable.source, tensor);
  assertStrictEquals(variable.origin, value);
});

Deno.test("value() leaves the source in place when the read fails", async () => {
  const value = new FakeValue(Tensor.from([1, 2]));
  const { variable } = loaded(value);
  value.failure = new CorruptError("Cannot read: wrong checksum");
  assertThrows(() => variable.value(), CorruptError);
  await assertRejects(() => variable.load(), CorruptError);
  assert(variable.hasValue);
  assertStrictEquals(variable.source, value);
  value.failure = undefined;
  assertEquals(variable.value().toNested(), [1, 2]);
});

Deno.test("value() throws when the loader reads another shape than it said", () => {
  const value = new FakeValue(Tensor.from([1, 2]));
  const { variable } = loaded(value);
  variable.setLoaded({
    dtype: "Float32",
    dimensions: [3],
    byteLength: 12,
    loaded: undefined,
    readSync: () => value.readSync(),
    read: () => value.read(),
  });
  assertThrows(() => variable.value(), ShapeError, "found (Float32)[2]; wanted (Float32)[3]");
});

Deno.test("value() does not read when the bytes are in memory already", () => {
  const tensor = Tensor.from([1, 2]);
  const fail = () => {
    throw new Error("read");
  };
  const variable = new Context().variableWithShape("x", "Float32", [2]);
  variable.setLoaded({ dtype: "Float32", dimensions: [2], byteLength: 8, loaded: tensor, readSync: fail, read: fail });
  assertStrictEquals(variable.value(), tensor);
});

Deno.test("load() reads without blocking when the value is in a checkpoint", async () => {
  const value = new FakeValue(Tensor.from([1, 2]));
  const { variable } = loaded(value);
  const tensor = await variable.load();
  assertEquals(tensor.toNested(), [1, 2]);
  assertStrictEquals(variable.source, tensor);
});

Deno.test("load() gives the newer value when the variable is set meanwhile", async () => {
  const { variable } = loaded(new FakeValue(Tensor.from([1, 2])));
  const loading = variable.load();
  const set = Tensor.from([8, 9, 10]);
  variable.setValue(set);
  assertStrictEquals(await loading, set);
  assertStrictEquals(variable.value(), set);
});

Deno.test("load() gives one tensor when it is called twice at once", async () => {
  const { variable } = loaded(new FakeValue(Tensor.from([1, 2])));
  const [a, b] = await Promise.all([variable.load(), variable.load()]);
  assertStrictEquals(a, b);
});

Deno.test("setValue() takes dtype and shape when they differ", () => {
  const { variable } = loaded(new FakeValue(Tensor.from([1, 2])));
  assertStrictEquals(variable.setValue(Tensor.from([[1n, 2n, 3n]])), variable);
  assertEquals([variable.dtype, variable.dimensions, variable.origin], ["Int64", [1, 3], undefined]);
});

Deno.test("setLoaded() takes shape and trainable when the checkpoint has them", () => {
  const variable = new Context().variableWithValue("x", 1).setTrainable(false);
  variable.setLoaded(new FakeValue(Tensor.from([1n])));
  assertEquals([variable.dtype, variable.dimensions, variable.trainable], ["Int64", [1], false]);
  variable.setLoaded(new FakeValue(Tensor.from([1n]), true));
  assert(variable.trainable);
});

Deno.test("reset() drops the value and keeps the shape when there is one", () => {
  const ctx = new Context();
  const variable = ctx.variableWithValue("x", [1, 2]);
  assert(!ctx.needsInitialization);
  variable.reset();
  assertEquals([variable.hasValue, variable.dimensions, ctx.needsInitialization], [false, [2], true]);
});

Deno.test("finalize() makes the variable invalid when called", () => {
  const variable = new Context().variableWithValue("x", 1);
  variable.finalize();
  assert(!variable.isValid && !variable.hasValue);
  const uses = [
    () => variable.value(),
    () => variable.parameterName,
    () => variable.reset(),
    () => variable.setValue(Tensor.from(1)),
    () => variable.cloneTo(new Context()),
  ];
  for (const use of uses) assertThrows(use, VariableError, "it was finalized");
});

Deno.test("cloneTo() copies everything and appends when the other context is free", () => {
  const ctx = new Context().withInitializer(zerosInitializer);
  const variable = ctx.in("a").variableWithShape("x", "Float32", [2]).setTrainable(false);
  variable.setValue(Tensor.from([1, 2]));
  const other = new Context();
  other.variableWithValue("first", 1);
  const clone = variable.cloneTo(other.in("q"));
  assertEquals([...other.iterVariables()].map(String), ["//first", "/a/x"]);
  assertEquals([clone.trainable, clone.initializer, clone.dtype], [false, zerosInitializer, "Float32"]);
  variable.value().data()[0] = 9;
  assertEquals(clone.value().toNested(), [1, 2]);
  assert(!other.needsInitialization);
  assertThrows(() => variable.cloneTo(other), VariableError, "has one already");
});

Deno.test("cloneTo() leaves a loaded value unread, and shares no memory when it is read", () => {
  const value = new FakeValue(Tensor.from([1, 2]));
  const { variable } = loaded(value);
  const clone = variable.cloneTo(new Context());
  assertEquals(value.reads, 0);
  assertStrictEquals(clone.source, value);
  assertEquals(clone.dimensions, [2]);
  variable.value().data()[0] = 9;
  clone.value().data()[1] = 7;
  assertEquals(variable.value().toNested(), [9, 2]);
});
