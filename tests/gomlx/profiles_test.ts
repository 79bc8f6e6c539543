import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { Context, type DType, DTYPES, Tensor } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { Random } from "../tensor/random.ts";
import { GOMLX_VERSIONS, gomlxTest, type GomlxVersion } from "./gomlx.ts";
import { assertGoHolds, goRows, namingOf, randomTensor, saveIn, type Style, STYLES, styleText } from "./go_view.ts";

const PLAIN: readonly DType[] = DTYPES.filter((dtype) => !/^Uint[124]$|^Int[124]$/.test(dtype));
const SHAPES: readonly (readonly number[])[] = [[], [3], [2, 3], [2, 1, 3], [1, 2, 1, 2], [2, 1, 2, 1, 3]];

/** How GoMLX fails where it cannot read a style; what is not listed is read. */
const FAILURES: Readonly<Record<string, string>> = {
  "gomlx-0.25 gzip, v0.19.4": "failed to read variable contents of checkpoint binary file",
  "gomlx-0.25 gzip, v0.28": "failed to read variable contents of checkpoint binary file",
  "gomlx-0.28 gzip, v0.19.4": "failed to read variable contents of checkpoint binary file",
  "gomlx-0.28 gzip, v0.27": "unsupported compression",
};

for (const { profile, codec } of STYLES) {
  for (const reader of GOMLX_VERSIONS) {
    const failure = FAILURES[`${profile} ${codec}, ${reader}`];
    const title = `GoMLX ${reader} ${failure ? "cannot read" : "reads"} ${styleText({ profile, codec })}`;
    gomlxTest(title, reader, async (gomlx) => {
      for (const extras of [true, false]) {
        await using directory = await TemporaryDirectory.make();
        const ctx = smallModel();
        await saveIn(directory.path, ctx, { profile, codec, extras });
        for (const lazy of [false, true]) {
          const { exitCode, report } = await gomlx.verify(directory.path, { lazy });
          if (failure !== undefined) {
            assertEquals([exitCode, report.outcome.kind], [2, "error"]);
            assertStringIncludes(report.outcome.message ?? "", failure);
            continue;
          }
          assertEquals(report.outcome, { kind: "ok" });
          await assertGoHolds(lazy ? report.pool ?? [] : report.variables, ctx, namingOf(reader, profile, lazy));
          assertEquals(lazy ? report.variables : report.pool, []);
          assertEquals(report.params.map(({ scope, key, text }) => [scope, key, text]), [
            ["/", "learning_rate", "0.01"],
            ["/layer", "units", "[8 16]"],
          ]);
          assertEquals(report.globalStep, seesRootVariables(reader, profile, lazy) ? "7" : null);
        }
      }
    });
  }
}

/** GoMLX looks for the root's variables by the name that its own version writes. */
function seesRootVariables(reader: GomlxVersion, profile: Style["profile"], lazy: boolean): boolean {
  if (reader === "v0.28") return profile === "gomlx-0.28";
  return profile !== "gomlx-0.28" || !lazy;
}

/** Compresses well, so that its gzip is shorter than its payload. */
function smallModel(): Context {
  const ctx = new Context();
  ctx.setParam("learning_rate", 0.01);
  ctx.in("layer").setParam("units", [8, 16]);
  ctx.in("layer").variableWithValue("weights", Tensor.zeros("Float32", [64, 64]));
  ctx.variableWithValue("scale", [0.5]);
  ctx.setGlobalStep(7);
  return ctx;
}

for (
  const [reader, style] of [
    ["v0.19.4", { profile: "gomlx-0.25", codec: "gzip" }],
    ["v0.28", { profile: "gomlx-0.25", codec: "gzip" }],
    ["v0.19.4", { profile: "gomlx-0.28", codec: "gzip" }],
  ] as const
) {
  gomlxTest(`GoMLX ${reader} takes a small ${styleText(style)} for data, as compress() says`, reader, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const ctx = new Context();
    ctx.in("layer").variableWithValue("weights", [1, 2, 3]);
    await saveIn(directory.path, ctx, style);
    const { report } = await gomlx.verify(directory.path);
    assertEquals(report.outcome, { kind: "ok" });
    const weights = report.variables.find(({ name }) => name === "weights");
    assertNotEquals(weights?.base64, new Uint8Array(Float32Array.of(1, 2, 3).buffer).toBase64());
  });
}

for (const { readers, ...style } of STYLES) {
  for (const reader of readers) {
    gomlxTest(`GoMLX ${reader} reads every dtype and rank of ${styleText(style)}`, reader, async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const ctx = new Context();
      const random = new Random(19);
      const dtypes = dtypesOf(style.profile, reader);
      for (const dtype of dtypes) {
        SHAPES.forEach((shape, rank) => {
          ctx.in(dtype).variableWithValue(`rank ${rank}`, randomTensor(random, dtype, shape));
        });
      }
      await saveIn(directory.path, ctx, style);
      const { report } = await gomlx.verify(directory.path);
      assertEquals(report.outcome, { kind: "ok" });
      await assertGoHolds(report.variables, ctx, namingOf(reader, style.profile, false));
      assertEquals(goRows(report.variables).length, dtypes.length * SHAPES.length + 1);
      assert(report.variables.every(({ trainable }) => trainable), "GoMLX stores no trainable flags");
    });
  }
}

function dtypesOf(profile: Style["profile"], reader: GomlxVersion): readonly DType[] {
  if (profile === "gomlx-0.28") return DTYPES;
  return profile === "gomlx-0.25" && reader === "v0.27" ? [...PLAIN, "Int4", "Uint4", "Int2", "Uint2"] : PLAIN;
}

gomlxTest("GoMLX v0.28 reads a variable without elements", "v0.28", async (gomlx) => {
  for (const codec of ["none", "gzip"] as const) {
    await using directory = await TemporaryDirectory.make();
    const ctx = new Context();
    ctx.in("a").variableWithValue("none", Tensor.zeros("Float32", [0, 3]));
    ctx.in("b").variableWithValue("some", [1, 2]);
    await saveIn(directory.path, ctx, { profile: "gomlx-0.28", codec });
    const { report } = await gomlx.verify(directory.path);
    assertEquals(report.outcome, { kind: "ok" });
    await assertGoHolds(report.variables, ctx, { singleSlashRoot: true });
  }
});

for (const { readers, ...style } of STYLES) {
  for (const reader of readers) {
    gomlxTest(`GoMLX ${reader} reads 32 axes and the largest step of ${styleText(style)}`, reader, async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const ctx = new Context();
      ctx.variableWithValue("deep", Tensor.from(new Float32Array([1, 2]), { dimensions: [...Array(31).fill(1), 2] }));
      ctx.setGlobalStep(2n ** 63n - 1n);
      const { baseName } = await saveIn(directory.path, ctx, style);
      const { report } = await gomlx.verify(directory.path);
      assertEquals(report.checkpoints, [baseName]);
      assertStringIncludes(baseName, "-step-9223372036854775807");
      assertEquals(report.globalStep, "9223372036854775807");
      await assertGoHolds(report.variables, ctx, namingOf(reader, style.profile, false));
    });
  }
}
