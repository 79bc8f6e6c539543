import { assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { build, type Handler, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CheckpointError, ConfigError } from "../../src/errors.ts";
import { LocalStore, MemoryStore } from "../../src/store/mod.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";
import { namesOf, put, putForeign } from "./blobs.ts";
import { FaultyFiles } from "./faulty_files.ts";
import { saveRun, SILENT, valueOf } from "./runs.ts";

Deno.test("listCheckpoints() gives base names from oldest to newest, and hasCheckpoints() whether there are any", async () => {
  const store = new MemoryStore();
  const handler = await build(new Context()).store(store).keep(-1).done();
  assertEquals([await handler.listCheckpoints(), await handler.hasCheckpoints()], [[], false]);
  // As GoMLX of v0.3, v0.7 and v0.19 named them; and a counter that a comparison as text would put first.
  const bases = [
    "checkpoint-20230101-000000-step-000010",
    "checkpoint-20230102-000000-step-00000005",
    "checkpoint-n9999999-20220101-000000-initial",
    "checkpoint-n10000000-20220101-000000-initial",
  ];
  for (const base of bases.toReversed()) await putForeign(store, base, []);
  assertEquals([await handler.listCheckpoints(), await handler.hasCheckpoints()], [bases, true]);
});

Deno.test("listCheckpoints() never lists foreign files, a payload without manifest, or backups", async () => {
  const store = new MemoryStore();
  const foreign = [
    "checkpoint-best.json",
    "checkpoint-n000001-20240101-000000-initial.json",
    "checkpoint-n0000001-20241301-000000-initial.json",
    "checkpoint-n0000001-20240101-000000-initial.json.bak",
    "backup/checkpoint-n0000003-20240101-000000-initial.json",
    "training_plot_points.json",
    "model.ts",
  ];
  for (const name of foreign) await put(store, name, "foreign");
  await put(store, "checkpoint-n0000002-20240101-000000-initial.bin", "orphan");
  const handler = await build(new Context()).store(store).keep(1).onWarning(SILENT).done();
  assertEquals([await handler.listCheckpoints(), handler.loadedBase], [[], undefined]);
  for (let i = 0; i < 3; i++) await handler.save();
  const names = await namesOf(store);
  assertEquals((await handler.listCheckpoints()).length, 1);
  assertEquals(foreign.filter((name) => !names.includes(name)), []);
});

Deno.test("keep(n) leaves the newest n after each save, also of those that others wrote", async () => {
  for (const keep of [1, 2, 5]) {
    const store = new MemoryStore();
    for (let step = 1; step <= 3; step++) await saveRun(store, step, { w: [step] });
    const handler = await build(new Context()).store(store).keep(keep).done();
    const saved = [await handler.save(), await handler.save()].map((each) => each.baseName);
    const left = await handler.listCheckpoints();
    assertEquals(left.length, keep);
    assertEquals(left.slice(-2), saved.slice(-Math.min(keep, 2)));
    assertEquals((await store.list()).length, keep * 2);
  }
});

Deno.test("keep(-1) leaves everything, and nothing is removed before the first save", async () => {
  const store = new MemoryStore();
  for (let step = 1; step <= 3; step++) await saveRun(store, step, { w: [step] });
  const handler = await build(new Context()).store(store).keep(1).done();
  assertEquals((await handler.listCheckpoints()).length, 3);
  const all = await build(new Context()).store(store).keep(-1).done();
  await all.save();
  assertEquals((await all.listCheckpoints()).length, 4);
});

Deno.test("save() without keep() removes what this Handler wrote or loaded, and warns once of the rest", async () => {
  const store = new MemoryStore("old");
  const old = [
    await saveRun(store, 1, { w: [1] }),
    await saveRun(store, 2, { w: [2] }),
    await saveRun(store, 3, { w: [3] }),
  ];
  const warnings: string[] = [];
  const handler = await build(new Context()).store(store).onWarning((text) => warnings.push(text)).done();
  const first = await handler.save();
  assertEquals(await handler.listCheckpoints(), [...old.slice(0, 2), first.baseName]);
  const second = await handler.save();
  assertEquals(await handler.listCheckpoints(), [...old.slice(0, 2), second.baseName]);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0] ?? "", /^2 older checkpoints in "memory:old".*keep\(n\).*keep\(-1\)/);
});

