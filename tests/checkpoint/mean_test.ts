import { assertAlmostEquals, assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import {
  type Backend,
  build,
  ConfigError,
  Context,
  CorruptError,
  hostBackend,
  load,
  LocalStore,
  MemoryStore,
  type Progress,
  ShapeError,
  Tensor,
} from "@cairn/checkpoints";

/** Saves one checkpoint for each value of `weights`, with a step. */
async function run(values: readonly number[][], compress: "gzip" | "none" = "none"): Promise<MemoryStore> {
  const store = new MemoryStore();
  const ctx = new Context();
  const weights = ctx.in("m").variableWithValue("weights", values[0] ?? []);
  ctx.in("m").variableWithValue("count", new BigInt64Array([0n]));
  ctx.in("m").variableWithValue("frozen", [0]).setTrainable(false);
  await using handler = await build(ctx).store(store).keep(-1).compress(compress).done();
  for (const [index, value] of values.entries()) {
    weights.setValue(Tensor.from(value));
    ctx.in("m").reuse().getVariable("count")?.setValue(Tensor.from(new BigInt64Array([BigInt(index)])));
    ctx.in("m").getVariable("frozen")?.setValue(Tensor.from([index]));
    ctx.setParam("index", index);
    ctx.setGlobalStep((index + 1) * 10);
    await handler.save();
  }
  return store;
}

function nested(ctx: Context, name: string): unknown {
  return ctx.in("m").getVariable(name)?.value().toNested();
}

for (const compress of ["none", "gzip"] as const) {
  Deno.test(`takeMean() averages trainable floats and takes the rest from the newest (${compress})`, async () => {
    const store = await run([[1, 10], [2, 20], [6, 60]], compress);
    const ctx = new Context();
    await using handler = await load(ctx).store(store).takeMean(3).done();
    assertEquals(nested(ctx, "weights"), [3, 30]);
    assertEquals(nested(ctx, "count"), [2n]);
    assertEquals(nested(ctx, "frozen"), [2]);
    assertEquals(ctx.getParam("index"), 2);
    assertEquals(ctx.getGlobalStep(), 30);
    const { mean } = handler;
    assertEquals(mean?.baseNames, await handler.listCheckpoints());
    assertEquals(mean?.weights, [1 / 3, 1 / 3, 1 / 3]);
    assertEquals(mean?.onlyInOlder, []);
    const about = Object.fromEntries(mean?.variables.map((each) => [each.path, each]) ?? []);
    assertEquals(about["/m/weights"]?.computedBy, "host");
    assertEquals(about["/m/weights"]?.baseNames.length, 3);
    assertEquals(about["/m/count"]?.reason, "Int64 is not averaged");
    assertEquals(about["/m/frozen"]?.reason, "not trainable");
    assertEquals(about["/m/frozen"]?.computedBy, undefined);
  });
}

Deno.test("takeMean() leaves what belongs to the run as the newest has it, also where its flag is lost", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const best = ctx.in("trainer").in("best").variableWithValue("value", 4); // trainable, as after GoMLX's save
  await using handler = await build(ctx).store(store).keep(-1).done();
  for (const value of [4, 2]) {
    best.setValue(Tensor.from(value));
    await handler.save();
  }
  const again = new Context();
  await using mean = await load(again).store(store).takeMean(2).immediate().done();
  assertEquals(again.getVariable("value"), undefined);
  assertEquals(again.inAbsPath("/trainer/best").getVariable("value")?.value().item(), 2);
  const row = mean.mean?.variables.find(({ path }) => path === "/trainer/best/value");
  assertEquals(row?.reason, "of the run, not of the model");
});

Deno.test("takeMean() takes the last n, fewer if there are fewer, all for 0 and below, the newest for 1", async () => {
  const store = await run([[1], [2], [6]]);
  for (const [n, wanted] of [[1, 6], [2, 4], [3, 3], [10, 3], [0, 3], [-1, 3]] as const) {
    const ctx = new Context();
    await using handler = await load(ctx).store(store).takeMean(n).done();
    assertEquals(nested(ctx, "weights"), [wanted], `n = ${n}`);
    assertEquals(handler.mean === undefined, n === 1);
  }
});

Deno.test("takeMean() ends at the checkpoint that at() names", async () => {
  const ctx = new Context();
  await using _ = await load(ctx).store(await run([[1], [2], [6]])).at(20).takeMean(2).done();
  assertEquals(nested(ctx, "weights"), [1.5]);
  assertEquals(ctx.getGlobalStep(), 20);
});

