import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { build, type Handler, load, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { WriterLock } from "../../src/checkpoint/writer_lock.ts";
import * as copy from "../../src/checkpoint/writer_lock.ts?copy";
import { ConfigError, LockedError } from "../../src/errors.ts";
import { DenoFiles, LocalStore, MemoryStore, type StoreLock } from "../../src/store/mod.ts";
import { symlink, TemporaryDirectory } from "../store/temporary_directory.ts";
import { contextOf, SILENT, valuesIn } from "./runs.ts";

const SCRIPT = fromFileUrl(new URL("./writer_process.ts", import.meta.url));

Deno.test("save() of a second process is a LockedError that names the holder, until that one ends", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await using handler = await build(contextOf({ w: [3] })).dir(path).onWarning(SILENT).done();
  await handler.save();
  const before = Date.now();

  await using refused = await Writer.start(path, ["-A"]);
  assertEquals(refused.line.code, "locked");
  assertMatch(
    refused.line.message ?? "",
    new RegExp(`^Cannot save into "${path}": pid ${Deno.pid}.*, since \\S+Z, has its lock; one process at a time`),
  );
  await handler[Symbol.asyncDispose]();

  await using writer = await Writer.start(path, ["-A"]);
  assertMatch(writer.line.saved ?? "", /^checkpoint-n0000001-/);
  await using next = await build(contextOf({ w: [4] })).dir(path).keep(-1).onWarning(SILENT).done();
  const error = await assertRejects(() => next.save(), LockedError);
  assertEquals([error.code, error.holder?.pid, error.path], ["locked", writer.pid, `${path}/.cairn.lock`]);
  assert((error.holder?.since.getTime() ?? 0) >= before);
  assertEquals(error.holder?.host, Deno.hostname());
  assertStringIncludes(error.message, `pid ${writer.pid} on ${Deno.hostname()}, since `);
  await assertRejects(() => next.backup(), LockedError, `pid ${writer.pid}`);
  assertEquals((await next.listCheckpoints()).length, 1, "reading is free");
  await using open = await openCheckpoint(path);
  assertEquals(open.baseName, writer.line.saved);

  await writer.kill();
  assertMatch((await next.save()).baseName, /^checkpoint-n0000002-/);
});

Deno.test("save() tells the host's name only where that is permitted, and never asks", async () => {
  await using directory = await TemporaryDirectory.make();
  const { path } = directory;
  await using writer = await Writer.start(path, [`--allow-read=${path}`, `--allow-write=${path}`]);
  await using handler = await build(contextOf({ w: [4] })).dir(path).onWarning(SILENT).done();
  const error = await assertRejects(() => handler.save(), LockedError, `pid ${writer.pid}, since `);
  assertEquals(error.holder?.host, undefined);
});

Deno.test("save() of a newer Handler takes over at its first save, and the older one's next save is superseded", async () => {
  await using directory = await TemporaryDirectory.make();
  for (const store of [() => new LocalStore(directory.path), sameStore(new MemoryStore())]) {
    const handlers: Handler[] = [];
    for (let i = 0; i < 3; i++) {
      handlers.push(await build(contextOf({ w: [i] })).store(store()).keep(-1).onWarning(SILENT).done());
    }
    const [first, second, third] = handlers;
    assert(first && second && third);
    await first.save();
    await first.save(); // The second one is built, but has not saved.
    const saving = [first.save(), second.save(), first.save()].map((each) => each.then(() => "saved", messageIn));
    const [one, two, three] = await Promise.all(saving);
    assertEquals([one, two], ["saved", "saved"]);
    assertStringIncludes(three ?? "", "this Handler is superseded by a newer one of this process");
    const error = await assertRejects(() => first.save(), LockedError, "superseded");
    await assertRejects(() => first.saveInBackground(), LockedError, "superseded");
    assertEquals([error.path, error.holder], [store().label, undefined]);
    await second.save();
    await third.save();
    await assertRejects(() => second.save(), LockedError, "superseded");
    await third[Symbol.asyncDispose]();
    await assertRejects(() => second.save(), LockedError, "superseded");
    await using fourth = await build(contextOf({ w: [9] })).store(store()).keep(-1).onWarning(SILENT).done();
    const saved = await fourth.save();
    assertEquals(await valuesIn(store(), saved.baseName), { w: [2] }, "what it loaded");
    assertEquals((await fourth.listCheckpoints()).length, 7);
  }
});

Deno.test("save() of a Handler that was built first but saves last is superseded, whoever saved before", async () => {
  const store = new MemoryStore();
  const older = await build(contextOf({ w: [1] })).store(store).done();
  await using newer = await build(contextOf({ w: [2] })).store(store).done();
  await newer.save();
  await assertRejects(() => older.save(), LockedError, "superseded");
});

