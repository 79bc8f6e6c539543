import { assert, assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CorruptError, NotFoundError, NotLoadedError } from "../../src/errors.ts";
import { LocalStore, MemoryStore } from "../../src/store/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { bytesOf, contentsOf, put, putForeign } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { saveRun, SILENT, valueOf } from "./runs.ts";
import { SlowStore } from "./slow_store.ts";

Deno.test("save() does not write a pending value beside the one that the Context has", async () => {
  const [early, late] = [new MemoryStore("early"), new MemoryStore("late")];
  await saveRun(early, 1, { w: [1], only_early: [11] });
  await saveRun(late, 2, { w: [2], only_late: [22] });
  const ctx = new Context();
  await load(ctx).store(early).done();
  const handler = await load(ctx).store(late).keep(-1).done();
  assertEquals(valueOf(ctx, "w"), [1]);
  assert(handler.loadedVariables().has("var:/a/w"), "served by the earlier Handler, so still pending in the later one");
  const saved = await handler.save();
  assertEquals(saved.variables.filter(({ name }) => name === "w").length, 1);
  assertEquals((await saved.read("/a/w")).toNested(), [1]);
  assertEquals(saved.variables.map(({ name }) => name), ["w", "global_step", "only_late"]);
});

Deno.test("save() warns once of what another Handler has loaded and nobody has asked for, which it leaves out", async () => {
  const [base, copy] = [new MemoryStore("base"), new MemoryStore("copy")];
  await saveRun(base, 1, { asked: [1], left: [2] });
  for (const immediate of [false, true]) {
    const warnings: string[] = [];
    const ctx = new Context();
    const config = load(ctx).store(base);
    await (immediate ? config.immediate() : config).done();
    assertEquals(valueOf(ctx, "asked"), [1]);
    const handler = await build(ctx).store(copy).keep(-1).onWarning((text) => warnings.push(text)).done();
    const first = await handler.save();
    await handler.saveInBackground();
    await handler.flush();
    assertEquals(first.variables.some(({ name }) => name === "left"), immediate);
    assertEquals(warnings.length, immediate ? 0 : 1);
    if (!immediate) {
      assertStringIncludes(
        warnings.join(),
        'saves into "memory:copy" leave out 1 variable that another Handler has loaded and nobody has asked for: "/a/left"',
      );
    }
    await handler[Symbol.asyncDispose]();
    for (const { name } of await copy.list()) await copy.remove(name);
  }
});

Deno.test("done() of two Handlers: the earliest serves what is asked for later, a value in the Context is overwritten", async () => {
  const [early, late] = [new MemoryStore("early"), new MemoryStore("late")];
  await saveRun(early, 1, { touched: [1], untouched: [1] });
  await saveRun(late, 2, { touched: [2], untouched: [2], only: [2] });
  const ctx = new Context();
  await load(ctx).store(early).done();
  assertEquals(valueOf(ctx, "touched"), [1]);
  await load(ctx).store(late).done();
  assertEquals([valueOf(ctx, "touched"), valueOf(ctx, "untouched"), valueOf(ctx, "only")], [[2], [1], [2]]);
  assertEquals([ctx.getGlobalStep(), ctx.getParam("step_param")], [1, 2]);
});

Deno.test("done() of two Handlers: a later one with immediate() wins", async () => {
  const [early, late] = [new MemoryStore("early"), new MemoryStore("late")];
  await saveRun(early, 1, { w: [1], only: [1] });
  await saveRun(late, 2, { w: [2] });
  const ctx = new Context();
  const first = await load(ctx).store(early).done();
  const second = await load(ctx).store(late).immediate().done();
  assertEquals([valueOf(ctx, "w"), valueOf(ctx, "only"), ctx.getGlobalStep()], [[2], [1], 2]);
  assertEquals([first.loadedVariables().size, second.loadedVariables().size], [0, 0]);
});

