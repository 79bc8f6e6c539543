import { type BaseName, BIN_DATA_SUFFIX, compareBaseNames, JSON_NAME_SUFFIX, parseBaseName } from "../format/mod.ts";
import type { BlobInfo } from "../store/mod.ts";

/** What the blobs of one folder are, by the exact grammar of names; nothing is opened. */
export interface SortedBlobs {
  /** Manifest (not empty) and payload are there; oldest first. */
  readonly pairs: readonly BaseName[];
  /** A payload without manifest: of a save or a removal that was interrupted. Oldest first. */
  readonly orphaned: readonly BaseName[];
  /** A manifest that is empty, as GoMLX leaves it when it is interrupted, or that has no payload. Oldest first. */
  readonly torn: readonly BaseName[];
  /** Neither manifest nor payload: not ours. */
  readonly foreign: readonly BlobInfo[];
}

/** Sorts the blobs of one folder, as `store.list()` gives them, into whole pairs, leftovers, and what is not ours. */
export function sortBlobs(blobs: readonly BlobInfo[]): SortedBlobs {
  const manifests = new Map<string, BlobInfo>();
  const payloads = new Set<string>();
  const names = new Map<string, BaseName>();
  const foreign: BlobInfo[] = [];
  for (const blob of blobs) {
    const suffix = [JSON_NAME_SUFFIX, BIN_DATA_SUFFIX].find((each) => blob.name.endsWith(each));
    const name = suffix && parseBaseName(blob.name.slice(0, -suffix.length));
    if (!name) {
      foreign.push(blob);
      continue;
    }
    names.set(name.base, name);
    if (suffix === JSON_NAME_SUFFIX) manifests.set(name.base, blob);
    else payloads.add(name.base);
  }
  const ordered = [...names.values()].sort(compareBaseNames);
  const isPair = ({ base }: BaseName): boolean => payloads.has(base) && (manifests.get(base)?.size ?? 0) > 0;
  return {
    pairs: ordered.filter(isPair),
    orphaned: ordered.filter(({ base }) => !manifests.has(base)),
    torn: ordered.filter((name) => manifests.has(name.base) && !isPair(name)),
    foreign,
  };
}
