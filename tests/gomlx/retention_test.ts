import { assertEquals } from "@std/assert";
import { anyOf, build, Context, keepBest, keepEveryNSteps, keepLast, repair, Tensor } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { GOMLX_VERSIONS, gomlxTest } from "./gomlx.ts";
import { assertGoHolds, namingOf, OWN_STYLE, unexpected } from "./go_view.ts";

for (const version of GOMLX_VERSIONS) {
  const { profile } = OWN_STYLE[version];

  gomlxTest(
    `GoMLX ${version} opens a directory with metrics, pins and trash, and sees what stayed`,
    version,
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const ctx = new Context();
      const w = ctx.in("layer").variableWithValue("w", [0]);
      const policy = anyOf(keepLast(2), keepEveryNSteps(100), keepBest(1, { metric: "loss" }));
      const config = build(ctx).dir(directory.path).profile(profile).keep(policy).trash().onWarning(unexpected);
      await using handler = await config.done();
      for (const [step, loss] of [[10, NaN], [40, 1], [70, 2], [100, 3], [130, 4], [160, 5]] as const) {
        ctx.setGlobalStep(step);
        w.setValue(Tensor.from([step]));
        await handler.save({ metrics: { loss }, pin: step === 70 });
      }
      const stepOf = (base: string): number => Number(base.slice(-8));
      assertEquals([(await handler.pinned()).map(stepOf), (await handler.trashed()).map(stepOf)], [[70], []]);
      ctx.setGlobalStep(190);
      w.setValue(Tensor.from([190]));
      await handler.unpin(70);
      await handler.save({ metrics: { loss: 0.5 } });
      assertEquals((await handler.trashed()).map(stepOf), [40, 70, 130]);
      const { exitCode, report } = await gomlx.verify(directory.path);
      assertEquals([exitCode, report.checkpoints?.map(stepOf)], [0, [10, 100, 160, 190]]);
      await assertGoHolds(report.variables, ctx, namingOf(version, profile, false));
      // What went to the trash is whole there, and comes back.
      assertEquals((await gomlx.verify(`${directory.path}/trash`)).report.checkpoints?.map(stepOf), [40, 70, 130]);
      await handler.restoreFromTrash();
      assertEquals((await gomlx.verify(directory.path)).report.checkpoints?.map(stepOf), [10, 100, 130, 160, 190]);
    },
  );
}

for (const version of GOMLX_VERSIONS) {
  const { profile } = OWN_STYLE[version];

  gomlxTest(
    `GoMLX ${version} cannot open a directory with a torn newest checkpoint, and can after repair()`,
    version,
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const ctx = new Context();
      ctx.in("layer").variableWithValue("w", [1, 2]);
      await using handler = await build(ctx).dir(directory.path).profile(profile).keep(-1).onWarning(unexpected).done();
      ctx.setGlobalStep(1);
      const whole = await handler.save();
      const held = ctx.clone();
      ctx.setGlobalStep(2);
      const torn = await handler.save();
      await handler[Symbol.asyncDispose]();
      await Deno.truncate(`${directory.path}/${torn.baseName}.json`, 0);
      assertEquals((await gomlx.verify(directory.path)).exitCode, 2);
      const { moved } = await repair(directory.path);
      assertEquals(moved.length, 2);
      const { exitCode, report } = await gomlx.verify(directory.path);
      assertEquals([exitCode, report.checkpoints], [0, [whole.baseName]]);
      await assertGoHolds(report.variables, held, namingOf(version, profile, false));
    },
  );
}
