import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CorruptError, NotFoundError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { bytesOf, put } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { saveRun, valueOf } from "./runs.ts";

Deno.test("restore() gives the Context another checkpoint: variables, params, pending ones", async () => {
  const store = new MemoryStore();
  const first = await saveRun(store, 1, { w: [1], v: [1], gone: [1] });
  await saveRun(store, 2, { w: [2], v: [2], fresh: [2] });
  const ctx = new Context();
  const warnings: string[] = [];
  const handler = await load(ctx).store(store).keep(-1).onWarning((text) => warnings.push(text)).done();
  const w = ctx.in("a").getVariable("w");
  assertEquals([w?.value().toNested(), ctx.getParam("step_param"), ctx.getGlobalStep()], [[2], 2, 2]);
  ctx.setParam("own", true);
  await handler.restore(first);
  assertEquals([w?.value().toNested(), ctx.getParam("step_param"), ctx.getGlobalStep()], [[1], 1, 1]);
  assertEquals([handler.loadedBase, ctx.getParam("own"), warnings], [first, true, []]);
  assertEquals([...handler.loadedVariables().keys()], ["var:/a/v", "var:/a/gone"]);
  assertEquals([valueOf(ctx, "v"), valueOf(ctx, "gone"), valueOf(ctx, "fresh")], [[1], [1], undefined]);
  await handler.restore(2);
  assertEquals([valueOf(ctx, "w"), valueOf(ctx, "v"), valueOf(ctx, "fresh")], [[2], [2], [2]]);
});

Deno.test("restore() reports the Context's variables that the checkpoint does not have, and leaves them", async () => {
  const store = new MemoryStore();
  await saveRun(store, 1, { w: [1] });
  const ctx = new Context();
  const warnings: string[] = [];
  const handler = await build(ctx).store(store).keep(-1).onWarning((text) => warnings.push(text)).done();
  ctx.in("a").variableWithValue("later", [7]);
  await handler.restore(1);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0] ?? "", /lacks 1 variable of the Context.*\/a\/later/);
  assertEquals(valueOf(ctx, "later"), [7]);
});

Deno.test("restore() of a Handler that loads a part moves and reports by the Context's names", async () => {
  const store = new MemoryStore();
  await saveRun(store, 1, { w: [1] });
  await saveRun(store, 2, { w: [2] });
  const ctx = new Context();
  const warnings: string[] = [];
  const handler = await load(ctx).store(store).scope("/a", "/b").onWarning((text) => warnings.push(text)).done();
  assertEquals(ctx.in("b").getVariable("w")?.value().toNested(), [2]);
  await handler.restore(1);
  assertEquals([ctx.in("b").getVariable("w")?.value().toNested(), warnings], [[1], []]);
});

Deno.test("restore() keeps to the exclusions, and a missing checkpoint changes nothing", async () => {
  const store = new MemoryStore("some");
  await saveRun(store, 1, { w: [1] });
  await saveRun(store, 2, { w: [2] });
  const ctx = new Context();
  const handler = await load(ctx).store(store).excludeParams("step_param").keep(-1).done();
  ctx.setParam("step_param", 77);
  assertEquals(valueOf(ctx, "w"), [2]);
  await assertRejects(() => handler.restore("latest"), NotFoundError, 'No checkpoint named "latest" in "memory:some"');
  await assertRejects(() => handler.restore(9), NotFoundError, "of step 9");
  assertEquals(valueOf(ctx, "w"), [2]);
  await handler.restore(1);
  assertEquals([valueOf(ctx, "w"), ctx.getParam("step_param")], [[1], 77]);
});

Deno.test("restore() runs in turn with saves, and the next save goes on above every counter", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const w = ctx.in("a").variableWithValue("w", [1]);
  const handler = await build(ctx).store(store).keep(-1).done();
  const first = await handler.save();
  w.setValue(Tensor.from([2]));
  const [second] = await Promise.all([handler.save(), handler.restore(first.baseName)]);
  assertEquals([w.value().toNested(), (await second.read("/a/w")).toNested()], [[1], [2]]);
  const third = await handler.save();
  assertEquals([(await third.read("/a/w")).toNested(), third.baseName.slice(12, 19)], [[1], "0000002"]);
});

Deno.test("restore() of a damaged checkpoint with immediate() changes nothing", async () => {
  const store = new CountingStore();
  const first = await saveRun(store, 1, { w: [1] });
  await saveRun(store, 2, { w: [2] });
  const bin = await bytesOf(store, `${first}.bin`);
  bin[0] = 0x77;
  await put(store, `${first}.bin`, bin);
  const ctx = new Context();
  const handler = await load(ctx).store(store).immediate().keep(-1).done();
  await assertRejects(() => handler.restore(1), CorruptError);
  assertEquals([valueOf(ctx, "w"), ctx.getParam("step_param"), store.opened], [[2], 2, []]);
});

Deno.test("restore() of an embedded checkpoint finds none", async () => {
  const handler = await load(new Context()).fromEmbed('{"Params":null,"Variables":[]}', new Uint8Array()).done();
  await assertRejects(() => handler.restore(1), NotFoundError);
});
