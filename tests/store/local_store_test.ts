import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError, NotFoundError, PermissionError, StoreError } from "../../src/errors.ts";
import { DenoFiles, type FileReader, type FileWriter, LocalStore } from "../../src/store/mod.ts";
import { namesIn, symlink, TemporaryDirectory } from "./temporary_directory.ts";

const TEXT = new TextEncoder().encode("hello, store");

/** Files that fail, move few bytes per call, and record what was called. */
class TestFiles extends DenoFiles {
  readonly calls: string[] = [];
  /** The operations that fail, and how. */
  readonly failures = new Map<string, Error>();
  /** Bytes per read or write. */
  limit = Infinity;

  override async create(path: string): Promise<FileWriter> {
    this.note("create", path);
    const writer = await super.create(path);
    return {
      write: (bytes) => {
        this.note("write", path);
        return writer.write(bytes.subarray(0, this.limit));
      },
      sync: () => {
        this.note("sync", path);
        return writer.sync();
      },
      close: () => writer.close(),
    };
  }

  override async open(path: string): Promise<FileReader> {
    this.note("open", path);
    const reader = await super.open(path);
    return {
      size: reader.size,
      // deno-lint-ignore require-await -- a failure must be a rejection
      read: async (into, at) => {
        this.note("read", path);
        return reader.read(into.subarray(0, this.limit), at);
      },
      readSync: (into, at) => reader.readSync(into.subarray(0, this.limit), at),
      close: () => reader.close(),
    };
  }

  override async rename(from: string, to: string): Promise<void> {
    this.note("rename", to);
    await super.rename(from, to);
  }

  override async link(from: string, to: string): Promise<void> {
    this.note("link", to);
    await super.link(from, to);
  }

  override async remove(path: string): Promise<void> {
    this.note("remove", path);
    await super.remove(path);
  }

  override async makeDirectory(path: string, mode: number): Promise<void> {
    this.note("makeDirectory", path);
    await super.makeDirectory(path, mode);
  }

  override async syncDirectory(path: string): Promise<void> {
    this.note("syncDirectory", path);
    await super.syncDirectory(path);
  }

