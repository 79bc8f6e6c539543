import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX, type Manifest, parseManifest, type Profile } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { readManifestBytes } from "./directory.ts";
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

/** `path` without `.json` or `.bin`. */
export function withoutSuffix(path: string): string {
  const suffix = [JSON_NAME_SUFFIX, BIN_DATA_SUFFIX].find((each) => path.endsWith(each));
  return suffix === undefined ? path : path.slice(0, -suffix.length);
}
