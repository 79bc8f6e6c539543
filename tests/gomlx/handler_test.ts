import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { build, Context, type Handler, load, openCheckpoint, Tensor } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { Random } from "../tensor/random.ts";
import { GOMLX_VERSIONS, gomlxTest } from "./gomlx.ts";
import {
  assertGoHolds,
  goRows,
  namingOf,
  OWN_STYLE,
  randomTensor,
  saveIn,
  STYLES,
  styleText,
  unexpected,
} from "./go_view.ts";

/** Without counter, as GoMLX before v0.8 wrote them; oldest first. */
const OLD_NAMES = ["checkpoint-20230601-101010-initial", "checkpoint-20230601-101010-step-00000010"];

for (const { readers, ...style } of STYLES) {
  const reader = readers[0] ?? "v0.28";
  const naming = namingOf(reader, style.profile, false);
  const titled = (what: string): string => `GoMLX ${reader} reads ${what} (${styleText(style)})`;

  gomlxTest(titled("what backup() put aside"), reader, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = smallModel(1);
    const config = build(ctx).dir(directory.path).profile(style.profile).compress(style.codec).onWarning(unexpected);
    await using handler = await config.done();
    const first = await handler.save();
    await handler.backup();
    const kept = ctx.clone();
    fill(ctx, 2);
    const second = await handler.save();

    const backup = await gomlx.verify(join(directory.path, "backup"));
    assertEquals(backup.report.checkpoints, [first.baseName]);
    await assertGoHolds(backup.report.variables, kept, naming);
    const newest = await gomlx.verify(directory.path);
    assertEquals(newest.report.checkpoints, [second.baseName]);
    await assertGoHolds(newest.report.variables, ctx, naming);
  });

  gomlxTest(titled("the save of a second Handler that has changed one variable"), reader, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = smallModel(3);
    await saveIn(directory.path, ctx, style);
    const again = new Context();
    await using handler = await load(again).dir(directory.path).keep(-1).onWarning(unexpected).done();
    const changed = Tensor.from([[7, 8], [9, 10]]);
    again.in("layer").getVariable("weights")?.setValue(changed);
    again.setParam("learning_rate", 0.5);
    again.setGlobalStep(11);
    const saved = await handler.save();
    assertEquals(handler.loadedVariables().size, 1);

    ctx.in("layer").getVariable("weights")?.setValue(changed);
    ctx.setGlobalStep(11);
    const { report } = await gomlx.verify(directory.path);
    assertEquals(report.checkpoints?.length, 2);
    assertEquals(report.checkpoints?.at(-1), saved.baseName);
    assertEquals(report.globalStep, "11");
    await assertGoHolds(report.variables, ctx, naming);
    assertEquals(report.params.map(({ text }) => text), ["0.5", "[8 16]"]);
    await using read = await openCheckpoint(directory.path, { onWarning: unexpected });
    assertEquals(read.profile, style.profile);
  });

  gomlxTest(titled("a save after restore()"), reader, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = smallModel(4);
    const first = await saveIn(directory.path, ctx, style);
    const wanted = ctx.clone();
    const reports: string[] = [];
    const config = build(ctx).dir(directory.path).keep(-1).onWarning((report) => reports.push(report));
    await using handler = await config.done();
    fill(ctx, 5);
    ctx.in("late").variableWithValue("bias", [1, 2]);
    wanted.in("late").variableWithValue("bias", [1, 2]);
    ctx.setGlobalStep(9);
    await handler.save();
    await handler.restore(first.baseName);
    assertEquals(reports.length, 1);
    assertStringIncludes(reports[0] ?? "", "/late/bias");
    await handler.save();
    const { report } = await gomlx.verify(directory.path);
    assertEquals(report.checkpoints?.length, 3);
    assertEquals(report.globalStep, "5");
    await assertGoHolds(report.variables, wanted, naming);
  });

  gomlxTest(titled("an embedded checkpoint"), reader, async (gomlx) => {
    for (const extras of [true, false]) {
      await using directory = await TemporaryDirectory.make();
      const ctx = smallModel(6);
      const { baseName } = await saveIn(directory.path, ctx, { ...style, extras });
      const embed = join(directory.path, baseName);
      const { report } = await gomlx.verify("unused", { embed });
      await assertGoHolds(report.variables, ctx, naming);
      const lazy = await gomlx.verify("unused", { embed, lazy: true });
      await assertGoHolds(lazy.report.pool ?? [], ctx, namingOf(reader, style.profile, true));
    }
  });

  gomlxTest(titled("several checkpoints under the names that Cairn lists"), reader, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = smallModel(7);
    const { baseName } = await saveIn(directory.path, ctx, style);
    for (const suffix of [".json", ".bin"]) {
      const path = join(directory.path, baseName + suffix);
      for (const old of OLD_NAMES) await Deno.copyFile(path, join(directory.path, old + suffix));
      await Deno.remove(path);
    }
    await using handler = await build(ctx).dir(directory.path).keep(5).onWarning(unexpected).done();
    assertEquals(await handler.listCheckpoints(), OLD_NAMES);
    for (const step of [0, 100_000_000, 2, 3]) {
      ctx.setGlobalStep(step);
      await handler.save();
    }
    const listed = await handler.listCheckpoints();
    assertEquals(listed[0], OLD_NAMES[1]);
    assertEquals(listed.slice(1).map((base) => base.slice(11, 19)), ["n0000000", "n0000001", "n0000002", "n0000003"]);
    const { report } = await gomlx.verify(directory.path);
    assertEquals(report.checkpoints, listed);
    assertEquals(report.globalStep, "3");
    await assertGoHolds(report.variables, ctx, naming);
  });

  gomlxTest(titled("neither excluded nor deleted variables, and excluded params"), reader, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = smallModel(8);
    ctx.in("gone").in("deep").variableWithValue("x", [1]);
    ctx.in("gone").variableWithValue("y", [1]);
    const scratch = ctx.in("scratch").variableWithValue("z", [1]);
    await saveIn(directory.path, ctx, style);

    const again = new Context();
    const config = load(again).dir(directory.path).keep(-1).excludeParams("learning_rate").onWarning(unexpected);
    await using handler = await config.done();
    again.in("gone").deleteVariablesInScope();
    const excluded = again.in("scratch").getVariable(scratch.name);
    if (excluded !== undefined) handler.excludeVarsFromSaving(excluded);
    await handler.save();
    const { report } = await gomlx.verify(directory.path);
    await assertGoHolds(report.variables, smallModel(8), naming);
    assertEquals(report.params.map(({ text }) => text), ["0.01", "[8 16]"]);
  });
}

