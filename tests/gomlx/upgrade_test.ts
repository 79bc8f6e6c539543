import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Context, load, Tensor } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { gomlxTest } from "./gomlx.ts";
import { assertGoHolds, unexpected } from "./go_view.ts";

/** A file as a generation before v0.10 wrote it. No such GoMLX can be built any more: these are made by hand. */
interface OldFile {
  readonly versions: string;
  readonly base: string;
  /** How dtypes are spelled. */
  readonly float32: string | number;
  readonly uint8: string | number;
  readonly int64: string | number;
  /** Whether params say their type. */
  readonly typed: boolean;
}

const OLD_FILES: readonly OldFile[] = [
  {
    versions: "v0.0.1 – v0.3.1",
    base: "checkpoint-20230601-101010-step-000010",
    float32: 11,
    uint8: 6,
    int64: 5,
    typed: false,
  },
  {
    versions: "v0.4 – v0.7",
    base: "checkpoint-20230601-101010-step-00000010",
    float32: "Float32",
    uint8: "UInt8",
    int64: "Int64",
    typed: false,
  },
  {
    versions: "v0.8 – v0.9",
    base: "checkpoint-n0000003-20230601-101010-step-00000010",
    float32: "Float32",
    uint8: "UInt8",
    int64: "Int64",
    typed: true,
  },
];

for (const file of OLD_FILES) {
  for (const version of ["v0.19.4", "v0.27"] as const) {
    gomlxTest(`GoMLX ${version} reads what Cairn made of a file of ${file.versions}`, version, async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      await writeOldFile(directory.path, file);
      const isUpgrade = typeof file.float32 === "number";
      const before = await gomlx.verify(directory.path);
      assertEquals(before.exitCode, isUpgrade ? 2 : 0);

      const ctx = new Context();
      const reports: string[] = [];
      const config = load(ctx).dir(directory.path).keep(-1).onWarning((report) => reports.push(report));
      await using handler = await config.done();
      const saved = await handler.save();
      assertEquals(reports.length, isUpgrade ? 1 : 0);
      if (isUpgrade) assertStringIncludes(reports[0] ?? "", "older than GoMLX v0.4");

      const { report } = await gomlx.verify(directory.path);
      assertEquals(report.checkpoints, [file.base, saved.baseName]);
      assertEquals(report.globalStep, "10");
      const wanted = new Context();
      wanted.in("s").variableWithValue("w", [1.5, -2]);
      wanted.in("s").variableWithValue("u", Tensor.from([7, 255], "Uint8"));
      wanted.setGlobalStep(10);
      await assertGoHolds(report.variables, wanted);
      // Without type every number is a float64, in GoMLX as in Cairn.
      assertEquals(report.params.map(({ goType, text }) => [goType, text]), [[file.typed ? "int" : "float64", "3"]]);
      if (!isUpgrade) assertEquals(report.params, before.report.params);

      const again = new Context();
      await using _ = await load(again).dir(directory.path).onWarning(unexpected).done();
      assertEquals(again.getGlobalStep(), 10);
    });
  }
}

async function writeOldFile(directory: string, { base, float32, uint8, int64, typed }: OldFile): Promise<void> {
  const json = {
    Params: [{ Scope: "/", Key: "layers", Value: 3, ...(typed ? { ValueType: "int" } : {}) }],
    Variables: [
      { ParameterName: "var:/s/w", Dimensions: [2], DType: float32, Pos: 0, Length: 8 },
      { ParameterName: "var:/s/u", Dimensions: [2], DType: uint8, Pos: 8, Length: 2 },
      { ParameterName: "var://global_step", Dimensions: null, DType: int64, Pos: 10, Length: 8 },
    ],
  };
  await Deno.writeTextFile(join(directory, `${base}.json`), JSON.stringify(json, null, "\t") + "\n");
  const bin = new DataView(new ArrayBuffer(18));
  bin.setFloat32(0, 1.5, true);
  bin.setFloat32(4, -2, true);
  bin.setUint8(8, 7);
  bin.setUint8(9, 255);
  bin.setBigInt64(10, 10n, true);
  await Deno.writeFile(join(directory, `${base}.bin`), new Uint8Array(bin.buffer));
}