Deno.test("takeMean() asks average() for floats only, in place of the trainable flag", async () => {
  const asked: string[] = [];
  const ctx = new Context();
  await using _ = await load(ctx).store(await run([[1], [3]])).takeMean(2, undefined, {
    average: ({ name }) => {
      asked.push(name);
      return name === "frozen";
    },
  }).done();
  assertEquals(asked, ["weights", "frozen"]);
  assertEquals(nested(ctx, "weights"), [3]);
  assertEquals(nested(ctx, "frozen"), [0.5]);
});

Deno.test("takeMean() goes by the Context's trainable flag where the file has none", async () => {
  const store = new MemoryStore();
  const source = new Context();
  const weights = source.variableWithValue("w", [1]);
  const handler = await build(source).store(store).extras(false).keep(-1).done();
  await handler.save();
  weights.setValue(Tensor.from([3]));
  await handler.save();
  const ctx = new Context();
  ctx.variableWithValue("w", [0]).setTrainable(false);
  await using _ = await load(ctx).store(store).takeMean(2).done();
  assertEquals(ctx.checked(false).getVariable("w")?.value().toNested(), [3]);
});

Deno.test("takeMean() averages over the checkpoints that have a variable, and reports what only older ones have", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const handler = await build(ctx).store(store).keep(-1).done();
  ctx.variableWithValue("old", [1]);
  await handler.save();
  const weights = ctx.variableWithValue("new", [2]);
  await handler.save();
  weights.setValue(Tensor.from([6]));
  ctx.deleteVariable("/", "old");
  await handler.save();
  const warnings: string[] = [];
  const mean = new Context();
  const averaged = await load(mean).store(store).takeMean(3).onWarning((text) => warnings.push(text)).done();
  assertEquals(mean.getVariable("new")?.value().toNested(), [4]);
  assertEquals(mean.getVariable("old"), undefined);
  assertEquals(averaged.mean?.onlyInOlder, ["/old"]);
  assertStringIncludes(warnings.join(), "/old");
});

Deno.test("takeMean() gives a ShapeError that names variable, shapes and files", async () => {
  const store = await run([[1], [1, 2]]);
  const error = await assertRejects(() => load(new Context()).store(store).takeMean(2).done(), ShapeError);
  for (const part of ["/m/weights", "(Float32)[1]", "(Float32)[2]", "step-00000010", "step-00000020"]) {
    assertStringIncludes(error.message, part);
  }
});

Deno.test("takeMean() refuses fractions, and fromEmbed() unless n is 1", async () => {
  const store = await run([[1]]);
  await assertRejects(() => load(new Context()).store(store).takeMean(1.5).done(), ConfigError, "1.5");
  const embedded = load(new Context()).fromEmbed("{}", new Uint8Array()).takeMean(2);
  await assertRejects(() => embedded.done(), ConfigError, "fromEmbed");
  await load(new Context()).fromEmbed("{}", new Uint8Array()).takeMean(1).done();
});

Deno.test("takeMean() tells progress in bytes of all sources, and stops at an abort without touching the Context", async () => {
  const store = await run([[1, 2], [3, 4]]);
  const seen: Progress[] = [];
  await load(new Context()).store(store).takeMean(2).done({ progress: (each) => seen.push(each) });
  assertEquals(seen.at(-1)?.done, seen.at(-1)?.total);
  assertEquals(seen.at(-1)?.phase, "mean");
  const ctx = new Context();
  await assertRejects(() => load(ctx).store(store).takeMean(2).done({ signal: AbortSignal.abort("no") }));
  assertEquals(ctx.loader, undefined);
  assertEquals(ctx.params, []);
});

Deno.test("takeMean() closes its sources, and its result needs no file", async () => {
  const dir = await Deno.makeTempDir();
  const ctx = new Context();
  const weights = ctx.variableWithValue("w", [1]);
  await using handler = await build(ctx).dir(dir).keep(-1).done();
  await handler.save();
  weights.setValue(Tensor.from([3]));
  await handler.save();
  const mean = new Context();
  await load(mean).store(new LocalStore(dir, { write: false })).takeMean(2).done();
  await Deno.remove(dir, { recursive: true });
  assertEquals(mean.getVariable("w")?.value().toNested(), [2]);
  assertEquals(mean.getGlobalStep(), 0);
});

