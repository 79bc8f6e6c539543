import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { build, Context, load } from "../../mod.ts";
import { track } from "../../src/tfjs/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { seededModel, stateOf, trainStep } from "../tfjs/optimizers.ts";
import { tf, weightsOf } from "../tfjs/tfjs.ts";
import { GOMLX_VERSIONS, gomlxTest } from "./gomlx.ts";
import { unexpected } from "./go_view.ts";

for (const version of GOMLX_VERSIONS) {
  gomlxTest(
    `GoMLX ${version} reads a tfjs model with its Adam, and what it saves resumes bit for bit`,
    version,
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const [saved, resaved] = ["saved", "resaved"].map((name) => join(directory.path, name));
      assert(saved !== undefined && resaved !== undefined);
      const ctx = new Context();
      const model = seededModel(tf.train.adam(0.01));
      track(ctx.in("model"), model);
      await using handler = await build(ctx).dir(saved).profile(version === "v0.28" ? "gomlx-0.28" : "gomlx-0.10")
        .done();
      for (const step of [0, 1]) await trainStep(model, step);
      ctx.setGlobalStep(2);
      await handler.save();

      const { report, exitCode } = await gomlx.verify(saved, { resave: resaved });
      assertEquals(exitCode, 0);
      assertEquals(report.globalStep, "2");
      const rows = new Map(report.variables.map((row) => [`${row.scope}/${row.name}`, row]));
      assertEquals(rows.size, ctx.numVariables());
      const path = "/AdamOptimizer/model/dense_1/bias_2nd_moment";
      const value = ctx.inspectVariableIfLoaded("/AdamOptimizer/model/dense_1", "bias_2nd_moment")?.value();
      assertEquals(Uint8Array.fromBase64(rows.get(path)?.base64 ?? ""), value?.bytes);
      assertEquals([rows.get(path)?.dtype, rows.get(path)?.dimensions], ["Float32", [2]]);

      await trainStep(model, 2);
      const again = new Context();
      await using _ = await load(again).dir(resaved).onWarning(unexpected).done();
      const resumed = seededModel(tf.train.adam(0.01));
      track(again.in("model"), resumed);
      await trainStep(resumed, 2);
      assertEquals(weightsOf(resumed), weightsOf(model));
      assertEquals(await stateOf(resumed.optimizer), await stateOf(model.optimizer));
    },
  );
}