  private note(operation: string, path: string): void {
    const name = path.replace(/^.*\//, "").replace(/^\.cairn-.*\.tmp$/, "TEMPORARY");
    this.calls.push(`${operation} ${name}`);
    const failure = this.failures.get(operation);
    if (failure !== undefined) throw failure;
  }
}

function publish(store: LocalStore, name: string, bytes: Uint8Array = TEXT): Promise<void> {
  return store.publish(name, (sink) => sink.write(bytes));
}

async function textOf(store: LocalStore, name: string): Promise<string> {
  const handle = await store.open(name);
  const bytes = new Uint8Array(handle.size);
  await handle.read(bytes, 0);
  handle.close();
  return new TextDecoder().decode(bytes);
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

Deno.test("LocalStore() makes its path absolute and touches nothing", () => {
  assertEquals(new LocalStore("some/../run").label, `${Deno.cwd()}/run`);
  assertEquals(new LocalStore("/no/such/dir/").label, "/no/such/dir");
  assertThrows(() => new LocalStore(""), ConfigError, "root");
});

Deno.test("every LocalStore operation on a missing directory is a NotFoundError that names it", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(`${directory.path}/missing`);
  const operations = [
    () => store.list(),
    () => store.list("backup"),
    () => store.open("a"),
    () => publish(store, "a"),
    () => store.link("a", "b"),
    () => store.remove("a"),
    () => store.lock(),
  ];
  for (const operation of operations) {
    const error = await assertRejects(operation, NotFoundError, "there is no such directory");
    assertEquals(error.path, store.label);
  }
  assertEquals(namesIn(directory.path), []);
});

Deno.test("ensureRoot() makes the directory and its parents with the mode, and syncs each parent", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(`${directory.path}/a/b`, { files, mode: 0o700 });
  await store.ensureRoot();
  assertEquals(await modeOf(store.label), 0o700 & ~Deno.umask());
  const top = directory.path.replace(/^.*\//, "");
  assertEquals(files.calls, ["makeDirectory b", "syncDirectory a", `syncDirectory ${top}`]);
  await store.ensureRoot();
  assertEquals(files.calls.length, 3);
});

Deno.test("ensureRoot() of a read-only store accepts an existing directory and refuses to make one", async () => {
  await using directory = await TemporaryDirectory.make();
  await new LocalStore(directory.path, { write: false }).ensureRoot();
  const missing = new LocalStore(`${directory.path}/missing`, { write: false });
  await assertRejects(() => missing.ensureRoot(), PermissionError, "read-only");
  assertEquals(namesIn(directory.path), []);
});

Deno.test("LocalStore on a path that is a file gives StoreErrors", async () => {
  await using directory = await TemporaryDirectory.make();
  await Deno.writeFile(`${directory.path}/file`, TEXT);
  await assertRejects(() => new LocalStore(`${directory.path}/file`).list(), StoreError, "not a directory");
  await assertRejects(() => publish(new LocalStore(`${directory.path}/file`), "a"), StoreError, "not a directory");
  await assertRejects(() => new LocalStore(`${directory.path}/file/sub`).ensureRoot(), StoreError, "not a directory");
});

Deno.test("publish() writes a temporary name, syncs it, renames it and syncs the directory", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  await publish(new LocalStore(directory.path, { files }), "a");
  const top = directory.path.replace(/^.*\//, "");
  assertEquals(files.calls, [
    "create TEMPORARY",
    "write TEMPORARY",
    "sync TEMPORARY",
    "rename a",
    `syncDirectory ${top}`,
  ]);
});

Deno.test("publish() into a missing folder makes that durable first", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  await publish(store, "backup/a");
  const top = directory.path.replace(/^.*\//, "");
  assertEquals(files.calls.slice(0, 3), ["makeDirectory backup", `syncDirectory ${top}`, "create TEMPORARY"]);
  assertEquals(files.calls.at(-1), "syncDirectory backup");
  assertEquals(await modeOf(`${directory.path}/backup`), 0o770 & ~Deno.umask());
  assertEquals(await textOf(store, "backup/a"), "hello, store");
});

Deno.test("publish() leaves the old blob and nothing else when an operation fails", async () => {
  for (const operation of ["create", "write", "sync", "rename"]) {
    await using directory = await TemporaryDirectory.make();
    const files = new TestFiles();
    const store = new LocalStore(directory.path, { files });
    await publish(store, "a");
    files.failures.set(operation, new Error("No space left on device (os error 28)"));
    const error = await assertRejects(() => publish(store, "a", new Uint8Array(5)), StoreError, "No space left");
    assertEquals(error.path, `${directory.path}/a`);
    assertStringIncludes(error.message, `Cannot publish "a" in "${directory.path}"`);
    assertEquals(namesIn(directory.path), ["a"]);
    assertEquals(await textOf(store, "a"), "hello, store");
  }
});

Deno.test("publish() fails when a write failed that the writer did not wait for, or whose error it swallowed", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  files.failures.set("write", new Error("disk on fire"));
  await assertRejects(
    () =>
      store.publish("a", (sink) => {
        void sink.write(TEXT);
        return Promise.resolve();
      }),
    StoreError,
    "disk on fire",
  );
  await assertRejects(
    () => store.publish("a", (sink) => sink.write(TEXT).catch(() => {})),
    StoreError,
    "disk on fire",
  );
  await assertRejects(
    () =>
      store.publish("a", async (sink) => {
        await sink.write(TEXT).catch(() => {});
        files.failures.clear();
        await sink.write(TEXT);
      }),
    StoreError,
    "disk on fire",
  );
  assertEquals(namesIn(directory.path), []);
});

Deno.test("beginSync() syncs while the writer goes on, once, and takes no more bytes", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  await new LocalStore(directory.path, { files }).publish("a", async (sink) => {
    void sink.write(TEXT);
    await sink.beginSync?.();
    assertEquals(files.calls, ["create TEMPORARY", "write TEMPORARY", "sync TEMPORARY"]);
    await assertRejects(() => sink.write(TEXT), StoreError, "over");
  });
  assertEquals(files.calls.slice(3, 4), ["rename a"]);
});

