import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { build, type Checkpoint, load, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import {
  CheckpointError,
  ConfigError,
  CorruptError,
  FormatError,
  NotFoundError,
  ShapeError,
} from "../../src/errors.ts";
import type { Progress } from "../../src/render/mod.ts";
import { LocalStore, MemoryStore, type Store } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { bytesOf, put, putForeign } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";

/** Two checkpoints, of steps 5 and 6; gives their base names. */
async function fill(store: Store, compression: "none" | "gzip" = "none"): Promise<readonly string[]> {
  const ctx = new Context();
  ctx.setParams({ lr: 0.5, big: 2n ** 60n });
  ctx.in("a").setParam("units", 8);
  const w = ctx.in("a").variableWithValue("w", [[1, 2, 3], [4, 5, 6]]);
  ctx.in("a").in("b").variableWithValue("flags", [true, false]).setTrainable(false);
  ctx.in("ab").variableWithValue("half", Tensor.from([0.5, 0.25], "BFloat16"));
  await using handler = await build(ctx).store(store).compress(compression).keep(-1).done();
  const bases: string[] = [];
  for (const step of [5, 6]) {
    ctx.setGlobalStep(step);
    bases.push((await handler.save()).baseName);
    w.setValue(Tensor.from([[10, 20, 30], [40, 50, 60]]));
  }
  return bases;
}

Deno.test("openCheckpoint() opens the newest of a store or directory, a step, or a base path with or without suffix", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  const [first = "", second = ""] = await fill(store);
  const nameOf = async (opening: Promise<Checkpoint>): Promise<string> => {
    await using checkpoint = await opening;
    return checkpoint.baseName;
  };
  assertEquals(await nameOf(openCheckpoint(store)), second);
  assertEquals(await nameOf(openCheckpoint(directory.path)), second);
  assertEquals(await nameOf(openCheckpoint(`${directory.path}/`)), second);
  assertEquals(await nameOf(openCheckpoint(directory.path, { step: 5 })), first);
  assertEquals(await nameOf(openCheckpoint(store, { step: 5n })), first);
  for (const suffix of ["", ".json", ".bin"]) {
    assertEquals(await nameOf(openCheckpoint(`${directory.path}/${first}${suffix}`)), first);
  }
  await Deno.mkdir(`${directory.path}/other`);
  for (const suffix of [".json", ".bin"]) {
    await Deno.copyFile(`${directory.path}/${first}${suffix}`, `${directory.path}/other/my-model${suffix}`);
  }
  assertEquals(await nameOf(openCheckpoint(`${directory.path}/other/my-model.json`)), "my-model");
});

Deno.test("openCheckpoint() of what is not there is a NotFoundError that says what is", async () => {
  await using directory = await TemporaryDirectory.make();
  await assertRejects(() => openCheckpoint(`${directory.path}/none`), NotFoundError, `${directory.path}/none`);
  await assertRejects(() => openCheckpoint(directory.path), NotFoundError, `No checkpoint in "${directory.path}"`);
  const store = new MemoryStore("run");
  const [first] = await fill(store);
  await assertRejects(() => openCheckpoint(store, { step: 7 }), NotFoundError, "it has 2, the newest: 5, 6");
  const path = `${directory.path}/${first}`;
  await assertRejects(() => openCheckpoint(path), NotFoundError, `${path}.json`);
  await assertRejects(() => openCheckpoint(path, { step: 5 }), ConfigError, "give a directory or leave the step out");
});

Deno.test("openCheckpoint() never writes and needs no Context", async () => {
  const counted = new CountingStore();
  await fill(counted);
  await using checkpoint = await openCheckpoint(counted);
  assertEquals(
    checkpoint.variables.map(({ scope, name, dtype, dimensions, byteLength, trainable }) => {
      return [scope, name, dtype, dimensions, byteLength, trainable];
    }),
    [
      ["/a", "w", "Float32", [2, 3], 24, true],
      ["/a/b", "flags", "Bool", [2], 2, false],
      ["/ab", "half", "BFloat16", [2], 4, true],
      ["/", "global_step", "Int64", [], 8, false],
    ],
  );
  assertEquals(checkpoint.params, [
    { scope: "/", key: "big", goType: "int64", value: 2n ** 60n },
    { scope: "/", key: "lr", goType: "float64", value: 0.5 },
    { scope: "/a", key: "units", goType: "int", value: 8 },
  ]);
  assertEquals([checkpoint.step, checkpoint.profile, checkpoint.byteLength, checkpoint.reports], [
    6,
    "gomlx-0.10",
    38,
    [],
  ]);
  assertEquals(checkpoint.store, counted);
});

