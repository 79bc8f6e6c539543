import { CheckpointError } from "../errors.ts";
import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";

/**
 * Moves a checkpoint, or what there is of it, from one folder to another ("" is the top level). It is whole in one of the
 * two at any instant: linked there payload first, then removed here marker first. Doing it again after a crash is
 * harmless.
 */
export async function moveCheckpoint(store: Store, base: string, from: string, to: string): Promise<void> {
  const pathIn = (folder: string, suffix: string): string =>
    folder === "" ? base + suffix : `${folder}/${base}${suffix}`;
  for (const suffix of [BIN_DATA_SUFFIX, JSON_NAME_SUFFIX]) {
    try {
      await store.link(pathIn(from, suffix), pathIn(to, suffix));
    } catch (error) {
      if (!(error instanceof CheckpointError && error.code === "not-found")) throw error;
    }
  }
  for (const suffix of [JSON_NAME_SUFFIX, BIN_DATA_SUFFIX]) await store.remove(pathIn(from, suffix));
}