for (const version of GOMLX_VERSIONS) {
  const style = OWN_STYLE[version];
  const naming = namingOf(version, style.profile, false);

  gomlxTest(
    `Cairn reads bit by bit what GoMLX ${version} saved of what Cairn saved, and once more`,
    version,
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const [ours, theirs] = [join(directory.path, "ours"), join(directory.path, "theirs")];
      const ctx = smallModel(9);
      ctx.in("layer").getVariable("weights")?.setTrainable(false);
      await saveIn(ours, ctx, style);
      const first = await gomlx.verify(ours, { resave: theirs });
      assertEquals(first.report.resave, { kind: "ok" });

      const again = new Context();
      await using handler = await load(again).dir(theirs).immediate().keep(-1).onWarning(unexpected).done();
      await assertSameContent(again, ctx);
      const weights = again.in("layer").getVariable("weights");
      assertEquals(weights?.trainable, true, "GoMLX does not store the flag");
      const saved = await handler.save();
      assertEquals(saved.profile, style.profile);
      assertEquals(saved.baseName.slice(0, 20), "checkpoint-n0000001-");

      const second = await gomlx.verify(theirs);
      assertEquals(goRows(second.report.variables), goRows(first.report.variables));
      await assertGoHolds(second.report.variables, ctx, naming);
      assertEquals(second.report.params, first.report.params);
    },
  );

  gomlxTest(`GoMLX ${version} goes on in a directory that Cairn began, and Cairn after it`, version, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = smallModel(10);
    const first = await saveIn(directory.path, ctx, style);
    const { report } = await gomlx.verify(directory.path, { resave: directory.path });
    assertEquals(report.resave, { kind: "ok" });
    await using handler = await load(new Context()).dir(directory.path).keep(-1).onWarning(unexpected).done();
    const third = await handler.save();
    const listed = await handler.listCheckpoints();
    assertEquals([listed[0], listed[2]], [first.baseName, third.baseName]);
    assertEquals(listed.map((base) => base.slice(11, 19)), ["n0000000", "n0000001", "n0000002"]);
    const after = await gomlx.verify(directory.path);
    assertEquals(after.report.checkpoints, listed);
    await assertGoHolds(after.report.variables, ctx, naming);
  });

  gomlxTest(`GoMLX ${version} takes the mean of what Cairn saved`, version, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = new Context();
    const variable = ctx.in("s").variableWithValue("x", [0, 0]);
    const { profile, codec } = style;
    await using handler = await build(ctx).dir(directory.path).profile(profile).compress(codec).keep(-1).done();
    for (const [step, values] of [[1, 10], [2, 20], [6, 60]].entries()) {
      variable.setValue(Tensor.from(values));
      ctx.setGlobalStep(step + 1);
      await handler.save();
    }
    const { report } = await gomlx.verify(directory.path, { takeMean: -1 });
    variable.setValue(Tensor.from([3, 30]));
    await assertGoHolds(report.variables, ctx, naming);
  });
}

