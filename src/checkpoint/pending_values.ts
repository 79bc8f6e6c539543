import { type Entry, findEntry, formatParameterName } from "../format/mod.ts";
import type { DType, Tensor } from "../tensor/mod.ts";
import { type Pending, variableKey } from "./snapshot.ts";
import type { Source } from "./source.ts";
import { StoredValue } from "./stored_value.ts";

/** The variables that a load has found, in file order. */
export interface PendingValues {
  /** How many. */
  readonly count: number;
  /** Whether they are all that is in the file, under their names there. */
  readonly isWhole: boolean;
  /** Whether all of them are at hand. */
  readonly isListed: boolean;
  /** All of them. */
  all(): readonly Pending[];
  /** The one of that scope and name in the Context. */
  find(scope: string, name: string): Pending | undefined;
}

/** Those that are at hand. */
export function listedValues(pending: readonly Pending[]): PendingValues {
  let byKey: ReadonlyMap<string, Pending> | undefined;
  return {
    count: pending.length,
    isWhole: false,
    isListed: true,
    all: () => pending,
    find(scope, name) {
      byKey ??= new Map(pending.map((each) => [variableKey(each), each]));
      return byKey.get(variableKey({ scope, name }));
    },
  };
}

/**
 * All of a source, under the names that they have there; each is made when it is asked for, and not kept: its tensor
 * would stay in memory after the Context has replaced it.
 */
export function valuesOf({ manifest, reader }: Source): PendingValues {
  let all: readonly Pending[] | undefined;
  const pendingOf = (entry: Entry): Pending => {
    return { scope: entry.scope, name: entry.name, value: new StoredValue(reader, entry) };
  };
  return {
    count: manifest.count,
    isWhole: true,
    get isListed() {
      return all !== undefined;
    },
    all: () => all ??= manifest.entries.map(pendingOf),
    find(scope, name) {
      const entry = findEntry(manifest, scope, name);
      return entry && (all?.find(({ value }) => value.entry === entry) ?? pendingOf(entry));
    },
  };
}

/** A variable of a checkpoint that the Context has not asked for yet. */
export interface PendingVariable {
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first; `[]` is a scalar. */
  readonly dimensions: readonly number[];
  /** Size in bytes. */
  readonly byteLength: number;
  /** Reads it; it stays pending. */
  read(): Promise<Tensor>;
}

/** What is pending, by parameter name. */
export function pendingVariables(pending: readonly Pending[]): ReadonlyMap<string, PendingVariable> {
  return new Map(
    pending.map(({ scope, name, value }) => [formatParameterName("gomlx-0.10", scope, name), {
      dtype: value.dtype,
      dimensions: value.dimensions,
      byteLength: value.byteLength,
      read: () => value.peek(),
    }]),
  );
}
