import { NotFoundError } from "../errors.ts";
import {
  type BaseName,
  BIN_DATA_SUFFIX,
  JSON_NAME_SUFFIX,
  type Manifest,
  parseManifest,
  type Profile,
} from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { listCheckpoints, readManifestBytes } from "./directory.ts";
import { PayloadReader } from "./payload_reader.ts";

/** A checkpoint opened for reading: its manifest is parsed and checked, its payload is open. */
export interface Source {
  /** Where it is. */
  readonly store: Store;
  /** File name without suffix. */
  readonly base: string;
  /** Its manifest. */
  readonly manifest: Manifest;
  /** Its payload. */
  readonly reader: PayloadReader;
}

/** Which checkpoint of a store: a global step, or a base name, or as much of its beginning as only one has. */
export type CheckpointChoice = number | bigint | string;

/** Opens checkpoint `base` of a store. Reads the manifest and the first bytes of the payload. */
export async function openSource(store: Store, base: string): Promise<Source> {
  const path = `${store.label}/${base}`;
  const bytes = await readManifestBytes(store, base + JSON_NAME_SUFFIX);
  const manifest = parseManifest(bytes, { path: path + JSON_NAME_SUFFIX });
  const reader = new PayloadReader(path + BIN_DATA_SUFFIX, manifest, () => store.open(base + BIN_DATA_SUFFIX));
  await reader.ready();
  return { store, base, manifest, reader };
}

/** The profile that a source is written in: the payload's header knows better than the manifest. */
export function profileOf(source: Source): Profile {
  return source.reader.head.profile ?? source.manifest.profile;
}

/**
 * The checkpoint that `choice` names, the newest if it is undefined; undefined only if the store has none and no
 * particular one was asked for.
 */
export async function findCheckpoint(
  store: Store,
  choice: CheckpointChoice | undefined,
): Promise<BaseName | undefined> {
  return (await findCheckpoints(store, choice, 1)).at(-1);
}

/** The same and those before it, `n` in all or as many as there are (0 or less: all), oldest first. */
export async function findCheckpoints(
  store: Store,
  choice: CheckpointChoice | undefined,
  n: number,
): Promise<readonly BaseName[]> {
  const { checkpoints } = await listCheckpoints(store);
  const end = choice === undefined ? checkpoints.length : indexOf(checkpoints, choice, store) + 1;
  return checkpoints.slice(n <= 0 ? 0 : Math.max(0, end - n), end);
}

function indexOf(checkpoints: readonly BaseName[], choice: CheckpointChoice, store: Store): number {
  const wanted = typeof choice === "string" ? withoutSuffix(choice) : BigInt(choice);
  const found = checkpoints.findLastIndex((each) => each.base === wanted || each.step === wanted);
  if (found >= 0) return found;
  const beginning = checkpoints.filter((each) => typeof wanted === "string" && each.base.startsWith(`${wanted}-`));
  if (beginning.length === 1) return checkpoints.findIndex((each) => each === beginning[0]);
  const what = typeof wanted === "string" ? `named "${wanted}"` : `of step ${wanted}`;
  const there = checkpoints.slice(-10).map((each) => typeof wanted === "string" ? each.base : String(each.step));
  throw new NotFoundError(
    `No checkpoint ${what} in "${store.label}"; ` +
      (typeof choice === "string" && /^\d+$/.test(choice) ? `a step is a number: at(${choice}); ` : "") +
      (there.length === 0 ? "it has none" : `it has ${checkpoints.length}, the newest: ${there.join(", ")}`),
    { path: store.label },
  );
}

/** `path` without `.json` or `.bin`. */
export function withoutSuffix(path: string): string {
  const suffix = [JSON_NAME_SUFFIX, BIN_DATA_SUFFIX].find((each) => path.endsWith(each));
  return suffix === undefined ? path : path.slice(0, -suffix.length);
}
