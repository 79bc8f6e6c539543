import {
  DenoFiles,
  type FileEntry,
  type FileReader,
  type Files,
  type FileStat,
  type FileWriter,
  type StoreLock,
} from "../../src/store/mod.ts";

/**
 * The real file system, with every operation that changes something recorded, and one of them failing: the `failAt`th
 * (from 0), or each that `failWhen` says.
 */
export class FaultyFiles implements Files {
  /** What was changed so far: `create x`, `write x`, `sync x`, `rename x`, `syncDirectory x` … */
  changes: string[] = [];
  /** Which operation fails. */
  failAt: number | undefined;
  /** Which operations fail. */
  failWhen: ((change: string) => boolean) | undefined;
  /** Every operation, those that only look too. */
  calls = 0;
  readonly #files = new DenoFiles();

  list(directory: string): Promise<FileEntry[]> {
    this.calls++;
    return this.#files.list(directory);
  }

  stat(path: string): Promise<FileStat> {
    this.calls++;
    return this.#files.stat(path);
  }

  realPath(path: string): Promise<string> {
    this.calls++;
    return this.#files.realPath(path);
  }

  open(path: string): Promise<FileReader> {
    this.calls++;
    return this.#files.open(path);
  }

  async create(path: string): Promise<FileWriter> {
    this.#change("create", path);
    const writer = await this.#files.create(path);
    return {
      // deno-lint-ignore require-await -- a failure must be a rejection
      write: async (bytes) => {
        this.#change("write", path);
        return writer.write(bytes);
      },
      // deno-lint-ignore require-await -- a failure must be a rejection
      sync: async () => {
        this.#change("sync", path);
        return writer.sync();
      },
      close: () => writer.close(),
    };
  }

  // deno-lint-ignore require-await -- a failure must be a rejection
  async rename(from: string, to: string): Promise<void> {
    this.#change("rename", to);
    return this.#files.rename(from, to);
  }

  // deno-lint-ignore require-await -- a failure must be a rejection
  async link(from: string, to: string): Promise<void> {
    this.#change("link", to);
    return this.#files.link(from, to);
  }

  // deno-lint-ignore require-await -- a failure must be a rejection
  async remove(path: string): Promise<void> {
    this.#change("remove", path);
    return this.#files.remove(path);
  }

  // deno-lint-ignore require-await -- a failure must be a rejection
  async makeDirectory(path: string, mode: number): Promise<void> {
    this.#change("makeDirectory", path);
    return this.#files.makeDirectory(path, mode);
  }

  // deno-lint-ignore require-await -- a failure must be a rejection
  async syncDirectory(path: string): Promise<void> {
    this.#change("syncDirectory", path);
    return this.#files.syncDirectory(path);
  }

  // deno-lint-ignore require-await -- a failure must be a rejection
  async lock(path: string, owner: string): Promise<StoreLock | undefined> {
    this.#change("lock", path);
    return this.#files.lock(path, owner);
  }

  #change(operation: string, path: string): void {
    this.calls++;
    const change = `${operation} ${path.slice(path.lastIndexOf("/") + 1)}`;
    this.changes.push(change);
    if (this.changes.length - 1 === this.failAt || this.failWhen?.(change)) {
      throw new Error(`injected: ${change}`);
    }
  }
}