Deno.test("save() without keep() in an own directory leaves one, and warns of nothing", async () => {
  const store = new MemoryStore();
  const warnings: string[] = [];
  const handler = await build(new Context()).store(store).onWarning((text) => warnings.push(text)).done();
  for (let i = 0; i < 3; i++) await handler.save();
  assertEquals([(await handler.listCheckpoints()).length, warnings], [1, []]);
});

Deno.test("backup() links the newest into backup/, where it stays, and again is harmless", async () => {
  await using directory = await TemporaryDirectory.make();
  const ctx = new Context();
  ctx.in("a").variableWithValue("w", [1, 2]);
  await using handler = await build(ctx).dir(directory.path).keep(1).done();
  await assertRejects(() => handler.backup(), ConfigError, "there is no checkpoint yet; call save() first");
  const { baseName } = await handler.save();
  assertEquals([await handler.backup(), await handler.backup()], [baseName, baseName]);
  const names = [`${baseName}.bin`, `${baseName}.json`];
  assertEquals(namesIn(`${directory.path}/backup`), names);
  assertEquals((await Deno.stat(`${directory.path}/backup/${names[0]}`)).nlink, 2);
  await handler.save();
  assertEquals(namesIn(`${directory.path}/backup`), names);
  const again = new Context();
  await using _ = await load(again).dir(`${directory.path}/backup`).done();
  assertEquals(valueOf(again, "w"), [1, 2]);
});

Deno.test("backup() copies where the file system has no hard links, also twice", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  files.failWhen = (change) => change.startsWith("link ");
  const ctx = new Context();
  ctx.in("a").variableWithValue("w", [1, 2]);
  await using handler = await build(ctx).store(new LocalStore(directory.path, { files })).done();
  const { baseName } = await handler.save();
  await handler.backup();
  await handler.backup();
  assertEquals((await Deno.stat(`${directory.path}/backup/${baseName}.bin`)).nlink, 1);
  assertEquals(namesIn(`${directory.path}/backup`).length, 2);
  const again = new Context();
  await using _ = await load(again).dir(`${directory.path}/backup`).done();
  assertEquals(valueOf(again, "w"), [1, 2]);
});

Deno.test("backup() that fails half-way shows no manifest without payload, and can be repeated", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  await using handler = await build(new Context()).store(new LocalStore(directory.path, { files })).done();
  const { baseName } = await handler.save();
  files.failWhen = (change) => /^(link|create|rename) .*bin|^create/.test(change);
  await assertRejects(() => handler.backup(), CheckpointError);
  assertEquals(namesIn(`${directory.path}/backup`).filter((name) => name.endsWith(".json")), []);
  files.failWhen = undefined;
  assertEquals(await handler.backup(), baseName);
  assertEquals(namesIn(`${directory.path}/backup`).length, 2);
});

Deno.test("backup() waits for the saves before it", async () => {
  const store = new MemoryStore();
  const handler = await build(new Context()).store(store).keep(1).done();
  const [, second, backedUp] = await Promise.all([handler.save(), handler.save(), handler.backup()]);
  assertEquals(backedUp, second.baseName);
});

Deno.test("onStepFn is bound, ignores its arguments, and saves", async () => {
  const handler: Handler = await build(new Context()).store(new MemoryStore()).keep(-1).done();
  const { onStepFn } = handler;
  assertStrictEquals(await onStepFn("loop", [1, 2]), undefined);
  await [1, 2].map(onStepFn)[1];
  assertEquals((await handler.listCheckpoints()).length, 3);
});
