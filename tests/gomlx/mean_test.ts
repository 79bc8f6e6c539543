import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Backend, Context, hostBackend, load } from "../../mod.ts";
import { tfjsNodeTest } from "../backend/tfjs_node_tool.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { copyFiles } from "./copy_files.ts";
import { assertGoHolds, namingOf, OWN_STYLE } from "./go_view.ts";
import { Gomlx, GOMLX_VERSIONS, gomlxTest } from "./gomlx.ts";

for (const version of GOMLX_VERSIONS) {
  gomlxTest(`GoMLX ${version} loads what Cairn saved after a mean on the host`, version, (gomlx) => {
    return saveMean(gomlx, hostBackend);
  });
}

tfjsNodeTest("GoMLX v0.19.4 loads what Cairn saved after a mean on tfjs-node", (backend) => {
  return saveMean(new Gomlx("v0.19.4"), backend);
});

async function saveMean(gomlx: Gomlx, backend: Backend): Promise<void> {
  const { version } = gomlx;
  await using directory = await TemporaryDirectory.make();
  await copyFiles(fromFileUrl(new URL(`../golden/${version}/takemean-source`, import.meta.url)), directory.path);
  const ctx = new Context();
  const config = load(ctx).dir(directory.path).takeMean(5, backend).immediate().keep(-1).onWarning(() => {});
  await using handler = await config.done();
  const averaged = handler.mean?.variables.filter((each) => each.averaged) ?? [];
  assert(averaged.length >= 8, `only ${averaged.length} variables were averaged`);
  assert(averaged.some((each) => each.computedBy === backend.name));
  const saved = await handler.save();
  const { exitCode, report } = await gomlx.verify(directory.path);
  assertEquals([exitCode, report.checkpoints?.at(-1)], [0, saved.baseName]);
  await assertGoHolds(report.variables, ctx, namingOf(version, OWN_STYLE[version].profile, false));
}
