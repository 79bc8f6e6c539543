import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { build, examine, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CheckpointError, ConfigError, CorruptError, FormatError, VariableError } from "../../src/errors.ts";
import type { Progress } from "../../src/render/mod.ts";
import { LocalStore, MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";
import { bytesOf, contentsOf, namesOf, put } from "./blobs.ts";
import { FaultyFiles } from "./faulty_files.ts";
import { contextOf, valuesIn } from "./runs.ts";

Deno.test("save() of a variable without value is a VariableError that names it, before a byte is written", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  for (let i = 0; i < 12; i++) ctx.inf("layer_%d", i).variableWithShape("w", "Float32", [2]);
  const handler = await build(ctx).store(store).done();
  const error = await assertRejects(() => handler.save(), VariableError, "no value yet in 12 variables");
  assertStringIncludes(error.message, '"/layer_0/w"');
  assertStringIncludes(error.message, "ctx.initializeVariables()");
  assertEquals(error.entry, "/layer_0/w");
  assertEquals(await store.list(), []);
  ctx.initializeVariables({ seed: 1 });
  assertEquals((await handler.save()).variables.length, 13);
});

Deno.test("save() of what a profile cannot hold is an error before a byte is written", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.variableWithValue("packed", Tensor.zeros("Int4", [3]));
  const handler = await build(ctx).store(store).done();
  await assertRejects(() => handler.save(), FormatError, 'profile "gomlx-0.10" has no dtype Int4');
  assertEquals(await store.list(), []);
});

Deno.test("save() of a Handler from an embed refuses, and touches nothing", async () => {
  const ctx = new Context();
  const handler = await load(ctx).fromEmbed('{"Params":null,"Variables":[]}', new Uint8Array()).done();
  await assertRejects(() => handler.save(), ConfigError, "fromEmbed(), which only reads; build another one with dir()");
  assertEquals([ctx.numVariables(), handler.dir(), await handler.listCheckpoints()], [0, "", []]);
  assertEquals(await handler.hasCheckpoints(), false);
});

Deno.test("save() of a Handler that loaded a part refuses, and touches nothing", async () => {
  const store = new MemoryStore("part");
  await (await build(contextOf({ w: [1] })).store(store).done()).save();
  const before = await contentsOf(store);
  const ctx = new Context();
  const handler = await build(ctx).store(store).onlyScopes("/a").done();
  const error = await assertRejects(() => handler.save(), ConfigError, "build another one with dir()");
  assertEquals(error.path, "memory:part");
  assertEquals([ctx.numVariables(), await contentsOf(store)], [0, before]);
});

Deno.test("save() on a disk that stays full never shows a half checkpoint, whatever can still be removed", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  const store = new LocalStore(directory.path, { files });
  const warnings: string[] = [];
  const ctx = contextOf({ w: [1] });
  await using handler = await build(ctx).store(store).keep(-1).onWarning((text) => warnings.push(text)).done();
  const first = await handler.save();
  for (const broken of ["write", "sync ", "rename", "syncDirectory", "create"]) {
    files.failWhen = (change) => change.startsWith(broken);
    await assertRejects(() => handler.save(), CheckpointError, "injected");
    files.failWhen = undefined;
    const listed = await handler.listCheckpoints();
    for (const base of listed) assertEquals(await valuesIn(store, base), { w: [1] }, `${broken}: ${base}`);
    assert(listed.includes(first.baseName));
  }
});

Deno.test("save() that cannot remove older checkpoints has saved, says so, and catches up", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  const store = new LocalStore(directory.path, { files });
  const warnings: string[] = [];
  const ctx = contextOf({ w: [1] });
  await using handler = await build(ctx).store(store).keep(1).onWarning((text) => warnings.push(text)).done();
  await handler.save();
  files.failWhen = (change) => change.startsWith("remove");
  const second = await handler.save();
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "the checkpoint was saved, but could not remove older checkpoints");
  assertEquals(await valuesIn(store, second.baseName), { w: [1] });
  files.failWhen = undefined;
  const third = await handler.save();
  assertEquals(await handler.listCheckpoints(), [third.baseName]);
});

Deno.test("save() finishes a removal that failed half-way, into the trash too, and leaves what was restored", async () => {
  for (const trash of [false, true]) {
    await using directory = await TemporaryDirectory.make();
    const files = new FaultyFiles();
    const warnings: string[] = [];
    const store = new LocalStore(directory.path, { files });
    const config = build(contextOf({ w: [1] })).store(store).keep(1).trash(trash);
    await using handler = await config.onWarning((text) => warnings.push(text)).done();
    const first = await handler.save();
    files.failWhen = (change) => change === `remove ${first.baseName}.bin`;
    const second = await handler.save();
    assertMatch(warnings.join(), /could not remove older checkpoints.* injected: remove .*bin$/);
    const payloads = () => namesIn(directory.path).filter((name) => name.endsWith(".bin"));
    assertEquals(payloads(), [first, second].map(({ baseName }) => `${baseName}.bin`));
    files.failWhen = undefined;
    if (trash) assertEquals(await handler.restoreFromTrash(), first.baseName);
    const third = await handler.save();
    assertEquals(payloads(), [...trash ? [first] : [], third].map(({ baseName }) => `${baseName}.bin`));
    assertEquals((await examine(store)).ok, true);
  }
});

