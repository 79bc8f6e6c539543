import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { build, Context, openCheckpoint, Tensor } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { gomlxTest } from "./gomlx.ts";
import { assertGoHolds, namingOf } from "./go_view.ts";

/** 6 MB, so several segments; small variables before and behind. */
function model(): Context {
  const context = new Context();
  context.in("a").variableWithValue("first", [1, 2, 3]);
  context.in("b").variableWithValue(
    "large",
    Tensor.from(Float32Array.from({ length: 1_500_000 }, (_, i) => Math.sin(i))),
  );
  context.in("c").variableWithValue("wide", Tensor.from(Float64Array.of(0.1, -0)));
  context.in("d").variableWithValue("last", [[4, 5], [6, 7]]);
  context.setGlobalStep(3);
  return context;
}

for (const [version, profile] of [["v0.27", "gomlx-0.25"], ["v0.28", "gomlx-0.28"]] as const) {
  gomlxTest(`GoMLX ${version} reads a gzip payload of many members, and saves it again`, version, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    await using again = await TemporaryDirectory.make();
    const context = model();
    await using handler = await build(context).dir(directory.path).profile(profile).compress("gzip").done();
    const { baseName } = await handler.save();
    const manifest = JSON.parse(await Deno.readTextFile(`${directory.path}/${baseName}.json`));
    assert(manifest.Cairn.Segments.length > 3 * 5);
    const { exitCode, report } = await gomlx.verify(directory.path, { resave: again.path });
    assertEquals(exitCode, 0);
    await assertGoHolds(report.variables, context, namingOf(version, profile, false));
    await using resaved = await openCheckpoint(again.path);
    assertEquals((await resaved.read("/b/large")).bytes, context.in("b").getVariable("large")?.value().bytes);
  });
}

const REFUSALS = [
  ["v0.19.4", "9223372036854775808"], // the sealed position: it knows no compression
  ["v0.27", "unsupported compression"],
  ["v0.28", "unsupported compression"],
] as const;

for (const [version, says] of REFUSALS) {
  gomlxTest(`GoMLX ${version} refuses a zstd checkpoint: ${says}`, version, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    await using handler = await build(model()).dir(directory.path).compress("zstd").done();
    await handler.save();
    const { exitCode, report } = await gomlx.verify(directory.path);
    assertEquals(exitCode, 2);
    assertStringIncludes(JSON.stringify(report.outcome), says);
  });
}
