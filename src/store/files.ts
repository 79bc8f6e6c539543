import type { MappedFile } from "./map_file.ts";
import type { StoreLock } from "./store.ts";

/** What a directory entry is; a symlink is not followed. */
export type FileKind = "file" | "directory" | "symlink" | "other";

/** One entry of a directory. */
export interface FileEntry {
  /** Name, without directory. */
  readonly name: string;
  /** What it is. */
  readonly kind: FileKind;
}

/** What {@linkcode Files.stat} tells. */
export interface FileStat {
  /** What it is; a symlink is not followed. */
  readonly kind: FileKind;
  /** Size in bytes; of a symlink, its own. */
  readonly size: number;
}

/** A file that whoever opens `path` again can tell from another that has the name by then. */
export interface FileOnDisk {
  /** Where it was when it was opened. */
  readonly path: string;
  /** Its device and number; no other file has the same as long as it is open. */
  readonly identity: string;
}

/** A file opened for positional reading. It keeps reading the same file after its name was removed or replaced. */
export interface FileReader {
  /** Size in bytes at the time of opening. */
  readonly size: number;
  /** Which file it is, where it can be opened again by Deno's own functions. */
  readonly onDisk?: FileOnDisk | undefined;
  /** One read at byte `at`: how many bytes came, 0 at the end. May be short. Calls do not disturb each other. */
  read(into: Uint8Array, at: number): Promise<number>;
  /** The same without waiting; it may come while a {@linkcode FileReader.read} is under way. */
  readSync(into: Uint8Array, at: number): number;
  /** Closes it; closing twice is harmless. */
  close(): void;
}

/** A file being written from its start. */
export interface FileWriter {
  /** One write after the bytes so far: how many bytes went, at least 1. May be short. */
  write(bytes: Uint8Array): Promise<number>;
  /**
   * Begins to make the bytes so far durable while others are being written, where it can be had: {@linkcode sync} has
   * less to wait for then. It promises nothing; what fails is thrown by either.
   */
  syncMeanwhile?(): Promise<void>;
  /** Makes the bytes so far durable. */
  sync(): Promise<void>;
  /** Closes it; closing twice is harmless. */
  close(): void;
}

/** Operations of {@linkcode Files} that do not wait. */
export interface FilesSync {
  /** What is at `path`, not following a symlink. */
  stat(path: string): FileStat;
  /** The absolute path with every symlink resolved. */
  realPath(path: string): string;
  /** Opens a file for reading. */
  open(path: string): FileReader;
}

/**
 * The operations on a file system that {@linkcode LocalStore} is written against, each about one system call, so that
 * tests can replace them one by one. Paths are absolute.
 *
 * Errors are those of Deno: `Deno.errors.NotFound`, `AlreadyExists`, `NotCapable` (the runtime refuses),
 * `PermissionDenied` (the file system refuses), and any other Error for the rest.
 */
export interface Files {
  /** The entries of a directory, in any order. */
  list(directory: string): Promise<FileEntry[]>;
  /** What is at `path`, not following a symlink. */
  stat(path: string): Promise<FileStat>;
  /** The absolute path with every symlink resolved. */
  realPath(path: string): Promise<string>;
  /** Opens a file for reading. */
  open(path: string): Promise<FileReader>;
  /** What {@linkcode LocalStore.openSync} needs, where it can be had: the same calls without waiting. */
  readonly sync?: FilesSync;
  /**
   * Maps a file of `size` bytes, where it can be had, or says why not. `path` is how permission was granted, `real` the
   * same without symlinks: no other file may be mapped.
   */
  map?(path: string, real: string, size: number): MappedFile;
  /** Creates a file for writing; `AlreadyExists` if anything has that name. */
  create(path: string): Promise<FileWriter>;
  /** Moves a name within one file system, atomically, replacing a file of the new name. */
  rename(from: string, to: string): Promise<void>;
  /** Makes a hard link; `AlreadyExists` if anything has the new name. */
  link(from: string, to: string): Promise<void>;
  /** Removes a file's name (of a symlink, the link's own). */
  remove(path: string): Promise<void>;
  /** Makes a directory with its missing parents; one that is there already is not an error. `mode` is subject to the umask. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** Makes the names in a directory durable; does nothing where the platform has no such thing. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes the exclusive lock of the file at `path` without waiting, creating it if missing, and makes `owner` its
   * content. Gives undefined if somebody else has the lock. The operating system releases it when the process dies.
   * `Deno.errors.NotSupported` if the file system has no locks.
   */
  lock(path: string, owner: string): Promise<StoreLock | undefined>;
}
