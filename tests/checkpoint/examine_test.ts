import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { build, type Examination, examine, load, repair } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { LockedError, NotFoundError, PermissionError, StoreError } from "../../src/errors.ts";
import { crc32 } from "../../src/format/mod.ts";
import { type Progress, viewText } from "../../src/render/mod.ts";
import { examinationView } from "../../src/checkpoint/examine_view.ts";
import { repairView } from "../../src/checkpoint/repair_view.ts";
import { LocalStore, MemoryStore, type Store } from "../../src/store/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { bytesOf, contentsOf, put } from "./blobs.ts";
import { contextOf, saveRun, SILENT, valuesIn } from "./runs.ts";

const ORPHAN = "checkpoint-n0000009-20260101-000000-step-00000009";
const TEMPORARY = ".cairn-01234567-89ab-cdef-0123-456789abcdef.tmp";

/** A directory with one of everything: base names of steps 1 to 6, of which 2 to 5 are damaged in turn. */
async function oneOfEverything(store: Store): Promise<string[]> {
  const bases: string[] = [];
  for (let step = 1; step <= 6; step++) bases.push(await saveRun(store, step, { w: [step] }));
  const [, second = "", third = "", fourth = "", fifth = ""] = bases;
  await put(store, `${second}.json`, "");
  await store.remove(`${third}.bin`);
  await put(store, `${fourth}.bin`, (await bytesOf(store, `${fourth}.bin`)).subarray(1));
  await put(store, `${fifth}.bin`, (await bytesOf(store, `${fifth}.bin`)).with(2, 0xff)); // only a checksum shows it
  await put(store, `${ORPHAN}.bin`, "half");
  await put(store, `pins/${ORPHAN}`, "");
  await put(store, "notes.txt", "mine");
  await put(store, "backup/checkpoint-n0000001-20260101-000000-initial.json", "{");
  return bases;
}

/** `kind step-or-name` of everything. */
function kindsOf({ found }: Examination): string[] {
  return found.map(({ kind, name }) => `${kind} ${name.replace(/^checkpoint-.*-step-0+/, "step ")}`);
}

Deno.test("examine() tells intact, torn, orphaned and foreign, reads no tensor, and changes nothing", async () => {
  const store = new MemoryStore("run");
  await oneOfEverything(store);
  const before = await contentsOf(store);
  const examination = await examine(store);
  assertEquals(kindsOf(examination), [
    "intact step 1",
    "torn step 2",
    "torn step 3",
    "torn step 4",
    "intact step 5",
    "intact step 6",
    "orphaned step 9",
    "foreign notes.txt",
    "torn backup/checkpoint-n0000001-20260101-000000-initial",
    `orphaned pins/${ORPHAN}`,
  ]);
  assertEquals([examination.ok, examination.verified, await contentsOf(store)], [false, false, before]);
  assertEquals(examination.found.map(({ problem }) => problem === undefined), [
    ...[true, false, false, false, true, true, false, true, false, false],
  ]);
  const text = Deno.inspect(examination, { colors: false });
  assertMatch(text, /^Examination · ✗ 4 torn · .* 2 orphaned · ✓ 3 intact · 1 foreign · /);
  assertMatch(text, /repair\(\) puts aside what is broken/);
});

Deno.test("examine({ verify: true }) reads every byte and finds a wrong checksum", async () => {
  const store = new MemoryStore();
  await oneOfEverything(store);
  const told: Progress[] = [];
  const examination = await examine(store, { verify: true, progress: (each) => told.push(each) });
  assertEquals(examination.found.filter(({ kind }) => kind === "intact").length, 2);
  assertMatch(examination.found[4]?.problem ?? "", /CRC-32/);
  assertEquals(told.at(-1)?.done, told.at(-1)?.total);
  await assertRejects(() => examine(store, { signal: AbortSignal.abort(new Error("stop")) }), Error, "stop");
});

Deno.test("examine() of a directory sees temporary files, and of a clean one that all is well", async () => {
  await using directory = await TemporaryDirectory.make();
  await saveRun(new LocalStore(directory.path), 1, { w: [1] });
  const clean = await examine(directory.path);
  assertEquals([clean.ok, kindsOf(clean)], [true, ["intact step 1"]]);
  await Deno.writeTextFile(`${directory.path}/${TEMPORARY}`, "half");
  const examination = await examine(directory.path, { verify: true });
  assertEquals([examination.ok, kindsOf(examination)], [true, ["intact step 1", `temporary ${TEMPORARY}`]]);
  assertEquals((await examine(new MemoryStore())).ok, true);
  await assertRejects(() => examine(`${directory.path}/none`), NotFoundError);
});