Deno.test("loadVariable() consumes a pending value, and gives nothing the second time", async () => {
  const store = new MemoryStore();
  await saveRun(store, 1, { w: [1, 2] });
  const ctx = new Context();
  const handler = await load(ctx).store(store).keep(-1).done();
  const value = handler.loadVariable(ctx, "/a", "w");
  assertEquals([value?.dtype, value?.dimensions, value?.byteLength, value?.trainable], ["Float32", [2], 8, true]);
  assertEquals(value?.readSync().toNested(), [1, 2]);
  assertStrictEquals(handler.loadVariable(ctx, "/a", "w"), undefined);
  assertStrictEquals(handler.loadVariable(ctx, "/a", "missing"), undefined);
  assertStrictEquals(ctx.in("a").getVariable("w"), undefined);
});

Deno.test("loadedVariables() is keyed by parameter name, and looking consumes nothing", async () => {
  const store = new MemoryStore();
  await saveRun(store, 1, { w: [1, 2] });
  const ctx = new Context();
  const handler = await load(ctx).store(store).done();
  const loaded = handler.loadedVariables();
  assertEquals([...loaded.keys()], ["var:/a/w", "var://global_step"]);
  const w = loaded.get("var:/a/w");
  assertEquals([w?.dtype, w?.dimensions, w?.byteLength], ["Float32", [2], 8]);
  const first = await w?.read();
  assertEquals(first?.toNested(), [1, 2]);
  const data = first?.data();
  if (data instanceof Float32Array) data[0] = 99;
  assertEquals((await w?.read())?.toNested(), [1, 2], "each read is a copy");
  assertEquals([handler.loadedVariables().size, ctx.numVariables()], [2, 0]);
  assertEquals(valueOf(ctx, "w"), [1, 2]);
  assertEquals([...handler.loadedVariables().keys()], ["var://global_step"]);
});

Deno.test("deleteVariable() of the Context deletes a pending variable here and in earlier Handlers", async () => {
  const [early, late] = [new MemoryStore("early"), new MemoryStore("late")];
  await saveRun(early, 1, { w: [1], v: [1] });
  await saveRun(late, 2, { w: [2], v: [2] });
  const ctx = new Context();
  await load(ctx).store(early).done();
  const handler = await load(ctx).store(late).keep(-1).done();
  const before = await contentsOf(late);
  ctx.deleteVariable("/a", "w");
  assertStrictEquals(ctx.in("a").getVariable("w"), undefined);
  assertEquals(await contentsOf(late), before);
  assertEquals((await handler.save()).variables.map(({ name }) => name), ["global_step", "v"]);
});

Deno.test("deleteVariablesInScope() deletes pending ones at and below the scope, and no others", async () => {
  const store = new MemoryStore();
  const rows = ["var:/a/x", "var:/a/b/x", "var:/ab/x", "var:/a//x", "var://x"].map((name) => ({ name, values: [1] }));
  await putForeign(store, "checkpoint-n0000000-20240101-000000-initial", rows);
  const pending = async (scope: string): Promise<string[]> => {
    const ctx = new Context();
    const handler = await load(ctx).store(store).onWarning(SILENT).done();
    ctx.in("a").getVariable("x");
    ctx.inAbsPath(scope).deleteVariablesInScope();
    return [...handler.loadedVariables().keys(), ...Array.from(ctx.iterVariables(), (each) => each.scopeAndName)];
  };
  assertEquals(await pending("/a"), ["var:/ab/x", "var://x"]);
  assertEquals(await pending("/a/b"), ["var:/ab/x", "var:/a//x", "var://x", "/a/x"]);
  // As it does with what is registered: the Context's scope is taken literally.
  assertEquals(await pending("/a/"), ["var:/a/b/x", "var:/ab/x", "var://x", "/a/x"]);
  assertEquals(await pending("/"), []);
});

