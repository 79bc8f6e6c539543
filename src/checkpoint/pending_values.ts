import { type Entry, findEntry } from "../format/mod.ts";
import { type Pending, variableKey } from "./snapshot.ts";
import type { Source } from "./source.ts";
import { StoredValue } from "./stored_value.ts";

/** The variables that a load has found, in file order. */
export interface PendingValues {
  /** How many. */
  readonly count: number;
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
    isListed: true,
    all: () => pending,
    find(scope, name) {
      byKey ??= new Map(pending.map((each) => [variableKey(each), each]));
      return byKey.get(variableKey({ scope, name }));
    },
  };
}

/** All of a source, under the names that they have there; each is made when it is asked for. */
export function valuesOf({ manifest, reader }: Source): PendingValues {
  const made = new Map<string, Pending>();
  let all: readonly Pending[] | undefined;
  const make = (entry: Entry): Pending => {
    const { scope, name } = entry;
    const key = variableKey(entry);
    const known = made.get(key) ?? { scope, name, value: new StoredValue(reader, entry) };
    if (all === undefined) made.set(key, known);
    return known;
  };
  return {
    count: manifest.count,
    isListed: false,
    all() {
      if (all !== undefined) return all;
      const list = manifest.entries.map(make);
      all = list;
      return list;
    },
    find(scope, name) {
      const entry = findEntry(manifest, scope, name);
      return entry && make(entry);
    },
  };
}
