import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { build, examine } from "../../src/checkpoint/mod.ts";
import { sortBlobs } from "../../src/checkpoint/leftovers.ts";
import { CheckpointError } from "../../src/errors.ts";
import { LocalStore, MemoryStore, type Store } from "../../src/store/mod.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";
import { namesOf, put } from "./blobs.ts";
import { FaultyFiles } from "./faulty_files.ts";
import { contextOf, saveRun, SILENT } from "./runs.ts";

const TIME = "20240101-000000";

Deno.test("sortBlobs() tells pairs, orphaned payloads, torn manifests and foreign blobs apart", () => {
  const blob = (name: string, size = 1): { name: string; size: number } => ({ name, size });
  const sorted = sortBlobs([
    blob(`checkpoint-n10000000-${TIME}-initial.bin`),
    blob(`checkpoint-n10000000-${TIME}-initial.json`),
    blob(`checkpoint-n9999999-${TIME}-initial.bin`, 0),
    blob(`checkpoint-n9999999-${TIME}-initial.json`),
    blob(`checkpoint-n0000001-${TIME}-initial.bin`),
    blob(`checkpoint-n0000002-${TIME}-initial.json`),
    blob(`checkpoint-n0000003-${TIME}-initial.bin`),
    blob(`checkpoint-n0000003-${TIME}-initial.json`, 0),
    blob("checkpoint-best.json"),
    blob("notes.txt"),
  ]);
  const counters = (names: readonly { readonly counter: bigint | undefined }[]): unknown =>
    names.map((each) => each.counter);
  assertEquals(counters(sorted.pairs), [9999999n, 10000000n]);
  assertEquals(counters(sorted.orphaned), [1n]);
  assertEquals(counters(sorted.torn), [2n, 3n]);
  assertEquals(sorted.foreign.map(({ name }) => name), ["checkpoint-best.json", "notes.txt"]);
});

Deno.test("the first save() sweeps what interrupted saves left, by the exact grammar, and nothing else", async () => {
  await using directory = await TemporaryDirectory.make();
  const { path } = directory;
  const store = new LocalStore(path);
  const whole = await saveRun(store, 5, { w: [1] });
  const temporary = `.cairn-${crypto.randomUUID()}.tmp`;
  const foreign = [".cairn-1.tmp", `.cairn-${crypto.randomUUID()}.tmp.bak`, ".cairn.txt", "notes.txt"];
  await Deno.mkdir(`${path}/backup`);
  await Deno.mkdir(`${path}/other`);
  for (const name of [temporary, `backup/${temporary}`, `other/${temporary}`, ...foreign]) {
    await Deno.writeTextFile(`${path}/${name}`, "x");
  }
  await put(store, `checkpoint-n0000007-${TIME}-initial.bin`, "no manifest");
  await put(store, `checkpoint-n0000008-${TIME}-initial.json`, "{}");
  await put(store, `checkpoint-n0000009-${TIME}-initial.bin`, "half of it");
  await put(store, `checkpoint-n0000009-${TIME}-initial.json`, "");
  await Deno.writeTextFile(`${path}/backup/${whole}.bin`, "half of a backup");
  await Deno.writeTextFile(`${path}/backup/checkpoint-n0000001-${TIME}-initial.bin`, "the only one");
  assertEquals((await store.temporaries()).map(({ name }) => name), [temporary]);

  const warnings: string[] = [];
  const config = build(contextOf({ w: [2] })).store(store).at(whole).keep(-1);
  await using handler = await config.onWarning((text) => warnings.push(text)).done();
  const before = namesIn(path);
  await handler.listCheckpoints();
  assertEquals(namesIn(path), before, "reading sweeps nothing");
  const saved = await handler.save();
  assertEquals(
    namesIn(path),
    [
      ...foreign,
      ".cairn.lock",
      "backup",
      ...[whole, saved.baseName].flatMap((base) => [`${base}.bin`, `${base}.json`]),
      "other",
      "quarantine",
    ].sort(),
  );
  assertEquals(namesIn(`${path}/quarantine`), [
    `checkpoint-n0000008-${TIME}-initial.json`,
    `checkpoint-n0000009-${TIME}-initial.bin`,
    `checkpoint-n0000009-${TIME}-initial.json`,
  ]);
  assertEquals(await Deno.readTextFile(`${path}/quarantine/checkpoint-n0000009-${TIME}-initial.bin`), "half of it");
  assertEquals(namesIn(`${path}/backup`), [`checkpoint-n0000001-${TIME}-initial.bin`]);
  assertEquals(namesIn(`${path}/other`), [temporary], "a folder that is not ours");
  assertEquals(warnings.length, 2);
  assertStringIncludes(warnings[0] ?? "", `removed 1 payload without manifest in "${path}"`);
  assertStringIncludes(warnings[0] ?? "", `checkpoint-n0000007-${TIME}-initial`);
  assertStringIncludes(warnings[1] ?? "", `put aside 2 damaged checkpoints in "${path}/quarantine"`);
});

