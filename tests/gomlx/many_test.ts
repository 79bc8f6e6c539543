import { assertEquals, assertGreater } from "@std/assert";
import { join } from "@std/path";
import { Context, type DType, load, Tensor } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { Random } from "../tensor/random.ts";
import { GOMLX_VERSIONS, gomlxTest } from "./gomlx.ts";
import { assertGoHolds, namingOf, OWN_STYLE, randomTensor, saveIn, STYLES, styleText, unexpected } from "./go_view.ts";

const MIB = 2 ** 20;

const DTYPES: readonly DType[] = [
  ...["Bool", "Int8", "Int16", "Int32", "Int64", "Uint8", "Uint16", "Uint32", "Uint64"] as const,
  ...["Float16", "BFloat16", "Float32", "Float64", "Complex64", "Complex128"] as const,
];

for (const version of GOMLX_VERSIONS) {
  const style = OWN_STYLE[version];
  const naming = namingOf(version, style.profile, false);

  for (const seed of [1, 2]) {
    gomlxTest(`GoMLX ${version} reads 1000 random variables, seed ${seed}`, version, async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const ctx = randomModel(new Random(seed), 1000);
      await saveIn(directory.path, ctx, style);
      const { report } = await gomlx.verify(directory.path);
      await assertGoHolds(report.variables, ctx, naming);
      assertEquals(
        report.params.map(({ scope, key, value }) => [scope, key, bitsOf(value)]).sort(byScope),
        paramBits(ctx),
      );

      // Some values are used and changed, the others go from file to file unread.
      const random = new Random(seed + 100);
      const again = new Context();
      await using handler = await load(again).dir(directory.path).onWarning(unexpected).done();
      for (const { scope, name } of Array.from(ctx.iterVariables())) {
        const chance = random.unit();
        if (chance > 0.4 || name === "global_step") continue;
        const variable = again.getVariableByScopeAndName(scope, name);
        if (chance > 0.2 || variable === undefined) continue;
        const tensor = randomTensor(random, variable.dtype, variable.dimensions);
        variable.setValue(tensor);
        ctx.getVariableByScopeAndName(scope, name)?.setValue(tensor);
      }
      assertGreater(handler.loadedVariables().size, 400);
      await handler.save();
      const after = await gomlx.verify(directory.path);
      await assertGoHolds(after.report.variables, ctx, naming);
    });
  }
}

for (const { readers, ...style } of STYLES) {
  const version = readers[0] ?? "v0.28";
  const naming = namingOf(version, style.profile, false);

  gomlxTest(`GoMLX ${version} reads more than one slice of ${styleText(style)}`, version, async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const random = new Random(5);
    const ctx = new Context();
    // 17 MiB: incompressible, compressible, and small ones between, so that no variable ends where a slice does.
    ctx.in("a").variableWithValue("noise", randomTensor(random, "Uint8", [9 * MIB + 1]));
    ctx.in("b").variableWithValue("small", randomTensor(random, "Uint8", [3]));
    ctx.in("c").variableWithValue("zeros", Tensor.zeros("Float64", [1024, 1024]));
    ctx.in("d").variableWithValue("last", [1, 2, 3]);
    const saved = await saveIn(directory.path, ctx, style);
    const { size } = await Deno.stat(join(directory.path, `${saved.baseName}.bin`));
    assertGreater(size, 9 * MIB);
    assertEquals(size < 10 * MIB, style.codec === "gzip");
    const { report } = await gomlx.verify(directory.path);
    await assertGoHolds(report.variables, ctx, naming);

    // Again, from file to file, with slices and small ones by turns.
    await using handler = await load(new Context()).dir(directory.path).onWarning(unexpected).done();
    await handler.save();
    const after = await gomlx.verify(directory.path);
    assertEquals(after.report.checkpoints?.length, 1);
    await assertGoHolds(after.report.variables, ctx, naming);
  });
}

/** Random names, dtypes, ranks, dimensions, values and params. */
function randomModel(random: Random, count: number): Context {
  const ctx = new Context();
  for (let index = 0; index < count; index++) {
    const depth = random.whole(0, 5);
    const scope = Array.from({ length: depth }, () => randomName(random)).join("/");
    const dtype = DTYPES[random.whole(0, DTYPES.length)] ?? "Float32";
    const shape = Array.from({ length: random.whole(0, 6) }, () => random.whole(1, 5));
    const at = ctx.inAbsPath(`/${scope}`);
    at.variableWithValue(`${index} ${randomName(random)}`, randomTensor(random, dtype, shape));
    if (index % 50 === 0) at.setParam(`${index}`, random.normal() * 10 ** random.whole(-300, 300));
  }
  ctx.setGlobalStep(random.whole(1, 2 ** 31));
  return ctx;
}

/** One to four characters of which some need escapes in JSON; never only dots, which v0.28 resolves. */
function randomName(random: Random): string {
  const characters = [...'abcXYZ019_-#: .<&"\\é変🚀\u2028\t'];
  const text = Array.from({ length: random.whole(0, 4) }, () => characters[random.whole(0, characters.length)]);
  return `n${text.join("")}`;
}

/** In one order for all, since v0.28 has its own. */
function paramBits(ctx: Context): unknown[][] {
  return ctx.params.map(({ scope, key, value }) => {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, Number(value));
    return [scope, key, bits.getBigUint64(0).toString(16).padStart(16, "0")];
  }).sort(byScope);
}

/** Of a float64 that the Go programs tagged. */
function bitsOf(tagged: unknown): unknown {
  return typeof tagged === "object" && tagged !== null && "bits" in tagged ? tagged.bits : undefined;
}

function byScope([a, b]: readonly unknown[], [c, d]: readonly unknown[]): number {
  return `${a}/${b}` < `${c}/${d}` ? -1 : 1;
}
