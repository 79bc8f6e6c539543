import { assertEquals, assertStringIncludes } from "@std/assert";
import { build, type Checkpoint, Context, load, openCheckpoint } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { gomlxTest } from "./gomlx.ts";
import { assertGoHolds, saveIn, type Style, STYLES, styleText, unexpected } from "./go_view.ts";

/** Scope and name of a variable. */
type Path = readonly [scope: string, name: string];

/** Names that every version takes as they are. */
const ODD_NAMES: readonly Path[] = [
  ["/", "#rngState"],
  ["/", " "],
  ["/", "a b"],
  ["/", "é ü 変数 🚀"],
  ["/ lead and trail ", " w "],
  ["/", "var:"],
  ["/var: x", "var:y"], // not "/var:" beside a root variable "var:": v0.28 itself confuses those at random
  ["/a", "x:y"],
  ["/quotes", `"'\\<>&\u2028\u2029`],
  ["/control", "\u0000\u0001\t\n\r\b\f\u001f\u007f"],
  ["/Moving Average Loss+Regularization_uuid_0-1", "mean"],
  ["/AdamOptimizer/model/dense", "weights_1st_moment"],
  ["/K", "x"],
  ["/k", "x"],
  ["/\u212A", "x"], // the Kelvin sign folds to k
  ["/replaced", "\uFFFD"],
  ["/%s", "%d"],
  ["/...", "..."],
  ["/__proto__", "constructor"],
  ["/deep".repeat(50), "w"],
  ["/long", "x".repeat(5000)],
  ["/～", "after the rocket in UTF-16"],
  ["/🚀", "after the tilde in UTF-8"],
];

/** Names that v0.28 cleans, in its files as in its own store, and what becomes of them there. */
const CLEANED_NAMES: readonly (readonly [written: Path, cleaned: Path])[] = [
  [["/AdamOptimizer/", "w_1st_moment"], ["/AdamOptimizer", "w_1st_moment"]],
  [["/AdamOptimizer/", "w_2nd_moment"], ["/AdamOptimizer", "w_2nd_moment"]],
  [["/a//b", "w"], ["/a/b", "w"]],
  [["//", "w"], ["/", "w"]],
  [["/s", ""], ["/", "s"]],
  [["/c", ".."], ["/", ""]],
  [["/c/../d", "w"], ["/d", "w"]],
  [["/e/.", "w"], ["/e", "w"]],
  [["/f", "."], ["/", "f"]],
];

for (const { readers, ...style } of STYLES) {
  for (const reader of readers) {
    gomlxTest(`GoMLX ${reader} reads odd names of ${styleText(style)}`, reader, async (gomlx) => {
      const singleSlashRoot = style.profile === "gomlx-0.28";
      const paths = singleSlashRoot ? ODD_NAMES : [...ODD_NAMES, ...CLEANED_NAMES.map(([path]) => path)];
      await using directory = await TemporaryDirectory.make();
      const ctx = modelWith(paths);
      await saveIn(directory.path, ctx, style);
      const eager = await gomlx.verify(directory.path);
      await assertGoHolds(eager.report.variables, ctx, { singleSlashRoot });
      const lazy = await gomlx.verify(directory.path, { lazy: true });
      await assertGoHolds(lazy.report.pool ?? [], ctx, { singleSlashRoot });
    });
  }
}

for (const codec of ["none", "gzip"] as const) {
  for (const extras of [true, false]) {
    const style: Style = { profile: "gomlx-0.28", codec, extras };
    gomlxTest(`GoMLX v0.28 reads the cleaned names of ${styleText(style)}`, "v0.28", async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const reports: string[] = [];
      const ctx = modelWith(CLEANED_NAMES.map(([path]) => path));
      await using saved = await saveReporting(directory.path, ctx, style, reports);
      const { report } = await gomlx.verify(directory.path);
      const cleaned = modelWith(CLEANED_NAMES.map(([, path]) => path));
      await assertGoHolds(report.variables, cleaned, { singleSlashRoot: true });

      // Cairn reads back what it wrote, if it could say so; otherwise it has said that it could not.
      const names = saved.variables.map(({ scope, name }) => [scope, name]);
      const kept = Array.from(
        extras ? ctx.iterVariables() : cleaned.iterVariables(),
        (each) => [each.scope, each.name],
      );
      assertEquals(names, kept);
      assertEquals(reports.length > 0, !extras);
    });
  }
}

gomlxTest("GoMLX v0.28 finds Adam's moments of a v0.19.4 model that Cairn carried over", "v0.28", async (gomlx) => {
  await using directory = await TemporaryDirectory.make();
  const model: readonly Path[] = [["/", "w"], ["/dense", "w"], ["/AdamOptimizer/dense", "w_1st_moment"]];
  const old = modelWith([...model, ["/AdamOptimizer/", "w_1st_moment"]]);
  await saveIn(directory.path, old, { profile: "gomlx-0.10", codec: "none" });
  const reports: string[] = [];
  const config = load(new Context()).dir(directory.path).profile("gomlx-0.28").keep(-1);
  await using handler = await config.onWarning((report) => reports.push(report)).done();
  await handler.save();
  assertEquals(reports.length, 1);
  assertStringIncludes(reports[0] ?? "", 'profile "gomlx-0.28"');

  const { report } = await gomlx.verify(directory.path);
  const carried = modelWith([...model, ["/AdamOptimizer", "w_1st_moment"]]);
  await assertGoHolds(report.variables, carried, { singleSlashRoot: true });
  assertEquals(report.globalStep, "0");
});

/** A Context whose variables hold their position in the list, and with a global step behind them, as a save makes it. */
function modelWith(paths: readonly Path[]): Context {
  const ctx = new Context();
  paths.forEach(([scope, name], index) => ctx.inAbsPath(scope).variableWithValue(name, [index], "Int32"));
  ctx.setGlobalStep(0);
  return ctx;
}

async function saveReporting(
  directory: string,
  ctx: Context,
  { profile, codec, extras = true }: Style,
  reports: string[],
): Promise<Checkpoint> {
  const config = build(ctx).dir(directory).profile(profile).compress(codec).extras(extras);
  await using handler = await config.onWarning((report) => reports.push(report)).done();
  await handler.save();
  return await openCheckpoint(directory, { onWarning: unexpected });
}
