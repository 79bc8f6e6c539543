import { assertEquals, assertRejects } from "@std/assert";
import { build, Context, load, MemoryStore, NotFoundError, openCheckpoint } from "@cairn/checkpoints";
import {
  caseNames,
  casePath,
  checkpointPaths,
  type Expected,
  type GoldenContext,
  readExpected,
  readPair,
  VERSIONS,
} from "./golden_expected.ts";
import {
  assertSameContents,
  byPath,
  contentOf,
  contentsOf,
  contentsOfPool,
  type ParamContent,
  paramsOf,
  paramsOfGolden,
  sameBits,
  sha256,
  valueOf,
} from "./golden_content.ts";
import { inflated } from "./golden_payload.ts";

/** Cases whose folder has no checkpoint, since GoMLX's `Keep(0)` removes the one that it has just written. */
const WITHOUT_CHECKPOINT = new Set(["keep-0"]);

/**
 * Deliberately different: GoMLX gives these Go types up when it loads (measured: they come back as the type at the
 * right), nil of every type becomes `<nil>`. We keep the type that the file states.
 */
const GO_LOSES_TYPE: { readonly [goType: string]: string } = {
  "int16": "float64",
  "uint": "float64",
  "uint16": "float64",
  "uint64": "float64",
  "uintptr": "float64",
  "time.Duration": "float64",
  "main.myInt": "float64",
  "*int": "float64",
  "[]float32": "[]interface {}",
  "[]bool": "[]interface {}",
  "[]int8": "[]interface {}",
  "[]int32": "[]interface {}",
  "[]int64": "[]interface {}",
  "[]uint64": "[]interface {}",
  "[2]int": "[]interface {}",
  "[][]int": "[]interface {}",
  "[]uint8": "string",
  "dtypes.DType": "string",
  "time.Time": "string",
  "main.textNamed": "string",
  "map[string]int": "map[string]interface {}",
  "map[int]string": "map[string]interface {}",
  "main.myText": "map[string]interface {}",
  "*main.myText": "map[string]interface {}",
  "shapes.Shape": "map[string]interface {}",
};

/**
 * Deliberately different: what is beyond 2^53 passes through float64 in GoMLX (and int64's maximum turns into its
 * minimum), elements of []float32 come back as float64. Ours are what was saved. Paths in the case `params`.
 */
const GO_LOSES_VALUE = [
  "/ float32s",
  "/ int64",
  "/ int64_max",
  "/ int64s",
  "/ int_2e53p1",
  "/ int_max",
  "/ uint64",
  "/ uint64s",
];

/** Deliberately different: `ExcludeAllParams` makes GoMLX write no params, so what was saved is not in the file. */
const WITHOUT_PARAMS = new Set(["exclude-params-saved"]);

for (const version of VERSIONS) {
  for (const path of checkpointPaths(version)) {
    Deno.test(`openCheckpoint() reads every bit of ${path}`, async () => {
      const { json, bin } = readPair(path);
      const rows: readonly GoRow[] = JSON.parse(new TextDecoder().decode(json)).Variables;
      const payload = inflated(bin);
      const wanted = rows.map((row) => ({
        parameterName: row.ParameterName,
        dtype: row.DType,
        dimensions: row.Dimensions ?? [],
        sha256: sha256(payload.subarray(row.Pos, row.Pos + row.Length)),
      }));
      // Of two rows with one name the last counts, in GoMLX too: see two-handlers-b.
      const counting = wanted.filter((row, index) =>
        wanted.findLastIndex((each) => each.parameterName === row.parameterName) === index
      );
      const reports: string[] = [];
      await using checkpoint = await openCheckpoint(casePath(version, path.slice(version.length + 1)), {
        onWarning: (report) => reports.push(report),
      });
      const tensors = await checkpoint.readAll();
      const read = checkpoint.variables.map(({ parameterName, dtype, dimensions }, index) => {
        const tensor = [...tensors.values()][index];
        assertEquals([tensor?.dtype, tensor?.dimensions], [dtype, dimensions]);
        return { parameterName, dtype, dimensions, sha256: sha256(tensor?.bytes ?? new Uint8Array()) };
      });
      assertEquals(read, counting);
      assertEquals(reports.length, wanted.length - counting.length + duplicateParams(json), reports.join("\n"));
      const step = /-step-(\d+)$/.exec(path)?.[1] ?? "0";
      assertEquals(String(checkpoint.step), String(BigInt(step)));
    });
  }

  for (const name of caseNames(version)) {
    const expected = readExpected(version, name);
    if (WITHOUT_CHECKPOINT.has(name)) {
      Deno.test(`load() of ${version}/${name} finds no checkpoint, as Go`, async () => {
        assertEquals(expected.loaded.outcome?.kind, "error");
        await assertRejects(() => load(new Context()).dir(casePath(version, name)).done(), NotFoundError);
      });
      continue;
    }

    Deno.test(`load().immediate() of ${version}/${name} gives what Go had, bit by bit`, async () => {
      const ctx = new Context();
      await using _ = await load(ctx).dir(casePath(version, name)).immediate().onWarning(() => {}).done();
      expectVariables(ctx, expected.loaded);
      expectParams(paramsOf(ctx), name, expected);
    });

    Deno.test(`load() of ${version}/${name} gives the same, one variable after the other`, async () => {
      const ctx = new Context();
      await using handler = await load(ctx).dir(casePath(version, name)).onWarning(() => {}).done();
      assertEquals([ctx.numVariables(), ctx.numParameters(), ctx.memory()], [0, 0, 0]);
      assertSameContents(await contentsOfPool(handler), expected.loaded.variables, "pool");
      for (const golden of expected.loaded.variables) {
        const variable = ctx.getVariableByScopeAndName(golden.scope, golden.name);
        assertEquals(variable?.trainable, golden.trainable);
        const content = variable && contentOf(variable.scope, variable.name, variable.value());
        assertEquals(content?.sha256, golden.sha256, golden.parameterName);
      }
      assertEquals(handler.loadedVariables().size, 0);
      expectVariables(ctx, expected.loaded);
      expectParams(paramsOf(ctx), name, expected);
    });
  }

  Deno.test(`load() of ${version}/params-scopes answers getParam() as Go`, async () => {
    const ctx = new Context();
    await using _ = await load(ctx).dir(casePath(version, "params-scopes")).onWarning(() => {}).done();
    const questions = Object.entries(readExpected(version, "params-scopes").getParam ?? {});
    assertEquals(questions.length, 18);
    for (const [question, { found, value }] of questions) {
      const [scope = "", key = ""] = question.split(" ");
      assertEquals(ctx.inAbsPath(scope).getParam(key), found ? valueOf(value) : undefined, question);
    }
  });

  Deno.test(`openCheckpoint() of ${version}/backup/backup gives what Go had`, async () => {
    const expected = readExpected(version, "backup").backup;
    await using checkpoint = await openCheckpoint(casePath(version, "backup/backup"));
    const contents = await Promise.all(checkpoint.variables.map(async ({ scope, name }) => {
      return contentOf(scope, name, await checkpoint.read(scope === "/" ? name : `${scope}/${name}`));
    }));
    assertSameContents(contents, expected?.variables ?? [], "backup");
  });
}

