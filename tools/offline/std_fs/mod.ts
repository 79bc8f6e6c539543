/**
 * Stand-in for `jsr:@std/fs` where JSR cannot be reached: the functions that Cairn uses. It asks Deno, as std does, and
 * not `node:fs`, whose recursive `mkdir` wants to read the parents too.
 * @module
 */

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
  if (await isDirectory(dir)) return;
  try {
    await Deno.mkdir(dir, { recursive: true });
  } catch (error) {
    // somebody else may have made it meanwhile
    if (!(error instanceof Deno.errors.AlreadyExists) || !await isDirectory(dir)) throw error;
  }
}

/**
 * Tells whether there is something at the path, optionally of one kind. `isReadable` needs `--allow-sys=uid,gid`, as
 * it does in std.
 */
export async function exists(path: string | URL, options: ExistsOptions = {}): Promise<boolean> {
  if (options.isDirectory && options.isFile) {
    throw new TypeError("ExistsOptions.options.isDirectory and ExistsOptions.options.isFile must not be true together");
  }
  const found = await statIfThere(path);
  if (found === undefined) return false;
  if (options.isDirectory && !found.isDirectory) return false;
  if (options.isFile && !found.isFile) return false;
  return !options.isReadable || isReadable(found);
}

async function isDirectory(dir: string | URL): Promise<boolean> {
  const found = await statIfThere(dir);
  if (found === undefined) return false;
  if (!found.isDirectory) {
    throw new Error(`Failed to ensure directory exists: expected 'dir', got '${found.isFile ? "file" : "other"}'`);
  }
  return true;
}

async function statIfThere(path: string | URL): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** By the mode's bits; a platform without them is taken at its word. */
function isReadable({ mode, uid, gid }: Deno.FileInfo): boolean {
  if (mode === null) return true;
  if (Deno.uid() === uid) return (mode & 0o400) !== 0;
  if (Deno.gid() === gid) return (mode & 0o040) !== 0;
  return (mode & 0o004) !== 0;
}
