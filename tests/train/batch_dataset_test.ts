import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { build, Context, load, MemoryStore, Tensor } from "../../mod.ts";
import { ConfigError, ShapeError } from "../../src/errors.ts";
import { BatchDataset, type BatchDatasetOptions, type Column, inMemoryDataset, Loop } from "../../src/train/mod.ts";

function numbers(context: Context, size: number, options: BatchDatasetOptions): BatchDataset<number[]> {
  return new BatchDataset(context, size, (rows) => [...rows], options);
}

async function epochOf(dataset: BatchDataset<number[]>): Promise<number[][]> {
  const batches: number[][] = [];
  for (let batch = await dataset.yield(); batch !== undefined; batch = await dataset.yield()) batches.push(batch);
  return batches;
}

Deno.test("BatchDataset gives every row once in an epoch, in order or in another order each time", async () => {
  const plain = numbers(new Context(), 5, { batchSize: 2 });
  assertEquals(await epochOf(plain), [[0, 1], [2, 3], [4]]);
  assertEquals(await plain.yield(), undefined, "until it is reset");
  plain.reset();
  assertEquals([plain.epoch, plain.position, plain.batchesPerEpoch], [1, 0, 3]);
  plain.reset();
  assertEquals(plain.epoch, 1, "nothing was read of this epoch");

  const dropping = numbers(new Context(), 5, { batchSize: 2, dropIncomplete: true });
  assertEquals([await epochOf(dropping), dropping.batchesPerEpoch], [[[0, 1], [2, 3]], 2]);

  const shuffled = numbers(new Context(), 100, { batchSize: 7, shuffle: true, seed: 1 });
  const orders: number[][] = [];
  for (let epoch = 0; epoch < 2; epoch++, shuffled.reset()) {
    const order = (await epochOf(shuffled)).flat();
    assertEquals(new Set(order).size, 100);
    orders.push(order);
  }
  assertNotEquals(orders[0], orders[1]);
  assertEquals(
    (await epochOf(numbers(new Context(), 100, { batchSize: 7, shuffle: true, seed: 1 }))).flat(),
    orders[0],
  );
  assertNotEquals(
    (await epochOf(numbers(new Context(), 100, { batchSize: 7, shuffle: true, seed: 2 }))).flat(),
    orders[0],
  );
});

Deno.test("BatchDataset goes on in the next epoch when it is infinite, and ends at once when it is empty", async () => {
  const infinite = numbers(new Context(), 3, { batchSize: 2, infinite: true });
  const batches = [await infinite.yield(), await infinite.yield(), await infinite.yield()];
  assertEquals([batches, infinite.epoch], [[[0, 1], [2], [0, 1]], 1]);
  assertEquals(await numbers(new Context(), 0, { batchSize: 2, infinite: true }).yield(), undefined);
  assertEquals(
    await numbers(new Context(), 1, { batchSize: 2, infinite: true, dropIncomplete: true }).yield(),
    undefined,
  );
});

Deno.test("runEpochs() refuses a dataset that never ends", async () => {
  const context = new Context();
  const loop = new Loop({ context, trainStep: () => 1 });
  const dataset = numbers(context, 3, { batchSize: 2, infinite: true });
  for (const run of [() => loop.runEpochs(dataset, 2), () => loop.runToEpoch(dataset, 2)]) {
    await assertRejects(run, ConfigError, 'of dataset "train": it is infinite');
  }
  await loop.runSteps(dataset, 5);
  assertEquals(dataset.epoch, 2);
});

for (const shuffle of [false, true]) {
  Deno.test(`BatchDataset goes on where a checkpoint was saved, shuffled: ${shuffle}`, async () => {
    const store = new MemoryStore();
    const ctx = new Context();
    const handler = await build(ctx).store(store).keep(-1).done();
    const dataset = numbers(ctx, 10, { batchSize: 3, shuffle, seed: 1, infinite: true });
    for (let batch = 0; batch < 6; batch++) await dataset.yield();
    const { baseName } = await handler.save();
    const next = [await dataset.yield(), await dataset.yield(), await dataset.yield()];

    const resumed = new Context();
    await using _ = await load(resumed).store(store).done();
    const again = numbers(resumed, 10, { batchSize: 3, shuffle, infinite: true });
    assertEquals([again.epoch, again.position], [1, 6]);
    assertEquals([await again.yield(), await again.yield(), await again.yield()], next);

    await handler.restore(baseName);
    assertEquals([await dataset.yield(), await dataset.yield(), await dataset.yield()], next);

    const larger = new Context();
    await using _2 = await load(larger).store(store).done();
    const batch = await numbers(larger, 10, { batchSize: 4, shuffle, infinite: true }).yield();
    assertEquals(batch, next.flat().slice(0, 4), "the position counts rows, whatever the batches are");
  });
}

