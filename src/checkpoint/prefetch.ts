import { type Context, isAtOrBelow } from "../context/mod.ts";
import { ConfigError, nearName, NotFoundError } from "../errors.ts";
import { entryLabel } from "./entry_label.ts";
import type { PendingPool } from "./pending_pool.ts";
import { readValues } from "./read_values.ts";
import type { WorkOptions } from "./save.ts";

/** Reads the variables at and below the paths into memory, and closes the files that nobody needs any more. */
export async function prefetch(
  scopeOrNames: string | readonly string[],
  pool: PendingPool,
  context: Context,
  options: WorkOptions,
): Promise<void> {
  const stored = pool.stored();
  const known = [...stored, ...context.iterVariables()];
  const all = (): boolean => true;
  const list: readonly unknown[] = Array.isArray(scopeOrNames) ? scopeOrNames : [scopeOrNames];
  const wanted = list.map((asked) => {
    if (typeof asked !== "string") {
      throw new ConfigError(`Cannot prefetch ${String(asked)}: wanted a scope or "/scope/name", or a list of them`);
    }
    const path = asked.startsWith("/") ? asked : `/${asked}`;
    if (path === "/") return all;
    const covers = (label: string): boolean => isAtOrBelow(label, path);
    if (known.some((each) => covers(entryLabel(each)))) return covers;
    const meant = nearName(path, [...new Set(known.flatMap((each) => [entryLabel(each), each.scope]))]);
    const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
    throw new NotFoundError(`Cannot prefetch "${path}": no variable is at or below it${hint}`, { entry: path });
  });
  const covered = wanted.includes(all) ? stored : stored.filter((each) => {
    const label = entryLabel(each);
    return wanted.some((covers) => covers(label));
  });
  const values = covered.map(({ value }) => value);
  await readValues(values.filter((value) => value.reader?.positional), options);
  // Whoever asks for a part of a compressed payload will ask for more of it: these keep the rest.
  for (const value of values) if (value.loaded === undefined) await value.read();
  pool.closeUnused();
}
