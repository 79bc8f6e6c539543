import type { FileEntry, FileReader, Files, FilesSync, FileStat, FileWriter, StoreLock } from "../store/mod.ts";
import {
  canFail,
  CrashedError,
  errorOf,
  type Fault,
  type FaultOperation,
  type FaultPlan,
  type OperationKind,
} from "./fault.ts";
import { FaultDisk } from "./fault_disk.ts";
import { diskOf, disksAfter } from "./power_loss.ts";
import {
  copyTree,
  type PendingChange,
  VolatileDirectory,
  VolatileFile,
  type VolatileNode,
  wake,
} from "./volatile_tree.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode FaultFiles}. */
export interface FaultFilesOptions {
  /** The fault to come; none if it is left out. */
  readonly plan?: FaultPlan | undefined;
  /** Bytes that a disk writes or loses together; default 4096. A small one makes small files tear in more places. */
  readonly pageSize?: number | undefined;
  /** False: the file system has no locks, like some network file systems. Default true. */
  readonly locks?: boolean | undefined;
  /** Is told of every operation before it is done, and may look at the disks. */
  readonly before?: ((operation: FaultOperation, files: FaultFiles) => void) | undefined;
}

const FAULT_FILES_OPTIONS: OptionNames<FaultFilesOptions> = {
  plan: true,
  pageSize: true,
  locks: "boolean",
  before: "function",
};

/**
 * A file system in memory that can fail at any operation, and that knows what a loss of power would leave: the bytes of
 * a file are durable only after its `sync`, names only after `syncDirectory` of their directory.
 *
 * Paths are absolute; `/` is there from the start. Everything is deterministic.
 *
 * @example What is lost without a sync
 * ```ts
 * import { FaultFiles } from "@cairn/checkpoints/testing";
 *
 * const files = new FaultFiles();
 * const writer = await files.create("/a");
 * await writer.write(new TextEncoder().encode("hello"));
 * await writer.sync();
 * const left = [...files.disksAfterPowerLoss()].map(String);
 * console.log(left); // [ "", '"/a" 5 bytes' ]: the name may be lost, since the directory was not synced
 * ```
 *
 * @example A full disk
 * ```ts
 * import { FaultFiles } from "@cairn/checkpoints/testing";
 * import { LocalStore } from "@cairn/checkpoints";
 *
 * const files = new FaultFiles(undefined, { plan: { at: 20, fault: { kind: "error", error: "ENOSPC", lasting: true } } });
 * const store = new LocalStore("/run", { files });
 * await store.ensureRoot();
 * try {
 *   for (let i = 0; i < 10; i++) await store.publish(`blob-${i}`, (sink) => sink.write(Uint8Array.of(i)));
 * } catch (error) {
 *   console.log(String(error), files.operations.length);
 * }
 * files.mend();
 * await store.publish("after all", (sink) => sink.write(Uint8Array.of(1)));
 * ```
 */
export class FaultFiles implements Files {
  /** Everything that was asked for so far. */
  readonly operations: FaultOperation[] = [];
  /** The same calls without waiting. */
  readonly sync: FilesSync = {
    stat: (path: string): FileStat => this.#act("stat", path, 0, () => this.#stat(path)),
    realPath: (path: string): string => this.#act("realPath", path, 0, () => this.#realPath(path)),
    open: (path: string): FileReader => this.#act("open", path, 0, () => this.#open(path)),
  };
  readonly #root: VolatileDirectory;
  readonly #pageSize: number;
  readonly #hasLocks: boolean;
  readonly #before: FaultFilesOptions["before"];
  readonly #locked = new Set<VolatileFile>();
  #plan: FaultPlan | undefined;
  #pending: readonly PendingChange[] = [];
  #hasCrashed = false;
  #hasFailed = false;