Deno.test("BatchDataset says so when the run has another seed or other rows", async () => {
  const ctx = new Context();
  const warnings: string[] = [];
  const options = { batchSize: 2, shuffle: true, onWarning: (warning: string) => warnings.push(warning) };
  const first = numbers(ctx, 6, { ...options, seed: 1 });
  await first.yield();
  const second = numbers(ctx, 6, { ...options, seed: 2 });
  await second.yield();
  assertEquals(warnings, ['dataset "train": the run has the seed 1 and goes on with it; the seed 2 is for a new run']);
  const more = numbers(ctx, 8, { ...options, seed: 1 });
  assertEquals((await epochOf(more)).length, 4);
  assertEquals(warnings[1], 'dataset "train": it has 8 rows, and had 6 when the run was saved: epoch 0 starts again');
  assertEquals(warnings.length, 2);
});

Deno.test("BatchDataset hands a stream to each batch that is the same in every run", async () => {
  const draw = async (steps: number, from: Context): Promise<number[]> => {
    const dataset = new BatchDataset(from, 4, (_, random) => random.uniform(), {
      batchSize: 2,
      seed: 3,
      infinite: true,
    });
    const drawn: number[] = [];
    for (let step = 0; step < steps; step++) drawn.push(await dataset.yield() ?? NaN);
    return drawn;
  };
  const whole = await draw(6, new Context());
  assertEquals(new Set(whole).size, 6);
  const ctx = new Context();
  assertEquals([...await draw(3, ctx), ...await draw(3, ctx)], whole);
});

Deno.test("two datasets of other names do not share a place; senseless numbers are refused", async () => {
  const ctx = new Context();
  const [a, b] = ["train", "images/s"].map((name) => numbers(ctx, 4, { batchSize: 1, name }));
  await a?.yield();
  assertEquals([a?.position, b?.position, b?.name], [1, 0, "images/s"]);
  assertEquals(ctx.inspectVariableIfLoaded("/trainer/datasets/images_s", "position")?.dtype, "Int64");
  for (const batchSize of [0, -1, 1.5, NaN]) {
    assertThrows(() => numbers(ctx, 4, { batchSize }), ConfigError, `batchSize ${batchSize}`);
  }
  assertThrows(() => numbers(ctx, -1, { batchSize: 1 }), ConfigError, "-1 rows");
});

Deno.test("inMemoryDataset() takes rows of tensors and of arrays", async () => {
  const images = Tensor.from(Float32Array.from({ length: 24 }, (_, index) => index), { dimensions: [4, 2, 3] });
  const dataset = inMemoryDataset(new Context(), { images, labels: ["a", "b", "c", "d"] }, { batchSize: 3 });
  const batch = await dataset.yield();
  assertEquals(batch?.labels, ["a", "b", "c"]);
  assertEquals(batch?.images.dimensions, [3, 2, 3]);
  assertEquals(batch?.images.toNested(), [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]], [[12, 13, 14], [
    15,
    16,
    17,
  ]]]);
  assertEquals((await dataset.yield())?.images.toNested(), [[[18, 19, 20], [21, 22, 23]]]);
});

Deno.test("inMemoryDataset() refuses columns that do not fit", () => {
  const make = (data: Record<string, Column>): unknown => inMemoryDataset(new Context(), data, { batchSize: 1 });
  assertThrows(() => make({}), ConfigError, "of columns none");
  const foreign: Column = JSON.parse("7");
  assertThrows(() => make({ a: foreign }), ConfigError, '"a": wanted a Tensor or an array');
  assertThrows(() => make({ a: [1], b: [1, 2] }), ConfigError, '"a" with 1 rows, "b" with 2 rows');
  assertThrows(() => make({ a: Tensor.from(1) }), ShapeError, '"a": it is a scalar');
  assertThrows(() => make({ a: new Tensor("Int4", [2, 3], new Uint8Array(3)) }), ShapeError, "end at a byte");
  const packed = new Tensor("Int4", [2, 4], Uint8Array.of(1, 2, 3, 4));
  assertEquals(inMemoryDataset(new Context(), { packed }, { batchSize: 1 }).size, 2);
});
