import { assert, assertEquals, assertNotEquals, fail } from "@std/assert";
import { build, type Checkpoint, Context, load, type MemoryStore, type Profile } from "@cairn/checkpoints";
import {
  caseNames,
  checkpointPaths,
  type Expected,
  readExpected,
  readPair,
  storeOfCase,
  type Version,
  VERSIONS,
} from "./golden_expected.ts";
import { rebuild } from "./golden_content.ts";
import { headerOf, inflated } from "./golden_payload.ts";
import { bytesOf } from "../blobs.ts";

const PROFILES: { readonly [version in Version]: Profile } = {
  "v0.19.4": "gomlx-0.10",
  "v0.27": "gomlx-0.25",
  "v0.28": "gomlx-0.28",
};

/** Cases whose newest file does not hold just what `saved` lists, by what they show. */
const NOT_SAVED_AS_A_WHOLE: { readonly [name: string]: string } = {
  "keep-0": "the file was removed",
  "keep-resume": "not recorded",
  "odd-compression": "not recorded",
  "exclude-params-saved": "params were left out",
  "lazy-resaved": "also what was pending",
  "two-handlers-a": "also what was pending",
  "two-handlers-b": "also what was pending",
};

/** Cases of which no Context of ours gives the same bytes. */
const NOT_OURS: { readonly [path: string]: string } = {
  "v0.19.4/names-slash": "a name with a slash is refused: GoMLX reads it back as another variable",
  "v0.27/names-slash": "the same",
  "v0.28/names-slash": "a name that is not UTF-8 is in no Context of ours",
  "v0.28/params-scopes": "GoMLX v0.28 writes scope /a/ as /a, so that two params have one name; a Context has one",
};

/** Deliberately different bytes: what GoMLX's file has to become, and why. By beginnings of paths. */
const DIFFERENT: { readonly [path: string]: (json: string) => string } = {
  // Key "key/with/slash" of scope "/" is written as "slash" of "/key/with", but stays where it was; ours are sorted.
  "v0.28/params/": withSortedParams,
  // Of two params with one name only the last counts.
  "v0.28/params-scopes/": withSortedParams,
  // GoMLX has written the second handler's stale values beside the Context's; we write what counts.
  "v0.19.4/two-handlers-b/checkpoint-n0000001": withoutStaleRows,
  "v0.27/two-handlers-b/checkpoint-n0000001": withoutStaleRows,
  "v0.28/two-handlers-b/checkpoint-n0000001": withoutStaleRows,
};

/** Variables that the case excluded from saving. */
const EXCLUDED: { readonly [name: string]: readonly string[] } = {
  "empty-novars": ["/global_step"],
  "exclude-vars": ["/drop_me", "/s/drop_later"],
};

/** The case whose handler was built on a Context in a sub-scope; v0.28 has its step in the root all the same. */
const SCOPES: { readonly [path: string]: string } = {
  "v0.19.4/global-step-subscope": "/sub",
  "v0.27/global-step-subscope": "/sub",
};

