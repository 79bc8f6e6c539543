import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { CheckpointError, Context, type ErrorCode, load } from "@cairn/checkpoints";
import { TemporaryDirectory } from "../../store/temporary_directory.ts";
import { BY_HAND } from "./errors_by_hand.ts";
import { KEPT_EXACT, KEPT_MISFITS, LOADED_OTHERWISE, OTHER_SCOPE, REFUSED, STRICTER } from "./error_tables.ts";
import { type ErrorCase, readErrorCases, type Version, VERSIONS } from "./golden_expected.ts";
import {
  type Content,
  contentOf,
  contentOfGolden,
  contentsOf,
  contentsOfPool,
  type ParamContent,
  paramsOf,
  paramsOfGolden,
  sameBits,
  sorted,
} from "./golden_content.ts";

/** Not done again, by the beginnings of their ids. */
const LEFT_OUT: { readonly [start: string]: string } = {
  "mean": "means of checkpoints have tests of their own",
  "takemean": "the same",
  "nil-": "there is no nil Handler to call methods of",
  "big-": "a GiB is not quick: see tests/large",
};

const REFUSED_AS = new Map(Object.entries(REFUSED).flatMap(([code, ids]) => ids.map((id) => [id, code] as const)));

/** Every id, and its case in each version that has it. */
const CASES = new Map<string, Map<Version, ErrorCase>>();
for (const version of VERSIONS) {
  for (const each of readErrorCases(version)) {
    CASES.set(each.id, (CASES.get(each.id) ?? new Map<Version, ErrorCase>()).set(version, each));
  }
}

for (const [id, versions] of CASES) {
  const files = filesOf(id);
  if (files === undefined || isLeftOut(id)) continue;
  const [kind = "", mode] = [id.slice(0, id.lastIndexOf("/")), id.slice(id.lastIndexOf("/") + 1)];
  Deno.test(`load() of errors.json ${id}: ${[...versions.values()][0]?.what}`, async () => {
    await using directory = await TemporaryDirectory.make();
    await writeFiles(directory.path, files);
    const ours = await loadCase(directory.path, mode === "immediate");
    assertEquals(ours.code, REFUSED_AS.get(kind) ?? "ok", String(ours.error));
    if (ours.error !== undefined) expectRefused(kind, versions, ours.error, directory.path);
    else expectLoaded(kind, versions, ours);
  });
}

for (const [id, again] of Object.entries(BY_HAND)) {
  Deno.test(`errors.json ${id}, done again by hand`, again);
}

Deno.test("every case of errors.json is done again, or left out for a reason", () => {
  const withFiles = [...CASES.keys()].filter((id) => filesOf(id) !== undefined && !isLeftOut(id));
  const leftOut = [...CASES.keys()].filter(isLeftOut);
  const covered = [...withFiles, ...Object.keys(BY_HAND), ...leftOut];
  assertEquals(covered.toSorted(), [...CASES.keys()].sort());
  assertEquals([withFiles.length, Object.keys(BY_HAND).length, leftOut.length], [358, 58, 34]);
  assertEquals([...CASES.values()].map((versions) => versions.size).reduce((a, b) => a + b), 450 + 448 + 448);
});

Deno.test("the tables of errors.json name cases that are there, each once", () => {
  const kinds = new Set([...CASES.keys()].map((id) => id.replace(/\/(immediate|lazy)$/, "")));
  const loaded = [LOADED_OTHERWISE, KEPT_MISFITS, KEPT_EXACT, OTHER_SCOPE].flatMap((table) => Object.keys(table));
  const named = [...Object.values(REFUSED).flat(), ...loaded];
  assertEquals(named.filter((id) => !kinds.has(id)), []);
  assertEquals(named.length, new Set(named).size);
  assertEquals(Object.keys(STRICTER).filter((id) => !REFUSED_AS.has(id)), []);
});

/** What became of a load. */
interface Loaded {
  readonly code: ErrorCode | "ok";
  readonly error?: CheckpointError;
  readonly variables: readonly Content[];
  readonly pool: readonly Content[];
  readonly params: readonly ParamContent[];
  readonly reports: readonly string[];
}

