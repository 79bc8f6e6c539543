import { messageOf, type OnWarning } from "../errors.ts";
import { BACKUP_DIR, BIN_DATA_SUFFIX, compareBaseNames, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { formatItems } from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import { isDamage } from "./damage.ts";
import { QUARANTINE_DIR, removeCheckpoint } from "./directory.ts";
import { sortBlobs } from "./leftovers.ts";
import { openIntact } from "./open_intact.ts";
import { listPins, pinFile, PINS_DIR, removePin } from "./pins.ts";
import { putAside } from "./put_aside.ts";
import { TRASH_DIR } from "./trash.ts";

/** The top level, and the folders that Cairn writes into. */
const FOLDERS = [undefined, BACKUP_DIR, TRASH_DIR, PINS_DIR, QUARANTINE_DIR];

/** A crash leaves one; a few crashes without a save in between a few. More is somebody's doing. */
const MOST_OF_A_KIND = 3;

/**
 * Removes what interrupted saves and removals left behind: temporary files and payloads without manifest, in the trash
 * too. What is broken, newer than a whole pair, and no save of ours leaves (a damaged manifest or payload, or half of
 * what GoMLX was writing) is put aside with its pin, as `repair` does it, since GoMLX would take it for the checkpoint to
 * load; nobody knows what it is worth. Only by the exact grammar of names, and with the lock held. What is unusual is
 * left alone and reported; so is a failure, since the next save does not need it.
 */
export async function sweepLeftovers(store: Store, onWarning: OnWarning): Promise<void> {
  try {
    for (const folder of FOLDERS) await store.removeTemporaries?.(folder);
    await sweepPayloads(store, undefined, onWarning);
    await sweepBroken(store, onWarning);
    for (const folder of [BACKUP_DIR, TRASH_DIR]) await sweepCopies(store, folder);
    await sweepPayloads(store, TRASH_DIR, onWarning);
  } catch (error) {
    onWarning(`could not sweep "${store.label}" of what interrupted saves left: ${messageOf(error)}`);
  }
}

/** Of a checkpoint that was not saved yet, or was being removed, by retention or when the trash was emptied. */
async function sweepPayloads(store: Store, folder: typeof TRASH_DIR | undefined, onWarning: OnWarning): Promise<void> {
  const { orphaned } = sortBlobs(await store.list(folder));
  if (orphaned.length === 0) return;
  const place = folder === undefined ? store.label : `${store.label}/${folder}`;
  const text = `${formatItems(orphaned.length, "payload")} without manifest in "${place}"`;
  const names = namesText(orphaned.map(({ base }) => base));
  if (orphaned.length > MOST_OF_A_KIND) {
    const advice = folder === undefined ? "repair() puts them aside" : "emptyTrash() removes them";
    return onWarning(`${text}: more than interruptions leave, so not removed: ${names}; ${advice}`);
  }
  for (const { base } of orphaned) {
    // Of a save that was to be pinned.
    if (folder === undefined) await removePin(store, base);
    await removeCheckpoint(store, folder === undefined ? base : `${folder}/${base}`);
  }
  onWarning(`removed ${text}, which an interrupted save or removal left: ${names}`);
}

/** GoMLX loads the newest manifest whatever is in it: what is broken and newer than a whole checkpoint is put aside. */
async function sweepBroken(store: Store, onWarning: OnWarning): Promise<void> {
  const blobs = await store.list();
  const { pairs, torn } = sortBlobs(blobs);
  const isTorn = new Set(torn);
  const broken: string[] = [];
  let hasWhole = false;
  for (const name of [...pairs, ...torn].sort(compareBaseNames).toReversed()) {
    hasWhole = !isTorn.has(name) && !(await isBroken(store, name.base));
    if (hasWhole) break;
    broken.push(name.base);
    if (broken.length > MOST_OF_A_KIND) break;
  }
  if (!hasWhole) {
    if (broken.length <= MOST_OF_A_KIND) return; // There is nothing that GoMLX could load instead.
    return onWarning(
      `the newest checkpoints in "${store.label}" are damaged: ${namesText(broken)}; repair() puts them aside`,
    );
  }
  if (broken.length === 0) return;
  const aside = new Set((await store.list(QUARANTINE_DIR)).map(({ name }) => name));
  const pins = await listPins(store);
  for (const base of broken) {
    const files = [base + JSON_NAME_SUFFIX, base + BIN_DATA_SUFFIX].filter((file) =>
      blobs.some((each) => each.name === file)
    );
    await putAside(store, pins.has(base) ? [...files, pinFile(base)] : files, aside);
  }
  const what = formatItems(broken.length, "damaged checkpoint");
  onWarning(`put aside ${what} in "${store.label}/${QUARANTINE_DIR}": ${namesText(broken)}`);
}

function namesText(bases: readonly string[]): string {
  return bases.slice(0, 10).join(", ");
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
