import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Context, load, Tensor } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { copyFiles } from "./copy_files.ts";
import { type Gomlx, gomlxTest, type VerifyReport } from "./gomlx.ts";
import { type GoRow, goRows, unexpected } from "./go_view.ts";

for (const version of ["v0.19.4", "v0.27"] as const) {
  gomlxTest(
    `GoMLX ${version} goes on training from a run of which Cairn changed one variable`,
    version,
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      await gomlx.train(directory.path, { steps: 6, every: 3 });
      const before = await gomlx.verify(directory.path);
      assertEquals(before.report.globalStep, "6");

      const ctx = new Context();
      await using handler = await load(ctx).dir(directory.path).keep(3).onWarning(unexpected).done();
      const readout = ctx.inAbsPath("/model/readout/dense");
      readout.getVariable("biases")?.setValue(Tensor.from([1000]));
      await handler.save();
      assertEquals(
        ctx.numVariables(),
        2,
        "the rest was never read: what was changed, and the step for the file's name",
      );

      const between = await gomlx.verify(directory.path);
      const changed = rowsThatDiffer(before.report, between.report);
      assertEquals(changed, ["var:/model/readout/dense/biases"]);
      assertEquals(between.report.params, before.report.params);
      assertEquals(between.report.checkpoints?.length, 3);

      assertEquals(await trainOn(gomlx, directory.path, 4), "start 6 end 10 globalStep 10");
      const after = await gomlx.verify(directory.path);
      assertEquals(after.report.globalStep, "10");
      assertEquals(after.report.checkpoints?.at(-1)?.endsWith("-step-00000010"), true);
      const [bias] = floatsOf(after.report, "var:/model/readout/dense/biases");
      assert(bias !== undefined && bias !== 1000 && Math.abs(bias - 1000) < 1, `trained on from 1000 to ${bias}`);

      // And Cairn reads the run on.
      const end = new Context();
      await using _ = await load(end).dir(directory.path).onWarning(unexpected).done();
      assertEquals(end.getGlobalStep(), 10);
      assertEquals(end.inAbsPath("/model/readout/dense").getVariable("biases")?.value().toNested(), [bias]);
    },
  );

  gomlxTest(
    `GoMLX ${version} trains on to the same bits whether Cairn rewrote the checkpoint or not`,
    version,
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const [plain, rewritten, immediate] = ["plain", "rewritten", "immediate"].map((name) =>
        join(directory.path, name)
      );
      assert(plain !== undefined && rewritten !== undefined && immediate !== undefined);
      await Deno.mkdir(plain);
      await gomlx.train(plain, { steps: 4, every: 4, keep: 1 });
      for (const copy of [rewritten, immediate]) {
        await Deno.mkdir(copy);
        await copyFiles(plain, copy);
        const config = load(new Context()).dir(copy).onWarning(unexpected);
        await using handler = await (copy === immediate ? config.immediate() : config).done();
        await handler.save();
      }
      const rows: GoRow[][] = [];
      for (const each of [plain, rewritten, immediate]) {
        assertEquals(await trainOn(gomlx, each, 5), "start 4 end 9 globalStep 9");
        rows.push(trainedRows((await gomlx.verify(each)).report));
      }
      assertEquals(rows[1], rows[0]);
      assertEquals(rows[2], rows[0]);
      assertNotEquals(rows[0], [], "there is a model");
    },
  );

  gomlxTest(`GoMLX ${version} restarts the counter of steps where Cairn says so`, version, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    await gomlx.train(directory.path, { steps: 2, every: 2 });
    const ctx = new Context();
    await using handler = await load(ctx).dir(directory.path).keep(-1).onWarning(unexpected).done();
    ctx.setGlobalStep(1_000_000_000_000);
    ctx.inAbsPath("/trainer").getVariable("train_last_global_step");
    const saved = await handler.save();
    assertStringIncludes(saved.baseName, "-step-1000000000000");
    const line = await trainOn(gomlx, directory.path, 3);
    assertStringIncludes(line, "globalStep 1000000000003");
  });
}

/** Trains some more steps and returns what the program says of where it began and ended. */
async function trainOn(gomlx: Gomlx, directory: string, steps: number): Promise<string> {
  const args = ["-expected=false", "-dir", directory, "-steps", String(steps), "-every", "100", "-keep", "-1"];
  const { code, stderr } = await gomlx.run("train", args);
  assertEquals(code, 0, stderr);
  return /start \d+ end \d+ globalStep \d+/.exec(stderr)?.[0] ?? stderr;
}

/** Parameter names of the rows that are not in both, or not the same. */
function rowsThatDiffer(a: VerifyReport, b: VerifyReport): string[] {
  const before = new Map(goRows(a.variables).map((row) => [row.parameterName, row.sha256]));
  const rows = goRows(b.variables);
  assertEquals(rows.length, before.size);
  return rows.filter((row) => before.get(row.parameterName) !== row.sha256).map((row) => row.parameterName);
}

/** The model and its optimizer; metrics live under a name that is new in each process. */
function trainedRows(report: VerifyReport): GoRow[] {
  const rows = goRows(report.variables).filter(({ scope }) => !scope.includes("uuid"));
  for (const part of ["/model/hidden", "/AdamOptimizer/", "/trainer"]) {
    assert(rows.some(({ scope }) => scope.startsWith(part)), `${part} is there`);
  }
  return rows;
}

function floatsOf(report: VerifyReport, parameterName: string): Float32Array {
  const base64 = report.variables.find((variable) => variable.parameterName === parameterName)?.base64 ?? "";
  return new Float32Array(Uint8Array.fromBase64(base64).buffer);
}
