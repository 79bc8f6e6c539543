import { join } from "@std/path/join";
import { compareNames, RESERVED_PREFIX } from "./blob_name.ts";
import type { Files } from "./files.ts";
import type { BlobInfo } from "./store.ts";

/** The lock's file in a store's directory. */
export const LOCK_FILE = `${RESERVED_PREFIX}.lock`;

const TEMPORARY = new RegExp(`^\\${RESERVED_PREFIX}-[\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12}\\.tmp$`);

/** A name that is never listed, in the same directory, so that a rename can make it final. */
export function temporaryPath(directory: string): string {
  return join(directory, `${RESERVED_PREFIX}-${crypto.randomUUID()}.tmp`);
}

/**
 * The temporary files in a directory, by the exact grammar. A folder with a lock of its own is a store of its own, whose
 * writer may be at work: nothing is found there.
 */
export async function listTemporaries(files: Files, directory: string, isFolder: boolean): Promise<BlobInfo[]> {
  const entries = await files.list(directory);
  if (isFolder && entries.some(({ name }) => name === LOCK_FILE)) return [];
  const found: BlobInfo[] = [];
  for (const { name, kind } of entries) {
    if (kind !== "file" || !TEMPORARY.test(name)) continue;
    try {
      found.push({ name, size: (await files.stat(join(directory, name))).size });
    } catch (error) {
      // A running publish may have renamed it by now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found.sort((a, b) => compareNames(a.name, b.name));
}
