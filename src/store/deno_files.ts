import { DenoFileReader } from "./deno_file_reader.ts";
import type { FileEntry, FileKind, FileReader, Files, FilesSync, FileStat, FileWriter } from "./files.ts";
import { mapFile, type MappedFile } from "./map_file.ts";
import type { StoreLock } from "./store.ts";

/**
 * The real {@linkcode Files}, over Deno.
 *
 * Windows has no directory sync and some network file systems refuse it (EINVAL): there {@linkcode DenoFiles.syncDirectory}
 * does nothing, and a name published just before a power failure may be missing after it. The bytes are synced everywhere.
 *
 * Permissions: read for list, stat, realPath, open and syncDirectory; write for create, remove and makeDirectory; both
 * for rename, link and lock; `--allow-ffi` for map.
 */
export class DenoFiles implements Files {
  /** The entries of a directory. */
  async list(directory: string): Promise<FileEntry[]> {
    const entries: FileEntry[] = [];
    for await (const entry of Deno.readDir(directory)) entries.push({ name: entry.name, kind: kindOf(entry) });
    return entries;
  }

  /** What is at `path`, not following a symlink. */
  async stat(path: string): Promise<FileStat> {
    const info = await Deno.lstat(path);
    return { kind: kindOf(info), size: info.size };
  }

  /** The absolute path with every symlink resolved. */
  realPath(path: string): Promise<string> {
    return Deno.realPath(path);
  }

  /** Opens a file for reading. */
  // deno-lint-ignore require-await -- errors are rejections
  async open(path: string): Promise<FileReader> {
    return new DenoFileReader(path);
  }

  /** The same calls without waiting. */
  readonly sync: FilesSync = {
    stat(path: string): FileStat {
      const info = Deno.lstatSync(path);
      return { kind: kindOf(info), size: info.size };
    },
    realPath: (path: string): string => Deno.realPathSync(path),
    open: (path: string): FileReader => new DenoFileReader(path),
  };

  /** Maps a file: with `--allow-ffi`, on Linux. */
  map(path: string, real: string, size: number): MappedFile {
    return mapFile(path, real, size);
  }

  /** Creates a file for writing. */
  async create(path: string): Promise<FileWriter> {
    return new DenoFileWriter(await Deno.open(path, { write: true, createNew: true }), path);
  }

  /** Moves a name, replacing a file of the new name. */
  rename(from: string, to: string): Promise<void> {
    return Deno.rename(from, to);
  }

  /** Makes a hard link. */
  link(from: string, to: string): Promise<void> {
    return Deno.link(from, to);
  }

  /** Removes a file's name. */
  remove(path: string): Promise<void> {
    return Deno.remove(path);
  }

  /** Makes a directory with its missing parents. */
  makeDirectory(path: string, mode: number): Promise<void> {
    return Deno.mkdir(path, { recursive: true, mode });
  }

  /** Makes the names in a directory durable, where the platform can. */
  async syncDirectory(path: string): Promise<void> {
    if (Deno.build.os === "windows") return;
    using directory = await Deno.open(path);
    try {
      await directory.sync();
    } catch (error) {
      // A file system without directory sync says EINVAL; any other failure is real.
      if (!(error instanceof Error && "code" in error && error.code === "EINVAL")) throw error;
    }
  }

  /** Takes the exclusive lock of the file at `path`. */
  async lock(path: string, owner: string): Promise<StoreLock | undefined> {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    const lock = new DenoFileLock(file);
    try {
      if (await file.tryLock(true)) {
        await file.truncate();
        const bytes = new TextEncoder().encode(owner);
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        return lock;
      }
    } catch (error) {
      lock.release();
      throw lacksLocks(error) ? new Deno.errors.NotSupported(error.message) : error;
    }
    lock.release();
    return undefined;
  }
}

/** Deno has no class, and for two of the three not even a code, for what a network file system without locks says. */
function lacksLocks(error: unknown): error is Error {
  return error instanceof Error && /No locks available|not supported|not implemented/i.test(error.message);
}

function kindOf(info: { isFile: boolean; isDirectory: boolean; isSymlink: boolean }): FileKind {
  if (info.isSymlink) return "symlink";
  if (info.isDirectory) return "directory";
  return info.isFile ? "file" : "other";
}

class DenoFileWriter implements FileWriter {
  readonly #file: Deno.FsFile;
  readonly #path: string;
  /** The same file: operations on one handle wait for each other. */
  #meanwhile: Deno.FsFile | undefined;
  #closed = false;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  async syncMeanwhile(): Promise<void> {
    this.#meanwhile ??= Deno.openSync(this.#path, { write: true });
    await this.#meanwhile.syncData();
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#file.write(bytes);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
    this.#meanwhile?.close();
  }
}

class DenoFileLock implements StoreLock {
  readonly #file: Deno.FsFile;
  #released = false;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#file.close(); // Closing releases the lock.
  }
}