Deno.test("save() releases the lock at dispose, and a disposed Handler takes it no more", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  const handler = await build(contextOf({ w: [1] })).store(store).done();
  (await store.lock()).release(); // Nothing is locked before the first save.
  await handler.save();
  await assertRejects(() => store.lock(), LockedError, `pid ${Deno.pid}`);
  await handler[Symbol.asyncDispose]();
  (await store.lock()).release();
  await assertRejects(() => handler.save(), ConfigError, "disposed");
  await assertRejects(() => handler.backup(), ConfigError, "disposed");
});

Deno.test("save() takes symlinked paths to one directory for one directory", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await Deno.mkdir(path);
  await symlink(path, `${directory.path}/link`);
  const first = await build(contextOf({ w: [1] })).dir(path).onWarning(SILENT).done();
  await first.save();
  await using second = await build(contextOf({ w: [2] })).dir(`${directory.path}/link`).onWarning(SILENT).done();
  await second.save();
  await assertRejects(() => first.save(), LockedError, "superseded");
});

Deno.test("save() in a directory that was removed and made again takes its new lock", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await using first = await build(contextOf({ w: [1] })).dir(path).onWarning(SILENT).done();
  await first.save();
  await Deno.remove(path, { recursive: true });
  await using second = await build(contextOf({ w: [2] })).dir(path).onWarning(SILENT).done();
  await second.save();
  await assertRejects(() => new LocalStore(path).lock(), LockedError, `pid ${Deno.pid}`);
});

Deno.test("WriterLock works across two loaded copies of the package", async () => {
  const store = new MemoryStore();
  const older = new copy.WriterLock(store, SILENT);
  const newer = new WriterLock(store, SILENT);
  const newest = new copy.WriterLock(store, SILENT);
  await older.during(() => Promise.resolve());
  await newer.during(() => Promise.resolve());
  await assertRejects(() => older.during(() => Promise.resolve()), LockedError, "superseded");
  await newest.during(() => Promise.resolve());
  await assertRejects(() => newer.during(() => Promise.resolve()), LockedError, "superseded");
});

Deno.test("WriterLock waits for the work of the one before it, and lets failed work pass", async () => {
  const store = new MemoryStore();
  const older = new WriterLock(store, SILENT);
  const newer = new WriterLock(store, SILENT);
  const order: string[] = [];
  const slow = older.during(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    order.push("older");
    throw new RangeError("failed");
  });
  const quick = newer.during(() => Promise.resolve(order.push("newer")));
  await assertRejects(() => slow, RangeError, "failed");
  await quick;
  assertEquals(order, ["older", "newer"]);
});

Deno.test("save() where the file system has no locks says so once, saves, and sweeps nothing", async () => {
  await using directory = await TemporaryDirectory.make();
  const leftover = `${directory.path}/.cairn-${crypto.randomUUID()}.tmp`;
  await Deno.writeTextFile(leftover, "of a process that may be alive");
  const warnings: string[] = [];
  const store = new LocalStore(directory.path, { files: new LocklessFiles() });
  await using handler = await build(contextOf({ w: [1] })).store(store).onWarning((text) => warnings.push(text)).done();
  await handler.save();
  const saved = await handler.save();
  assertEquals(await valuesIn(store, saved.baseName), { w: [1] });
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", `"${directory.path}" has no locks (No locks available (os error 37))`);
  assertEquals(await Deno.readTextFile(leftover), "of a process that may be alive");
});

Deno.test("a lazy reader goes on reading a checkpoint that retention has removed", async () => {
  await using directory = await TemporaryDirectory.make();
  await using writer = await build(contextOf({ w: [1, 2], v: [3] })).dir(directory.path).keep(1).done();
  const first = await writer.save();
  await using open = await openCheckpoint(directory.path);
  await using loaded = await load(contextOf({})).dir(directory.path).done();
  await writer.save();
  assertEquals((await writer.listCheckpoints()).includes(first.baseName), false);
  assertEquals([(await open.read("/a/w")).toNested(), (await open.read("/a/v")).toNested()], [[1, 2], [3]]);
  assertEquals(loaded.context.in("a").getVariable("w")?.value().toNested(), [1, 2]);
});

/** A process that saves once and keeps the lock. */
class Writer implements AsyncDisposable {
  private constructor(
    readonly line: { readonly saved?: string; readonly code?: string; readonly message?: string },
    readonly pid: number,
    readonly kill: () => Promise<void>,
  ) {}

  static async start(directory: string, flags: readonly string[]): Promise<Writer> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", ...flags, SCRIPT, directory],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    let isKilled = false;
    return new Writer(JSON.parse(new TextDecoder().decode(value)), child.pid, async () => {
      if (isKilled) return;
      isKilled = true;
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
      await child.stdin.close().catch(() => {});
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** A network file system without locks, as Deno shows it. */
class LocklessFiles extends DenoFiles {
  override lock(): Promise<StoreLock | undefined> {
    return Promise.reject(new Deno.errors.NotSupported("No locks available (os error 37)"));
  }
}

function sameStore(store: MemoryStore): () => MemoryStore {
  return () => store;
}

function messageIn(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
