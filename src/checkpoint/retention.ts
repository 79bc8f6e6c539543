import type { Store } from "../store/mod.ts";
import { listCheckpoints, removeCheckpoint } from "./directory.ts";

/**
 * Removes the oldest checkpoints beyond `keep` (negative: none), as far as `mayRemove` lets it, and returns how many it
 * was not let.
 *
 * Source: GoMLX `checkpoints.Handler.keepNCheckpoints`.
 */
export async function removeExcess(store: Store, keep: number, mayRemove: (base: string) => boolean): Promise<number> {
  if (keep < 0) return 0;
  const { checkpoints } = await listCheckpoints(store);
  const excess = checkpoints.slice(0, Math.max(0, checkpoints.length - keep)).map((each) => each.base);
  const remove = excess.filter(mayRemove);
  for (const base of remove) await removeCheckpoint(store, base);
  return excess.length - remove.length;
}
