import { join } from "@std/path/join";
import { resolve } from "@std/path/resolve";
import { ConfigError, PermissionError, StoreError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import { checkFolder, compareNames, isBlobFile, parseBlobName } from "./blob_name.ts";
import { DenoFiles } from "./deno_files.ts";
import { type Access, fileError, type FileOperation } from "./file_error.ts";
import type { FileEntry, FileReader, Files } from "./files.ts";
import { LocalReadHandle } from "./local_read_handle.ts";
import { LocalRoot } from "./local_root.ts";
import { SlicedSink } from "./sliced_sink.ts";
import type { BlobInfo, BlobSink, ReadHandle, Store, StoreLock } from "./store.ts";
import { listTemporaries, LOCK_FILE, temporaryPath } from "./temporary_files.ts";

/** Options of {@linkcode LocalStore}. */
export interface LocalStoreOptions {
  /** False makes every call that would change something a PermissionError. Default: true. */
  readonly write?: boolean;
  /** The file system. Default: the real one. */
  readonly files?: Files;
  /**
   * Maps payloads into memory instead of reading them, where that is possible: see {@linkcode DirOptions.mapped}.
   * Default: false.
   */
  readonly mapped?: boolean;
  /** Mode of directories that it makes, subject to the umask. Default: 0o770. */
  readonly mode?: number;
}

const LOCAL_STORE_OPTIONS: OptionNames<LocalStoreOptions> = {
  write: "boolean",
  files: true,
  mapped: "boolean",
  mode: true,
};

/** A directory may hold very many files, and each question about one takes memory while it is open. */
const STATS_AT_ONCE = 64;

/** While a directory is read, another process may put one file in the place of another; more often in a row it does not. */
const MAX_READS = 10;

/** Bytes that a copy reads and writes at once, where the file system links nothing. */
const COPY_BYTES = 8 * 1024 * 1024;

/**
 * A {@linkcode Store} in one directory, and nowhere else: names never leave it, and a symlink that leads out of it is
 * refused whatever the runtime allows. (Another process that swaps symlinks in the directory while a call runs can
 * defeat that check.)
 *
 * A blob is published under a temporary name, synced, renamed, and the directory is synced. Making a LocalStore touches
 * no file.
 *
 * Permissions: `--allow-read=<dir>` to list, open and read; `--allow-write=<dir>` as well for the rest.
 *
 * @example
 * ```ts
 * import { LocalStore } from "@cairn/checkpoints";
 *
 * const dir = await Deno.makeTempDir();
 * const store = new LocalStore(`${dir}/run`);
 * await store.ensureRoot();
 * await store.publish("greeting.txt", (sink) => sink.write(new TextEncoder().encode("hello")));
 * const [blob] = await store.list();
 * if (blob?.name !== "greeting.txt" || blob.size !== 5) throw new Error("not published");
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export class LocalStore implements Store {
  /** The directory's absolute path. */
  readonly label: string;
  /** Whether the operations that change anything are allowed. */
  readonly writable: boolean;
  readonly #root: LocalRoot;
  readonly #files: Files;
  readonly #mode: number;
  readonly #mapped: boolean;

  /** Makes a store in the directory `root`, which need not exist yet. ConfigError if `root` is empty. */
  constructor(root: string, options: LocalStoreOptions = {}) {
    checkOptions("new LocalStore()", options, LOCAL_STORE_OPTIONS);
    if (typeof root !== "string" || root === "") {
      throw new ConfigError(`Cannot make LocalStore: root is "${root}"; wanted the path of a directory`);
    }
    this.label = resolve(root);
    this.writable = options.write ?? true;
    this.#files = options.files ?? new DenoFiles();
    this.#root = new LocalRoot(this.label, this.#files);
    this.#mode = options.mode ?? 0o770;
    this.#mapped = options.mapped ?? false;
  }

  /**
   * Makes the directory with its missing parents, durably as far as the parents may be read. If it exists, this needs
   * read permission only.
   */
  ensureRoot(): Promise<void> {
    const operation = this.#operation("make or use the directory", "", this.writable ? ["read", "write"] : ["read"]);
    return attempt(operation, async () => {
      if (await this.#root.exists()) return await this.#root.syncMade();
      this.#checkWritable(operation);
      await this.#root.make(this.#mode);
    });
  }

  /**
   * The blobs at the top level, or in `folder`. A symlink that leads nowhere or out of the directory is listed with its
   * own size, so that it is not quietly missing, and {@linkcode LocalStore.open} refuses it.
   */
  list(folder?: string): Promise<BlobInfo[]> {
    const operation = this.#operation("list the files", folder ?? "", ["read"]);
    return attempt(operation, async () => {
      const directory = await this.#root.folder(folder === undefined ? folder : checkFolder(folder), operation);
      if (directory === undefined) return [];
      for (let reads = 1;; reads++) {
        const infos = await this.#blobInfos(directory, operation);
        // What was there instead of it by then is not listed.
        if (infos.includes("vanished") && reads < MAX_READS) continue;
        const blobs = infos.filter((info) => info !== "vanished");
        return blobs.sort((a, b) => compareNames(a.name, b.name));
      }
    });
  }

  /** Opens a blob for reading; NotFoundError if there is none. */
  open(name: string): Promise<ReadHandle> {
    const operation = this.#operation(`open "${name}"`, name, ["read"]);
    return attempt(operation, async () => {
      const path = await this.#root.blob(parseBlobName(name), operation);
      return this.#handle(await this.#files.open(path), path, { ...operation, what: `read "${name}"` });
    });
  }

  /** The same without waiting; StoreError if the {@linkcode Files} cannot. */
  openSync(name: string): ReadHandle {
    const operation = this.#operation(`open "${name}"`, name, ["read"]);
    try {
      const { sync } = this.#files;
      if (sync === undefined) throw new StoreError(`Cannot open "${name}" in "${this.label}" without waiting`);
      const path = this.#root.blobSync(parseBlobName(name), sync, operation);
      return this.#handle(sync.open(path), path, { ...operation, what: `read "${name}"` });
    } catch (error) {
      throw fileError(error, operation);
    }
  }

  /** Makes a blob visible under its final name, complete and durable, or not at all; what `write` throws is thrown. */
  async publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
    const operation = this.#operation(`publish "${name}"`, name, ["read", "write"]);
    const { folder, file } = parseBlobName(name);
    this.#checkWritable(operation);
    const directory = await attempt(operation, () => this.#root.makeFolder(folder, this.#mode, operation));
    await this.#writeFile(directory, file, operation, write);
  }

  /**
   * Makes `target` another name of the blob, by hard link or, where that fails, by a durable copy. The name is durable;
   * the bytes of a hard link are as durable as they were, which for a published blob they are.
   */
  link(name: string, target: string): Promise<void> {
    const operation = this.#operation(`link "${name}" to "${target}"`, target, ["read", "write"]);
    return attempt(operation, async () => {
      const source = parseBlobName(name);
      const { folder, file } = parseBlobName(target);
      this.#checkWritable(operation);
      const from = await this.#root.blob(source, operation);
      const directory = await this.#root.makeFolder(folder, this.#mode, operation);
      if (await this.#hardLink(from, directory, file)) return;
      using reader = new LocalReadHandle(await this.#files.open(from), { ...operation, path: from });
      await this.#writeFile(directory, file, operation, (sink) => copy(reader, sink));
    });
  }

  /** Removes a blob durably (of a symlink, the link itself); a missing one is not an error. */
  remove(name: string): Promise<void> {
    const operation = this.#operation(`remove "${name}"`, name, ["read", "write"]);
    return attempt(operation, async () => {
      const { folder, file } = parseBlobName(name);
      this.#checkWritable(operation);
      const directory = await this.#root.folder(folder, operation);
      if (directory === undefined) return;
      const path = join(directory, file);
      const kind = await this.#kindOf(path);
      if (kind === "directory") throw new StoreError(`Cannot remove "${path}": it is a directory`, { path });
      if (kind !== undefined) await this.#files.remove(path).catch(ignoreMissing);
      await this.#files.syncDirectory(directory);
    });
  }

  /** Takes the exclusive lock of the directory, or throws LockedError that names the holder. */
  lock(): Promise<StoreLock> {
    const operation = this.#operation("take the lock", LOCK_FILE, ["read", "write"]);
    return attempt(operation, async () => {
      this.#checkWritable(operation);
      await this.#root.real(operation);
      const { path } = operation;
      // Opening it would create or truncate what a symlink leads to.
      const kind = await this.#kindOf(path) ?? "file";
      if (kind !== "file") throw new StoreError(`Cannot lock "${this.label}": "${path}" is not a file`, { path });
      const { takeLock } = await import("./local_lock.ts");
      const lock = await takeLock(this.#files, path, this.label);
      try {
        await this.#root.settle();
        return lock;
      } catch (error) {
        lock.release();
        throw error;
      }
    });
  }

  /** The directory's real path; undefined for other {@linkcode Files} than the real ones. */
  identity(): Promise<string | undefined> {
    const operation = this.#operation("find the directory", "", ["read"]);
    return attempt(operation, async () => {
      return this.#files instanceof DenoFiles ? await this.#root.real(operation) : undefined;
    });
  }

  /** The temporary files at the top level, or in `folder`. */
  temporaries(folder?: string): Promise<BlobInfo[]> {
    const operation = this.#operation("list the temporary files", folder ?? "", ["read"]);
    return attempt(operation, async () => (await this.#temporaries(folder, operation)).found);
  }

  /** Removes them, and tells which they were. */
  removeTemporaries(folder?: string): Promise<BlobInfo[]> {
    const operation = this.#operation("remove the temporary files", folder ?? "", ["read", "write"]);
    return attempt(operation, async () => {
      this.#checkWritable(operation);
      const { directory, found } = await this.#temporaries(folder, operation);
      for (const { name } of found) await this.#files.remove(join(directory, name)).catch(ignoreMissing);
      return found;
    });
  }

  async #temporaries(
    folder: string | undefined,
    operation: FileOperation,
  ): Promise<{ readonly directory: string; readonly found: BlobInfo[] }> {
    const directory = await this.#root.folder(folder === undefined ? folder : checkFolder(folder), operation);
    if (directory === undefined) return { directory: "", found: [] };
    return { directory, found: await listTemporaries(this.#files, directory, folder !== undefined) };
  }

  #handle(reader: FileReader, path: string, operation: FileOperation): LocalReadHandle {
    const { sync } = this.#files;
    if (!this.#mapped) return new LocalReadHandle(reader, operation);
    return new LocalReadHandle(reader, operation, (size) => {
      const mapped = sync && this.#files.map?.(path, this.#root.realPathOf(path, sync), size);
      return mapped ?? { reason: "its file system cannot" };
    });
  }

  async #writeFile(
    directory: string,
    file: string,
    operation: FileOperation,
    write: (sink: BlobSink) => Promise<void>,
  ): Promise<void> {
    const temporary = temporaryPath(directory);
    const writer = await attempt(operation, () => this.#files.create(temporary));
    const sink = new SlicedSink(writer, operation);
    try {
      await write(sink);
      await sink.finish();
      await attempt(operation, async () => {
        await sink.sync();
        writer.close();
        await this.#files.rename(temporary, join(directory, file));
      });
    } catch (error) {
      // The first error is the one to report.
      await sink.finish().catch(() => {});
      writer.close();
      await this.#files.remove(temporary).catch(() => {});
      throw error;
    }
    await attempt(operation, () => this.#files.syncDirectory(directory));
  }

  /** Gives false if the file system has no hard links, or none between these two. */
  async #hardLink(from: string, directory: string, file: string): Promise<boolean> {
    const to = join(directory, file);
    try {
      await this.#files.link(from, to).catch((error) => {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
        return this.#replaceByLink(from, directory, to);
      });
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.NotFound) throw error;
      return false;
    }
    await this.#files.syncDirectory(directory);
    return true;
  }

  async #replaceByLink(from: string, directory: string, to: string): Promise<void> {
    const temporary = temporaryPath(directory);
    await this.#files.link(from, temporary);
    try {
      await this.#files.rename(temporary, to);
    } finally {
      // Between two names of one file, rename does nothing and says it did.
      await this.#files.remove(temporary).catch(ignoreMissing);
    }
  }

  async #blobInfos(directory: string, operation: FileOperation): Promise<(BlobInfo | "vanished")[]> {
    const entries = await this.#files.list(directory);
    const found: (BlobInfo | "vanished")[] = [];
    for (let at = 0; at < entries.length; at += STATS_AT_ONCE) {
      const some = entries.slice(at, at + STATS_AT_ONCE);
      const infos = await Promise.all(some.map((entry) => this.#blobInfo(directory, entry, operation)));
      found.push(...infos.filter((info) => info !== undefined));
    }
    return found;
  }

  /** Undefined if it is no blob. */
  async #blobInfo(
    directory: string,
    entry: FileEntry,
    operation: FileOperation,
  ): Promise<BlobInfo | "vanished" | undefined> {
    const { name } = entry;
    if (!isBlobFile(name) || (entry.kind !== "file" && entry.kind !== "symlink")) return undefined;
    const path = join(directory, name);
    try {
      const stat = await this.#files.stat(entry.kind === "file" ? path : await this.#linkGoal(path, operation));
      return stat.kind === "file" || stat.kind === "symlink" ? { name, size: stat.size } : undefined;
    } catch (error) {
      ignoreMissing(error);
      return "vanished";
    }
  }

  /** Where a symlink leads, if that is in the directory, else the symlink itself. */
  #linkGoal(path: string, operation: FileOperation): Promise<string> {
    return this.#root.resolve(path, operation).catch((error) => {
      const isNowhere = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.FilesystemLoop;
      if (isNowhere || error instanceof PermissionError) return path;
      throw error;
    });
  }

  async #kindOf(path: string): Promise<string | undefined> {
    return (await this.#files.stat(path).catch(ignoreMissing))?.kind;
  }

  #operation(what: string, name: string, access: readonly Access[]): FileOperation {
    return { what, root: this.label, path: join(this.label, name), access };
  }

  #checkWritable({ what, path }: FileOperation): void {
    if (this.writable) return;
    throw new PermissionError(
      `Cannot ${what} in "${this.label}": the store was opened read-only, with { write: false }`,
      { path },
    );
  }
}

/** Runs a file operation; what it throws becomes a CheckpointError. */
async function attempt<T>(operation: FileOperation, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw fileError(error, operation);
  }
}

async function copy(from: ReadHandle, to: BlobSink): Promise<void> {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, from.size));
  for (let at = 0; at < from.size;) {
    const count = await from.read(buffer, at);
    if (count === 0) throw new StoreError(`Cannot copy: the blob ends at byte ${at} of ${from.size}`, { offset: at });
    await to.write(buffer.subarray(0, count));
    at += count;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