/** Reads every bit, lazily too. Whatever is no CheckpointError goes on. */
async function loadCase(directory: string, immediate: boolean): Promise<Loaded> {
  const ctx = new Context();
  const reports: string[] = [];
  const config = load(ctx).dir(directory).onWarning((report) => reports.push(report));
  try {
    await using handler = await (immediate ? config.immediate() : config).done();
    const [variables, pool] = [contentsOf(ctx.iterVariables()), await contentsOfPool(handler)];
    for (const { label } of pool) {
      const cut = label.indexOf(" ");
      ctx.getVariableByScopeAndName(label.slice(0, cut), label.slice(cut + 1));
    }
    assertEquals(contentsOf(ctx.iterVariables()).length, variables.length + pool.length);
    if (!immediate) assertEquals(contentsOf(ctx.iterVariables()), pool);
    return { code: "ok", variables, pool, params: paramsOf(ctx), reports };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return { code: error.code, error, variables: [], pool: [], params: [], reports };
  }
}

function expectRefused(
  kind: string,
  versions: ReadonlyMap<Version, ErrorCase>,
  error: CheckpointError,
  directory: string,
): void {
  assertInstanceOf(error, CheckpointError);
  assert(error.path?.startsWith(directory), `path ${error.path}`);
  assertMatch(error.message, /^(Cannot|No) .*[^.]$/);
  const loaders = [...versions].filter(([, { outcome }]) => outcome.kind === "ok").map(([version]) => version);
  if (STRICTER[kind] === undefined) assertEquals(loaders, [], "loaded by GoMLX, and by the tables too");
}

function expectLoaded(kind: string, versions: ReadonlyMap<Version, ErrorCase>, ours: Loaded): void {
  const otherwise = LOADED_OTHERWISE[kind];
  const wanted = otherwise && Object.entries(otherwise.variables).map(([label, tensor]) => {
    const cut = label.indexOf(" ");
    return contentOf(label.slice(0, cut), label.slice(cut + 1), tensor);
  });
  if (wanted !== undefined) assertEquals([...ours.variables, ...ours.pool], wanted, otherwise?.why);
  const param = KEPT_MISFITS[kind] ?? KEPT_EXACT[kind];
  if (param !== undefined) assertEquals(ours.params, [{ path: "/ k", goType: param[0], value: param[1] }]);
  if (KEPT_MISFITS[kind] !== undefined) assertMatch(ours.reports.join("\n"), /fit/);
  if (OTHER_SCOPE[kind] !== undefined) assertEquals(ours.params.map(({ path }) => path), [OTHER_SCOPE[kind]]);

  const isInTable = wanted !== undefined || param !== undefined || OTHER_SCOPE[kind] !== undefined;
  const others = [...versions].filter(([, golden]) => !isSame(ours, golden)).map(([version]) => version);
  assertEquals(others.length > 0, isInTable, `other than ours: ${others.join(", ") || "none"}`);
}

/** Whether Go loaded just what we did. */
function isSame(ours: Loaded, golden: ErrorCase): boolean {
  const contents = (variables: ErrorCase["variables"]): Content[] => sorted((variables ?? []).map(contentOfGolden));
  return golden.outcome.kind === "ok" && sameBits(sorted(ours.variables), contents(golden.variables)) &&
    sameBits(sorted(ours.pool), contents(golden.pool)) && sameBits(ours.params, paramsOfGolden(golden.params ?? []));
}

function isLeftOut(id: string): boolean {
  return Object.keys(LEFT_OUT).some((start) => id.startsWith(start));
}

/** The input; all versions got the same. */
function filesOf(id: string): { readonly [name: string]: string } | undefined {
  if (!/\/(immediate|lazy)$/.test(id)) return undefined;
  const [files, ...others] = [...CASES.get(id)?.values() ?? []].map((each) => each.files);
  assert(files !== undefined && isByName(files), id);
  for (const each of others) assertEquals(each, files, id);
  return files;
}

function isByName(files: NonNullable<ErrorCase["files"]>): files is { readonly [name: string]: string } {
  return !Array.isArray(files);
}

async function writeFiles(directory: string, files: { readonly [name: string]: string }): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = `${directory}/${name}`;
    // "checkpoint-….bin/x" makes a directory where a file is wanted.
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    const bytes = content.startsWith("hex:") ? Uint8Array.fromHex(content.slice(4)) : new TextEncoder().encode(content);
    await Deno.writeFile(path, bytes);
  }
}