for (const compression of ["none", "gzip"] as const) {
  Deno.test(`value() of a pending variable works after saves moved it and retention removed its file, ${compression}`, async () => {
    await using directory = await TemporaryDirectory.make();
    const ctx = new Context();
    for (const name of ["a", "b", "c", "d"]) ctx.in("a").variableWithValue(name, [name.charCodeAt(0), 1, 2]);
    {
      await using writer = await build(ctx).dir(directory.path).compress(compression).done();
      await writer.save();
    }
    const again = new Context();
    await using handler = await load(again).dir(directory.path).keep(1).done();
    const c = again.in("a").getVariable("c");
    const kept = handler.loadedVariables().get("var:/a/b");
    assertEquals(valueOf(again, "a"), [97, 1, 2]);
    for (let i = 0; i < 3; i++) await handler.save();
    assertEquals((await handler.listCheckpoints()).length, 1);
    assertEquals((await kept?.read())?.toNested(), [98, 1, 2]);
    assertEquals([valueOf(again, "b"), c?.value().toNested()], [[98, 1, 2], [99, 1, 2]]);
    const last = await handler.save();
    assertEquals((await last.read("/a/d")).toNested(), [100, 1, 2]);
    assertEquals(valueOf(again, "d"), [100, 1, 2]);
    last.close();
  });
}

Deno.test("value() of a pending variable works after somebody else removed its file", async () => {
  await using directory = await TemporaryDirectory.make();
  const base = await saveRun(new LocalStore(directory.path), 1, { w: [1, 2] });
  const ctx = new Context();
  await using _ = await load(ctx).dir(directory.path).done();
  await Deno.remove(`${directory.path}/${base}.json`);
  await Deno.remove(`${directory.path}/${base}.bin`);
  assertEquals(valueOf(ctx, "w"), [1, 2]);
});

Deno.test("a Handler keeps its file open only as long as something is in it", async () => {
  const store = new CountingStore();
  await saveRun(store, 1, { w: [1], v: [2] });
  const ctx = new Context();
  const handler = await load(ctx).store(store).done();
  assertEquals(store.opened.length, 1);
  await handler.prefetch();
  assertEquals(store.opened, []);
  assertEquals([valueOf(ctx, "w"), valueOf(ctx, "v"), ctx.getGlobalStep()], [[1], [2], 1]);

  const immediate = await load(new Context()).store(store).immediate().done();
  assertEquals([store.opened, immediate.loadedVariables().size], [[], 0]);
});

Deno.test("prefetch() reads all, a scope and below, one variable, or a list, and registers nothing", async () => {
  const store = new CountingStore(new MemoryStore(), { sync: false });
  const rows = ["var:/a/x", "var:/a/b/x", "var:/ab/x", "var://x"].map((name, index) => ({ name, values: [index] }));
  await putForeign(store, "checkpoint-n0000000-20240101-000000-initial", rows);
  const readable = async (scopeOrNames?: string | readonly string[]): Promise<string[]> => {
    const ctx = new Context();
    await using handler = await load(ctx).store(store).done();
    await handler.prefetch(scopeOrNames);
    assertEquals([ctx.numVariables(), handler.loadedVariables().size], [0, 4]);
    return ["/a/x", "/a/b/x", "/ab/x", "/x"].filter((path) => {
      const scope = path.slice(0, path.lastIndexOf("/")) || "/";
      try {
        return ctx.getVariableByScopeAndName(scope, "x")?.value() !== undefined;
      } catch (error) {
        if (error instanceof NotLoadedError) return false;
        throw error;
      }
    });
  };
  assertEquals(await readable(), ["/a/x", "/a/b/x", "/ab/x", "/x"]);
  assertEquals(await readable("/"), ["/a/x", "/a/b/x", "/ab/x", "/x"]);
  assertEquals(await readable("/a"), ["/a/x", "/a/b/x"]);
  assertEquals(await readable("/a/"), ["/a/x", "/a/b/x"]);
  assertEquals(await readable("/a/x"), ["/a/x"]);
  assertEquals(await readable("/a/x/"), ["/a/x"]);
  assertEquals(await readable(["/x", "/ab"]), ["/ab/x", "/x"]);
  assertEquals(await readable([]), []);
});

