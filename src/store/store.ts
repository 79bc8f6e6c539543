import type { ErrorPlace } from "../errors.ts";
import type { FileOnDisk } from "./files.ts";
import type { MappedFile } from "./map_file.ts";

/** One blob of a {@linkcode Store}. */
export interface BlobInfo {
  /** File name, without directory. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
}

/** A blob opened for positional reading. It keeps reading the same bytes after the name was removed or replaced. */
export interface ReadHandle {
  /** Size in bytes at the time of opening. */
  readonly size: number;
  /** Which file of this machine has exactly these bytes, where one has: workers that take means open it themselves. */
  readonly onDisk?: FileOnDisk | undefined;
  /**
   * Reads bytes starting at `at` until `into` is full or the blob ends, and returns how many were read. A count below
   * `into.length` means the end of the blob.
   */
  read(into: Uint8Array, at: number): Promise<number>;
  /** The same without waiting, where the store can. */
  readSync?(into: Uint8Array, at: number): number;
  /**
   * The whole blob as memory that the operating system reads from the file page by page when it is touched, where the
   * store was asked for it; or why not. Writing into it never changes the blob. It outlives {@linkcode close}.
   */
  readonly map?: (() => MappedFile) | undefined;
  /** Closes it; closing twice is harmless. */
  close(): void;
}

/** Takes the bytes of a blob in order while it is being published. */
export interface BlobSink {
  /** Appends all of `bytes`; the caller may reuse the buffer after the promise resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Begins to make the blob durable, for a caller that has written all of it and has other work to do before its publish
   * can end; resolves as soon as it is begun. Promises nothing: the publish makes sure of it.
   */
  beginSync?(): Promise<void>;
}

/** An exclusive lock on a store; released by the operating system when the process dies. */
export interface StoreLock {
  /** Releases it; releasing twice is harmless. */
  release(): void;
  /** Why it keeps nobody out, where the store has no locks; undefined where it does its work. */
  readonly unsupported?: string | undefined;
}

/**
 * Where bytes live: a flat namespace of named blobs, and one level of folders for backups (`backup/<name>`).
 * Knows nothing of checkpoints. Errors are CheckpointErrors of the kinds NotFoundError, PermissionError, LockedError
 * and StoreError.
 */
export interface Store {
  /** What messages call it: an absolute path, or something like `memory:run`. */
  readonly label: string;
  /** Whether the operations that change anything are allowed. */
  readonly writable: boolean;
  /** The blobs at the top level (or in `folder`), sorted by name bytewise. A missing folder lists as empty; a missing root is a NotFoundError. Sub-folders and temporary files are left out. */
  list(folder?: string): Promise<BlobInfo[]>;
  /** Opens a blob for reading. NotFoundError if there is none. */
  open(name: string): Promise<ReadHandle>;
  /** The same without waiting, where the store can; StoreError where it cannot. */
  openSync?(name: string): ReadHandle;
  /**
   * Makes a blob visible under its final name, complete and durable, or not at all. `write` streams the bytes; if it
   * throws, nothing is visible and the temporary bytes are removed. An existing blob of that name is replaced.
   */
  publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void>;
  /** Makes `target` (`folder/name`) another name of the blob `name`, by hard link or, where that fails, by a durable copy. Replaces an existing target. */
  link(name: string, target: string): Promise<void>;
  /** Removes a blob durably; a missing one is not an error. */
  remove(name: string): Promise<void>;
  /** Takes the exclusive lock without waiting, or throws LockedError. */
  lock(): Promise<StoreLock>;
  /**
   * What two stores of one and the same place have in common, such as the directory's real path; undefined (or no such
   * method) if the object itself is the place.
   */
  identity?(): Promise<string | undefined>;
  /** What interrupted publishes left behind at the top level, or in `folder`; never listed otherwise. */
  temporaries?(folder?: string): Promise<BlobInfo[]>;
  /** Removes such things and tells which they were. Whoever calls it holds the lock: a running publish has some too. */
  removeTemporaries?(folder?: string): Promise<BlobInfo[]>;
}

/** The place of a blob for error messages. */
export function blobPlace(store: Store, name: string, cause?: unknown): ErrorPlace {
  return { path: `${store.label}/${name}`, cause };
}
