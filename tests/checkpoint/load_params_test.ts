import { assertEquals, assertStrictEquals } from "@std/assert";
import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { putForeign, textOf } from "./blobs.ts";
import { SILENT, threeSteps } from "./runs.ts";

Deno.test("done() overwrites params of the Context with the file's, in their scopes", async () => {
  const ctx = new Context();
  ctx.setParam("lr", 9);
  ctx.setParam("own", "kept");
  await load(ctx).store(await threeSteps()).done();
  assertEquals([ctx.getParam("lr"), ctx.in("a").getParam("lr"), ctx.getParam("own")], [0.5, 0.25, "kept"]);
});

Deno.test("excludeParams() skips a bare key in every scope, and a path only there", async () => {
  const store = await threeSteps();
  const params = async (...excluded: string[]): Promise<string[]> => {
    const ctx = new Context();
    await load(ctx).store(store).excludeParams(...excluded).done();
    return ctx.params.map(({ scope, key }) => `${scope} ${key}`);
  };
  assertEquals(await params(), ["/ lr", "/a lr", "/a units"]);
  assertEquals(await params("lr"), ["/a units"]);
  assertEquals(await params("/lr"), ["/a lr", "/a units"]);
  assertEquals(await params("/a/lr", "units"), ["/ lr"]);
  assertEquals(await params("/a", "l*", "LR"), ["/ lr", "/a lr", "/a units"]);
});

Deno.test("excludeParams() accumulates, and on save the Context's value wins, else the file's entry stays", async () => {
  const store = await threeSteps();
  const ctx = new Context();
  ctx.setParam("lr", 0.125);
  const handler = await load(ctx).store(store).excludeParams("lr").excludeParams("units").keep(-1).done();
  assertEquals(ctx.params.map(({ key }) => key), ["lr"]);
  const saved = await handler.save();
  assertEquals(saved.params.map(({ scope, key, value, goType }) => [scope, key, value, goType]), [
    ["/", "lr", 0.125, "float64"],
    ["/a", "lr", 0.25, "float64"],
    ["/a", "units", 8, "int"],
  ]);
});

Deno.test("excludeAllParams() loads none and loses none", async () => {
  const store = await threeSteps();
  const ctx = new Context();
  ctx.in("a").setParam("units", 16);
  const handler = await load(ctx).store(store).excludeAllParams().keep(-1).done();
  assertEquals(ctx.params.length, 1);
  const saved = await handler.save();
  assertEquals(saved.params.map(({ scope, key, value }) => [scope, key, value]), [
    ["/", "lr", 0.5],
    ["/a", "lr", 0.25],
    ["/a", "units", 16],
  ]);
});

Deno.test("excludeParams() writes a param back verbatim: unknown keys, missing type, odd value", async () => {
  const store = new MemoryStore();
  const odd = { Scope: "/", Key: "odd", Value: 1.9, ValueType: "int", Note: [1, { b: null }] };
  const untyped = { Scope: "/a", Key: "old", Value: 3 };
  await putForeign(store, "checkpoint-n0000000-20240101-000000-initial", [], { params: [odd, untyped] });
  const handler = await load(new Context()).store(store).excludeAllParams().extras(false).onWarning(SILENT).done();
  const { baseName } = await handler.save();
  assertEquals(JSON.parse(await textOf(store, `${baseName}.json`)).Params, [odd, untyped]);
});

Deno.test("excludeVars() before and after done() keeps variables out of the file, and out of it only", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const [a, b] = [ctx.variableWithValue("a", [1]), ctx.variableWithValue("b", [2])];
  ctx.variableWithValue("c", [3]);
  const config = build(ctx).store(store).excludeVars(a);
  const handler = await config.done();
  const names = async (): Promise<string[]> => (await handler.save()).variables.map((each) => each.name);
  assertEquals(await names(), ["b", "c", "global_step"]);
  assertStrictEquals(config.excludeVars(b), config);
  assertEquals(await names(), ["c", "global_step"]);
  handler.excludeVarsFromSaving(ctx.getGlobalStepVar());
  assertEquals(await names(), ["c"]);
  assertEquals(ctx.numVariables(), 4);
});

Deno.test("excludeVars() of a variable without value lets a save pass, and of a loaded one keeps it out", async () => {
  const store = await threeSteps();
  const ctx = new Context();
  const empty = ctx.variableWithShape("later", "Float32", [2]);
  const config = load(ctx).store(store).excludeVars(empty).keep(-1);
  const handler = await config.done();
  const w = ctx.in("a").getVariable("w");
  if (w !== undefined) config.excludeVars(w);
  assertEquals((await handler.save()).variables.map((each) => each.name), ["global_step"]);
});