Deno.test("prefetch() also reads what the Context has already, but not read yet", async () => {
  const store = new CountingStore(new MemoryStore(), { sync: false });
  await saveRun(store, 1, { w: [1, 2] });
  const ctx = new Context();
  const w = ctx.in("a").variableWithValue("w", [0]);
  await using handler = await load(ctx).store(store).done();
  const error = await assertRejects(() => Promise.resolve().then(() => w.value()), NotLoadedError);
  assertEquals([error.code, error.entry], ["not-loaded", "/a/w"]);
  assertStringIncludes(error.message, "await handler.prefetch()");
  await handler.prefetch("/a/w");
  assertEquals(w.value().toNested(), [1, 2]);
});

Deno.test("prefetch() reads to its end what a save moves to its own file meanwhile", async () => {
  const values = Array.from({ length: 12 }, (_, index) => new Uint8Array(8 * 2 ** 20).fill(index));
  const large = new Uint8Array(96 * 2 ** 20).fill(7);
  // With checksums each value is compared; a value of a file without them gets one when it is moved.
  for (const [extras, all] of [[true, values], [false, [large]]] as const) {
    const store = new SlowStore();
    const trained = new Context();
    all.forEach((value, index) => trained.in("m").variableWithValue(`w${index}`, value));
    await (await build(trained).store(store).extras(extras).done()).save();
    const ctx = new Context();
    await using handler = await load(ctx).store(store).done();
    store.hold(32 * 2 ** 20);
    const reading = handler.prefetch();
    await store.reached;
    await handler.save();
    store.letGo();
    await reading;
    all.forEach((value, index) => assertEquals(ctx.in("m").getVariable(`w${index}`)?.value().bytes, value));
  }
});

Deno.test("prefetch() takes a path without its first slash, and names the one that was meant", async () => {
  const store = new CountingStore(new MemoryStore(), { sync: false });
  await saveRun(store, 1, { weights: [1, 2] });
  const ctx = new Context();
  await using handler = await load(ctx).store(store).done();
  for (const [asked, meant] of [["a/wieghts", "/a/weights"], ["/b", "/a"]] as const) {
    await assertRejects(() => handler.prefetch(asked), NotFoundError, `at or below it; did you mean "${meant}"?`);
  }
  await assertRejects(
    () => handler.prefetch("/encoder"),
    NotFoundError,
    'Cannot prefetch "/encoder": no variable is at',
  );
  await handler.prefetch("a");
  assertEquals(valueOf(ctx, "weights"), [1, 2]);
});

Deno.test("value() that fails leaves the variable pending, and works once the store does", async () => {
  const store = new CountingStore();
  await saveRun(store, 1, { w: [1, 2] });
  const ctx = new Context();
  const handler = await load(ctx).store(store).keep(-1).done();
  store.failure = new Error("the cable is out");
  const w = ctx.in("a").getVariable("w");
  for (let i = 0; i < 2; i++) await assertRejects(() => Promise.resolve().then(() => w?.value()), Error, "cable");
  assertEquals([w?.hasValue, ctx.needsInitialization], [true, false]);
  ctx.initializeVariables({ seed: 1 });
  store.failure = undefined;
  assertEquals((await (await handler.save()).read("/a/w")).toNested(), [1, 2]);
  assertEquals(w?.value().toNested(), [1, 2]);
});

Deno.test("value() of damaged bytes is a CorruptError that names file and variable, each time", async () => {
  const store = new MemoryStore("damaged");
  const base = await saveRun(store, 1, { w: [1, 2], v: [3] });
  const bin = await bytesOf(store, `${base}.bin`);
  bin[0] = 0x77;
  await put(store, `${base}.bin`, bin);
  const ctx = new Context();
  const handler = await load(ctx).store(store).done();
  for (let i = 0; i < 2; i++) {
    const error = await assertRejects(() => Promise.resolve().then(() => valueOf(ctx, "w")), CorruptError);
    assertEquals([error.entry, error.path, error.offset], ["/a/w", `memory:damaged/${base}.bin`, 0]);
  }
  await assertRejects(() => handler.prefetch(), CorruptError, "CRC-32");
  assertEquals(valueOf(ctx, "v"), [3]);
  const immediate = new Context();
  await assertRejects(() => load(immediate).store(store).immediate().done(), CorruptError);
  assertEquals([immediate.numVariables(), immediate.loader], [0, undefined]);
});
