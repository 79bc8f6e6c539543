import { ByteProgress, type WorkOptions } from "./save.ts";
import type { StoredValue } from "./stored_value.ts";

/** Reads what is not in memory yet, in the order of each payload: small neighbours together, a compressed one once. */
export async function readValues(values: readonly StoredValue[], options: WorkOptions): Promise<void> {
  const unread = values.filter((value) => value.loaded === undefined);
  if (unread.length === 0) return;
  const progress = new ByteProgress("load", unread.reduce((sum, value) => sum + value.byteLength, 0), options);
  await progress.during(async () => {
    for (const [reader, group] of Map.groupBy(unread, (value) => value.reader)) {
      await reader?.ready();
      const forward = reader?.forward();
      if (forward === undefined) continue;
      for (const value of group.sort((a, b) => a.entry.position - b.entry.position)) {
        if (value.loaded !== undefined) progress.add(value.byteLength); // Somebody has read it meanwhile.
        await value.readFrom(forward, (bytes) => progress.add(bytes));
      }
      await forward.finish();
    }
  });
}
