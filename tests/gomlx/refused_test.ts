import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import {
  build,
  CheckpointError,
  Context,
  type DType,
  type ErrorCode,
  goParam,
  load,
  type Profile,
  Tensor,
} from "../../mod.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";
import { gomlxTest, type GomlxVersion } from "./gomlx.ts";
import { assertGoHolds, namingOf, type Style } from "./go_view.ts";

/** What a version of GoMLX could not read back, and why Cairn does not write it. */
interface Refusal {
  readonly what: string;
  readonly style: Style;
  readonly code: ErrorCode;
  /** Part of the message. */
  readonly says: string;
  /** Spoils a Context. */
  readonly spoil: (ctx: Context) => void;
}

const OLD: Style = { profile: "gomlx-0.10", codec: "none" };
const MIDDLE: Style = { profile: "gomlx-0.25", codec: "gzip" };
const NEW: Style = { profile: "gomlx-0.28", codec: "gzip" };
const READERS: Readonly<Record<Profile, GomlxVersion>> = {
  "gomlx-0.10": "v0.19.4",
  "gomlx-0.25": "v0.27",
  "gomlx-0.28": "v0.28",
};

const REFUSALS: readonly Refusal[] = [
  ...(["Int4", "Uint4", "Int2", "Uint2", "Int1", "Uint1"] as const).map((dtype) => packed(OLD, dtype)),
  ...(["Int1", "Uint1"] as const).map((dtype) => packed(MIDDLE, dtype)),
  ...[OLD, MIDDLE].map((style) => ({
    what: "a variable without elements",
    style,
    code: "shape" as const,
    says: "(Float32)[2 0 3]",
    spoil: (ctx: Context) => void ctx.in("z").variableWithValue("empty", Tensor.zeros("Float32", [2, 0, 3])),
  })),
  ...[NaN, Infinity, -Infinity].map((value) => ({
    what: `param ${value} without extras`,
    style: { ...OLD, extras: false },
    code: "format" as const,
    says: '"odd"',
    spoil: (ctx: Context) => ctx.in("z").setParam("odd", goParam("float64", value)),
  })),
  ...[OLD, MIDDLE, NEW].map((style) => ({
    what: "a name with half of a surrogate pair",
    style,
    code: "format" as const,
    says: "surrogate",
    spoil: (ctx: Context) => void ctx.variableWithValue("half \ud800", [1]),
  })),
  ...[OLD, MIDDLE, NEW].map((style) => ({
    what: "a variable without value",
    style,
    code: "variable" as const,
    says: "/z/later",
    spoil: (ctx: Context) => void ctx.in("z").variableWithShape("later", "Float32", [2]),
  })),
  ...[OLD, MIDDLE, NEW].map((style) => ({
    what: "33 axes",
    style,
    code: "shape" as const,
    says: "32 axes",
    spoil: (ctx: Context) => void ctx.variableWithValue("deep", Tensor.zeros("Float32", Array(33).fill(1))),
  })),
  ...[OLD, NEW].map((style) => ({
    what: "a param's key with half of a surrogate pair",
    style,
    code: "format" as const,
    says: "surrogate",
    spoil: (ctx: Context) => ctx.setParam("half \udc00", 1),
  })),
  {
    what: "two scopes that are one to GoMLX",
    style: NEW,
    code: "format",
    says: "var:/adam/w",
    spoil: (ctx) => {
      ctx.inAbsPath("/adam").variableWithValue("w", [1]);
      ctx.inAbsPath("/adam/").variableWithValue("w", [2]);
    },
  },
];

for (const { what, style, code, says, spoil } of REFUSALS) {
  const reader = READERS[style.profile];
  gomlxTest(
    `Cairn refuses ${what} in ${style.profile}, and GoMLX ${reader} still reads what was there`,
    reader,
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const ctx = new Context();
      ctx.in("layer").variableWithValue("weights", [1, 2, 3]);
      const { profile, codec, extras = true } = style;
      await using handler = await build(ctx).dir(directory.path).profile(profile).compress(codec).extras(extras).done();
      const kept = ctx.clone();
      await handler.save();
      kept.setGlobalStep(0);
      const before = namesIn(directory.path);

      spoil(ctx);
      const error = await assertRejects(() => handler.save());
      assertInstanceOf(error, CheckpointError);
      assertEquals(error.code, code);
      assertStringIncludes(error.message, says);
      assertEquals(namesIn(directory.path), before);
      const { report } = await gomlx.verify(directory.path);
      await assertGoHolds(report.variables, kept, namingOf(reader, profile, false));
    },
  );
}