Deno.test("save() publishes the payload before the manifest and removes the manifest before the payload", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  const ctx = contextOf({ w: [1] });
  const store = new LocalStore(directory.path, { files });
  await using handler = await build(ctx).store(store).keep(1).done();
  await handler.save();
  files.changes = [];
  await handler.save();
  const visible = files.changes.filter((change) => /^(rename|remove) /.test(change))
    .map((change) => change.replace(/ checkpoint-n000000(\d).*\./, " $1."));
  assertEquals(visible, ["rename 1.bin", "rename 1.json", "remove 0.json", "remove 0.bin"]);
});

Deno.test("save() refuses a counter whose name could not be read back, before a byte is written", async () => {
  const store = new MemoryStore();
  const handler = await build(contextOf({ w: [1] })).store(store).done();
  await handler.save(); // sweeps
  await put(store, `checkpoint-n${"9".repeat(40)}-20240101-000000-initial.bin`, "orphan of somebody");
  await assertRejects(() => handler.save(), CheckpointError, `counter is 1${"0".repeat(40)}`);
  assertEquals((await namesOf(store)).length, 3);
});

Deno.test("save() never gives out a counter twice, also after a failure", async () => {
  const store = new MemoryStore();
  const ctx = contextOf({ w: [1] });
  const handler = await build(ctx).store(store).keep(-1).done();
  await handler.save();
  const abort = AbortSignal.abort(new Error("stop"));
  await assertRejects(() => handler.save({ signal: abort }), Error, "stop");
  const counters = (await Promise.all([handler.save(), handler.save()])).map((each) => each.baseName.slice(12, 19));
  assertEquals(new Set(counters).size, 2);
  assert(counters.every((each) => each > "0000000"));
});

Deno.test("save() reports progress in bytes that only grows and ends at the total", async () => {
  const ctx = new Context();
  ctx.variableWithValue("big", Tensor.zeros("Float32", [5_000_000]));
  ctx.variableWithValue("small", [1]);
  const handler = await build(ctx).store(new MemoryStore()).done();
  const seen: Progress[] = [];
  await handler.save({ progress: (progress) => seen.push(progress) });
  assert(seen.length > 3);
  assertEquals(seen[0], { phase: "save", done: 0, total: 20_000_012 });
  assertEquals(seen.at(-1), { phase: "save", done: 20_000_012, total: 20_000_012 });
  seen.reduce((last, each) => {
    assert(each.done >= last.done && each.total === last.total && each.phase === "save");
    return each;
  });
});

Deno.test("save() stops at an abort, at any point, with nothing visible", async () => {
  const ctx = new Context();
  ctx.variableWithValue("a", Tensor.zeros("Float32", [3_000_000]));
  ctx.variableWithValue("b", Tensor.zeros("Float32", [3_000_000]));
  const store = new MemoryStore();
  const handler = await build(ctx).store(store).done();
  const count = { calls: 0 };
  await handler.save({ progress: () => void count.calls++ });
  const before = await contentsOf(store);
  for (let stopAt = 1; stopAt <= count.calls; stopAt++) {
    const controller = new AbortController();
    let calls = 0;
    const progress = (): void => {
      if (++calls === stopAt) controller.abort();
    };
    const saving = handler.save({ progress, signal: controller.signal });
    const error = await assertRejects(() => saving, DOMException);
    assertEquals(error.name, "AbortError");
    assertEquals(await contentsOf(store), before, `aborted at call ${stopAt} of ${count.calls}`);
  }
  await handler.save({ signal: new AbortController().signal });
});

Deno.test("save() ends with the error of a progress callback, with nothing visible", async () => {
  const store = new MemoryStore();
  const handler = await build(contextOf({ w: [1] })).store(store).done();
  const progress = (): never => {
    throw new RangeError("my own");
  };
  await assertRejects(() => handler.save({ progress }), RangeError, "my own");
  assertEquals(await store.list(), []);
});

Deno.test("save() of a damaged pending value is a CorruptError that names it, and leaves the directory as before", async () => {
  const store = new MemoryStore();
  const { baseName } = await (await build(contextOf({ w: [1, 2], v: [3] })).store(store).done()).save();
  const bin = await bytesOf(store, `${baseName}.bin`);
  bin[9] = 0x55;
  await put(store, `${baseName}.bin`, bin);
  const before = await contentsOf(store);
  const handler = await build(new Context()).store(store).done();
  const error = await assertRejects(() => handler.save(), CorruptError, '"/a/v"');
  assertEquals([error.code, error.entry], ["corrupt", "/a/v"]);
  assertEquals(await contentsOf(store), before);
});

Deno.test("save() that fails does not stop the saves behind it", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  const ctx = contextOf({ w: [1] });
  const store = new LocalStore(directory.path, { files });
  await using handler = await build(ctx).store(store).keep(-1).done();
  files.failWhen = (change) => change.startsWith("rename") && change.includes("n0000001");
  const outcomes = await Promise.allSettled([handler.save(), handler.save(), handler.save(), handler.backup()]);
  assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  assertEquals((await handler.listCheckpoints()).map((base) => base.slice(11, 19)), ["n0000000", "n0000002"]);
});
