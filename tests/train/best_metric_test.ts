import { assertEquals } from "@std/assert";
import { build, Context, load, MemoryStore } from "../../mod.ts";
import { BestMetric } from "../../src/train/mod.ts";

Deno.test("BestMetric knows the lowest or the highest value and its step, over all processes", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const loss = new BestMetric(ctx, "val/loss");
  const accuracy = new BestMetric(ctx, "accuracy", { better: "max" });
  assertEquals([loss.value, loss.step], [undefined, undefined]);
  ctx.setGlobalStep(10);
  assertEquals([0.5, NaN, 0.7, 0.5, 0.25].map((value) => loss.update(value)), [true, false, false, false, true]);
  assertEquals([-1, -2, Infinity, 5].map((value) => accuracy.update(value)), [true, false, true, false]);
  ctx.setGlobalStep(20);
  loss.update(0.3);
  const handler = await build(ctx).store(store).done();
  await handler.save();

  const resumed = new Context();
  await using _ = await load(resumed).store(store).done();
  const again = new BestMetric(resumed, "val/loss");
  assertEquals([again.value, again.step], [0.25, 10]);
  assertEquals([again.update(0.26), again.update(0.24), again.step], [false, true, 20]);
  assertEquals(new BestMetric(resumed, "accuracy", { better: "max" }).value, Infinity);
});