Deno.test("publish() fails when the sync fails that its writer began", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  files.failures.set("sync", new Error("disk on fire"));
  const publishing = new LocalStore(directory.path, { files }).publish("a", async (sink) => {
    await sink.write(TEXT);
    await sink.beginSync?.();
  });
  await assertRejects(() => publishing, StoreError, "disk on fire");
  assertEquals(namesIn(directory.path), []);
});

Deno.test("publish() in which the directory sync fails is an error, though the blob is whole", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  files.failures.set("syncDirectory", new Error("Input/output error"));
  await assertRejects(() => publish(store, "a"), StoreError, "Input/output error");
  assertEquals(namesIn(directory.path), ["a"]);
});

Deno.test("two publishes of one name at once leave one of the two", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  const blobs = Array.from({ length: 8 }, (_, i) => new Uint8Array(50_000).fill(i + 65));
  await Promise.all(blobs.map((bytes) => publish(store, "a", bytes)));
  const text = await textOf(store, "a");
  assertMatch(text, /^(.)\1{49999}$/);
  assertEquals(namesIn(directory.path), ["a"]);
});

Deno.test("reads and writes loop where one call moves few bytes", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  files.limit = 5;
  await publish(store, "a");
  assertEquals(files.calls.filter((call) => call === "write TEMPORARY").length, 3);
  assertEquals(await Deno.readFile(`${directory.path}/a`), TEXT);
  assertEquals(await textOf(store, "a"), "hello, store");
  const handle = await store.open("a");
  const into = new Uint8Array(20);
  assertEquals(handle.readSync?.(into, 1), 11);
  assertEquals(into.subarray(0, 11), TEXT.subarray(1));
  handle.close();
});

Deno.test("a failed read is a StoreError with path and offset", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  await publish(store, "a");
  const handle = await store.open("a");
  files.failures.set("read", new Error("Input/output error (os error 5)"));
  const error = await assertRejects(() => handle.read(new Uint8Array(3), 4), StoreError, "Input/output error");
  assertEquals([error.path, error.offset], [`${directory.path}/a`, 4]);
  handle.close();
});

Deno.test("link() makes a hard link", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  await publish(store, "a");
  for (const _ of [1, 2]) {
    await store.link("a", "backup/a");
    const [one, other] = await Promise.all(["a", "backup/a"].map((name) => Deno.stat(`${directory.path}/${name}`)));
    assertEquals(one?.ino, other?.ino);
    assertEquals(files.calls.at(-1), "syncDirectory backup");
  }
  assertEquals(namesIn(`${directory.path}/backup`), ["a"]);
});

Deno.test("link() copies durably where hard links fail", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  const bytes = new Uint8Array(9 * 1024 * 1024).map((_, i) => i % 253);
  await publish(store, "a", bytes);
  files.failures.set("link", new Deno.errors.PermissionDenied("Operation not permitted (os error 1)"));
  files.calls.length = 0;
  await store.link("a", "backup/a");
  assertEquals(files.calls.slice(-3), ["sync TEMPORARY", "rename a", "syncDirectory backup"]);
  const [one, other] = await Promise.all(["a", "backup/a"].map((name) => Deno.stat(`${directory.path}/${name}`)));
  assert(one?.ino !== other?.ino);
  const copied = await Deno.readFile(`${directory.path}/backup/a`);
  assertEquals(copied.length, bytes.length);
  assert(copied.every((byte, i) => byte === bytes[i]));
  await store.link("a", "backup/a");
  files.failures.set("sync", new Error("No space left on device"));
  await publish(new LocalStore(directory.path), "a", Uint8Array.of(1));
  await assertRejects(() => store.link("a", "backup/a"), StoreError, "No space left");
  assertEquals((await store.list("backup")).map((blob) => blob.size), [bytes.length]);
  assertEquals(namesIn(`${directory.path}/backup`), ["a"]);
});

Deno.test("remove() syncs the directory and leaves folders alone", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  await publish(store, "a");
  await Deno.mkdir(`${directory.path}/folder`);
  await store.remove("a");
  assertEquals(files.calls.at(-2), "remove a");
  assertMatch(files.calls.at(-1) ?? "", /^syncDirectory /);
  await assertRejects(() => store.remove("folder"), StoreError, "is a directory");
  assertEquals(namesIn(directory.path), ["folder"]);
});

