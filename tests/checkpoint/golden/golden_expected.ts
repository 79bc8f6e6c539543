/** What real GoMLX recorded beside the checkpoints that it wrote: `expected.json` and `errors.json`. */

import { fromFileUrl } from "@std/path";
import { MemoryStore } from "@cairn/checkpoints";

export const VERSIONS = ["v0.19.4", "v0.27", "v0.28"] as const;
export type Version = typeof VERSIONS[number];

/** A Go value: its type, and text, elements or (for text that is not UTF-8) base64. Floats also have their bits. */
export interface TaggedValue {
  readonly t: string;
  readonly v?: null | boolean | string | readonly TaggedValue[] | { readonly [key: string]: TaggedValue };
  readonly bits?: string;
  readonly base64?: string;
}

export interface GoldenVariable {
  readonly parameterName: string;
  readonly scope: string;
  readonly name: string;
  readonly dtype: string;
  readonly dimensions: readonly number[];
  /** Missing for what is still in a handler's pool. */
  readonly trainable?: boolean;
  /** Bytes; -1 if there is no value. */
  readonly length: number;
  /** Of the bytes, in hex. */
  readonly sha256: string;
  /** Only up to 512 bytes. */
  readonly base64?: string;
}

export interface GoldenParam {
  readonly scope: string;
  readonly key: string;
  readonly goType: string;
  readonly value: TaggedValue;
}

export interface GoldenOutcome {
  readonly kind: "ok" | "error" | "panic";
  readonly message?: string;
}

/** A Context of Go's: variables in order of creation (`saved`) or sorted by parameter name (`loaded`). */
export interface GoldenContext {
  readonly outcome?: GoldenOutcome;
  readonly variables: readonly GoldenVariable[];
  readonly params: readonly GoldenParam[];
}

/** What a Context and its handlers held at some point. */
export interface GoldenEvent {
  readonly after: string;
  readonly context: readonly GoldenVariable[];
  readonly params?: readonly GoldenParam[];
  readonly pool?: readonly GoldenVariable[];
  readonly poolA?: readonly GoldenVariable[];
  readonly poolB?: readonly GoldenVariable[];
}

export interface Expected {
  readonly checkpoints: readonly string[];
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
  readonly saved?: GoldenContext;
  readonly loaded: GoldenContext;
  readonly backup?: GoldenContext;
  readonly events?: readonly GoldenEvent[];
  readonly calls?: readonly { readonly what: string; readonly outcome: GoldenOutcome }[];
  readonly afterEachSave?: readonly { readonly bases: readonly string[]; readonly globalStep?: string }[];
  readonly afterEachHandler?: readonly (readonly string[])[];
  readonly paramsAfterLoad?: { readonly [excluded: string]: readonly GoldenParam[] };
  readonly getParam?: { readonly [question: string]: { readonly found: boolean; readonly value: TaggedValue } };
  readonly utcAtSave?: string;
}

/** One broken or odd input, and how Go ended. */
export interface ErrorCase {
  readonly id: string;
  readonly what: string;
  readonly outcome: GoldenOutcome;
  /** Content by name, `hex:` before bytes; in a few cases without input it lists what Go left behind. */
  readonly files?: { readonly [name: string]: string } | readonly unknown[];
  readonly variables?: readonly GoldenVariable[];
  readonly pool?: readonly GoldenVariable[];
  readonly params?: readonly GoldenParam[];
  /** Name of the next file that Go wrote. */
  readonly next?: string;
  /** Permission bits of a directory that Go made. */
  readonly mode?: string;
  /** What Go's saves left behind. */
  readonly filesAfter?: Expected["files"];
  readonly filesAfterThird?: Expected["files"];
}

const GOLDEN = new URL("../../golden/", import.meta.url);

/** Names of a version's case folders. */
export function caseNames(version: Version): string[] {
  return [...Deno.readDirSync(new URL(`${version}/`, GOLDEN))].filter((each) => each.isDirectory)
    .map((each) => each.name).sort();
}

/** A case folder's path. */
export function casePath(version: Version, name: string): string {
  return fromFileUrl(new URL(`${version}/${name}`, GOLDEN));
}

/** `expected.json` of a case. */
export function readExpected(version: Version, name: string): Expected {
  return JSON.parse(readText(`${version}/${name}/expected.json`));
}

/** What Go saw when it loaded `lazy-source` into a Context that had one of its variables. */
export function readOverwriteEvents(version: Version): readonly GoldenEvent[] {
  return JSON.parse(readText(`${version}/lazy-source/expected-overwrite.json`));
}

/** The cases of a version's `errors.json`. */
export function readErrorCases(version: Version): readonly ErrorCase[] {
  const { cases }: { readonly cases: readonly ErrorCase[] } = JSON.parse(readText(`${version}/errors.json`));
  return cases;
}

/** One of them. */
export function readErrorCase(id: string, version: Version = "v0.19.4"): ErrorCase {
  const found = readErrorCases(version).find((each) => each.id === id);
  if (found === undefined) throw new Error(`errors.json of ${version} has no case "${id}"`);
  return found;
}

function readText(path: string): string {
  return Deno.readTextFileSync(new URL(path, GOLDEN));
}

/** Base paths, relative to `tests/golden`, of all checkpoints of a version: backups too. */
export function checkpointPaths(version: Version): string[] {
  return caseNames(version).flatMap((name) => basesIn(`${version}/${name}`));
}

function basesIn(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, GOLDEN))].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? basesIn(`${folder}/${name}`)
      : name.startsWith("checkpoint-") && name.endsWith(".json")
      ? [`${folder}/${name.slice(0, -".json".length)}`]
      : []
  ).sort();
}

/** Both files of a checkpoint, by its base path. */
export function readPair(
  path: string,
): { readonly json: Uint8Array<ArrayBuffer>; readonly bin: Uint8Array<ArrayBuffer> } {
  return {
    json: Deno.readFileSync(new URL(`${path}.json`, GOLDEN)),
    bin: Deno.readFileSync(new URL(`${path}.bin`, GOLDEN)),
  };
}

/** A store with copies of a case's checkpoints (all, or the one of that base name), so that one may write beside them. */
export async function storeOfCase(version: Version, name: string, only?: string): Promise<MemoryStore> {
  const store = new MemoryStore(`${version}/${name}`);
  for (const path of basesIn(`${version}/${name}`)) {
    const base = path.slice(version.length + name.length + 2);
    if (base.includes("/") || (only !== undefined && base !== only)) continue;
    const { json, bin } = readPair(path);
    await store.publish(`${base}.bin`, (sink) => sink.write(bin));
    await store.publish(`${base}.json`, (sink) => sink.write(json));
  }
  return store;
}