gomlxTest("Cairn refuses gzip in gomlx-0.10, which GoMLX v0.19.4 would take for data", "v0.19.4", async () => {
  await using directory = await TemporaryDirectory.make();
  const config = build(new Context()).dir(directory.path).profile("gomlx-0.10").compress("gzip");
  const error = await assertRejects(async () => {
    await using handler = await config.done();
    await handler.save();
  });
  assertInstanceOf(error, CheckpointError);
  assertStringIncludes(error.message, "gzip");
  assertEquals(namesIn(directory.path), [".cairn.lock"]);
});

gomlxTest(
  "Cairn tells that GoMLX v0.27 cannot load a raw checkpoint without a byte, and it cannot",
  "v0.27",
  async (gomlx) => {
    for (const profile of ["gomlx-0.10", "gomlx-0.25"] as const) {
      await using directory = await TemporaryDirectory.make();
      const ctx = new Context();
      ctx.setParam("learning_rate", 0.01);
      const reports: string[] = [];
      const config = build(ctx).dir(directory.path).profile(profile).onWarning((report) => reports.push(report));
      await using handler = await config.done();
      handler.excludeVarsFromSaving(ctx.getGlobalStepVar());
      await handler.save();
      // In gomlx-0.10 it is a file that GoMLX before v0.25 writes and reads, as the profile's page says.
      assertEquals(reports.length, profile === "gomlx-0.10" ? 0 : 1);
      if (reports[0] !== undefined) assertStringIncludes(reports[0], "has no bytes");
      const { report } = await gomlx.verify(directory.path);
      assertEquals(report.outcome.kind, "error");
      assertStringIncludes(report.outcome.message ?? "", "read header: EOF");
      // Cairn itself can.
      const again = new Context();
      await using _ = await load(again).dir(directory.path).done();
      assertEquals(again.getParam("learning_rate"), 0.01);
    }
  },
);

gomlxTest("GoMLX v0.27 and later load a compressed checkpoint without variables", "v0.27", async (gomlx) => {
  await using directory = await TemporaryDirectory.make();
  const ctx = new Context();
  ctx.setParam("learning_rate", 0.01);
  await using handler = await build(ctx).dir(directory.path).compress("gzip").done();
  handler.excludeVarsFromSaving(ctx.getGlobalStepVar());
  await handler.save();
  const { report } = await gomlx.verify(directory.path);
  assertEquals(report.outcome, { kind: "ok" });
  assertEquals(report.variables, []);
  assertEquals(report.params.map(({ text }) => text), ["0.01"]);
});

gomlxTest("Cairn tells which param GoMLX v0.28 takes for another one", "v0.28", async (gomlx) => {
  await using directory = await TemporaryDirectory.make();
  const ctx = new Context();
  ctx.inAbsPath("/a").setParam("k", "first");
  ctx.inAbsPath("/a/").setParam("k", "last");
  ctx.inAbsPath("/b").setParam("k", "other");
  const reports: string[] = [];
  const config = build(ctx).dir(directory.path).profile("gomlx-0.28").onWarning((report) => reports.push(report));
  await using handler = await config.done();
  await handler.save();
  assertEquals(reports.length, 1);
  assertStringIncludes(reports[0] ?? "", 'params "k" of scope "/a" and "k" of scope "/a/" are one');
  const { report } = await gomlx.verify(directory.path);
  assertEquals(report.params.map(({ scope, text }) => [scope, text]), [["/a", "last"], ["/b", "other"]]);
  const again = new Context();
  await using _ = await load(again).dir(directory.path).done();
  assertEquals(again.params.map(({ value }) => value), ["first", "last", "other"]);
});

function packed(style: Style, dtype: DType): Refusal {
  return {
    what: dtype,
    style,
    code: "format",
    says: dtype,
    spoil: (ctx) => void ctx.in("z").variableWithValue("packed", Tensor.zeros(dtype, [3])),
  };
}
