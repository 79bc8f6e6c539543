import type { Context, Variable } from "../context/mod.ts";
import type { OnWarning } from "../errors.ts";
import type { Compression, Profile } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import type { MeanRequest } from "./mean.ts";
import type { RetentionPolicy } from "./retention_policy.ts";
import type { ScopeRule } from "./scope_rules.ts";

/** What `Config.done()` hands to a Handler. */
export interface HandlerSettings {
  /** The Context that it loads into and saves from. */
  readonly context: Context;
  /** Where its checkpoints live; a read-only one for an embedded checkpoint. */
  readonly store: Store;
  /** Whether the store is a checkpoint embedded in the program. */
  readonly embedded: boolean;
  /** Which checkpoints stay; undefined if nobody said. */
  readonly keep: RetentionPolicy | undefined;
  /** Whether those that do not stay are moved into the folder `trash`. */
  readonly trash: boolean;
  /** Keys or paths of params that are not loaded. */
  readonly excludedParams: ReadonlySet<string>;
  /** Whether no params are loaded at all. */
  readonly excludeAllParams: boolean;
  /** Variables that are not saved. */
  readonly excludedVars: Iterable<Variable>;
  /** The rules of a partial load. */
  readonly rules: readonly ScopeRule[];
  /** Whether everything is read and registered at once. */
  readonly immediate: boolean;
  /** The mean to take at the first load; undefined: none. */
  readonly mean: MeanRequest | undefined;
  /** Whether a damaged checkpoint is an error, also where another could be loaded. */
  readonly strict: boolean;
  /** Whether every checksum is compared before a checkpoint counts as intact. */
  readonly verify: boolean;
  /** The profile asked for; undefined: that of the loaded checkpoint. */
  readonly profile: Profile | undefined;
  /** The compression asked for; undefined: that of the loaded checkpoint. */
  readonly compression: Compression | undefined;
  /** Whether checksums and the like are written under the key `Cairn`. */
  readonly extras: boolean;
  /** Whether SIGINT and SIGTERM wait for a save that is in flight. */
  readonly finishOnSignal: boolean;
  /** Gives the time that goes into file names. */
  readonly clock: () => Date;
  /** Takes what is reported and not thrown. */
  readonly onWarning: OnWarning;
}

/** The directory (or the label of the store); "" for an embedded checkpoint. */
export function dirOf({ embedded, store }: HandlerSettings): string {
  return embedded ? "" : store.label;
}