Deno.test("examine() and repair() leave what a newer Cairn wrote alone", async () => {
  const store = new MemoryStore();
  const base = await saveRun(store, 1, { w: [1] });
  const text = new TextDecoder().decode(await bytesOf(store, `${base}.json`));
  const newer = text.replace('"FormatVersion": 1', '"FormatVersion": 2').replace(/,\n\t\t"ManifestCRC32": \d+/, "");
  await put(store, `${base}.json`, newer);
  const examination = await examine(store);
  assertEquals([examination.ok, kindsOf(examination)], [true, ["newer step 1"]]);
  assertEquals((await repair(store)).moved, []);
});

Deno.test("repair() puts aside what is broken, deletes nothing, and the rest loads as before", async () => {
  const store = new MemoryStore();
  const bases = await oneOfEverything(store);
  const before = await contentsOf(store);
  const dry = await repair(store, { dryRun: true });
  assertEquals([dry.dryRun, await contentsOf(store)], [true, before]);
  const done = await repair(store);
  assertEquals(done.moved, dry.moved);
  assertEquals(done.moved.map(({ from, to }) => [from, to]), [
    [`${bases[1]}.json`, `quarantine/${bases[1]}.json`],
    [`${bases[1]}.bin`, `quarantine/${bases[1]}.bin`],
    [`${bases[2]}.json`, `quarantine/${bases[2]}.json`],
    [`${bases[3]}.json`, `quarantine/${bases[3]}.json`],
    [`${bases[3]}.bin`, `quarantine/${bases[3]}.bin`],
    [`${ORPHAN}.bin`, `quarantine/${ORPHAN}.bin`],
    [`pins/${ORPHAN}`, `quarantine/${ORPHAN}.pin`],
  ]);
  assertEquals([done.left.map(({ name }) => name.slice(0, 6)), done.intact], [["backup"], [
    ...[0, 4, 5].map((index) => bases[index] ?? ""),
  ]]);
  // The same bytes, some under other names.
  const after = await contentsOf(store);
  const newNames = new Map(done.moved.map(({ from, to }) => [from, to]));
  for (const [name, content] of before) {
    const to = newNames.get(name);
    const bytes = to === undefined ? undefined : await bytesOf(store, to);
    assertEquals(bytes === undefined ? after.get(name) : `${bytes.length} ${crc32(bytes)}`, content, name);
  }
  assertEquals(await valuesIn(store, bases[5] ?? ""), { w: [6] });
  const again = await repair(store);
  assertEquals(again.moved, []);
  assertMatch(
    Deno.inspect(done, { colors: false }),
    /^Repair · ~ 7 files put aside · 3 intact checkpoints · 1 thing left/,
  );
  assertEquals((await examine(store)).found.filter(({ kind }) => kind === "quarantined").length, 7);
});

Deno.test("examine() and repair() print what is broken in full, and fit the width", async () => {
  const store = new MemoryStore("run");
  const [, second, , , fifth] = await oneOfEverything(store);
  await store.link(`${fifth}.bin`, `quarantine/${fifth}.bin`);
  await put(store, `${"events.".repeat(30)}log`, "mine");
  const examination = await examine(store, { verify: true });
  const repaired = await repair(store, { verify: true });
  for (const width of [80, 120]) {
    const texts = [viewText(examinationView(examination), { width }), viewText(repairView(repaired), { width })];
    for (const line of texts.join("\n").split("\n")) assert([...line].length <= width, line);
    const [examined = "", moved = ""] = texts.map((text) => text.replaceAll(/\n {4,}/g, " "));
    assertMatch(
      examined,
      new RegExp(`^✗ ${second} +torn +12 B Cannot read manifest "${second}.json": it is empty`, "m"),
    );
    assertMatch(examined, new RegExp(`^✗ ${fifth} +torn +\\d+ B .*CRC-32 .* the file is damaged$`, "m"));
    assertMatch(moved, new RegExp(`^${second}.json → quarantine/${second}.json Cannot read manifest .* fails$`, "m"));
    assertMatch(moved, new RegExp(`^${second}.bin → quarantine/${second}.bin$`, "m"));
    assertMatch(moved, new RegExp(`^pins/${ORPHAN} → quarantine/${ORPHAN}.pin a pin without checkpoint$`, "m"));
  }
});

