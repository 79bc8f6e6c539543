import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { EmbeddedStore, LocalStore, type Store } from "../store/mod.ts";
import { joinHome, makeTempDirectory } from "./directory_path.ts";
import { expectVerified } from "./open_intact.ts";
import type { WorkOptions } from "./save.ts";
import { openSource } from "./source.ts";
import { type OpenedCheckpoints, type OpenRules, withIntact } from "./with_intact.ts";

/** Where a Config's checkpoints live, as it was said. */
export type Place =
  | {
    readonly kind: "dir";
    readonly path: string;
    readonly base: string;
    readonly mode: number;
    readonly mapped: boolean;
  }
  | { readonly kind: "temp"; readonly parent: string; readonly pattern: string }
  | { readonly kind: "store"; readonly store: Store }
  | { readonly kind: "embed"; readonly store: Store };

/** Base name under which an embedded checkpoint is known. */
const EMBEDDED = "embedded";

/** The place of a checkpoint that is part of the program. */
export function embeddedPlace(json: string | Uint8Array, bin: Uint8Array): Place {
  const blobs = new Map([
    [EMBEDDED + JSON_NAME_SUFFIX, typeof json === "string" ? new TextEncoder().encode(json) : json],
    [EMBEDDED + BIN_DATA_SUFFIX, bin],
  ]);
  return { kind: "embed", store: new EmbeddedStore(blobs, "embed:") };
}

/** Opens a place; makes its directory unless `mustExist`. */
export async function openPlace(place: Place, mustExist: boolean): Promise<Store> {
  if (place.kind === "store" || place.kind === "embed") return place.store;
  if (place.kind === "temp") return new LocalStore(await makeTempDirectory(place.parent, place.pattern));
  const { mode, mapped } = place;
  const store = new LocalStore(joinHome(place.base, place.path), { mode, mapped });
  if (!mustExist) await store.ensureRoot();
  return store;
}

/** Does `work` with the checkpoints of a place that the rules name: see {@linkcode withIntact}. */
export async function withSources<T>(
  place: Place,
  store: Store,
  rules: OpenRules,
  options: WorkOptions,
  work: (opened: OpenedCheckpoints) => Promise<T>,
): Promise<T> {
  if (place.kind !== "embed") return await withIntact(store, rules, options, work);
  const source = await openSource(store, EMBEDDED);
  if (rules.verify) await expectVerified(source, options);
  return await work({ sources: [source], skipped: [] });
}