Deno.test("step of a Checkpoint is a number where that is exact, else a bigint, and undefined for a foreign name", async () => {
  const step = async (base: string): Promise<unknown> => {
    const store = new MemoryStore();
    await putForeign(store, base, []);
    await using checkpoint = await openCheckpoint(store);
    return checkpoint.step;
  };
  assertEquals(await step("checkpoint-n0000000-20240101-000000-initial"), 0);
  assertEquals(await step("checkpoint-n0000000-20240101-000000-step-00000012"), 12);
  assertEquals(await step("checkpoint-20240101-000000"), 0);
  const max = "9223372036854775807";
  assertEquals(await step(`checkpoint-n0000000-20240101-000000-step-${max}`), BigInt(max));
  await using directory = await TemporaryDirectory.make();
  await putForeign(new LocalStore(directory.path), "best", []);
  await using best = await openCheckpoint(`${directory.path}/best.json`);
  assertEquals(best.step, undefined);
});

for (const compression of ["none", "gzip"] as const) {
  Deno.test(`read() gives one variable, or a range of its elements, payload ${compression}`, async () => {
    const store = new MemoryStore();
    await fill(store, compression);
    await using checkpoint = await openCheckpoint(store, { step: 5 });
    const w = await checkpoint.read("/a/w");
    assertEquals([String(w), w.toNested()], ["(Float32)[2 3]", [[1, 2, 3], [4, 5, 6]]]);
    assertEquals((await checkpoint.read("a/w")).toNested(), w.toNested());
    assertEquals((await checkpoint.read("/global_step")).item(), 5n);
    assertEquals((await checkpoint.read("/a/b/flags")).toNested(), [true, false]);
    const range = async (start?: number, end?: number): Promise<unknown> => {
      const part = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
      return (await checkpoint.read("/a/w", part)).toNested();
    };
    assertEquals(await range(1, 4), [2, 3, 4]);
    assertEquals(await range(4), [5, 6]);
    assertEquals(await range(undefined, 2), [1, 2]);
    assertEquals(await range(6, 6), []);
    assertEquals((await checkpoint.read("/ab/half", { start: 1 })).toNested(), [0.25]);
    for (const [start, end] of [[-1, 2], [3, 2], [0, 7], [0.5, 2], [NaN, 2], [Infinity, Infinity]]) {
      const error = await assertRejects(() => range(start, end), ShapeError, "0 <= start <= end <= 6");
      assertEquals(error.entry, "/a/w");
    }
    assertEquals((await checkpoint.readAll()).size, 4, "a range takes nothing away");
  });
}

Deno.test("read() of packed elements takes ranges at whole bytes", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.variableWithValue("packed", Tensor.from([1, -2, 3, -4, 5], "Int4"));
  await (await build(ctx).store(store).profile("gomlx-0.28").done()).save();
  await using checkpoint = await openCheckpoint(store);
  assertEquals((await checkpoint.read("/packed", { start: 2, end: 5 })).toNested(), [3, -4, 5]);
  await assertRejects(() => checkpoint.read("/packed", { start: 1 }), ShapeError, "a start at a whole byte");
});

Deno.test("read() of a range reads just these bytes", async () => {
  const store = new CountingStore();
  await fill(store);
  await using checkpoint = await openCheckpoint(store);
  store.reads = [];
  await checkpoint.read("/a/w", { start: 1, end: 3 });
  assertEquals(store.reads.map(({ at, length }) => [at, length]), [[4, 8]]);
});

Deno.test("read() of an unknown name is a NotFoundError that points to the same name elsewhere", async () => {
  const store = new MemoryStore();
  await fill(store);
  await using checkpoint = await openCheckpoint(store);
  await assertRejects(() => checkpoint.read("/b/flags"), NotFoundError, 'the same name is at "/a/b/flags"');
  const error = await assertRejects(() => checkpoint.read("/nothing"), NotFoundError, "it has 4 variables");
  assertEquals([error.entry, error.code], ["/nothing", "not-found"]);
});

Deno.test("read() checks the bytes against their CRC-32, and another variable can still be read", async () => {
  const store = new MemoryStore("damaged");
  const [, base = ""] = await fill(store);
  const bin = await bytesOf(store, `${base}.bin`);
  bin[24] = 7;
  await put(store, `${base}.bin`, bin);
  await using checkpoint = await openCheckpoint(store);
  const error = await assertRejects(() => checkpoint.read("/a/b/flags"), CorruptError, "CRC-32");
  assertEquals([error.entry, error.path, error.offset], ["/a/b/flags", `memory:damaged/${base}.bin`, 24]);
  assertEquals((await checkpoint.read("/ab/half")).toNested(), [0.5, 0.25]);
  await assertRejects(() => checkpoint.readAll(), CorruptError);
});