Deno.test("the first save() leaves the temporary files of a folder that is a store of its own", async () => {
  await using directory = await TemporaryDirectory.make();
  const temporary = `${directory.path}/backup/.cairn-${crypto.randomUUID()}.tmp`;
  await using inner = await build(contextOf({ w: [1] })).dir(`${directory.path}/backup`).done();
  await inner.save();
  await Deno.writeTextFile(temporary, "of a save that is running");
  await using outer = await build(contextOf({ w: [1] })).dir(directory.path).done();
  await outer.save();
  assertEquals(await Deno.readTextFile(temporary), "of a save that is running");
});

Deno.test("the first save() leaves more payloads without manifest than crashes leave, and says so", async () => {
  const store = new MemoryStore();
  for (let i = 1; i <= 4; i++) {
    await put(store, `checkpoint-n000000${i}-${TIME}-initial.bin`, "somebody moved the rest");
  }
  const warnings: string[] = [];
  await using handler = await build(contextOf({ w: [1] })).store(store).onWarning((text) => warnings.push(text)).done();
  await handler.save();
  assertEquals((await namesOf(store)).length, 6);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "4 payloads without manifest");
  assertStringIncludes(warnings[0] ?? "", "not removed: checkpoint-n0000001");
});

Deno.test("the first save() leaves a torn manifest where no whole pair is older", async () => {
  const store = new MemoryStore();
  await using handler = await build(contextOf({ w: [1] })).store(store).keep(-1).onWarning(SILENT).done();
  await put(store, `checkpoint-n0000001-${TIME}-initial.json`, "{}");
  await handler.save();
  assertEquals((await namesOf(store)).filter((name) => name.includes("n0000001")).length, 1);
});

Deno.test("the first save() puts a damaged checkpoint aside that is newer than a whole one, and only that", async () => {
  const store = new MemoryStore();
  const bases: string[] = [];
  for (let step = 1; step <= 4; step++) bases.push(await saveRun(store, step, { w: [step] }));
  const [oldest = "", older = "", whole = "", newest = ""] = bases;
  await put(store, `${older}.json`, "{"); // GoMLX does not look at it
  await put(store, `${newest}.bin`, "half");
  const warnings: string[] = [];
  const config = build(contextOf({ w: [2] })).store(store).at(whole).keep(-1);
  await using handler = await config.onWarning((text) => warnings.push(text)).done();
  const saved = await handler.save();
  const names = (await store.list()).map(({ name }) => name);
  assertEquals(names, [oldest, older, whole, saved.baseName].flatMap((base) => [`${base}.bin`, `${base}.json`]).sort());
  const aside = (await store.list("quarantine")).map(({ name }) => name);
  assertEquals(aside, [`${newest}.bin`, `${newest}.json`]);
  assertStringIncludes(warnings.join("\n"), `put aside 1 damaged checkpoint in "memory:store/quarantine": ${newest}`);
});

Deno.test("the first save() leaves more broken checkpoints than crashes leave, and names repair()", async () => {
  const store = new MemoryStore();
  const whole = await saveRun(store, 5, { w: [1] });
  for (let i = 5; i <= 8; i++) await put(store, `checkpoint-n000000${i}-${TIME}-initial.json`, "{}");
  const warnings: string[] = [];
  const config = build(contextOf({ w: [2] })).store(store).at(whole).keep(-1);
  await using handler = await config.onWarning((text) => warnings.push(text)).done();
  await handler.save();
  assertEquals((await namesOf(store)).length, 8);
  assertStringIncludes(warnings.join("\n"), 'the newest checkpoints in "memory:store" are damaged');
  assertStringIncludes(warnings.join("\n"), "repair() puts them aside");
});

