import { assert, assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { VariableError } from "../../src/errors.ts";
import { Context, zerosInitializer } from "../../src/context/mod.ts";

Deno.test("Context() is an empty, checked, unique root when it is new", () => {
  const ctx = new Context();
  assertEquals([ctx.scope, ctx.isChecked, ctx.isReuse], ["/", true, false]);
  assertEquals([ctx.numVariables(), ctx.params.length, ctx.loader, ctx.needsInitialization], [0, 0, undefined, false]);
});

Deno.test("reuse() gives another reference when the context is unique or reusing", () => {
  const ctx = new Context();
  const reusing = ctx.reuse();
  assert(reusing.isReuse && !ctx.isReuse);
  assertNotEquals(Object.is(reusing.reuse(), reusing), true);
  assert(reusing.reuse().isReuse);
});

Deno.test("unique() gives itself when reuse is off, else a new reference", () => {
  const ctx = new Context();
  assertStrictEquals(ctx.unique(), ctx);
  const reusing = ctx.reuse();
  assert(!reusing.unique().isReuse && reusing.isReuse);
});

Deno.test("checked() gives itself when nothing changes, else a new reference", () => {
  const ctx = new Context();
  assertStrictEquals(ctx.checked(true), ctx);
  const free = ctx.checked(false);
  assert(!free.isChecked && ctx.isChecked);
  assertStrictEquals(free.checked(false), free);
});

Deno.test("withInitializer() throws when it gets no function", () => {
  const ctx = new Context();
  assertThrows(() => Reflect.apply(ctx.withInitializer, ctx, [null]), VariableError, "wanted a function");
  assertThrows(() => Reflect.apply(ctx.withInitializer, ctx, []), VariableError);
});

Deno.test("withInitializer() concerns only its reference when variables are created", () => {
  const ctx = new Context();
  const zeros = ctx.withInitializer(zerosInitializer);
  const a = zeros.in("s").variableWithShape("a", "Float32", [100]);
  const b = ctx.in("s").variableWithShape("b", "Float32", [100]);
  ctx.initializeVariables({ seed: 1 });
  assertEquals([a.value().statistics().zero, b.value().statistics().zero], [100, 0]);
});

Deno.test("in() and inAbsPath() keep reuse and checked when they change the scope", () => {
  const ctx = new Context().reuse().checked(false);
  for (const at of [ctx.in("a"), ctx.inAbsPath("/a"), ctx.inf("%s", "a")]) {
    assertEquals([at.scope, at.isReuse, at.isChecked], ["/a", true, false]);
  }
});

const scopes: readonly (readonly [string, (ctx: Context) => Context, string | undefined])[] = [
  ['in("a") from "/"', (ctx) => ctx.in("a"), "/a"],
  ['in("b") from "/a"', (ctx) => ctx.in("a").in("b"), "/a/b"],
  ['in("")', (ctx) => ctx.in(""), undefined],
  ['in("a/b")', (ctx) => ctx.in("a/b"), undefined],
  ['in("/a")', (ctx) => ctx.in("/a"), undefined],
  ['inf("layer_%d", 3)', (ctx) => ctx.inf("layer_%d", 3), "/layer_3"],
  ['inf("%s", "")', (ctx) => ctx.inf("%s", ""), undefined],
  ['inf("a/%d", 1)', (ctx) => ctx.inf("a/%d", 1), undefined],
  ['inAbsPath("/x/y") from "/q"', (ctx) => ctx.in("q").inAbsPath("/x/y"), "/x/y"],
  ['inAbsPath("/") from "/q"', (ctx) => ctx.in("q").inAbsPath("/"), "/"],
  ['inAbsPath("")', (ctx) => ctx.inAbsPath(""), undefined],
  ['inAbsPath("x")', (ctx) => ctx.inAbsPath("x"), undefined],
  ['inAbsPath("/x/")', (ctx) => ctx.inAbsPath("/x/"), "/x/"],
  ['inAbsPath("/x//y")', (ctx) => ctx.inAbsPath("/x//y"), "/x//y"],
  ["in() of ordinary characters", (ctx) => ctx.in(" .. #+:é🚀"), "/ .. #+:é🚀"],
];
for (const [call, go, scope] of scopes) {
  Deno.test(`Context ${scope === undefined ? "throws" : `is in "${scope}"`} when asked for ${call}`, () => {
    if (scope === undefined) assertThrows(() => go(new Context()), VariableError, "Cannot enter scope");
    else assertEquals(go(new Context()).scope, scope);
  });
}

const formats: readonly (readonly [string, readonly unknown[], string])[] = [
  ["%d", [3], "3"],
  ["%d", [2n ** 60n], "1152921504606846976"],
  ["%03d_%-4s|", [7, "ab"], "007_ab  |"],
  ["%+d", [3], "+3"],
  ["%04d", [-3], "-003"],
  ["%4d", [3], "   3"],
  ["%v %v", ["a", 1.5], "a 1.5"],
  ["%q", ['a"b'], '"a\\"b"'],
  ["%x", [255], "ff"],
  ["%.2f", [1.005], "1.00"],
  ["%f", [1], "1.000000"],
  ["%e", [1e-7], "1.000000e-07"],
  ["%t", [true], "true"],
  ["100%%", [], "100%"],
];
for (const [format, args, wanted] of formats) {
  Deno.test(`inf() enters "${wanted}" when the format is "${format}"`, () => {
    assertEquals(new Context().inf(format, ...args).scope, `/${wanted}`);
  });
}

Deno.test("inf() throws when arguments and verbs do not fit", () => {
  const ctx = new Context();
  const calls: readonly (readonly [string, readonly unknown[]])[] = [
    ["%d", []],
    ["a", [1]],
    ["%d", [1, 2]],
    ["%d", ["x"]],
    ["%d", [1.5]],
    ["%s", [1]],
    ["%z", [1]],
    ["%", [1]],
    ["%v", [undefined]],
  ];
  for (const [format, args] of calls) {
    assertThrows(() => ctx.inf(format, ...args), VariableError, `Cannot format scope "${format}"`);
  }
});

Deno.test("clone() copies params, variables, flags and order when there are some", () => {
  const ctx = new Context();
  ctx.setParam("lr", 0.5);
  ctx.in("b").variableWithValue("y", [1, 2]).setTrainable(false);
  const x = ctx.in("a").variableWithShape("x", "Float64", [3]);
  const clone = ctx.in("s").reuse().checked(false).clone();
  assertEquals([clone.scope, clone.isReuse, clone.isChecked, clone.needsInitialization], ["/s", true, false, true]);
  assertEquals(clone.params, ctx.params);
  assertEquals([...clone.iterVariables()].map(String), ["/b/y", "/a/x"]);
  const y = clone.getVariableByScopeAndName("/b", "y");
  assertEquals([y?.trainable, y?.value().toNested()], [false, [1, 2]]);

  clone.initializeVariables({ seed: 1 });
  assert(!x.hasValue && ctx.needsInitialization, "the original is another Context");
  clone.setParam("lr", 1);
  assertEquals(ctx.in("s").getParam("lr"), 0.5);
});

Deno.test("clone() copies memory when values are written in place", () => {
  const ctx = new Context();
  const original = ctx.variableWithValue("x", [1, 2]);
  const clone = ctx.clone().getVariable("x");
  original.value().data()[0] = 9;
  assertEquals(clone?.value().toNested(), [1, 2]);
});

Deno.test("clone() keeps the initializers when a cloned variable is reset", () => {
  const ctx = new Context().withInitializer(zerosInitializer);
  ctx.variableWithShape("x", "Int32", [2]);
  const clone = ctx.clone();
  clone.initializeVariables();
  assertEquals(clone.getVariable("x")?.value().toNested(), [0, 0]);
});

Deno.test("finalize() makes every reference unusable when it was called on one", () => {
  const ctx = new Context();
  const variable = ctx.variableWithValue("x", 1);
  const other = ctx.in("a");
  ctx.finalize();
  assert(!variable.isValid);
  const uses: (() => unknown)[] = [
    () => other.getParam("k"),
    () => other.setParam("k", 1),
    () => other.numVariables(),
    () => other.iterVariables(),
    () => other.getVariable("x"),
    () => other.variableWithValue("y", 1),
    () => ctx.clone(),
    () => ctx.params,
  ];
  for (const use of uses) assertThrows(use, VariableError, "it was finalized");
});

Deno.test("toString() says scope and counts when printed", () => {
  const ctx = new Context();
  assertEquals(ctx.toString(), 'Context "/" (0 variables, 0 params)');
  ctx.setParam("k", 1);
  ctx.variableWithValue("x", 1);
  ctx.variableWithValue("y", 1);
  const line = 'Context "/a" (2 variables, 1 param)';
  assertEquals(Deno.inspect([ctx.in("a")]), `[ ${line} ]`);
  assertEquals(Deno.inspect(ctx.in("a")).split("\n"), [
    'Context "/a" · 2 variables · 2 elements · 8 B · 1 param',
    "",
    "variable  shape      elements  size  min  mean  std  max  values",
    "────────  ─────────  ────────  ────  ───  ────  ───  ───  ──────",
    "/x        (Float32)         1   4 B                          = 1",
    "/y        (Float32)         1   4 B                          = 1",
    "",
    "param  type  value",
    "─────  ────  ─────",
    "/k     int   1",
  ]);
  ctx.finalize();
  assertEquals(String(ctx), 'Context "/" (finalized)');
});
