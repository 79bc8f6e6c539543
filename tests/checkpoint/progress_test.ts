import { assertEquals, assertRejects } from "@std/assert";
import { build, diffVariables, load, openCheckpoint, previewMean } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { type OnProgress, showProgress } from "../../src/render/mod.ts";
import { MemoryStore, type Store } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";

/** Every look at the clock takes half a second. Of the lines only what was done; the global step is among it. */
function shown(lines: string[]): OnProgress {
  let now = 0;
  return showProgress({
    form: "log",
    clock: () => now += 500,
    write: (line) => lines.push(line.replace(/ in .*\n/, "")),
  });
}

async function threeSaves(compression: "none" | "gzip" = "none"): Promise<Store> {
  const store = new MemoryStore();
  const ctx = new Context();
  const weights = ctx.variableWithValue("w", Tensor.zeros("Float32", [1024]));
  await using handler = await build(ctx).store(store).compress(compression).keep(-1).done();
  for (const value of [1, 2, 3]) {
    weights.setValue(Tensor.from(new Float32Array(1024).fill(value)));
    await handler.save();
  }
  return store;
}

Deno.test("showProgress() ends with one line for each work: save, load, mean, preview, compare, statistics", async () => {
  for (const compression of ["none", "gzip"] as const) {
    const store = await threeSaves(compression);
    const lines: string[] = [];
    const progress = shown(lines);
    const ctx = new Context();
    await using handler = await load(ctx).store(store).immediate().keep(-1).done({ progress });
    await handler.save({ progress });
    await using _mean = await load(new Context()).store(store).takeMean(2).done({ progress });
    await previewMean(store, 2, { progress });
    await using checkpoint = await openCheckpoint(store);
    await diffVariables(ctx, checkpoint, { progress });
    await Reflect.get(checkpoint, Symbol.for("cairn.view")).call(checkpoint, { stats: true, progress });
    await Reflect.get(ctx, Symbol.for("cairn.view")).call(ctx, { stats: true, progress });
    await using lazy = await load(new Context()).store(store).done();
    if (compression === "none") await lazy.prefetch("/", { progress });
    await checkpoint.readAll({ progress });
    assertEquals(lines.filter((line) => !line.includes("ing ")), [
      "loaded 4.01 KiB",
      "saved 4.01 KiB",
      "averaged 8.01 KiB",
      "previewed 8 KiB",
      "compared 8.02 KiB",
      "measured 4.01 KiB",
      "measured 4.01 KiB",
      ...compression === "none" ? ["loaded 4.01 KiB"] : [],
      "loaded 4.01 KiB",
    ]);
  }
});

Deno.test("showProgress() says saved when the manifest is there, not earlier", async () => {
  const store = new MemoryStore();
  const events: string[] = [];
  const publish = store.publish.bind(store);
  store.publish = async (name, write) => {
    await publish(name, write);
    events.push(name.slice(-5));
  };
  const ctx = new Context();
  ctx.variableWithValue("w", [1, 2]);
  await using handler = await build(ctx).store(store).done();
  await handler.save({ progress: shown(events) });
  assertEquals(events.slice(-2), [".json", "saved 16 B"]);
});

Deno.test("showProgress() of work that fails leaves the error as it is", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.variableWithValue("w", [1, 2]);
  await using handler = await build(ctx).store(store).done();
  store.publish = () => Promise.reject(new RangeError("full"));
  const lines: string[] = [];
  await assertRejects(() => handler.save({ progress: shown(lines) }), RangeError, "full");
  assertEquals(lines, []);
});

Deno.test("progress: true works wherever a callback does", async () => {
  const store = await threeSaves();
  await using handler = await load(new Context()).store(store).immediate().keep(-1).done({ progress: true });
  await using saved = await handler.save({ progress: true });
  assertEquals((await saved.readAll({ progress: true })).size, 2);
});

Deno.test("readAll() tells progress within a large variable", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.in("a").variableWithValue("w", Tensor.zeros("Uint8", [40 * 1024 * 1024]));
  await using handler = await build(ctx).store(store).done();
  await handler.save();
  await using checkpoint = await openCheckpoint(store);
  const seen: number[] = [];
  await checkpoint.readAll({ scope: "/a", progress: ({ done }) => seen.push(done / 1024 / 1024) });
  assertEquals(seen, [0, 16, 32, 40]);
});
