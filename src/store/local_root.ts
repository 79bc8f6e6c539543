import { SEPARATOR } from "@std/path/constants";
import { dirname } from "@std/path/dirname";
import { isAbsolute } from "@std/path/is-absolute";
import { join } from "@std/path/join";
import { relative } from "@std/path/relative";
import { NotFoundError, PermissionError, StoreError } from "../errors.ts";
import type { BlobName } from "./blob_name.ts";
import { type FileOperation, isGranted } from "./file_error.ts";
import type { Files, FilesSync } from "./files.ts";

/**
 * The directory of a LocalStore, which turns names into paths that stay in it: real paths are compared, so no symlink
 * leads out. Paths that it gives begin with the directory's path as the user wrote it, since permissions are granted by
 * that, and hold no further symlink.
 */
export class LocalRoot {
  /** Absolute path. */
  readonly path: string;
  readonly #files: Files;
  readonly #durableFolders = new Set<string>();
  /** Directories that hold new ones, and are not synced yet. */
  #unsynced: readonly string[] = [];

  /** Makes it without touching anything. */
  constructor(path: string, files: Files) {
    this.path = path;
    this.#files = files;
  }

  /** The real path; NotFoundError if the directory is missing. */
  async real({ what }: FileOperation): Promise<string> {
    try {
      return await this.#files.realPath(this.path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      const place = { path: this.path, cause: error };
      throw new NotFoundError(`Cannot ${what} in "${this.path}": there is no such directory`, place);
    }
  }

  /** The path of what is at `path` with symlinks resolved; PermissionError if that is outside of the directory. */
  async resolve(path: string, operation: FileOperation): Promise<string> {
    return this.#contain(path, await this.real(operation), await this.#files.realPath(path), operation);
  }

  /** The real path of one that {@linkcode blob} gave: below the real path of the directory, whatever it is by now. */
  realPathOf(path: string, files: FilesSync): string {
    return join(files.realPath(this.path), relative(this.path, path));
  }

  /** The path of an existing blob without waiting; StoreError if it is not a file. */
  blobSync({ folder, file }: BlobName, files: FilesSync, operation: FileOperation): string {
    const named = join(this.path, folder ?? "", file);
    const path = this.#contain(named, files.realPath(this.path), files.realPath(named), operation);
    if (files.stat(path).kind === "file") return path;
    throw new StoreError(`Cannot ${operation.what} in "${this.path}": "${path}" is not a file`, { path });
  }

  #contain(path: string, root: string, real: string, operation: FileOperation): string {
    const inside = relative(root, real);
    if (inside !== ".." && !inside.startsWith(`..${SEPARATOR}`) && !isAbsolute(inside)) return join(this.path, inside);
    throw new PermissionError(
      `Cannot ${operation.what} in "${this.path}": the store refuses, since "${path}" leads out of it to "${real}"`,
      { path },
    );
  }

  /** The path of an existing blob; StoreError if it is not a file. */
  async blob({ folder, file }: BlobName, operation: FileOperation): Promise<string> {
    const path = await this.resolve(join(this.path, folder ?? "", file), operation);
    const { kind } = await this.#files.stat(path);
    if (kind === "file") return path;
    throw new StoreError(`Cannot ${operation.what} in "${this.path}": "${path}" is not a file`, { path });
  }

  /** The path of a folder, or of the directory itself; undefined if the folder is missing. */
  async folder(folder: string | undefined, operation: FileOperation): Promise<string | undefined> {
    try {
      return await this.resolve(join(this.path, folder ?? ""), operation);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /**
   * The path of a folder, made durably if it is missing. One that is there may be of a process that was killed before it
   * was durable, so that is seen to once.
   */
  async makeFolder(folder: string | undefined, mode: number, operation: FileOperation): Promise<string> {
    const found = await this.folder(folder, operation);
    if (folder === undefined) {
      if (found === undefined) await this.make(mode);
      return found ?? this.path;
    }
    const path = found ?? join(this.path, folder);
    if (this.#durableFolders.has(folder)) return path;
    if (found === undefined) await this.#files.makeDirectory(path, mode);
    await this.#files.syncDirectory(this.path);
    this.#durableFolders.add(folder);
    return path;
  }

  /** Makes the directory with its missing parents, durably as far as the parents may be read. */
  async make(mode: number): Promise<void> {
    const missing = [this.path];
    let parent = dirname(this.path);
    while (parent !== dirname(parent) && isGranted("read", parent) && !(await this.#exists(parent))) {
      missing.push(parent);
      parent = dirname(parent);
    }
    await this.#files.makeDirectory(this.path, mode);
    this.#unsynced = missing.map((path) => dirname(path)).filter((path) => isGranted("read", path));
    await this.syncMade();
  }

  /**
   * Makes the directory's own name durable, and those of its parents: a process may have been killed, or a sync have
   * failed, between making them and that. As far as the parents may be read.
   */
  async settle(): Promise<void> {
    await this.syncMade();
    for (let path = dirname(this.path); isGranted("read", path); path = dirname(path)) {
      try {
        await this.#files.syncDirectory(path);
      } catch (error) {
        if (error instanceof Deno.errors.PermissionDenied) return;
        throw error;
      }
      if (path === dirname(path)) return;
    }
  }

  /** Syncs what `make` could not. */
  async syncMade(): Promise<void> {
    for (let path = this.#unsynced[0]; path !== undefined; path = this.#unsynced[0]) {
      await this.#files.syncDirectory(path);
      this.#unsynced = this.#unsynced.slice(1);
    }
  }

  /** Whether the directory exists. */
  exists(): Promise<boolean> {
    return this.#exists(this.path);
  }

  async #exists(path: string): Promise<boolean> {
    try {
      await this.#files.realPath(path);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }
}
