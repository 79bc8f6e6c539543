import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CheckpointError, ConfigError, NotFoundError } from "../../src/errors.ts";
import { LocalStore } from "../../src/store/mod.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";
import { FaultyFiles } from "./faulty_files.ts";

Deno.test("done() refuses a Config without a place", async () => {
  await assertRejects(() => build(new Context()).done(), ConfigError, "call dir(), tempDir(), store() or fromEmbed()");
});

Deno.test("done() of build() makes a missing directory, with parents and mode", async () => {
  await using directory = await TemporaryDirectory.make();
  const handler = await build(new Context()).dir(`${directory.path}/deep/run`, { mode: 0o700 }).done();
  assertEquals(handler.dir(), `${directory.path}/deep/run`);
  const { isDirectory, mode } = await Deno.stat(`${directory.path}/deep/run`);
  assertEquals([isDirectory, (mode ?? 0) & 0o777], [true, 0o700]);
  assertEquals(namesIn(`${directory.path}/deep/run`), []);
});

Deno.test("done() of load() never makes a directory", async () => {
  await using directory = await TemporaryDirectory.make();
  const error = await assertRejects(() => load(new Context()).dir(`${directory.path}/run`).done(), NotFoundError);
  assertStringIncludes(error.message, `${directory.path}/run`);
  await assertRejects(() => load(new Context()).tempDir(directory.path).done(), CheckpointError, "tempDir()");
  assertEquals(namesIn(directory.path), []);
});

Deno.test("done() needs no write to an existing directory before the first save", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  const store = new LocalStore(directory.path, { files });
  const ctx = new Context();
  ctx.variableWithValue("w", [1]);
  const handler = await build(ctx).store(store).done();
  assertEquals(files.changes, []);
  await handler.save();
  assert(files.changes.length > 0);

  const readOnly = new LocalStore(directory.path, { write: false });
  const again = new Context();
  await using other = await build(again).store(readOnly).done();
  assertEquals(again.getVariable("w")?.value().toNested(), [1]);
  await assertRejects(() => other.save(), CheckpointError, "opened read-only, with { write: false }");
});

Deno.test("dirFromBase() takes a relative path below the base, and an absolute one as it is", async () => {
  await using directory = await TemporaryDirectory.make();
  const below = await build(new Context()).dirFromBase("a/run", directory.path).done();
  assertEquals(below.dir(), `${directory.path}/a/run`);
  const absolute = await build(new Context()).dirFromBase(`${directory.path}/b`, "/not/used").done();
  assertEquals(absolute.dir(), `${directory.path}/b`);
  assertEquals(namesIn(directory.path), ["a", "b"]);
});

Deno.test("tempDir() makes a new directory for each done(), by pattern, for owner and group", async () => {
  await using directory = await TemporaryDirectory.make();
  const config = build(new Context()).tempDir(directory.path, "run-*-end");
  assertEquals(namesIn(directory.path), []);
  const [one, two] = [await config.done(), await config.done()];
  assertMatch(one.dir(), /\/run-[^/]+-end$/);
  assert(one.dir() !== two.dir());
  assertEquals(((await Deno.stat(one.dir())).mode ?? 0) & 0o777, 0o770);
  const plain = await build(new Context()).tempDir(directory.path, "plain").done();
  assertMatch(plain.dir(), /\/plain[^/]+$/);
  await one.save();
  assertEquals(namesIn(one.dir()).length, 3, "a checkpoint and the lock's file");
});

Deno.test("tempDir() without a parent uses the system's folder", async () => {
  const handler = await build(new Context()).tempDir().done();
  try {
    assertMatch(handler.dir(), /\/cairn-[^/]+$/);
  } finally {
    await Deno.remove(handler.dir(), { recursive: true });
  }
});

Deno.test("tempDir() below a missing parent is a StoreError that names it", async () => {
  await using directory = await TemporaryDirectory.make();
  const missing = `${directory.path}/missing`;
  const error = await assertRejects(() => build(new Context()).tempDir(missing).done(), CheckpointError, missing);
  assertEquals(error.code, "store");
});
