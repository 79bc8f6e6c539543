import { messageOf, type OnWarning } from "../errors.ts";
import { BACKUP_DIR, type BaseName, BIN_DATA_SUFFIX, compareBaseNames } from "../format/mod.ts";
import { formatItems } from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import { removeCheckpoint } from "./directory.ts";
import { sortBlobs } from "./leftovers.ts";

/** A crash leaves one; a few crashes without a save in between a few. More is somebody's doing. */
const MOST_OF_A_KIND = 3;

/**
 * Removes what interrupted saves left behind: temporary files, payloads without manifest, and manifests without payload
 * that are newer than every whole pair (GoMLX would take the newest for the checkpoint to load). Only by the exact
 * grammar of names, and with the lock held. What is unusual is left alone and reported; so is a failure, since the next
 * save does not need it.
 */
export async function sweepLeftovers(store: Store, onWarning: OnWarning): Promise<void> {
  try {
    for (const folder of [undefined, BACKUP_DIR]) await store.removeTemporaries?.(folder);
    await sweepPairs(store, onWarning);
    await sweepBackup(store);
  } catch (error) {
    onWarning(`could not sweep "${store.label}" of what interrupted saves left: ${messageOf(error)}`);
  }
}

async function sweepPairs(store: Store, onWarning: OnWarning): Promise<void> {
  const { pairs, orphaned, torn } = sortBlobs(await store.list());
  const newest = pairs.at(-1);
  const misleading = newest === undefined ? [] : torn.filter((each) => compareBaseNames(each, newest) > 0);
  for (const [leftovers, what] of [[misleading, "newer manifest"], [orphaned, "payload"]] as const) {
    if (leftovers.length === 0) continue;
    const missing = what === "payload" ? "manifest" : "payload";
    const text = `${formatItems(leftovers.length, what)} without ${missing} in "${store.label}"`;
    const names = leftovers.slice(0, 10).map((each) => each.base).join(", ");
    if (leftovers.length > MOST_OF_A_KIND) {
      onWarning(`${text}: more than interrupted saves leave, so not removed: ${names}`);
      continue;
    }
    for (const { base } of leftovers) await removeCheckpoint(store, base);
    onWarning(`removed ${text}, which an interrupted save left: ${names}`);
  }
}

/** Nothing in `backup` is ever removed but half of a pair that is still whole at the top level. */
async function sweepBackup(store: Store): Promise<void> {
  const { orphaned } = sortBlobs(await store.list(BACKUP_DIR));
  if (orphaned.length === 0) return;
  const whole = new Set(sortBlobs(await store.list()).pairs.map((each: BaseName) => each.base));
  for (const { base } of orphaned) {
    if (whole.has(base)) await store.remove(`${BACKUP_DIR}/${base}${BIN_DATA_SUFFIX}`);
  }
}
