import { BACKUP_DIR, BIN_DATA_SUFFIX, DIR_PERM_MODE, JSON_NAME_SUFFIX } from "../../mod.ts";
import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CheckpointError, ConfigError, NotLoadedError } from "../../src/errors.ts";
import { EmbeddedStore, LocalStore, MemoryStore } from "../../src/store/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { bytesOf, contentsOf } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { saveRun, valueOf } from "./runs.ts";

Deno.test("asyncDispose waits for a running save, closes every file, and is harmless twice", async () => {
  const store = new CountingStore();
  await saveRun(store, 1, { w: [1], v: [2] });
  const ctx = new Context();
  const handler = await build(ctx).store(store).keep(-1).done();
  assertEquals(store.opened.length, 1);
  ctx.in("a").getVariable("w");
  const saving = handler.save();
  await handler[Symbol.asyncDispose]();
  await handler[Symbol.asyncDispose]();
  assertEquals(store.opened, []);
  assertEquals((await (await saving).readAll()).size, 3);
  const error = await assertRejects(async () => await ctx.in("a").getVariable("w")?.load(), NotLoadedError);
  assertStringIncludes(error.message, "closed with its handler or checkpoint");
});

Deno.test("save() after asyncDispose is refused, and leaves the directory as before", async () => {
  const store = new CountingStore();
  await saveRun(store, 1, { w: [1] });
  const ctx = new Context();
  const handler = await build(ctx).store(store).keep(-1).done();
  ctx.getGlobalStep();
  await handler[Symbol.asyncDispose]();
  const before = await contentsOf(store);
  await assertRejects(() => handler.save(), ConfigError, "was disposed");
  assertEquals(await contentsOf(store), before);
});

Deno.test("toString() and dir() are GoMLX's", async () => {
  const handler = await build(new Context()).store(new LocalStore("/nowhere/run")).done()
    .catch(() => undefined);
  assertStrictEquals(handler, undefined, "there is no such directory, and a store makes none");
  await using directory = await TemporaryDirectory.make();
  const real = await build(new Context()).dir(directory.path).done();
  assertEquals([String(real), real.dir()], [`checkpoints.Handler("${directory.path}")`, directory.path]);
  const embed = await load(new Context()).fromEmbed('{"Params":null,"Variables":[]}', new Uint8Array()).done();
  assertEquals([String(embed), embed.dir()], ['checkpoints.Handler("")', ""]);
});

Deno.test("a Handler of a read-only store loads, and its save() says that the store is read-only", async () => {
  const source = new MemoryStore();
  await saveRun(source, 1, { w: [1] });
  const blobs = new Map<string, Uint8Array>();
  for (const { name } of await source.list()) blobs.set(name, await bytesOf(source, name));
  const ctx = new Context();
  const warnings: string[] = [];
  const handler = await load(ctx).store(new EmbeddedStore(blobs)).onWarning((text) => warnings.push(text)).done();
  assertEquals(valueOf(ctx, "w"), [1]);
  const error = await assertRejects(() => handler.save(), CheckpointError, "read-only");
  assertEquals([error.code, warnings], ["permission", []]);
  assertEquals(handler.loadedBase?.slice(-8), "00000001");
});

Deno.test("the constants are GoMLX's", () => {
  assertEquals([JSON_NAME_SUFFIX, BIN_DATA_SUFFIX, BACKUP_DIR, DIR_PERM_MODE], [".json", ".bin", "backup", 0o770]);
});
