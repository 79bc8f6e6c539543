import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { build, load, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CorruptError, NotFoundError, NotLoadedError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { bytesOf, put } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";

// Lazy means lazy: what is read, where, and when.

/** One Float32 vector of 1000 elements for each name, then the global step. */
async function storeOf(
  names: readonly string[],
  compression: "none" | "gzip",
  sync = true,
  extras = true,
): Promise<CountingStore> {
  const store = new CountingStore(new MemoryStore(), { sync });
  const ctx = new Context();
  for (const [index, name] of names.entries()) {
    ctx.variableWithValue(name, Tensor.from(new Float32Array(1000).fill(index + 1)));
  }
  const handler = await build(ctx).store(store).compress(compression).extras(extras).done();
  await handler.save();
  store.reads = [];
  return store;
}

Deno.test("done() reads the manifest and the first 23 bytes of the payload, of a foreign gzip stream its end, and no more", async () => {
  for (const [compression, extras] of [["none", true], ["gzip", true], ["gzip", false]] as const) {
    const store = await storeOf(["a", "b"], compression, true, extras);
    await using _ = await load(new Context()).store(store).done();
    const manifests = store.reads.filter(({ name }) => name.endsWith(".json"));
    assertEquals(manifests.length, 1);
    const size = (await store.list()).find(({ name }) => name.endsWith(".bin"))?.size ?? 0;
    const end = extras ? [] : [[size - 4, 4]];
    assertEquals(store.payloadReads.map(({ at, length }) => [at, length]), [[0, 23], ...end], compression);
  }
});

Deno.test("value() reads just its own bytes, once, and without waiting", async () => {
  const store = await storeOf(["a", "b", "c"], "none");
  const ctx = new Context();
  await using _ = await load(ctx).store(store).done();
  store.reads = [];
  const b = ctx.getVariable("b");
  assertEquals([b?.dimensions, store.reads], [[1000], []]);
  assertEquals(b?.value().at(999), 2);
  assertEquals(b?.value().at(0), 2);
  assertEquals(store.reads.map(({ at, length, sync }) => [at, length, sync]), [[4000, 4000, true]]);
  assertEquals((await ctx.getVariable("c")?.load())?.at(0), 3);
  assertEquals(store.reads.slice(1).map(({ at, length, sync }) => [at, length, sync]), [[8000, 4000, false]]);
});

Deno.test("done() with existing variables reads none of their bytes", async () => {
  const store = await storeOf(["a", "b"], "none");
  const ctx = new Context();
  ctx.variableWithValue("a", [0]);
  await using _ = await load(ctx).store(store).done();
  assertEquals([store.payloadReads.length, ctx.getVariable("a")?.dimensions, ctx.memory()], [1, [1000], 4000]);
});

Deno.test("value() of many variables inflates a compressed payload once", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `v${index}`);
  const store = await storeOf(names, "gzip");
  const ctx = new Context();
  await using _ = await load(ctx).store(store).done();
  store.reads = [];
  for (const [index, name] of names.entries()) assertEquals(ctx.getVariable(name)?.value().at(0), index + 1);
  assertEquals(store.payloadReads.length, 1);
});

Deno.test("load() of many variables at once inflates a compressed payload once", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `v${index}`);
  const store = await storeOf(names, "gzip", false);
  const ctx = new Context();
  await using handler = await load(ctx).store(store).done();
  store.reads = [];
  const tensors = await Promise.all(names.map((name) => ctx.getVariable(name)?.load()));
  assertEquals(tensors.map((each) => each?.at(0)), names.map((_, index) => index + 1));
  assertEquals(store.payloadReads.map(({ at }) => at), [22]);
  await handler.prefetch();
  assertEquals(store.payloadReads.length, 1);
});

Deno.test("save() of a compressed checkpoint that nobody has read inflates it once", async () => {
  const names = Array.from({ length: 20 }, (_, index) => `v${index}`);
  const store = await storeOf(names, "gzip");
  const ctx = new Context();
  await using handler = await load(ctx).store(store).keep(-1).done();
  store.reads = [];
  const saved = await handler.save();
  const whole = store.payloadReads.filter(({ at }) => at === 22);
  assert(whole.length <= 2, `${whole.length} times: once for the global step, once for the rest`);
  assertEquals((await saved.read("/v7")).at(0), 8);
  saved.close();
});

