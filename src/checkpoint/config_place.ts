import { ConfigError } from "../errors.ts";
import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { EmbeddedStore, LocalStore, type Store } from "../store/mod.ts";
import { type CheckpointChoice, choiceText } from "./choice.ts";
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

/** The place that counts of those that were said; throws a ConfigError if none fits what is `wanted` of it. */
export function expectPlace(
  places: readonly Place[],
  wanted: {
    readonly mustExist: boolean;
    /** How many checkpoints to take the mean of. */
    readonly mean: number | undefined;
    readonly choice: CheckpointChoice | undefined;
  },
): Place {
  const embeds = places.filter((each) => each.kind === "embed");
  if (embeds.length > 0 && embeds.length < places.length) {
    throw new ConfigError("Cannot use fromEmbed() together with dir(), tempDir() or store(): choose one");
  }
  if (embeds.length > 0 && wanted.mean !== undefined) {
    throw new ConfigError(`Cannot take the mean of ${wanted.mean} checkpoints: fromEmbed() has one; use takeMean(1)`);
  }
  if (embeds.length > 0 && wanted.choice !== undefined) {
    throw new ConfigError(`Cannot load at(${choiceText(wanted.choice)}): fromEmbed() has one checkpoint`);
  }
  // As in GoMLX, a later dir() replaces an earlier one.
  const place = places.at(-1);
  if (place === undefined) {
    throw new ConfigError("No place for checkpoints: call dir(), tempDir(), store() or fromEmbed() before done()");
  }
  if (place.kind === "temp" && wanted.mustExist) {
    throw new ConfigError("Cannot load from tempDir(): a new directory has no checkpoint; use build()");
  }
  return place;
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
