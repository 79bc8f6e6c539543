import { createHash } from "node:crypto";
import { assert, assertEquals, assertGreater } from "@std/assert";
import type { ParamValue } from "../../src/context/go_param.ts";
import type { Manifest } from "../../src/format/mod.ts";
import { GOLDEN, openGolden, readGolden, VERSIONS } from "./golden_files.ts";

Deno.test("parseManifest() and the payload agree with every variable and param that Go loaded", () => {
  let [variables, params, cases] = [0, 0, 0];
  for (const { folder, version, expected } of expectations()) {
    const base = expected.checkpoints.at(-1);
    // TakeMean and the like change what is loaded; what is in a file is compared all the same below.
    if (base === undefined || expected.loaded.outcome?.kind !== "ok" || expected.takeMean !== undefined) continue;
    const file = readGolden(`${folder}${base}`, version);
    const { manifest, payload } = openGolden(file);
    cases++;
    for (const each of expected.loaded.variables) {
      expectVariable(file.name, manifest, payload, each);
      variables++;
    }
    for (const each of expected.loaded.params) {
      const found = manifest.params.findLast(({ scope, key }) => scope === each.scope && key === each.key);
      expectLoaded(`${file.name} ${each.scope} ${each.key}`, found?.param.goType, found?.param.value, each.value);
      params++;
    }
  }
  assertGreater(cases, 80);
  assertGreater(variables, 600);
  assertGreater(params, 400);
});

Deno.test("parseManifest() and the payload agree with every variable that Go saved", () => {
  let variables = 0;
  for (const { folder, version, expected } of expectations()) {
    const base = expected.checkpoints.at(-1);
    // These leave variables out, or write another value behind the saved one, on purpose.
    if (base === undefined || /^(empty-novars|exclude-vars|names-slash|two-handlers-b)$/.test(expected.case)) continue;
    const file = readGolden(`${folder}${base}`, version);
    const { manifest, payload } = openGolden(file);
    for (const each of expected.saved?.variables ?? []) {
      expectVariable(file.name, manifest, payload, each);
      variables++;
    }
  }
  assertGreater(variables, 700);
});

Deno.test("parseManifest() keeps the exact Go type and value of every param that Go saved", () => {
  let compared = 0;
  for (const { folder, version, expected } of expectations()) {
    const base = expected.checkpoints.at(-1);
    const name = expected.case;
    if (base === undefined || expected.saved === undefined || !/^(params|spec-vector)/.test(name)) continue;
    const { manifest } = openGolden(readGolden(`${folder}${base}`, version));
    for (const { scope, key, value } of expected.saved.params) {
      // v0.28 writes /a and /a/ as one scope, so that two params may have one key there.
      const found = manifest.params.filter((each) => sameKey(version, each, { scope, key }));
      const types = found.map(({ param }) => param.goType);
      assert(types.includes(value.t), `${folder} ${scope} ${key}: ${types}`);
      if (!isReadable(value)) continue;
      const values = found.map(({ param }) => JSON.stringify(like(value, param.value)));
      assert(values.includes(JSON.stringify(plain(value))), `${folder} ${scope} ${key}: ${values}`);
      compared++;
    }
  }
  assertGreater(compared, 250);
});

/** v0.28 joins scope and key, and cuts the path at its last slash. */
function sameKey(
  version: string,
  found: { readonly scope: string; readonly key: string },
  wanted: { readonly scope: string; readonly key: string },
): boolean {
  if (version !== "v0.28") return found.scope === wanted.scope && found.key === wanted.key;
  const path = (each: { readonly scope: string; readonly key: string }) =>
    `${each.scope}/${each.key}`.replace(/\/+/g, "/");
  return path(found) === path(wanted);
}

/** A param's value as Go printed it. */
interface Tagged {
  readonly t: string;
  readonly v?: unknown;
  readonly bits?: string;
  readonly base64?: string;
}

interface ExpectedVariable {
  readonly parameterName: string;
  readonly scope: string;
  readonly name: string;
  readonly dtype: string;
  readonly dimensions: readonly number[];
  readonly length: number;
  readonly sha256: string;
}

