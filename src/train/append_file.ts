import { LimitError, NotFoundError } from "../errors.ts";
import { DenoFiles } from "../store/deno_files.ts";
import { fileError, type FileOperation } from "../store/file_error.ts";
import { LocalRoot } from "../store/local_root.ts";
import { LocalStore } from "../store/mod.ts";

/** Permission bits of a new file, before the umask; as GoMLX has them. */
const FILE_MODE = 0o664;
const LINE_FEED = 0x0a;
/** Also of what is read back at an append, to mend a torn end: a line is far shorter. */
const MAX_TAIL = 65_536;
/** 2 million plot points. */
const MAX_BYTES = 256 * 2 ** 20;
/** Milliseconds; a sync takes about one or, on slow disks, twenty. */
const SYNC_INTERVAL = 1000;

/** Says how much of the end of a file is whole lines or can be made so; what follows is cut off. */
export type WholeEnd = (tail: Uint8Array) => number;

/**
 * A file of lines in a directory, to which lines are appended. Lines that belong together go in one write, at the end
 * of the file whatever its size is then; no handle stays open. So a process that dies tears the last line at most, and
 * the next append mends that: it cuts the torn rest off. Appends are synced when a second has passed since the last
 * sync: a power failure takes those of the last second at most, and of the time since. A symlink that leads out of the directory is refused.
 *
 * Permissions: `--allow-read=<dir>` to read, `--allow-write=<dir>` as well to append.
 */
export class AppendFile {
  /** Absolute path. */
  readonly path: string;
  readonly #name: string;
  readonly #store: LocalStore;
  readonly #root: LocalRoot;
  readonly #wholeEnd: WholeEnd;
  #queue: Promise<unknown> = Promise.resolve();
  #lastSync = -Infinity;

  /** Touches nothing. */
  constructor(directory: string, name: string, wholeEnd: WholeEnd) {
    this.#store = new LocalStore(directory);
    this.#root = new LocalRoot(this.#store.label, new DenoFiles());
    this.#name = name;
    this.path = `${this.#store.label}/${name}`;
    this.#wholeEnd = wholeEnd;
  }

  /** All of it; undefined if there is no such file, or no such directory. LimitError above 256 MiB. */
  async read(): Promise<Uint8Array | undefined> {
    const handle = await this.#store.open(this.#name).catch(ignoreMissing);
    if (handle === undefined) return undefined;
    try {
      const { size } = handle;
      if (size > MAX_BYTES) {
        throw new LimitError(`Cannot read "${this.path}": it has ${size} bytes, the limit is ${MAX_BYTES}`, {
          path: this.path,
        });
      }
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, await handle.read(bytes, 0));
    } finally {
      handle.close();
    }
  }

  /** Appends whole lines; makes the directory and the file if they are missing. Appends run in the order of their calls. */
  append(lines: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#append(lines));
  }

  /** Makes `lines` all that there is, atomically and durably. Waits for the appends before. */
  replace(lines: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#store.publish(this.#name, (sink) => sink.write(lines)));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #append(lines: Uint8Array): Promise<void> {
    const operation: FileOperation = {
      what: `append to "${this.#name}"`,
      root: this.#store.label,
      path: this.path,
      access: ["read", "write"],
    };
    try {
      await this.#store.ensureRoot();
      using file = await this.#open(operation);
      const start = await this.#mendEnd(file);
      const bytes = new Uint8Array([...start, ...lines]);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      if (performance.now() - this.#lastSync < SYNC_INTERVAL) return;
      await file.syncData();
      this.#lastSync = performance.now();
    } catch (error) {
      throw fileError(error, operation);
    }
  }

  async #open(operation: FileOperation): Promise<Deno.FsFile> {
    try {
      const path = await this.#root.blob({ folder: undefined, file: this.#name }, operation);
      return await Deno.open(path, { read: true, append: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return await Deno.open(this.path, { read: true, append: true, createNew: true, mode: FILE_MODE });
    }
  }

  /** Makes the file end with a whole line, and returns what the next write must begin with for that. */
  async #mendEnd(file: Deno.FsFile): Promise<readonly number[]> {
    const size = await file.seek(0, Deno.SeekMode.End);
    if (size === 0) return [];
    if ((await readFrom(file, size - 1, 1))[0] === LINE_FEED) return [];
    const start = Math.max(0, size - MAX_TAIL);
    const tail = await readFrom(file, start, size - start);
    const lineStart = tail.lastIndexOf(LINE_FEED) + 1;
    const whole = this.#wholeEnd(tail.subarray(lineStart));
    // A line without end in sight was not written by us: leave it.
    if (lineStart > 0 || start === 0) await file.truncate(start + lineStart + whole);
    return whole > 0 || (lineStart === 0 && start > 0) ? [LINE_FEED] : [];
  }
}

async function readFrom(file: Deno.FsFile, at: number, length: number): Promise<Uint8Array> {
  await file.seek(at, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = await file.read(bytes.subarray(done));
    if (count === null) return bytes.subarray(0, done);
    done += count;
  }
  return bytes;
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof NotFoundError)) throw error;
}
