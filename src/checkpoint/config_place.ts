import { CorruptError, FormatError, NotFoundError, type OnWarning } from "../errors.ts";
import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { formatItems } from "../render/mod.ts";
import { EmbeddedStore, LocalStore, type Store } from "../store/mod.ts";
import { type CheckpointChoice, findCheckpoints } from "./choice.ts";
import { joinHome, makeTempDirectory } from "./directory_path.ts";
import { listCheckpoints } from "./directory.ts";
import { openSource, type Source } from "./source.ts";

/** Where a Config's checkpoints live, as it was said. */
export type Place =
  | { readonly kind: "dir"; readonly path: string; readonly base: string; readonly mode: number }
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
  const store = new LocalStore(joinHome(place.base, place.path), { mode: place.mode });
  if (!mustExist) await store.ensureRoot();
  return store;
}

/** Opens the checkpoint that `choice` names (default: the newest) and those before it, `n` in all; oldest first. */
export async function openSources(
  place: Place,
  store: Store,
  choice: CheckpointChoice | undefined,
  n: number,
  onWarning: OnWarning,
): Promise<readonly Source[]> {
  if (place.kind === "embed") return [await openSource(store, EMBEDDED)];
  const found = await findCheckpoints(store, choice, n);
  if (n > found.length && n > 1 && found.length > 0) {
    onWarning(`mean: "${store.label}" has ${formatItems(found.length, "checkpoint")}, fewer than the ${n} asked for`);
  }
  const sources: Source[] = [];
  try {
    for (const { base } of found) sources.push(await openSource(store, base));
    return sources;
  } catch (error) {
    sources.forEach((source) => source.reader.close());
    throw choice === undefined ? await withWayOut(error, store, found[sources.length]?.base) : error;
  }
}

/** A damaged checkpoint must not be a dead end: the error says which others there are. */
async function withWayOut(error: unknown, store: Store, base: string | undefined): Promise<unknown> {
  const isDamage = error instanceof CorruptError || error instanceof FormatError || error instanceof NotFoundError;
  if (!isDamage) return error;
  const { checkpoints } = await listCheckpoints(store);
  const others = checkpoints.map((each) => each.base).filter((each) => each !== base);
  if (others.length > 0) error.message += `; others are there, to be loaded by at("${others.at(-1)}") and so on`;
  return error;
}