Deno.test("repair() puts aside the pin of what is torn with it, and leaves the pins of others", async () => {
  const store = new MemoryStore();
  const bases = await oneOfEverything(store);
  const [first = "", second = "", , , fifth = ""] = bases;
  for (const base of [first, second, fifth]) await put(store, `pins/${base}`, "pinned");
  const dry = await repair(store, { dryRun: true });
  const { moved } = await repair(store);
  assertEquals(moved, dry.moved);
  assertEquals(moved.slice(0, 3).map(({ from, to }) => [from, to]), [
    [`${second}.json`, `quarantine/${second}.json`],
    [`${second}.bin`, `quarantine/${second}.bin`],
    [`pins/${second}`, `quarantine/${second}.pin`],
  ]);
  assertEquals((await store.list("pins")).map(({ name }) => name), [first, fifth]);
  assertEquals((await repair(store)).moved, []);
  assertEquals((await examine(store)).found.filter(({ kind }) => kind === "orphaned"), []);
  // Stopped between the checkpoint and its pin.
  await put(store, `pins/${second}`, "pinned");
  assertEquals((await repair(store)).moved.map(({ to }) => to), [`quarantine/${second}.pin`]);
});

Deno.test("repair({ verify: true }) also puts aside what has a wrong checksum", async () => {
  const store = new MemoryStore();
  const bases = await oneOfEverything(store);
  const { moved, intact } = await repair(store, { verify: true });
  assertEquals([moved.length, intact], [9, [bases[0] ?? "", bases[5] ?? ""]]);
});

Deno.test("repair() never replaces what was put aside before", async () => {
  const store = new MemoryStore();
  await saveRun(store, 1, { w: [1] });
  for (const content of ["first", "second", "third"]) {
    await put(store, `${ORPHAN}.bin`, content);
    await repair(store);
  }
  const names = (await store.list("quarantine")).map(({ name }) => name);
  assertEquals(names, [`${ORPHAN}.bin`, `${ORPHAN}.bin.1`, `${ORPHAN}.bin.2`]);
  assertEquals((await bytesOf(store, `quarantine/${ORPHAN}.bin`)).length, "first".length);
});

Deno.test("repair() finishes what an interrupted repair began, and gives both files of a checkpoint one number", async () => {
  const store = new MemoryStore();
  await saveRun(store, 1, { w: [1] });
  // Stopped after the first link: the payload is there twice.
  await put(store, `${ORPHAN}.bin`, "payload");
  await put(store, `${ORPHAN}.json`, "{");
  await store.link(`${ORPHAN}.bin`, `quarantine/${ORPHAN}.bin`);
  await repair(store);
  const names = async () => (await store.list("quarantine")).map(({ name }) => name).sort();
  assertEquals(await names(), [`${ORPHAN}.bin`, `${ORPHAN}.json`]);
  assertEquals((await store.list()).filter(({ name }) => name.startsWith(ORPHAN)), []);
  // Another one of the same name: the same payload, but another manifest.
  await put(store, `${ORPHAN}.bin`, "payload");
  await put(store, `${ORPHAN}.json`, "[");
  await repair(store);
  assertEquals(await names(), ["bin", "bin.1", "json", "json.1"].map((suffix) => `${ORPHAN}.${suffix}`));
});

