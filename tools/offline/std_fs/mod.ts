/**
 * Stand-in for `jsr:@std/fs` where JSR cannot be reached: the functions that Cairn uses, over `node:fs`.
 * @module
 */
import type { Stats } from "node:fs";
import { access, lstat, mkdir, stat } from "node:fs/promises";
import { constants } from "node:fs";

/** What kind of thing {@linkcode exists} looks for. */
export interface ExistsOptions {
  /** Also require that this process may read it. */
  isReadable?: boolean;
  /** Require a directory; not together with `isFile`. */
  isDirectory?: boolean;
  /** Require a file; not together with `isDirectory`. */
  isFile?: boolean;
}

/** Makes sure that the directory exists, creating it and its parents; fails if something else is in its place. */
export async function ensureDir(dir: string | URL): Promise<void> {
  const found = await lookUp(dir, lstat);
  const target = found?.isSymbolicLink() ? await lookUp(dir, stat) : found;
  if (target === undefined) {
    await mkdir(dir, { recursive: true });
    return;
  }
  if (!target.isDirectory()) {
    const type = target.isFile() ? "file" : found?.isSymbolicLink() ? "symlink" : "other";
    throw new Error(`Failed to ensure directory exists: expected 'dir', got '${type}'`);
  }
}

/** Tells whether there is something at the path, optionally of one kind. */
export async function exists(path: string | URL, options: ExistsOptions = {}): Promise<boolean> {
  if (options.isDirectory && options.isFile) {
    throw new TypeError("ExistsOptions.options.isDirectory and ExistsOptions.options.isFile must not be true together");
  }
  const found = await lookUp(path, stat);
  if (found === undefined) return false;
  if (options.isDirectory && !found.isDirectory()) return false;
  if (options.isFile && !found.isFile()) return false;
  return !options.isReadable || await isReadable(path);
}

async function lookUp(path: string | URL, how: (path: string | URL) => Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await how(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function isReadable(path: string | URL): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch (error) {
    if (hasCode(error, "EACCES")) return false;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