Deno.test("the golden files of all versions hold the values that GoMLX loses, and no others", () => {
  for (const version of VERSIONS) {
    const { saved, loaded } = readExpected(version, "params");
    const exact = byPath(paramsOfGolden(saved?.params ?? [], loaded.params));
    const lost = paramsOfGolden(loaded.params)
      .filter((each) => !sameBits(each.value, exact.get(each.path)?.value)).map((each) => each.path);
    assertEquals(lost.sort(), GO_LOSES_VALUE, version);
  }
});

Deno.test("openCheckpoint() tells scopes /a and /a/ apart, as Go does in the case names", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.inAbsPath("/a/").variableWithValue("x", [2]);
  ctx.inAbsPath("/a").variableWithValue("x", [1]);
  ctx.inAbsPath("/a/").variableWithValue("only", [3]);
  await using saved = await (await build(ctx).store(store).done()).save();
  const tensors = await saved.readAll();
  assertEquals([...tensors.keys()], ["/a//x", "/a/x", "/a/only", "/global_step"]);
  assertEquals((await saved.read("/a//x")).toNested(), [2]);
  assertEquals((await saved.read("/a/x")).toNested(), [1]);
});

/** A variable of a golden manifest. */
interface GoRow {
  readonly ParameterName: string;
  readonly DType: string;
  readonly Dimensions: readonly number[] | null;
  readonly Pos: number;
  readonly Length: number;
}

/** GoMLX v0.28 trims scopes, so that `/a` and `/a/` become one. */
function duplicateParams(json: Uint8Array): number {
  const params: readonly { Scope: string; Key: string }[] | null = JSON.parse(new TextDecoder().decode(json)).Params;
  return (params ?? []).length - new Set(params?.map(({ Scope, Key }) => `${Scope} ${Key}`)).size;
}

function expectVariables(ctx: Context, { variables }: GoldenContext): void {
  assertSameContents(contentsOf(ctx.iterVariables()), variables, "variables");
  const elements = variables.map(({ dimensions }) => dimensions.reduce((product, each) => product * each, 1));
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
  assertEquals(ctx.numVariables(), variables.length);
  assertEquals(ctx.numParameters(), sum(elements));
  assertEquals(ctx.memory(), sum(variables.map(({ length }) => length)));
}

/** Exactly what was saved; and Go's own view differs only as the tables say. */
function expectParams(ours: readonly ParamContent[], name: string, { saved, loaded }: Expected): void {
  const exact = saved !== undefined && !WITHOUT_PARAMS.has(name) ? saved.params : loaded.params;
  const wanted = [...byPath(paramsOfGolden(exact, loaded.params)).values()];
  assertEquals(sortedParams(ours), sortedParams(wanted));
  const goTypes = byPath(paramsOfGolden(loaded.params));
  for (const { path, goType, value } of ours) {
    const kept = value === null ? "<nil>" : GO_LOSES_TYPE[goType] ?? goType;
    assertEquals(goTypes.get(path)?.goType, kept, path);
  }
}

function sortedParams(params: readonly ParamContent[]): ParamContent[] {
  return params.toSorted((a, b) => a.path < b.path ? -1 : 1);
}