Deno.test("list() leaves out temporary files, the lock, folders and sockets, and open() refuses a folder", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  await Deno.writeFile(`${directory.path}/.cairn-0123.tmp`, TEXT);
  await Deno.writeFile(`${directory.path}/.hidden`, TEXT);
  await Deno.writeFile(`${directory.path}/back\\slash`, TEXT);
  await Deno.mkdir(`${directory.path}/folder`);
  await new Deno.Command("mkfifo", { args: [`${directory.path}/fifo`] }).output();
  using _lock = await store.lock().then((lock) => ({ [Symbol.dispose]: () => lock.release() }));
  assertEquals(namesIn(directory.path).length, 6);
  assertEquals(await store.list(), [{ name: ".hidden", size: 12 }]);
  for (const name of ["folder", "fifo"]) await assertRejects(() => store.open(name), StoreError, "is not a file");
});

Deno.test("list() shows what took the place of a file while it read, however often", async () => {
  await using directory = await TemporaryDirectory.make();
  for (const [often, wanted] of [[1, "b1"], [9, "b9"], [Infinity, ""]] as const) {
    let count = 0;
    const files = new (class extends DenoFiles {
      override async list(path: string) {
        const entries = await super.list(path);
        if (count < often) await Deno.rename(`${path}/b${count}`, `${path}/b${++count}`);
        return entries;
      }
    })();
    await Deno.writeFile(`${directory.path}/b0`, TEXT);
    assertEquals((await new LocalStore(directory.path, { files }).list()).map(({ name }) => name).join(), wanted);
    await Deno.remove(`${directory.path}/b${count}`);
  }
});

Deno.test("errors of the file system itself carry path and essence", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  await publish(store, "a");
  const long = "n".repeat(300);
  await assertRejects(() => store.open(long), StoreError, "too long");
  await assertRejects(() => publish(store, long), StoreError, "too long");
  await Deno.mkdir(`${directory.path}/folder`);
  const error = await assertRejects(() => publish(store, "folder"), StoreError, "directory");
  assertEquals(error.path, `${directory.path}/folder`);
  assertEquals(namesIn(directory.path), ["a", "folder"]);
});

Deno.test("a refusal by the file system is a PermissionError without a flag", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new TestFiles();
  const store = new LocalStore(directory.path, { files });
  const cause = new Deno.errors.PermissionDenied("Permission denied (os error 13)");
  files.failures.set("create", cause);
  const error = await assertRejects(() => publish(store, "a"), PermissionError, "the file system refuses");
  assertEquals(error.cause, cause);
  assert(!error.message.includes("--allow"), error.message);
});

Deno.test("a symlink out of the directory is listed and refused, one inside of it works", async () => {
  await using directory = await TemporaryDirectory.make();
  await using outside = await TemporaryDirectory.make();
  await Deno.writeFile(`${outside.path}/secret`, new Uint8Array(1000));
  const store = new LocalStore(directory.path);
  await publish(store, "backup/a");
  await symlink("backup/a", `${directory.path}/inside`);
  await symlink(`${outside.path}/secret`, `${directory.path}/outside`);
  await symlink("nowhere", `${directory.path}/dangling`);
  await symlink("backup", `${directory.path}/directory`);

  const blobs = await store.list();
  assertEquals(blobs.map((blob) => blob.name), ["dangling", "inside", "outside"]);
  assertEquals(blobs.find((blob) => blob.name === "inside")?.size, TEXT.length);
  assert(blobs.every((blob) => blob.size < 1000), "the size of the outside file was shown");
  assertEquals(await textOf(store, "inside"), "hello, store");
  assertEquals(await textOf(store, "directory/a"), "hello, store");
  await assertRejects(() => store.open("dangling"), NotFoundError);
  store.openSync("inside").close();
  assertThrows(() => store.openSync("dangling"), NotFoundError);
  assertThrows(() => store.openSync("outside"), PermissionError, "the store refuses");
  for (const operation of [() => store.open("outside"), () => store.link("outside", "stolen")]) {
    const error = await assertRejects(operation, PermissionError, "the store refuses");
    assertEquals(error.path, `${directory.path}/outside`);
    assert(!error.message.includes("--allow"), error.message);
  }

  await store.link("inside", "linked");
  assertEquals((await Deno.lstat(`${directory.path}/linked`)).isFile, true);
  await publish(store, "outside");
  assertEquals((await Deno.lstat(`${directory.path}/outside`)).isFile, true);
  await store.remove("dangling");
  assertEquals((await Deno.stat(`${outside.path}/secret`)).size, 1000);
});