  /**
   * Starts a system on a disk; or a new process on the system of another FaultFiles, whose process has ended: then
   * nothing is lost, and what was not durable still is not. `from` stays as it is.
   */
  constructor(from: FaultDisk | FaultFiles = FaultDisk.EMPTY, options: FaultFilesOptions = {}) {
    checkOptions("new FaultFiles()", options, FAULT_FILES_OPTIONS);
    if (from instanceof FaultDisk) {
      const root = wake(from.root);
      this.#root = root.kind === "directory" ? root : new VolatileDirectory();
    } else {
      const { root, pending } = copyTree(from.#root, from.#pending);
      this.#root = root;
      this.#pending = pending;
    }
    this.#plan = options.plan;
    this.#before = options.before;
    this.#pageSize = options.pageSize ?? 4096;
    this.#hasLocks = options.locks ?? true;
  }

  /** Whether a planned crash has come: from then on every operation throws a CrashedError and does nothing. */
  get hasCrashed(): boolean {
    return this.#hasCrashed;
  }

  /** Whether a planned error was given. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Ends a lasting error, and whatever is still planned. */
  mend(): void {
    this.#plan = undefined;
  }

  /** What was done and is not durable yet, one line each. */
  get unsynced(): readonly string[] {
    return this.#pending.map((each) => each.what);
  }

  /** The disk as it is if the process dies now and the system goes on, until all is written. */
  diskNow(): FaultDisk {
    return diskOf(this.#root);
  }

  /**
   * Every disk that a loss of power at this moment may leave: unsynced directory changes dropped, in every combination
   * and so in every order; unsynced bytes dropped, cut, zeroed or written.
   */
  disksAfterPowerLoss(): Generator<FaultDisk> {
    return disksAfter(this.#root, this.#pending, this.#pageSize);
  }

  /** The entries of a directory. */
  async list(directory: string): Promise<FileEntry[]> {
    return await this.#act("list", directory, 0, () => {
      return [...this.#directory(directory).entries].map(([name, { kind }]) => ({ name, kind }));
    });
  }

  /** What is at `path`. */
  async stat(path: string): Promise<FileStat> {
    return await this.#act("stat", path, 0, () => this.#stat(path));
  }

  /** The path itself, if something is there: there are no symlinks. */
  async realPath(path: string): Promise<string> {
    return await this.#act("realPath", path, 0, () => this.#realPath(path));
  }

  /** Opens a file for reading. */
  async open(path: string): Promise<FileReader> {
    return await this.#act("open", path, 0, () => this.#open(path));
  }

  /** Creates a file for writing. */
  async create(path: string): Promise<FileWriter> {
    const file = await this.#act("create", path, 0, () => this.#create(path));
    return {
      write: async (bytes) => await this.#write(file, path, bytes),
      sync: async () => await this.#act("sync", path, 0, () => file.sync(), () => file.loseUnsynced()),
      close: () => {},
    };
  }

  /** Moves a name, replacing a file of the new name. */
  async rename(from: string, to: string): Promise<void> {
    await this.#act("rename", to, 0, () => {
      const node = this.#node(from);
      const [source, oldName] = this.#place(from);
      const [target, newName] = this.#place(to);
      if (target.entries.get(newName) === node) return;
      const what = `rename "${from}" to "${to}"`;
      const gives = { name: newName, node };
      if (source === target) return this.#change({ what, directory: source, gives, takes: oldName });
      this.#change({ what, directory: target, gives });
      this.#change({ what, directory: source, takes: oldName });
    });
  }