Deno.test("the first save() leaves damaged checkpoints where none is whole", async () => {
  const store = new MemoryStore();
  const base = await saveRun(store, 1, { w: [1] });
  const config = build(contextOf({ w: [2] })).store(store).keep(-1).onWarning(SILENT);
  await using handler = await config.done();
  await put(store, `${base}.json`, "{");
  await handler.save();
  assertEquals((await store.list()).length, 4);
  assertEquals(await store.list("quarantine"), []);
});

Deno.test("the first save() puts the pin of a damaged checkpoint aside with it, and no other", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  const [whole, torn] = [await saveRun(store, 1, { w: [1] }), await saveRun(store, 2, { w: [2] })];
  for (const base of [whole, torn]) await put(store, `pins/${base}`, "pinned");
  await put(store, `${torn}.json`, "{");
  await saveFirst(store, whole);
  assertEquals(namesIn(`${directory.path}/quarantine`), [`${torn}.bin`, `${torn}.json`, `${torn}.pin`]);
  assertEquals(namesIn(`${directory.path}/pins`), [whole]);
  assertEquals((await examine(store)).ok, true);
});

Deno.test("the first save() finishes what an interrupted one was putting aside, wherever that was stopped", async () => {
  // Each file as it is linked, then each as it is removed.
  for (let stop = 0; stop < 6; stop++) {
    await using directory = await TemporaryDirectory.make();
    const files = new FaultyFiles();
    const store = new LocalStore(directory.path, { files });
    const [whole, torn] = [await saveRun(store, 1, { w: [1] }), await saveRun(store, 2, { w: [2] })];
    await put(store, `pins/${torn}`, "pinned");
    await put(store, `${torn}.json`, "{");
    let count = 0;
    let isDead = false;
    files.failWhen = (change) => isDead ||= /^(link|remove) /.test(change) && change.includes(torn) && count++ === stop;
    await assertRejects(() => saveFirst(store, whole), CheckpointError, "injected");
    assertEquals(count, stop + 1);
    files.failWhen = undefined;
    await saveFirst(store, whole);
    assertEquals(namesIn(`${directory.path}/quarantine`), [`${torn}.bin`, `${torn}.json`, `${torn}.pin`], `${stop}`);
    assertEquals(namesIn(`${directory.path}/pins`), [], `${stop}`);
    assertEquals((await examine(store)).ok, true, `${stop}`);
  }
});

Deno.test("the first save() puts a damaged checkpoint aside beside another of its name, under one number", async () => {
  const store = new MemoryStore();
  const [whole, torn] = [await saveRun(store, 1, { w: [1] }), await saveRun(store, 2, { w: [2] })];
  await put(store, `quarantine/${torn}.json`, "another");
  await put(store, `pins/${torn}`, "pinned");
  await put(store, `${torn}.json`, "{");
  await saveFirst(store, whole);
  const aside = (await store.list("quarantine")).map(({ name }) => name);
  assertEquals(aside, ["bin.1", "json", "json.1", "pin.1"].map((suffix) => `${torn}.${suffix}`));
});

Deno.test("the first save() removes the pin of a save that was interrupted with its payload", async () => {
  const store = new MemoryStore();
  const whole = await saveRun(store, 1, { w: [1] });
  const half = `checkpoint-n0000007-${TIME}-initial`;
  await put(store, `pins/${half}`, "pinned");
  await put(store, `${half}.bin`, "no manifest");
  await saveFirst(store, whole);
  assertEquals(await store.list("pins"), []);
  assertEquals((await examine(store)).ok, true);
});

Deno.test("the first save() removes payloads that an interrupted emptyTrash() left, and says so", async () => {
  const store = new MemoryStore("run");
  const whole = await saveRun(store, 1, { w: [1] });
  const half = `checkpoint-n0000000-${TIME}-initial`;
  await put(store, `trash/${half}.bin`, "no manifest");
  const warnings = await saveFirst(store, whole);
  assertEquals(await store.list("trash"), []);
  assertMatch(warnings.join(), /removed 1 payload without manifest in "memory:run\/trash".*: checkpoint-n0000000/);
});

/** Saves once from a Handler that was just built on `base`; gives the warnings. */
async function saveFirst(store: Store, base: string): Promise<string[]> {
  const warnings: string[] = [];
  const config = build(contextOf({ w: [2] })).store(store).at(base).keep(-1).onWarning((text) => warnings.push(text));
  await using handler = await config.done();
  await handler.save();
  return warnings;
}
