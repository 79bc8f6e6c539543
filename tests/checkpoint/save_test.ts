import { assertEquals } from "@std/assert";
import { build, load, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { bytesOf, put, putForeign } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { contextOf, valuesIn } from "./runs.ts";

Deno.test("save() of concurrent calls keeps their order, each with what the Context held at its call", async () => {
  const store = new MemoryStore();
  const ctx = contextOf({ w: [0] });
  const w = ctx.in("a").getVariable("w");
  const handler = await build(ctx).store(store).keep(-1).done();
  const saves = [1, 2, 3, 4].map((step) => {
    ctx.setGlobalStep(step);
    ctx.setParam("lr", step);
    w?.setValue(Tensor.from([step * 10]));
    return handler.save();
  });
  ctx.setParam("lr", 99);
  w?.setValue(Tensor.from([99]));
  ctx.deleteVariable("/a", "w");
  const saved = await Promise.all(saves);
  assertEquals(saved.map((each) => each.step), [1, 2, 3, 4]);
  assertEquals(await handler.listCheckpoints(), saved.map((each) => each.baseName));
  for (const [index, each] of saved.entries()) {
    assertEquals((await each.read("/a/w")).toNested(), [(index + 1) * 10]);
    assertEquals(each.params[0]?.value, index + 1);
  }
});

Deno.test("save() is not disturbed by setValue(), setTrainable(), deletion and new variables while it runs", async () => {
  const ctx = contextOf({ a: [1], b: [2] });
  const [a, b] = [...ctx.iterVariables()];
  const handler = await build(ctx).store(new MemoryStore()).done();
  const saving = handler.save({
    progress: () => {
      a?.setValue(Tensor.from([[7, 7]]));
      a?.setTrainable(false);
      b?.setValue(Tensor.from([8]));
      if (ctx.in("a").getVariable("late") === undefined) ctx.in("a").variableWithValue("late", [9]);
      ctx.deleteVariable("/a", "b");
    },
  });
  const saved = await saving;
  assertEquals(saved.variables.map((v) => [v.name, v.trainable]), [["a", true], ["b", true], ["global_step", false]]);
  assertEquals([...(await saved.readAll()).values()].map((t) => t.toNested()), [[1], [2], 0n]);
});

Deno.test("save() writes the Context's variables in order of creation, then pending ones in file order", async () => {
  const store = new MemoryStore();
  await (await build(contextOf({ x: [1], y: [2], z: [3] })).store(store).done()).save();
  const ctx = contextOf({ own: [4] });
  const handler = await build(ctx).store(store).keep(-1).done();
  ctx.in("a").getVariable("z");
  const saved = await handler.save();
  assertEquals(saved.variables.map((v) => v.name), ["own", "z", "global_step", "x", "y"]);
  assertEquals(await valuesIn(store, saved.baseName), { own: [4], z: [3], x: [1], y: [2] });
});

Deno.test("save() gives a counter above every name seen: orphans, both suffixes, backups of others left alone", async () => {
  const store = new MemoryStore();
  await put(store, "checkpoint-n0000900-20240101-000000.json.tmp", "foreign");
  await put(store, "checkpoint-n0000901-20240101-000000-best.json", "foreign");
  const ctx = contextOf({ w: [1] });
  const handler = await build(ctx).store(store).clock(() => new Date(2024, 0, 1)).keep(-1).done();
  await handler.save(); // sweeps
  await put(store, "checkpoint-n0000041-20240101-000000-step-00000007.bin", "orphan");
  assertEquals((await handler.save()).baseName, "checkpoint-n0000042-20240101-000000-initial");
  await put(store, "checkpoint-n0010000-20240101-000000-step-00000007.bin", "orphan");
  assertEquals((await handler.save()).baseName, "checkpoint-n0010001-20240101-000000-initial");
});

Deno.test("save() counts on beyond 9,999,999 and beyond 2^53, and the newest stays the newest", async () => {
  for (const [seen, next] of [["9999999", "10000000"], ["9007199254740993", "9007199254740994"]]) {
    const store = new MemoryStore();
    await putForeign(store, `checkpoint-n${seen}-20240101-000000-initial`, [{ name: "var:/a/w", values: [1] }]);
    const ctx = new Context();
    const handler = await build(ctx).store(store).clock(() => new Date(2024, 0, 1)).keep(-1).done();
    ctx.in("a").getVariable("w")?.setValue(Tensor.from([2]));
    const saved = await handler.save();
    assertEquals(saved.baseName, `checkpoint-n${next}-20240101-000000-initial`);
    const again = new Context();
    assertEquals((await load(again).store(store).done()).loadedBase, saved.baseName);
  }
});

Deno.test("save() returns a Checkpoint that opens its file only at the first read", async () => {
  const store = new CountingStore();
  const handler = await build(contextOf({ w: [1, 2] })).store(store).done();
  await using saved = await handler.save();
  assertEquals([store.reads, store.opened], [[], []]);
  assertEquals([saved.variables.length, saved.step, saved.byteLength, saved.reports], [2, 0, 16, []]);
  assertEquals([store.reads, store.opened], [[], []]);
  assertEquals((await saved.read("/a/w")).toNested(), [1, 2]);
  assertEquals(store.opened, [`${saved.baseName}.bin`]);
  saved.close();
  assertEquals(store.opened, []);
});

Deno.test("save() works with a store that cannot read synchronously, without a prefetch", async () => {
  const store = new CountingStore(new MemoryStore(), { sync: false });
  const ctx = contextOf({ w: [1, 2] });
  ctx.setGlobalStep(7);
  await (await build(ctx).store(store).done()).save();
  const again = new Context();
  const handler = await build(again).store(store).keep(-1).done();
  const saved = await handler.save();
  assertEquals(saved.step, 7);
  assertEquals((await saved.read("/a/w")).toNested(), [1, 2]);
});

Deno.test("save() of an empty Context and of zero variables can be loaded again", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const handler = await build(ctx).store(store).keep(-1).done();
  handler.excludeVarsFromSaving(ctx.getGlobalStepVar());
  const { baseName } = await handler.save();
  assertEquals((await bytesOf(store, `${baseName}.bin`)).length, 0);
  await using checkpoint = await openCheckpoint(store);
  assertEquals([checkpoint.variables, checkpoint.params, (await checkpoint.readAll()).size], [[], [], 0]);
});