Deno.test("save() of pending values copies them without holding them", async () => {
  const store = await storeOf(["a", "b"], "none");
  const ctx = new Context();
  await using handler = await load(ctx).store(store).keep(-1).done();
  ctx.getVariable("a");
  await handler.save();
  store.reads = [];
  assertEquals(ctx.getVariable("a")?.value().at(0), 1);
  assertEquals(store.payloadReads.length, 1, "it was not in memory");
  assert(store.payloadReads[0]?.name.includes("n0000001"), "it is read from the newer file");
});

Deno.test("value() of a store that cannot read without waiting is a NotLoadedError that says what to do", async () => {
  for (const compression of ["none", "gzip"] as const) {
    const store = await storeOf(["a", "b"], compression, false);
    const ctx = new Context();
    await using handler = await load(ctx).store(store).done();
    const a = ctx.getVariable("a");
    for (let i = 0; i < 2; i++) {
      const error = assertThrows(() => a?.value(), NotLoadedError, "`await handler.prefetch()`");
      assertEquals([error.code, error.entry, a?.hasValue], ["not-loaded", "/a", true]);
    }
    assert(handler.loadedVariables().has("var://b"));
    await handler.prefetch(["/b"]);
    assertEquals(ctx.getVariable("b")?.value().at(0), 2);
    assertThrows(() => a?.value(), NotLoadedError);
    assertEquals((await a?.load())?.at(0), 1);
    assertEquals(a?.value().at(0), 1);
  }
});

Deno.test("immediate() works with a store that cannot read without waiting", async () => {
  for (const compression of ["none", "gzip"] as const) {
    const store = await storeOf(["a", "b"], compression, false);
    const ctx = new Context();
    await load(ctx).store(store).immediate().done();
    assertEquals([ctx.getVariable("b")?.value().at(0), store.opened], [2, []]);
  }
});

Deno.test("done() checks the payload's size before anything else is read, and closes the file", async () => {
  const store = await storeOf(["a"], "none");
  const [name] = (await store.list()).map((blob) => blob.name);
  const bin = await bytesOf(store, name ?? "");
  await put(store, name ?? "", bin.subarray(0, bin.length - 1));
  store.reads = [];
  await assertRejects(() => load(new Context()).store(store).done(), CorruptError, name);
  assertEquals([store.opened, store.payloadReads.map(({ length }) => length)], [[], [23]]);
  await put(store, name ?? "", new Uint8Array(bin.length + 1));
  await assertRejects(() => load(new Context()).store(store).done(), CorruptError, "1 bytes follow the last variable");
  assertEquals(store.opened, []);
});

Deno.test("done() without a payload is a NotFoundError that names it", async () => {
  const store = await storeOf(["a"], "none");
  const [name] = (await store.list()).map((blob) => blob.name);
  await store.remove(name ?? "");
  const ctx = new Context();
  await assertRejects(() => load(ctx).store(store).done(), NotFoundError, name);
  assertEquals(ctx.loader, undefined);
});

Deno.test("value() of a payload that was cut short after it was opened is a CorruptError", async () => {
  const inner = new MemoryStore();
  const store = new CountingStore(inner);
  const ctx = new Context();
  ctx.variableWithValue("a", [1, 2]);
  const { baseName } = await (await build(ctx).store(store).done()).save();
  const open = inner.open.bind(inner);
  inner.open = async (name) => {
    const handle = await open(name);
    if (!name.endsWith(".bin")) return handle;
    return {
      ...handle,
      size: handle.size,
      close: () => handle.close(),
      read: () => Promise.resolve(3),
      readSync: () => 3,
    };
  };
  const again = new Context();
  await assertRejects(
    async () => {
      await load(again).store(store).at(baseName).done();
      again.getVariable("a")?.value();
    },
    CorruptError,
    "the file ended after 3 of 8 bytes",
  );
});

Deno.test("read() after close() is a NotLoadedError, and close() lets a running read finish", async () => {
  const store = await storeOf(["a", "b"], "none", false);
  const checkpoint = await openCheckpoint(store);
  const reading = checkpoint.read("/a");
  checkpoint.close();
  assertEquals((await reading).at(0), 1);
  assertEquals(store.opened, []);
  await assertRejects(() => checkpoint.read("/b"), NotLoadedError, "closed");
  checkpoint.close();
});