Deno.test("readAll() gives everything in file order, or a scope and below", async () => {
  const store = new MemoryStore();
  await fill(store);
  await using checkpoint = await openCheckpoint(store, { step: 6 });
  const all = await checkpoint.readAll();
  assertEquals([...all.keys()], ["/a/w", "/a/b/flags", "/ab/half", "/global_step"]);
  assertEquals(all.get("/a/w")?.toNested(), [[10, 20, 30], [40, 50, 60]]);
  const keys = async (scope: string): Promise<string[]> => [...(await checkpoint.readAll({ scope })).keys()];
  assertEquals(await keys("/"), [...all.keys()]);
  assertEquals(await keys("/a"), ["/a/w", "/a/b/flags"]);
  assertEquals(await keys("/a/b"), ["/a/b/flags"]);
  assertEquals([await keys("/a/"), await keys("/a/w")], [["/a/w", "/a/b/flags"], ["/a/w"]]);
  await assertRejects(() => keys("/c"), NotFoundError, 'is in scope "/c" or below');
});

Deno.test("readAll() reports progress up to the total and stops at an abort", async () => {
  const store = new MemoryStore();
  await fill(store);
  await using checkpoint = await openCheckpoint(store);
  const seen: Progress[] = [];
  await checkpoint.readAll({ scope: "/a", progress: (progress) => seen.push(progress) });
  assertEquals(seen.map(({ done }) => done), [0, 26]);
  assert(seen.every(({ phase, total }) => phase === "load" && total === 26));
  const controller = new AbortController();
  const aborted = checkpoint.readAll({ progress: () => controller.abort(), signal: controller.signal });
  await assertRejects(() => aborted, DOMException);
});

Deno.test("read() of a saved Checkpoint that retention has removed is a NotFoundError, but an open one goes on", async () => {
  await using directory = await TemporaryDirectory.make();
  const ctx = new Context();
  ctx.variableWithValue("w", [1, 2]);
  await using handler = await build(ctx).dir(directory.path).keep(1).done();
  await using first = await handler.save();
  assertEquals((await first.read("/w")).toNested(), [1, 2]);
  await using second = await handler.save();
  await handler.save();
  assertEquals((await first.read("/w")).toNested(), [1, 2]);
  const error = await assertRejects(() => second.read("/w"), NotFoundError);
  assertStringIncludes(error.message, second.baseName);
});

Deno.test("a Checkpoint is not changed by later saves of its Handler, nor by what is done to read tensors", async () => {
  const ctx = new Context();
  const w = ctx.variableWithValue("w", [1, 2]);
  ctx.setParam("lr", 1);
  const handler = await build(ctx).store(new MemoryStore()).keep(-1).done();
  const saved = await handler.save();
  w.setValue(Tensor.from([7]));
  ctx.setParam("lr", 2);
  await handler.save();
  const read = (await saved.read("/w")).data();
  if (read instanceof Float32Array) read[0] = 9;
  assertEquals((await saved.read("/w")).toNested(), [1, 2]);
  assertEquals([saved.params[0]?.value, saved.variables[0]?.dimensions], [1, [2]]);
});

Deno.test("a Checkpoint equals what load() gives", async () => {
  const store = new MemoryStore();
  await fill(store, "gzip");
  await using checkpoint = await openCheckpoint(store);
  const ctx = new Context();
  await load(ctx).store(store).immediate().done();
  for (const [path, tensor] of await checkpoint.readAll()) {
    const cut = path.lastIndexOf("/");
    const variable = ctx.getVariableByScopeAndName(path.slice(0, cut) || "/", path.slice(cut + 1));
    assert(variable?.value().equals(tensor), path);
  }
});

Deno.test("openCheckpoint() of damaged files is a typed error, and no file stays open", async () => {
  const store = new CountingStore();
  const [, base = ""] = await fill(store);
  const json = await bytesOf(store, `${base}.json`);
  await put(store, `${base}.json`, json.subarray(0, 100));
  await assertRejects(() => openCheckpoint(store, { strict: true }), FormatError, `${base}.json`);
  await put(store, `${base}.json`, "");
  await assertRejects(
    () => openCheckpoint(store, { strict: true }),
    FormatError,
    "it is empty, as GoMLX leaves it when a save fails",
  );
  const text = new TextDecoder().decode(json).replace('"Length": 24', '"Length": 25');
  await put(store, `${base}.json`, text);
  await assertRejects(() => openCheckpoint(store, { strict: true }), CorruptError, "CRC");
  await put(store, `${base}.json`, json);
  await store.remove(`${base}.bin`);
  await assertRejects(() => openCheckpoint(store, { strict: true }), CheckpointError, `${base}.bin`);
  assertEquals(store.opened, []);
  await using older = await openCheckpoint(store, { step: 5 });
  assertEquals((await older.read("/a/w")).size, 6);
});

Deno.test("close() and asyncDispose close the file, twice too", async () => {
  const store = new CountingStore();
  await fill(store);
  {
    await using checkpoint = await openCheckpoint(store);
    assertEquals(store.opened.length, 1);
    checkpoint.close();
    assertEquals(store.opened.length, 0);
  }
  assertEquals(store.opened.length, 0);
});
