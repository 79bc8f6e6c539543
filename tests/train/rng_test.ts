import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { build, Context, load, MemoryStore, Random, ShapeError } from "../../mod.ts";
import { Rng } from "../../src/train/mod.ts";

Deno.test("Rng draws what a Random of its seed draws", () => {
  const rng = new Rng(new Context(), { seed: 5 });
  const random = new Random(5n);
  assertEquals(
    [rng.uniform(), rng.uniform(-2, 2), rng.normal(), rng.normal(1, 3), rng.int(10), rng.shuffle([1, 2, 3])],
    [
      random.uniform(),
      random.uniform(-2, 2),
      random.normal(),
      random.normal(1, 3),
      random.int(10),
      random.shuffle([1, 2, 3]),
    ],
  );
  assertEquals(rng.draw((random) => [random.normal(), random.normal()]), [random.normal(), random.normal()]);
  rng.reseed(5);
  assertEquals(rng.uniform(), new Random(5n).uniform());
});

Deno.test("Rng keeps its state in /trainer/rng, where a checkpoint finds it and restore() sets it back", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const handler = await build(ctx).store(store).keep(-1).done();
  const rng = new Rng(ctx, { seed: 5 });
  const dropout = new Rng(ctx, { seed: 5, name: "dropout" });
  assertEquals(
    [rng.variable, dropout.variable].map((each) => `${each.scopeAndName} ${each.dtype} ${each.dimensions}`),
    [
      "/trainer/rng/default Uint64 2",
      "/trainer/rng/dropout Uint64 2",
    ],
  );
  assertEquals(rng.variable.trainable, false);
  rng.normal();
  const { baseName } = await handler.save();
  const drawn = [rng.normal(), rng.normal()];
  assertEquals(dropout.normal(), new Random(5n).normal(), "the two do not disturb each other");

  const resumed = new Context();
  await using _ = await load(resumed).store(store).done();
  const again = new Rng(resumed, { seed: 99 });
  assertEquals([again.normal(), again.normal()], drawn, "the state that was saved goes on, not the seed");

  await handler.restore(baseName);
  assertEquals([rng.normal(), rng.normal()], drawn);

  // Made before the checkpoint is loaded.
  const early = new Context();
  const first = new Rng(early, { seed: 1 });
  await using _2 = await load(early).store(store).done();
  assertEquals(first.normal(), drawn[0]);
});

Deno.test("a draw that fails leaves the stream where it came to", () => {
  const rng = new Rng(new Context(), { seed: 5 });
  assertThrows(
    () =>
      rng.draw((random) => {
        random.nextUint32();
        throw new Error("no");
      }),
    Error,
    "no",
  );
  const random = new Random(5n);
  random.nextUint32();
  assertEquals(rng.uniform(), random.uniform());
});

Deno.test("Rng takes its seed from initializers_seed, else a new one each time; refuses another variable", () => {
  const seeded = new Context();
  seeded.setParam("initializers_seed", 12);
  assertEquals(new Rng(seeded).uniform(), new Random(12n).uniform());
  assertNotEquals(new Rng(new Context()).uniform(), new Rng(new Context()).uniform());
  const other = new Context();
  other.inAbsPath("/trainer/rng").variableWithValue("default", [1, 2, 3]);
  assertThrows(() => new Rng(other), ShapeError, "(Float32)[3]");
});
