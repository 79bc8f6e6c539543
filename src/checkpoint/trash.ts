import { NotFoundError } from "../errors.ts";
import { type BaseName, compareBaseNames, JSON_NAME_SUFFIX, parseBaseName } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { removeCheckpoint } from "./directory.ts";
import { sortBlobs, type SortedBlobs } from "./leftovers.ts";
import { moveCheckpoint } from "./move_checkpoint.ts";
import { addPin } from "./pins.ts";
import { withoutSuffix } from "./source.ts";

/** The folder that retention moves checkpoints into, on request. */
export const TRASH_DIR = "trash";

/** Base names of what is in the trash, oldest first. */
export async function listTrash(store: Store): Promise<string[]> {
  return withManifest(sortBlobs(await store.list(TRASH_DIR))).map(({ base }) => base);
}

function withManifest({ pairs, torn }: SortedBlobs): readonly BaseName[] {
  return [...pairs, ...torn].sort(compareBaseNames);
}

/** Moves a checkpoint into the trash. */
export async function moveToTrash(store: Store, base: string): Promise<void> {
  await moveCheckpoint(store, base, "", TRASH_DIR);
}

/** Moves a checkpoint (of that step, or name; default: the newest) out of the trash again, pinned, and tells which. */
export async function takeFromTrash(store: Store, choice: number | bigint | string | undefined): Promise<string> {
  const trashed = await listTrash(store);
  const wanted = withoutSuffix(String(choice));
  const base = choice === undefined
    ? trashed.at(-1)
    : trashed.findLast((each) => each === wanted || String(parseBaseName(each)?.step) === wanted);
  if (base === undefined) {
    const what = choice === undefined ? "" : typeof choice === "string" ? ` "${choice}"` : ` of step ${choice}`;
    const has = trashed.length === 0 ? "it is empty" : `it has ${trashed.slice(-10).join(", ")}`;
    throw new NotFoundError(`No checkpoint${what} in the trash of "${store.label}": ${has}`, { path: store.label });
  }
  // Else the next save would put it there again.
  await addPin(store, base);
  await moveCheckpoint(store, base, TRASH_DIR, "");
  return base;
}

/**
 * Removes what is in the trash for good, files of other names excepted, and tells the base names. A checkpoint whose
 * move into the trash was interrupted is not one of them: it is still at the top level too, and the next save moves it.
 */
export async function clearTrash(store: Store): Promise<string[]> {
  const kept = new Set((await store.list()).map(({ name }) => name));
  // Of one list: what is named is what is removed.
  const sorted = sortBlobs(await store.list(TRASH_DIR));
  const listed = withManifest(sorted);
  // One after the other, so that an interruption leaves half of one at most.
  for (const { base } of [...sorted.orphaned, ...listed]) await removeCheckpoint(store, `${TRASH_DIR}/${base}`);
  return listed.map(({ base }) => base).filter((base) => !kept.has(base + JSON_NAME_SUFFIX));
}
