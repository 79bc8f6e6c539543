import { messageOf, type OnWarning } from "../errors.ts";
import { BACKUP_DIR, compareBaseNames, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { formatItems } from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import { isDamage } from "./damage.ts";
import { removeCheckpoint } from "./directory.ts";
import { QUARANTINE_DIR, sortBlobs } from "./leftovers.ts";
import { moveCheckpoint } from "./move_checkpoint.ts";
import { openIntact } from "./open_intact.ts";
import { PINS_DIR } from "./pins.ts";
import { TRASH_DIR } from "./trash.ts";

/** The top level, and the folders that Cairn writes into. */
const FOLDERS = [undefined, BACKUP_DIR, TRASH_DIR, PINS_DIR, QUARANTINE_DIR];

/** A crash leaves one; a few crashes without a save in between a few. More is somebody's doing. */
const MOST_OF_A_KIND = 3;

/**
 * Removes what interrupted saves left behind: temporary files, payloads without manifest, and manifests without payload
 * that are newer than every whole pair (GoMLX would take the newest for the checkpoint to load). A damaged pair that is
 * newer than a whole one is put aside. Only by the exact grammar of names, and with the lock held. What is unusual is left alone and reported; so is a failure, since the next
 * save does not need it.
 */
export async function sweepLeftovers(store: Store, onWarning: OnWarning): Promise<void> {
  try {
    for (const folder of FOLDERS) await store.removeTemporaries?.(folder);
    await sweepHalves(store, onWarning);
    await sweepBroken(store, onWarning);
    for (const folder of [BACKUP_DIR, TRASH_DIR]) await sweepCopies(store, folder);
  } catch (error) {
    onWarning(`could not sweep "${store.label}" of what interrupted saves left: ${messageOf(error)}`);
  }
}

async function sweepHalves(store: Store, onWarning: OnWarning): Promise<void> {
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

/** GoMLX loads the newest manifest whatever is in it: what is damaged and newer than a whole checkpoint is put aside. */
async function sweepBroken(store: Store, onWarning: OnWarning): Promise<void> {
  const broken: string[] = [];
  for (const { base } of sortBlobs(await store.list()).pairs.toReversed()) {
    if (await isBroken(store, base)) broken.push(base);
    else break;
    if (broken.length > MOST_OF_A_KIND) return; // Opening has told of them; repair() is for that.
  }
  const { pairs } = sortBlobs(await store.list());
  const aside = new Set((await store.list(QUARANTINE_DIR)).map(({ name }) => name));
  if (broken.length === pairs.length || broken.some((base) => aside.has(base + JSON_NAME_SUFFIX))) return;
  for (const base of broken) await moveCheckpoint(store, base, "", QUARANTINE_DIR);
  if (broken.length > 0) {
    const what = formatItems(broken.length, "damaged checkpoint");
    onWarning(`put aside ${what} in "${store.label}/${QUARANTINE_DIR}": ${broken.join(", ")}`);
  }
}

async function isBroken(store: Store, base: string): Promise<boolean> {
  try {
    (await openIntact(store, base, {}))?.reader.close();
    return false;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return true;
  }
}

/** Of a backup or a move that was interrupted: half of a pair that is still whole at the top level. */
async function sweepCopies(store: Store, folder: string): Promise<void> {
  const { orphaned } = sortBlobs(await store.list(folder));
  if (orphaned.length === 0) return;
  const whole = new Set(sortBlobs(await store.list()).pairs.map(({ base }) => base));
  for (const { base } of orphaned) {
    // The manifest is not to be seen, but perhaps its removal is not durable: as ever, it goes first.
    if (whole.has(base)) await removeCheckpoint(store, `${folder}/${base}`);
  }
}