for (const version of VERSIONS) {
  for (const name of caseNames(version).filter((each) => NOT_SAVED_AS_A_WHOLE[each] === undefined)) {
    if (NOT_OURS[`${version}/${name}`] !== undefined) continue;
    Deno.test(`save() of the Context of ${version}/${name} writes GoMLX's bytes`, async () => {
      const expected = readExpected(version, name);
      const base = expected.checkpoints.at(-1) ?? "";
      const path = `${version}/${name}/${base}`;
      const golden = readPair(path);
      const compression = headerOf(golden.bin) === "" ? "none" : "gzip";
      const [store, saved] = await saveRebuilt(expected, version, name, { compression, extras: false });
      const text = withNullDimensions(wantedOf(path, new TextDecoder().decode(golden.json)));
      assertSameText(await jsonOf(store, saved), text);
      assertEquals(inflated(await binOf(store, saved)), inflated(golden.bin));
      assertEquals(headerOf(await binOf(store, saved)), headerOf(golden.bin));
      // The counter starts at 0 here.
      assertEquals(saved.baseName, base.replace(/-n\d+-/, "-n0000000-"));

      const [other, extra] = await saveRebuilt(expected, version, name, { compression, extras: true });
      const json = await jsonOf(other, extra);
      assertNotEquals(json, text);
      assertSameText(withoutCairn(json), text);
      assertEquals(inflated(await binOf(other, extra)), inflated(golden.bin));
    });
  }

  for (const path of checkpointPaths(version)) {
    const [, name = "", base = ""] = path.split("/");
    if (base === "backup") continue; // a folder
    Deno.test(`load().immediate() and save() of ${path} writes GoMLX's bytes again`, async () => {
      const golden = readPair(path);
      const text = wantedOf(path, new TextDecoder().decode(golden.json));
      for (const extras of [false, true]) {
        const store = await storeOfCase(version, name, base);
        const saved = await saveAgain(store, version, name, { extras, immediate: true });
        const json = await jsonOf(store, saved);
        assertSameText(extras ? withoutCairn(json) : json, text);
        const payload = payloadOf(text, golden.json, inflated(golden.bin));
        assertEquals(inflated(await binOf(store, saved)), payload);
        assertEquals(headerOf(await binOf(store, saved)), headerOf(golden.bin));
      }
    });

    Deno.test(`load() and save() of ${path} writes the same rows, global_step first`, async () => {
      const text = wantedOf(path, new TextDecoder().decode(readPair(path).json));
      const store = await storeOfCase(version, name, base);
      const saved = await saveAgain(store, version, name, { extras: false, immediate: false });
      const step = `${SCOPES[`${version}/${name}`] ?? "/"}/global_step`;
      const wanted: GoManifest = JSON.parse(text);
      const written: GoManifest = JSON.parse(await jsonOf(store, saved));
      const isStep = (row: GoRow): boolean => [`var:${step}`, `var:${step.slice(1)}`].includes(row.ParameterName);
      const rows = wanted.Variables;
      // Save asks for the step before it lists the variables, in GoMLX too.
      const order = [...rows.filter(isStep), ...rows.filter((row) => !isStep(row))];
      assertEquals(written, { ...wanted, Variables: inPlace(order) });
    });
  }
}

Deno.test("the golden cases without our bytes are the listed ones", () => {
  const names = new Set(VERSIONS.flatMap(caseNames));
  assertEquals(Object.keys(NOT_SAVED_AS_A_WHOLE).filter((name) => !names.has(name)), []);
  const paths = VERSIONS.flatMap((version) => caseNames(version).map((name) => `${version}/${name}`));
  assertEquals(Object.keys(NOT_OURS).filter((path) => !paths.includes(path)), []);
  const checkpoints = VERSIONS.flatMap(checkpointPaths);
  assertEquals(Object.keys(DIFFERENT).filter((start) => !checkpoints.some((each) => each.startsWith(start))), []);
});

interface GoRow {
  readonly ParameterName: string;
  readonly Pos: number;
  readonly Length: number;
}

interface GoManifest {
  readonly Params: unknown;
  readonly Variables: readonly GoRow[];
}

async function saveRebuilt(
  expected: Expected,
  version: Version,
  name: string,
  { compression, extras }: { readonly compression: "gzip" | "none"; readonly extras: boolean },
): Promise<[MemoryStore, Checkpoint]> {
  assert(expected.saved !== undefined, `${version}/${name} has no saved context`);
  const store = await storeOfCase(version, name, "none of them");
  const ctx = new Context();
  rebuild(ctx, expected.saved, expected.loaded);
  const handler = await build(ctx.inAbsPath(SCOPES[`${version}/${name}`] ?? "/")).store(store).profile(
    PROFILES[version],
  )
    .compress(compression).extras(extras).clock(() => dateOf(expected.checkpoints.at(-1) ?? "")).done();
  const excluded = EXCLUDED[name] ?? [];
  handler.excludeVarsFromSaving(...[...ctx.iterVariables()].filter((each) => excluded.includes(each.scopeAndName)));
  return [store, await handler.save()];
}