Deno.test("takeMean() with strict() gives a CorruptError for a source whose bytes are damaged", async () => {
  const dir = await Deno.makeTempDir();
  const ctx = new Context();
  ctx.variableWithValue("w", [1, 2, 3, 4]);
  await using handler = await build(ctx).dir(dir).keep(-1).done();
  const first = await handler.save();
  await handler.save();
  using file = await Deno.open(`${dir}/${first.baseName}.bin`, { write: true });
  await file.write(new Uint8Array([1]));
  await assertRejects(() => load(new Context()).dir(dir).takeMean(2).strict().done(), CorruptError, "CRC-32");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("takeMean() gives a CorruptError for a damaged byte anywhere in a large variable, in any source", async () => {
  const dir = await Deno.makeTempDir();
  const ctx = new Context();
  const count = 100_001;
  ctx.variableWithValue("w", new Float32Array(count).fill(1));
  await using handler = await build(ctx).dir(dir).keep(-1).done();
  const saved = [await handler.save(), await handler.save(), await handler.save()];
  const takeMean = () => load(new Context()).dir(dir).takeMean(saved.length).strict().done();
  for (const { baseName } of saved) {
    const path = `${dir}/${baseName}.bin`;
    const whole = await Deno.readFile(path);
    const end = whole.lastIndexOf(0x3f) + 1; // 1 is 00 00 80 3f
    for (const at of [end - 4 * count, end - 2 * count, end - 1]) {
      await Deno.writeFile(path, whole.with(at, whole[at] === 0 ? 1 : 0));
      await assertRejects(takeMean, CorruptError, "CRC-32", `${baseName}, byte ${at}`);
    }
    await Deno.writeFile(path, whole);
  }
  await using mean = await takeMean();
  assertEquals(mean.mean?.variables.find(({ path }) => path === "/w")?.averaged, true);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("takeMean() uses the backend for what it supports, the host for the rest", async () => {
  const calls: string[] = [];
  const backend: Backend = {
    name: "half",
    supports: (dtype) => dtype === "Float64",
    mean(dtype, blocks, into) {
      calls.push(dtype);
      return hostBackend.mean(dtype, blocks, into);
    },
  };
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.variableWithValue("f32", [1]);
  ctx.variableWithValue("f64", new Float64Array([1]));
  const handler = await build(ctx).store(store).keep(-1).done();
  await handler.save();
  await handler.save();
  const averaged = await load(new Context()).store(store).takeMean(2, backend).done();
  assertEquals(calls, ["Float64"]);
  const by = averaged.mean?.variables.map((each) => [each.path, each.computedBy]);
  assertEquals(by, [["/f32", "host"], ["/f64", "half"], ["/global_step", undefined]]);
});

Deno.test("takeMean() computes on the host and says so where a backend overflows", async () => {
  const overflowing: Backend = {
    name: "sums",
    supports: () => true,
    mean: (_, __, into) => new Float32Array(into.buffer, into.byteOffset, into.length / 4).fill(Infinity) && undefined,
  };
  const store = await run([[3e38], [3e38]]);
  const warnings: string[] = [];
  const ctx = new Context();
  const config = load(ctx).store(store).takeMean(2, overflowing).onWarning((text) => warnings.push(text));
  await using handler = await config.done();
  assertEquals(nested(ctx, "weights"), [Math.fround(3e38)]);
  assertStringIncludes(warnings.join(), "/m/weights");
  assertEquals(handler.mean?.variables.find((each) => each.path === "/m/weights")?.computedBy, "sums, host");
});

Deno.test("takeMean() leaves a wrong infinity alone that the sources have", async () => {
  const ctx = new Context();
  await using _ = await load(ctx).store(await run([[Infinity], [1]])).takeMean(2).done();
  assertEquals(nested(ctx, "weights"), [Infinity]);
});

Deno.test("a save after takeMean() writes the mean, as a checkpoint like any other", async () => {
  const store = await run([[1], [3]]);
  const ctx = new Context();
  const handler = await load(ctx).store(store).takeMean(2).keep(-1).done();
  const saved = await handler.save();
  assertEquals((await saved.read("/m/weights")).toNested(), [2]);
  assertStrictEquals((await handler.listCheckpoints()).length, 3);
  assertAlmostEquals(Number(saved.step), 20);
});

Deno.test("restore() after takeMean() loads one checkpoint, not a mean", async () => {
  const ctx = new Context();
  await using handler = await load(ctx).store(await run([[1], [3]])).takeMean(2).done();
  await handler.restore(10);
  assertEquals(nested(ctx, "weights"), [1]);
  assertEquals(handler.mean, undefined);
});
