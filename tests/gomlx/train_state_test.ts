import { assertEquals } from "@std/assert";
import { Context, load } from "../../mod.ts";
import { BatchDataset, BestMetric, everyNSteps, Loop, Rng } from "../../src/train/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { gomlxTest } from "./gomlx.ts";
import { unexpected } from "./go_view.ts";

for (const version of ["v0.19.4", "v0.27"] as const) {
  gomlxTest(
    `GoMLX ${version} trains on and keeps where Cairn's run is: rng, dataset, epoch, best`,
    version,
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      await gomlx.train(directory.path, { steps: 4, every: 4 });

      const first = await trainer(directory.path);
      await first.loop.runEpochs(first.dataset, 2, { signal: first.stop.signal }).catch(() => {});
      await first.close();
      const ahead = [first.rng.normal(), first.rng.normal(), await first.dataset.yield()];

      const { code, stderr } = await gomlx.run("train", [
        ...["-expected=false", "-dir", directory.path, "-steps", "5", "-every", "2", "-keep", "3"],
      ]);
      assertEquals(code, 0, stderr);
      assertEquals((await gomlx.verify(directory.path)).report.globalStep, "12");

      const second = await trainer(directory.path);
      assertEquals(second.loop.loopStep, 12, "3 steps of Cairn between 4 and 5 of GoMLX");
      assertEquals([second.dataset.epoch, second.dataset.position], [1, 2]);
      assertEquals([second.best.value, second.best.step], [0.25, 7]);
      const batches: unknown[] = [];
      second.loop.onStep("note", 0, () => batches.push(second.loop.epoch));
      assertEquals([second.rng.normal(), second.rng.normal()], ahead.slice(0, 2));
      await second.loop.runEpochs(second.dataset, 2);
      assertEquals(batches, [1], "one batch of the second epoch was left");
      assertEquals(second.seen[0], ahead[2]);
      await second.close();
    },
  );
}

async function trainer(directory: string) {
  const ctx = new Context();
  const handler = await load(ctx).dir(directory).keep(3).onWarning(unexpected).done();
  const rng = new Rng(ctx, { seed: 1 });
  const best = new BestMetric(ctx, "loss");
  const dataset = new BatchDataset(ctx, 4, (rows) => [...rows], { batchSize: 2, shuffle: true, seed: 3 });
  const seen: number[][] = [];
  const stop = new AbortController();
  const loop = new Loop({
    context: ctx,
    trainStep: (batch: number[]) => {
      seen.push(batch);
      rng.normal();
      return 1;
    },
  });
  loop.onStep("best", 0, () => {
    if (seen.length < 3) return;
    best.update(0.25);
    stop.abort();
  });
  everyNSteps(loop, 100, "checkpointing", 100, handler.onStepFn);
  return { rng, best, dataset, seen, stop, loop, close: () => handler[Symbol.asyncDispose]() };
}