interface Values {
  readonly outcome?: { readonly kind: string };
  readonly variables: readonly ExpectedVariable[];
  readonly params: readonly { readonly scope: string; readonly key: string; readonly value: Tagged }[];
}

interface Expected {
  readonly case: string;
  readonly checkpoints: readonly string[];
  readonly saved?: Values;
  readonly loaded: Values;
  readonly takeMean?: unknown;
}

function* expectations(): Generator<{ folder: string; version: string; expected: Expected }> {
  for (const version of VERSIONS) {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(`${version}/`, GOLDEN))) {
      if (!isDirectory) continue;
      const folder = `${version}/${name}/`;
      yield { folder, version, expected: JSON.parse(Deno.readTextFileSync(new URL(`${folder}expected.json`, GOLDEN))) };
    }
  }
}

function expectVariable(label: string, manifest: Manifest, payload: Uint8Array, wanted: ExpectedVariable): void {
  const entry = manifest.entries.find((each) => each.scope === wanted.scope && each.name === wanted.name);
  const where = `${label} ${wanted.parameterName}`;
  assertEquals(entry?.dtype, wanted.dtype, where);
  assertEquals(entry?.dimensions, wanted.dimensions, where);
  assertEquals(entry?.byteLength, wanted.length, where);
  assert(entry !== undefined);
  const bytes = payload.subarray(entry.position, entry.position + entry.byteLength);
  assertEquals(createHash("sha256").update(bytes).digest("hex"), wanted.sha256, where);
}

/** Go may have drifted on the way through float64; where it has not, the values are the same. */
function expectLoaded(label: string, goType: string | undefined, value: ParamValue | undefined, wanted: Tagged): void {
  assert(goType !== undefined && value !== undefined, label);
  // What Go rounds on the way stays exact in ours; the next test compares it with what Go saved.
  if (hasUnsafe(value) || (goType.includes("float32") && goType !== wanted.t)) return;
  if (wanted.t === "<nil>") return assertEquals(value, null, label);
  if (isReadable(wanted)) assertEquals(like(wanted, value), plain(wanted), label);
}

function hasUnsafe(value: ParamValue): boolean {
  if (typeof value === "bigint") return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnsafe);
}

/** Types whose value `expected.json` shows as Go prints it, not as JSON holds it. */
function isReadable({ t }: Tagged): boolean {
  return !/^\*|\.|^\[\]uint8$/.test(t) || t === "time.Duration";
}

/** What `expected.json` says about a value, as {@linkcode tagged} gives it. */
function plain({ t, v, bits, base64 }: Tagged): unknown {
  if (bits !== undefined) return `${t === "float32" ? "float32" : "float64"} ${bits}`;
  if (base64 !== undefined) return new TextDecoder().decode(Uint8Array.fromBase64(base64));
  if (Array.isArray(v)) return v.map(plain);
  if (typeof v === "object" && v !== null) {
    return Object.fromEntries(Object.entries(v).map(([key, each]) => [key, plain(each)]));
  }
  return v ?? null;
}

/** A value of ours in the same form: floats by their bits, integers as text. */
function like({ t, v, bits }: Tagged, value: ParamValue | undefined): unknown {
  if (value === undefined) return undefined;
  if (bits !== undefined) return typeof value === "number" ? bitsOf(t, value) : value;
  if (Array.isArray(v) && Array.isArray(value)) {
    return value.map((each: ParamValue, index) => like(v[index] ?? { t: "" }, each));
  }
  if (value === null) return t.startsWith("map[") ? {} : null;
  if (typeof value === "object" && typeof v === "object" && v !== null) {
    const tags = new Map<string, Tagged>(Object.entries(v));
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, like(tags.get(key) ?? { t: "" }, each)]),
    );
  }
  return typeof value === "number" || typeof value === "bigint" ? String(value) : value;
}

function bitsOf(goType: string, value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  if (goType === "float32") {
    view.setFloat32(0, value);
    return `float32 ${view.getUint32(0).toString(16).padStart(8, "0")}`;
  }
  view.setFloat64(0, value);
  return `float64 ${view.getBigUint64(0).toString(16).padStart(16, "0")}`;
}