Deno.test("repair() gives a checkpoint and its pin one number, also when an interrupted one is finished", async () => {
  const store = new MemoryStore();
  await saveRun(store, 1, { w: [1] });
  const names = async () => (await store.list("quarantine")).map(({ name }) => name.slice(ORPHAN.length));
  const tear = async (payload: string): Promise<void> => {
    await put(store, `${ORPHAN}.bin`, payload);
    await put(store, `${ORPHAN}.json`, "{");
    await put(store, `pins/${ORPHAN}`, "pinned");
  };
  // The name of the pin is free, but that of the checkpoint is not.
  await put(store, `quarantine/${ORPHAN}.json`, "another");
  await put(store, `quarantine/${ORPHAN}.bin`, "another");
  await tear("payload");
  await repair(store);
  const first = [".bin", ".bin.1", ".json", ".json.1", ".pin.1"];
  assertEquals(await names(), first);
  // The name of the checkpoint is free, but that of the pin is not.
  await put(store, `quarantine/${ORPHAN}.pin.2`, "another");
  await tear("other payload");
  await repair(store);
  const both = [...first, ".bin.3", ".json.3", ".pin.2", ".pin.3"].sort();
  assertEquals(await names(), both);
  // Stopped anywhere: the rest goes where its others are.
  await tear("other payload");
  await store.remove(`pins/${ORPHAN}`);
  await repair(store);
  await put(store, `${ORPHAN}.bin`, "other payload");
  await repair(store);
  assertEquals(await names(), both);
  // A payload and a pin without manifest are of one checkpoint too.
  await put(store, `pins/${ORPHAN}`, "pinned");
  await put(store, `${ORPHAN}.bin`, "third payload");
  await repair(store);
  assertEquals(await names(), [...both, ".bin.4", ".pin.4"].sort());
  assertEquals((await examine(store)).ok, true);
});

Deno.test("repair() works while a Handler of this process saves there, which goes on afterwards", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new MemoryStore();
  for (const place of [directory.path, store]) {
    const blobs = typeof place === "string" ? new LocalStore(place) : place;
    const ctx = contextOf({ w: [1] });
    await using handler = await build(ctx).store(blobs).keep(-1).onWarning(SILENT).done();
    const first = await handler.save();
    await put(blobs, `${ORPHAN}.bin`, "half");
    assertEquals((await repair(place, { dryRun: true })).moved.length, 1);
    const [saving, repaired] = [handler.saveInBackground(), repair(place)];
    assertEquals((await repaired).moved.map(({ from }) => from), [`${ORPHAN}.bin`]);
    const second = await (await saving).done;
    const third = await handler.save();
    assertEquals(await handler.listCheckpoints(), [first, second, third].map((each) => each?.baseName));
    assertEquals((await examine(place)).ok, true);
    await assertRejects(() => blobs.lock(), LockedError, "has the lock");
  }
  await using other = await build(contextOf({ w: [1] })).dir(directory.path).keep(-1).done();
  await repair(directory.path);
  await other.save();
  await put(new LocalStore(directory.path), `${ORPHAN}.bin`, "half");
  await assertRejects(() => repair(new LocalStore(directory.path, { write: false })), PermissionError);
  await assertRejects(() => repair(`${directory.path}/none`), NotFoundError);
});

Deno.test("repair() is a LockedError that says who has the lock, if that is not a Handler of this process", async () => {
  const store = new MemoryStore("run");
  const lock = await store.lock();
  const error = await assertRejects(() => repair(store), LockedError);
  assertMatch(error.message, /^Cannot repair "memory:run": pid \d+ \(this process, .* dispose that Handler first/);
  lock.release();
  await repair(store);
  (await store.lock()).release();
});

Deno.test("save() never gives the number of what was put aside to another checkpoint", async () => {
  const store = new MemoryStore();
  const first = await saveRun(store, 1, { w: [1] });
  const torn = await saveRun(store, 2, { w: [2] });
  await put(store, `${torn}.json`, "");
  await repair(store);
  assertMatch(torn, /-n0000001-/);
  const ctx = new Context();
  await using handler = await load(ctx).store(store).keep(-1).done();
  assertEquals(handler.loadedBase, first);
  assertMatch((await handler.save()).baseName, /-n0000002-/);
  await put(store, "quarantine/checkpoint-n0000007-20260101-000000-initial.bin.2", "half");
  await using next = await build(new Context()).store(store).keep(-1).done();
  assertMatch((await next.save()).baseName, /-n0000008-/);
});

Deno.test("save() where the quarantine cannot be read says so, and saves", async () => {
  const warnings: string[] = [];
  const store = new MemoryStore("run");
  const list = store.list.bind(store);
  store.list = (folder) => folder === "quarantine" ? Promise.reject(new StoreError("no way in")) : list(folder);
  await using handler = await build(new Context()).store(store).onWarning((text) => warnings.push(text)).done();
  await handler.save();
  assertEquals(warnings, ['could not look which numbers are used in "memory:run/quarantine": no way in']);
});