/** Loads the only checkpoint of the store and saves it beside it. */
async function saveAgain(
  store: MemoryStore,
  version: Version,
  name: string,
  { extras, immediate }: { readonly extras: boolean; readonly immediate: boolean },
): Promise<Checkpoint> {
  const ctx = new Context();
  const scope = ctx.inAbsPath(SCOPES[`${version}/${name}`] ?? "/");
  const config = load(scope).store(store).keep(-1).extras(extras).onWarning(() => {});
  const handler = await (immediate ? config.immediate() : config).done();
  // Save would make it where the file has none.
  if (EXCLUDED[name]?.includes("/global_step")) handler.excludeVarsFromSaving(scope.getGlobalStepVar());
  return await handler.save();
}

/** The JSON that is wanted where GoMLX wrote `json`. */
function wantedOf(path: string, json: string): string {
  const different = Object.entries(DIFFERENT).find(([start]) => path.startsWith(start));
  return different === undefined ? json : different[1](json);
}

/** The payload that goes with it: the bytes of GoMLX's rows, those of `json` that are still there. */
function payloadOf(wanted: string, json: Uint8Array, payload: Uint8Array): Uint8Array {
  const { Variables: kept }: GoManifest = JSON.parse(wanted);
  const { Variables: rows }: GoManifest = JSON.parse(new TextDecoder().decode(json));
  const sources = kept.map((row) => rows.findLast((each) => each.ParameterName === row.ParameterName));
  return new Uint8Array(sources.flatMap((row) => row ? [...payload.subarray(row.Pos, row.Pos + row.Length)] : []));
}

function withSortedParams(json: string): string {
  const text = /(?<="Params": \[\n)[^]*?(?=\n\t\],?\n)/.exec(json)?.[0] ?? fail("no params");
  const rows = new Map(
    text.split(/(?<=\n\t\t\}),\n/).map((row) => {
      const { Scope: scope, Key: key }: { readonly Scope: string; readonly Key: string } = JSON.parse(row);
      return [[scope, key].map(utf8Hex).join(" "), row];
    }),
  );
  const order = [...rows].sort(([a], [b]) => a < b ? -1 : 1).map(([, row]) => row);
  return json.replace(text, () => order.join(",\n"));
}

/** Compares as the bytes do. */
function utf8Hex(text: string): string {
  return new TextEncoder().encode(text).toHex();
}

function withoutStaleRows(json: string): string {
  const manifest: GoManifest = JSON.parse(json);
  const counting = new Map(manifest.Variables.map((row) => [row.ParameterName, row]));
  const rows = manifest.Variables.filter((row) => counting.get(row.ParameterName) === row);
  return `${JSON.stringify({ ...manifest, Variables: inPlace(rows) }, null, "\t")}\n`;
}

/** The rows one behind the other. */
function inPlace(rows: readonly GoRow[]): GoRow[] {
  let next = 0;
  return rows.map((row) => {
    const position = next;
    next += row.Length;
    return { ...row, Pos: position };
  });
}

/** As `assertEquals`, but shows the first lines that differ and not the whole files. */
function assertSameText(ours: string, golden: string): void {
  if (ours === golden) return;
  const [a, b] = [ours.split("\n"), golden.split("\n")];
  const first = a.findIndex((line, index) => line !== b[index]);
  assertEquals(a.slice(first - 4, first + 4), b.slice(first - 4, first + 4), `from line ${first - 3}`);
  fail("the ends differ");
}

/** A new scalar is written with null, as most of GoMLX's; where a tensor was made otherwise, GoMLX writes `[]`. */
function withNullDimensions(json: string): string {
  return json.replaceAll('"Dimensions": [],', '"Dimensions": null,');
}

/** Removes every member `Cairn`, which is the last one of its object. */
function withoutCairn(json: string): string {
  return json.replaceAll(/,\n(\t+)"Cairn": \{\n[^]*?\n\1\}/g, "");
}

async function jsonOf(store: MemoryStore, checkpoint: Checkpoint): Promise<string> {
  return new TextDecoder().decode(await bytesOf(store, `${checkpoint.baseName}.json`));
}

function binOf(store: MemoryStore, checkpoint: Checkpoint): Promise<Uint8Array> {
  return bytesOf(store, `${checkpoint.baseName}.bin`);
}

/** The local time in a base name. */
function dateOf(base: string): Date {
  const [, year, month, day, hour, minute, second] = /-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-/.exec(base) ?? [];
  return new Date(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}
