import { assert, assertEquals, assertRejects } from "@std/assert";
import { toFileUrl } from "@std/path";
import { build, load, openCheckpoint, writeEmbedModule } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CheckpointError, ConfigError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";

for (const compression of ["none", "gzip"] as const) {
  Deno.test(`writeEmbedModule() writes a module whose json and bin fromEmbed() loads, payload ${compression}`, async () => {
    await using directory = await TemporaryDirectory.make();
    const ctx = new Context();
    ctx.setParam("text", "quotes \" ' ` ${x} \u2028 \\ <b> 🚀");
    // More than one chunk of base64, and not a multiple of 3 bytes.
    const values = Uint8Array.from({ length: 3 * 1024 * 1024 + 100 }, (_, index) => index * 31);
    ctx.in("a").variableWithValue("w", Tensor.from(values));
    const handler = await build(ctx).store(new MemoryStore()).compress(compression).done();
    await using saved = await handler.save();
    await writeEmbedModule(saved, `${directory.path}/model.ts`);
    assertEquals(namesIn(directory.path), ["model.ts"]);

    const { json, bin } = await import(toFileUrl(`${directory.path}/model.ts`).href);
    assertEquals([typeof json, bin instanceof Uint8Array], ["string", true]);
    const again = new Context();
    await using embedded = await load(again).fromEmbed(json, bin).done();
    assertEquals(again.getParam("text"), ctx.getParam("text"));
    assert(again.in("a").getVariable("w")?.value().equals(Tensor.from(values)));
    await assertRejects(() => embedded.save(), ConfigError);
  });
}

Deno.test("writeEmbedModule() writes a module that passes deno check and lint, and replaces an older one", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/model.ts`;
  await Deno.writeTextFile(path, "old");
  const handler = await build(new Context()).store(new MemoryStore()).done();
  await writeEmbedModule(await handler.save(), path);
  for (const task of ["check", "lint", "fmt --check"]) {
    const args = [...task.split(" "), path];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
    assert(success, `deno ${task}: ${new TextDecoder().decode(stderr)}`);
  }
});

Deno.test("writeEmbedModule() of an opened checkpoint whose payload is gone leaves no module", async () => {
  await using directory = await TemporaryDirectory.make();
  const ctx = new Context();
  await using handler = await build(ctx).dir(`${directory.path}/run`).done();
  const { baseName } = await handler.save();
  await using checkpoint = await openCheckpoint(`${directory.path}/run`);
  await Deno.remove(`${directory.path}/run/${baseName}.bin`);
  await assertRejects(() => writeEmbedModule(checkpoint, `${directory.path}/model.ts`), CheckpointError, baseName);
  assertEquals(namesIn(directory.path), ["run"]);
});

Deno.test("writeEmbedModule() of a file with a hostile name writes no code of it", async () => {
  await using directory = await TemporaryDirectory.make();
  const evil = "x\nglobalThis.hacked = 1;\u2028globalThis.hacked = 2;\r*/";
  const handler = await build(new Context()).dir(directory.path).done();
  const { baseName } = await handler.save();
  for (const suffix of [".json", ".bin"]) {
    await Deno.rename(`${directory.path}/${baseName}${suffix}`, `${directory.path}/${evil.slice(0, -2)}${suffix}`);
  }
  await using checkpoint = await openCheckpoint(`${directory.path}/${evil.slice(0, -2)}.json`);
  await writeEmbedModule(checkpoint, `${directory.path}/model.ts`);
  const { json } = await import(toFileUrl(`${directory.path}/model.ts`).href);
  assertEquals([typeof json, "hacked" in globalThis], ["string", false]);
});