gomlxTest("GoMLX v0.27 reads a v0.19.4 run that Cairn went on to compress", "v0.27", async (gomlx) => {
  await using directory = await TemporaryDirectory.make();
  const ctx = smallModel(11);
  await saveIn(directory.path, ctx, { profile: "gomlx-0.10", codec: "none" });
  const reports: string[] = [];
  const config = load(new Context()).dir(directory.path).compress("gzip").keep(-1);
  await using handler = await config.onWarning((report) => reports.push(report)).done();
  const saved = await handler.save();
  assertEquals(saved.profile, "gomlx-0.25");
  assertEquals(reports.length, 1);
  assertStringIncludes(reports[0] ?? "", "GoMLX before v0.25");
  const { report } = await gomlx.verify(directory.path);
  assertEquals(report.checkpoints?.at(-1), saved.baseName);
  await assertGoHolds(report.variables, ctx);
});

gomlxTest("GoMLX v0.19.4 gets the Context's value where a second Handler's is stale", "v0.19.4", async (gomlx) => {
  await using directory = await TemporaryDirectory.make();
  const [a, b] = [join(directory.path, "a"), join(directory.path, "b")];
  const inA = new Context();
  inA.variableWithValue("shared", [1]);
  await saveIn(a, inA, OWN_STYLE["v0.19.4"]);
  const inB = new Context();
  inB.variableWithValue("shared", [2]);
  inB.variableWithValue("only in b", [3]);
  await saveIn(b, inB, OWN_STYLE["v0.19.4"]);

  const ctx = new Context();
  await using _ = await load(ctx).dir(a).onWarning(unexpected).done();
  await using second: Handler = await load(ctx).dir(b).keep(-1).onWarning(unexpected).done();
  assertEquals(ctx.getVariable("shared")?.value().toNested(), [1]);
  await second.save();
  const { report } = await gomlx.verify(b);
  inB.getVariable("shared")?.setValue(Tensor.from([1]));
  await assertGoHolds(report.variables, inB);
});

gomlxTest(
  "GoMLX v0.19.4 sorts names as text, so that counter 10,000,000 is not its newest",
  "v0.19.4",
  async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = smallModel(12);
    const { baseName } = await saveIn(directory.path, ctx, OWN_STYLE["v0.19.4"]);
    const last = baseName.replace("n0000000", "n9999999");
    for (const suffix of [".json", ".bin"]) {
      await Deno.rename(join(directory.path, baseName + suffix), join(directory.path, last + suffix));
    }
    await using handler = await load(new Context()).dir(directory.path).keep(-1).onWarning(unexpected).done();
    const saved = await handler.save();
    assertStringIncludes(saved.baseName, "n10000000");
    assertEquals(await handler.listCheckpoints(), [last, saved.baseName]);
    assertEquals((await gomlx.verify(directory.path)).report.checkpoints, [saved.baseName, last]);
  },
);

/** A model with random values, a param of each scope and step 5; the seed tells them apart. */
function smallModel(seed: number): Context {
  const ctx = new Context();
  ctx.setParam("learning_rate", 0.01);
  ctx.in("layer").setParam("units", [8, 16]);
  ctx.in("layer").variableWithValue("weights", [[0, 0], [0, 0]]);
  ctx.in("layer").variableWithValue("counts", [0n, 0n, 0n]);
  fill(ctx, seed);
  ctx.setGlobalStep(5);
  return ctx;
}

function fill(ctx: Context, seed: number): void {
  const random = new Random(seed);
  for (const variable of ctx.in("layer").iterVariablesInScope()) {
    variable.setValue(randomTensor(random, variable.dtype, variable.dimensions));
  }
}

/** In any order: GoMLX saves in a random one. */
async function assertSameContent(actual: Context, expected: Context): Promise<void> {
  const rows = async (ctx: Context): Promise<unknown[]> => {
    const all = [];
    for (const variable of ctx.iterVariables()) {
      const { dtype, dimensions, bytes } = await variable.load();
      all.push([variable.scopeAndName, dtype, [...dimensions], bytes.toHex()]);
    }
    return all.sort(([a], [b]) => String(a) < String(b) ? -1 : 1);
  };
  assertEquals(await rows(actual), await rows(expected));
  const typed = (ctx: Context): unknown[] =>
    ctx.params.map(({ scope, key, goType, value }) => [scope, key, goType, value]);
  assertEquals(typed(actual), typed(expected));
}