  /** Makes a hard link. */
  async link(from: string, to: string): Promise<void> {
    await this.#act("link", to, 0, () => {
      const node = this.#node(from);
      const [directory, name] = this.#place(to);
      if (directory.entries.has(name)) throw new Deno.errors.AlreadyExists(`File exists: "${to}"`);
      this.#change({ what: `link "${from}" to "${to}"`, directory, gives: { name, node } });
    });
  }

  /** Removes a file's name. */
  async remove(path: string): Promise<void> {
    await this.#act("remove", path, 0, () => {
      this.#node(path);
      const [directory, name] = this.#place(path);
      this.#change({ what: `remove "${path}"`, directory, takes: name });
    });
  }

  /** Makes a directory with its missing parents; `mode` means nothing here. */
  async makeDirectory(path: string, _mode: number): Promise<void> {
    await this.#act("makeDirectory", path, 0, () => {
      let at = "";
      for (const name of parts(path)) {
        at += `/${name}`;
        if (this.#find(at)?.kind === "directory") continue;
        const [directory] = this.#place(at);
        this.#change({ what: `make directory "${at}"`, directory, gives: { name, node: new VolatileDirectory() } });
      }
    });
  }

  /** Makes the names in a directory durable. */
  async syncDirectory(path: string): Promise<void> {
    await this.#act("syncDirectory", path, 0, () => {
      const directory = this.#directory(path);
      directory.durable.clear();
      for (const [name, node] of directory.entries) directory.durable.set(name, node);
      this.#pending = this.#pending.filter((each) => each.directory !== directory);
    });
  }

  /** Takes the exclusive lock of the file at `path`. */
  async lock(path: string, owner: string): Promise<StoreLock | undefined> {
    return await this.#act("lock", path, 0, () => {
      if (!this.#hasLocks) throw new Deno.errors.NotSupported("No locks available (os error 37)");
      const found = this.#find(path);
      const file = found?.kind === "file" ? found : this.#create(path);
      if (this.#locked.has(file)) return undefined;
      this.#locked.add(file);
      file.lockAs(new TextEncoder().encode(owner));
      return { release: () => void this.#locked.delete(file) };
    });
  }

  /** Counts an operation, and does it unless it is planned otherwise. */
  #act<T>(kind: OperationKind, path: string, size: number, work: () => T, whenFailed: () => void = () => {}): T {
    const fault = this.#faultAt(kind, path, size);
    if (fault?.kind === "error") {
      this.#hasFailed = true;
      whenFailed();
      throw errorOf(fault.error, path);
    }
    if (fault?.kind !== "crash") return work();
    if (fault.when === "after") {
      try {
        work();
      } catch {
        // It would have failed; the crash comes all the same.
      }
    }
    this.#hasCrashed = true;
    throw new CrashedError();
  }

  #faultAt(kind: OperationKind, path: string, size: number): Fault | undefined {
    if (this.#hasCrashed) throw new CrashedError();
    const operation = { index: this.operations.length, kind, path, size };
    this.#before?.(operation, this);
    this.operations.push(operation);
    const { index } = operation;
    if (this.#plan === undefined || index < this.#plan.at) return undefined;
    const { at, fault } = this.#plan;
    if (index === at) return fault;
    return fault.kind === "error" && fault.lasting && canFail(kind, fault.error) ? fault : undefined;
  }

  #write(file: VolatileFile, path: string, bytes: Uint8Array): number {
    const isAtPlan = this.operations.length === this.#plan?.at;
    const fault = this.#plan?.fault;
    if (isAtPlan && fault?.kind === "torn") {
      this.#faultAt("write", path, bytes.length);
      file.append(bytes.subarray(0, fault.bytes));
      this.#hasCrashed = true;
      throw new CrashedError();
    }
    const short = fault?.kind === "error" && isAtPlan ? fault.bytes ?? 0 : 0;
    return this.#act("write", path, bytes.length, () => {
      file.append(bytes);
      return bytes.length;
    }, () => file.append(bytes.subarray(0, short)));
  }

  #create(path: string): VolatileFile {
    const [directory, name] = this.#place(path);
    if (directory.entries.has(name)) throw new Deno.errors.AlreadyExists(`File exists: "${path}"`);
    const node = new VolatileFile(new Uint8Array());
    this.#change({ what: `create "${path}"`, directory, gives: { name, node } });
    return node;
  }

  #open(path: string): FileReader {
    const file = this.#node(path);
    if (file.kind !== "file") throw new Error(`Is a directory (os error 21): "${path}"`);
    const bytes = file.lockText ?? file.bytes; // Neither ever changes; a writer makes another.
    const read = (into: Uint8Array, at: number): number => {
      return this.#act("read", path, 0, () => {
        const part = bytes.subarray(at, at + into.length);
        into.set(part);
        return part.length;
      });
    };
    return { size: bytes.length, read: async (into, at) => await read(into, at), readSync: read, close: () => {} };
  }

  #stat(path: string): FileStat {
    const node = this.#node(path);
    return { kind: node.kind, size: node.kind === "file" ? node.bytes.length : 0 };
  }

  #realPath(path: string): string {
    this.#node(path);
    return path;
  }

  #change(change: PendingChange): void {
    this.#pending = [...this.#pending, change];
    const { entries } = change.directory;
    if (change.takes !== undefined) entries.delete(change.takes);
    if (change.gives !== undefined) entries.set(change.gives.name, change.gives.node);
  }

  #directory(path: string): VolatileDirectory {
    const node = this.#node(path);
    if (node.kind !== "directory") throw new Deno.errors.NotADirectory(`Not a directory (os error 20): "${path}"`);
    return node;
  }

  /** The directory that holds `path`, and its name there. */
  #place(path: string): [VolatileDirectory, string] {
    const names = parts(path);
    const name = names.pop();
    if (name === undefined) throw new Error(`Device or resource busy (os error 16): "${path}"`);
    return [this.#directory(`/${names.join("/")}`), name];
  }

  #node(path: string): VolatileNode {
    const node = this.#find(path);
    if (node === undefined) throw new Deno.errors.NotFound(`No such file or directory (os error 2): "${path}"`);
    return node;
  }

  #find(path: string): VolatileNode | undefined {
    let node: VolatileNode | undefined = this.#root;
    for (const name of parts(path)) {
      if (node?.kind === "file") throw new Deno.errors.NotADirectory(`Not a directory (os error 20): "${path}"`);
      node = node?.entries.get(name);
    }
    return node;
  }
}

/** On Windows an absolute path begins with a drive. */
function parts(path: string): string[] {
  return path.replace(/^[A-Za-z]:/, "").split(/[\\/]/).filter((part) => part !== "");
}
