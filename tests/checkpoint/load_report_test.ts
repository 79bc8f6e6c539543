import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { build, type Config, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { assertSafeHtml } from "../render/html_check.ts";
import { joinedHead } from "../render/joined_head.ts";

const SILENT = (): void => {};

Deno.test("handler.loadReport is undefined where nothing was loaded", async () => {
  await using handler = await build(new Context()).store(new MemoryStore()).done();
  assertEquals(handler.loadReport, undefined);
});

Deno.test("handler.loadReport tells what became of each variable and param, as things stand", async () => {
  const ctx = new Context();
  ctx.variableWithValue("had", [9]);
  ctx.variableWithValue("shaped", [1]);
  ctx.variableWithValue("own", [1]);
  await using handler = await (await loadTrained(ctx)).excludeParams("rate").done();
  const model = ctx.checked(false);
  model.in("layer").variableWithValue("asked", [0, 0]);
  model.in("layer").variableWithValue("new", [0, 0]);
  model.deleteVariable("/", "dropped");

  const report = handler.loadReport;
  assert(report !== undefined);
  assertEquals(
    report.variables.map(({ path, state, formerShape }) => [path, state, formerShape ?? ""]),
    [
      ["/had", "replaced", ""],
      ["/shaped", "replaced", "(Float32)[1]"],
      ["/dropped", "dropped", ""],
      ["/layer/asked", "loaded", ""],
      ["/layer/waiting", "pending", ""],
      ["/global_step", "pending", ""],
      ["/own", "kept", ""],
      ["/layer/new", "created", ""],
    ],
  );
  assertEquals(report.params.map(({ key, goType, loaded }) => [key, goType, loaded]), [
    ["rate", "float64", false],
    ["units", "int", true],
  ]);
  assertEquals([report.baseName, report.notLoaded, report.skipped], [handler.loadedBase, 0, []]);
  assertEquals(ctx.getVariable("waiting"), undefined);
});

Deno.test("a load report draws itself, what is not as expected first", async () => {
  const ctx = new Context();
  ctx.variableWithValue("own", [1]);
  ctx.variableWithValue("shaped", [1]);
  await using handler = await (await loadTrained(ctx)).excludeParams("rate").done();
  const text = joinedHead(Deno.inspect(handler.loadReport));
  const [head = ""] = text.split("\n");
  assertMatch(head, /^Load report · "checkpoint-.*" · 1 replaced · 5 pending · ⚠ 1 left as they were · /);
  assertMatch(head, / · 1 param loaded · 1 excluded$/);
  assertMatch(text, /^~ \/shaped +.* replaced the Context's value, which was \(Float32\)\[1\]$/m);
  assertMatch(text, /^⚠ \/own +.* left as it was: nothing was loaded for it$/m);
  assertMatch(text, /^ *\/rate +excluded: not loaded$/m);
  const bundle: unknown = await Reflect.get(handler.loadReport ?? {}, Symbol.for("Jupyter.display"))?.();
  assert(typeof bundle === "object" && bundle !== null && "text/html" in bundle);
  assertSafeHtml(String(bundle["text/html"]));
  assertStringIncludes(String(bundle["text/html"]), "left as it was");
  assertEquals(Object.keys(structuredClone(handler.loadReport ?? {})).length, 8, "it is plain data");
});

Deno.test("handler.loadReport counts what a partial load leaves behind, and follows restore()", async () => {
  const ctx = new Context();
  await using handler = await (await loadTrained(ctx)).onlyScopes("/layer").done();
  assertEquals(handler.loadReport?.notLoaded, 4);
  assertEquals(handler.loadReport?.variables.map(({ state }) => state), ["pending", "pending"]);
});

async function loadTrained(ctx: Context): Promise<Config> {
  const store = new MemoryStore();
  const trained = new Context();
  trained.setParam("rate", 0.5);
  trained.setParam("units", 3);
  trained.variableWithValue("had", [1]);
  trained.variableWithValue("shaped", [1, 2]);
  trained.variableWithValue("dropped", [1]);
  trained.in("layer").variableWithValue("asked", [1, 2]);
  trained.in("layer").variableWithValue("waiting", [1, 2]);
  await using handler = await build(trained).store(store).done();
  await handler.save();
  return load(ctx).store(store).onWarning(SILENT);
}
