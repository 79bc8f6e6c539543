import { assertEquals, assertStringIncludes } from "@std/assert";
import { build, Context, load, MemoryStore } from "@cairn/checkpoints";

/** A store with one hand-made checkpoint. */
async function storeWith(base: string, json: string, bin: Uint8Array): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.publish(`${base}.bin`, (sink) => sink.write(bin));
  await store.publish(`${base}.json`, (sink) => sink.write(new TextEncoder().encode(json)));
  return store;
}

Deno.test("save() upgrades a file older than v0.4 to gomlx-0.10, and done() says so", async () => {
  const store = await storeWith(
    "checkpoint-20230601-101010-step-000010",
    `{"Params":[{"Scope":"/","Key":"lr","Value":0.5}],"Variables":[
      {"ParameterName":"var:/m/w","Dimensions":[2],"DType":11,"Pos":0,"Length":8},
      {"ParameterName":"var://flag","Dimensions":null,"DType":1,"Pos":8,"Length":1},
      {"ParameterName":"var://global_step","Dimensions":null,"DType":11,"Pos":9,"Length":4}]}`,
    new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64, 1, 0, 0, 32, 65]),
  );
  const warnings: string[] = [];
  const ctx = new Context();
  await using handler = await load(ctx).store(store).keep(-1).onWarning((text) => warnings.push(text)).done();
  assertStringIncludes(warnings.join("\n"), 'older than GoMLX v0.4; a save writes profile "gomlx-0.10"');
  assertEquals(ctx.getGlobalStep(), 10);
  const saved = await handler.save();
  assertEquals([saved.profile, saved.step], ["gomlx-0.10", 10]);
  assertEquals((await saved.read("/global_step")).dtype, "Int64");
  assertEquals((await saved.read("/m/w")).toNested(), [1, 2]);
  assertEquals((await saved.read("/flag")).item(), true);
  assertEquals(saved.params, [{ scope: "/", key: "lr", goType: "float64", value: 0.5 }]);
  // The old name has no counter, so the new one starts at 0 and still counts as newer.
  assertEquals((await handler.listCheckpoints()).at(-1), saved.baseName);
});

Deno.test("compress('gzip') on a run that GoMLX before v0.25 can read says that it no longer will", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.variableWithValue("w", [1]);
  await (await build(ctx).store(store).done()).save();
  const warnings: string[] = [];
  const config = load(new Context()).store(store).compress("gzip").onWarning((text) => warnings.push(text));
  await using handler = await config.done();
  assertStringIncludes(warnings.join(), 'cannot read what a save writes: profile "gomlx-0.25"');
  assertEquals((await handler.save()).profile, "gomlx-0.25");
});

Deno.test("save() goes on in the profile and compression of the loaded file, without a word", async () => {
  for (const [profile, codec] of [["gomlx-0.25", "gzip"], ["gomlx-0.28", "none"], ["gomlx-0.28", "gzip"]] as const) {
    const store = new MemoryStore();
    const ctx = new Context();
    ctx.variableWithValue("w", [1]);
    await (await build(ctx).store(store).profile(profile).compress(codec).done()).save();
    const warnings: string[] = [];
    await using handler = await load(new Context()).store(store).onWarning((text) => warnings.push(text)).done();
    const saved = await handler.save();
    assertEquals([saved.profile, warnings], [profile, []]);
    const bin = await store.open(`${saved.baseName}.bin`);
    const head = new Uint8Array(5);
    await bin.read(head, 0);
    assertEquals(new TextDecoder().decode(head) === "gomlx", codec === "gzip");
  }
});