Deno.test("save() and value() of the same pending variables at once both get the right bytes", async () => {
  for (const compression of ["none", "gzip"] as const) {
    const store = new CountingStore();
    const names = Array.from({ length: 30 }, (_, index) => `v${index}`);
    const ctx = new Context();
    for (const [index, name] of names.entries()) {
      ctx.in("a").variableWithValue(name, Tensor.from(new Float32Array(50_000).fill(index)));
    }
    await (await build(ctx).store(store).compress(compression).done()).save();
    const again = new Context();
    await using handler = await load(again).store(store).keep(1).done();
    const saving = handler.save({
      progress: ({ done }) => {
        const index = Math.floor(done / 200_000);
        again.in("a").getVariable(names[(index * 7) % 30] ?? "")?.value();
      },
    });
    const loads = names.slice(10, 20).map((name) => again.in("a").getVariable(name)?.load());
    for (const [index, tensor] of (await Promise.all(loads)).entries()) assertEquals(tensor?.at(49_999), index + 10);
    const saved = await saving;
    for (const [index, name] of names.entries()) {
      assertEquals((await saved.read(`/a/${name}`)).at(49_999), index, name);
      assertEquals(again.in("a").getVariable(name)?.value().at(0), index, name);
    }
    saved.close();
  }
});

Deno.test("save() of two Handlers of one Context at once writes both, whatever is set meanwhile", async () => {
  const [one, two] = [new CountingStore(new MemoryStore("one")), new CountingStore(new MemoryStore("two"))];
  const big = Tensor.from(new Float32Array(5_000_000).fill(3));
  const source = new Context();
  source.in("a").variableWithValue("w", big);
  await (await build(source).store(one).done()).save();
  const ctx = new Context();
  await using first = await build(ctx).store(one).keep(-1).done();
  await using second = await build(ctx).store(two).keep(-1).done();
  const w = ctx.in("a").getVariable("w");
  const saving = second.save();
  w?.setValue(Tensor.from([1]));
  const [saved] = await Promise.all([saving, first.save()]);
  assertEquals((await saved.read("/a/w")).at(0), 3);
});

Deno.test("value() of a clone works after the original was replaced and its file is gone", async () => {
  const store = new MemoryStore();
  await (await build(contextOf({ w: [1, 2] })).store(store).done()).save();
  const ctx = new Context();
  const handler = await build(ctx).store(store).keep(1).done();
  ctx.in("a").getVariable("w");
  const clone = ctx.clone();
  ctx.in("a").getVariable("w")?.setValue(Tensor.from([7]));
  await handler.save();
  assertEquals(clone.in("a").getVariable("w")?.value().toNested(), [1, 2]);
});
