import type { FileOnDisk, FileReader } from "./files.ts";

/** Reads that may be under way at once: also memory that nobody has touched yet is filled by several threads then. */
const LANES = 8;

/** A handle for reads that wait, one at a time. */
interface Lane {
  readonly file: Deno.FsFile;
  last: Promise<unknown>;
  waiting: number;
}

/**
 * Reads by position through Deno.FsFiles, which can only seek and then read: synchronous reads have a handle of their
 * own, since they would move the position under a read that is on its way. Those have others, opened when they are
 * needed. (`node:fs` reads by position, but takes longer to load than all of Cairn.)
 */
export class DenoFileReader implements FileReader {
  readonly size: number;
  /** Undefined where files have no numbers. */
  readonly onDisk: FileOnDisk | undefined;
  readonly #path: string;
  /** Which file it is, whatever its name is by now; it is open, so no other file can have the number. */
  readonly #identity: string;
  readonly #now: Deno.FsFile;
  readonly #lanes: Lane[] = [];
  #closed = false;

  /** Opens the file. */
  constructor(path: string) {
    this.#path = path;
    this.#now = Deno.openSync(path);
    try {
      // FsFile.stat() would want a permission for the real path.
      const { identity, isOwn } = identityOf(path);
      this.#identity = identity;
      this.onDisk = isOwn ? { path, identity } : undefined;
      this.size = this.#now.seekSync(0, Deno.SeekMode.End);
    } catch (error) {
      this.#now.close();
      throw error;
    }
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    this.#checkOpen();
    const lane = this.#freeLane();
    if (lane === undefined) return this.readSync(into, at);
    const turn = lane.last.then(async () => {
      this.#checkOpen();
      lane.file.seekSync(at, Deno.SeekMode.Start);
      return await lane.file.read(into) ?? 0;
    });
    lane.waiting++;
    // The caller gets the failure; the next in the queue must not.
    lane.last = turn.catch(() => {}).finally(() => lane.waiting--);
    return await turn;
  }

  readSync(into: Uint8Array, at: number): number {
    this.#checkOpen();
    this.#now.seekSync(at, Deno.SeekMode.Start);
    return this.#now.readSync(into) ?? 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#now.close();
    this.#lanes.forEach(({ file }) => file.close());
  }

  /** The lane with the fewest reads; undefined if none could be opened. */
  #freeLane(): Lane | undefined {
    const [least] = this.#lanes.toSorted((a, b) => a.waiting - b.waiting);
    if (least?.waiting === 0 || this.#lanes.length === LANES) return least;
    return this.#openLane() ?? least;
  }

  #openLane(): Lane | undefined {
    let file: Deno.FsFile | undefined;
    try {
      file = Deno.openSync(this.#path);
      if (identityOf(this.#path).identity === this.#identity) {
        const lane = { file, last: Promise.resolve(), waiting: 0 };
        this.#lanes.push(lane);
        return lane;
      }
    } catch {
      // Its name is gone, or no more files may be opened: there is a handle that reads it.
    }
    file?.close();
    return undefined;
  }

  #checkOpen(): void {
    if (this.#closed) throw new Deno.errors.BadResource("the file is closed");
  }
}

/** What a file has alone on its device, if files have numbers there. */
function identityOf(path: string): { readonly identity: string; readonly isOwn: boolean } {
  const { dev, ino } = Deno.statSync(path);
  return { identity: `${dev} ${ino}`, isOwn: ino !== null };
}