Deno.test("a folder that is a symlink out of the directory is refused by every operation", async () => {
  await using directory = await TemporaryDirectory.make();
  await using outside = await TemporaryDirectory.make();
  await Deno.writeFile(`${outside.path}/a`, TEXT);
  const store = new LocalStore(directory.path);
  await publish(store, "a");
  await symlink(outside.path, `${directory.path}/backup`);
  const operations = [
    () => store.list("backup"),
    () => store.open("backup/a"),
    () => publish(store, "backup/b"),
    () => store.link("a", "backup/a"),
    () => store.link("backup/a", "b"),
    () => store.remove("backup/a"),
  ];
  for (const operation of operations) await assertRejects(operation, PermissionError, "the store refuses");
  assertEquals(namesIn(outside.path), ["a"]);
  assertEquals(namesIn(directory.path), ["a", "backup"]);
});

Deno.test("lock() does not follow a symlink at the lock's name", async () => {
  await using directory = await TemporaryDirectory.make();
  await using outside = await TemporaryDirectory.make();
  await Deno.writeFile(`${outside.path}/file`, TEXT);
  const store = new LocalStore(directory.path);
  for (const target of [`${outside.path}/file`, `${outside.path}/missing`]) {
    await symlink(target, `${directory.path}/.cairn.lock`);
    await assertRejects(() => store.lock(), StoreError, "is not a file");
    await Deno.remove(`${directory.path}/.cairn.lock`);
  }
  assertEquals(namesIn(outside.path), ["file"]);
  assertEquals(await Deno.readFile(`${outside.path}/file`), TEXT);
});

Deno.test("a directory that is itself a symlink works", async () => {
  await using directory = await TemporaryDirectory.make();
  await Deno.mkdir(`${directory.path}/real`);
  await symlink("real", `${directory.path}/run`);
  const store = new LocalStore(`${directory.path}/run`);
  await store.ensureRoot();
  await publish(store, "a");
  await store.link("a", "backup/a");
  assertEquals(await textOf(store, "backup/a"), "hello, store");
  assertEquals(namesIn(`${directory.path}/real`), ["a", "backup"]);
});

Deno.test("a blob larger than one call can move is read at any offset", async () => {
  await using directory = await TemporaryDirectory.make();
  const perCall = 2_147_479_552;
  const size = 3 * 1024 ** 3;
  {
    using file = await Deno.open(`${directory.path}/sparse`, { write: true, createNew: true });
    await file.truncate(size);
    for (const at of [perCall - 4, 2 ** 31 - 4, 2 ** 31 + 8, size - 8]) {
      await file.seek(at, Deno.SeekMode.Start);
      await file.write(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    }
  }
  const store = new LocalStore(directory.path);
  assertEquals(await store.list(), [{ name: "sparse", size }]);
  const handle = await store.open("sparse");
  assertEquals(handle.size, size);
  for (const at of [perCall - 4, 2 ** 31 - 4, 2 ** 31 + 8, size - 8]) {
    const into = new Uint8Array(10);
    const expected = [0, 1, 2, 3, 4, 5, 6, 7, 8].slice(0, Math.min(10, size - at + 1));
    assertEquals(await handle.read(into, at - 1), Math.min(10, size - at + 1));
    assertEquals([...into.subarray(0, 9)], expected);
    assertEquals(handle.readSync?.(into, at), Math.min(10, size - at));
    assertEquals([...into.subarray(0, 8)], expected.slice(1));
  }
  assertEquals(await handle.read(new Uint8Array(1), size), 0);
  handle.close();
});
