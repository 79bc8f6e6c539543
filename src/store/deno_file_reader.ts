import type { FileReader } from "./files.ts";

/**
 * Reads by position through a Deno.FsFile, which can only seek and then read: synchronous reads have a handle of their
 * own, since they would move the position under a read that is on its way; those wait for each other. (`node:fs` reads
 * by position, but takes longer to load than all of Cairn.)
 */
export class DenoFileReader implements FileReader {
  readonly size: number;
  readonly #now: Deno.FsFile;
  readonly #waiting: Deno.FsFile;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** Opens the file. */
  constructor(path: string) {
    this.#now = Deno.openSync(path);
    try {
      // At once, while the name is still the same file's.
      this.#waiting = Deno.openSync(path);
      // FsFile.stat() would want a permission for the real path.
      this.size = this.#now.seekSync(0, Deno.SeekMode.End);
    } catch (error) {
      this.#now.close();
      throw error;
    }
  }

  read(into: Uint8Array, at: number): Promise<number> {
    const turn = this.#last.then(async () => {
      this.#checkOpen();
      this.#waiting.seekSync(at, Deno.SeekMode.Start);
      return await this.#waiting.read(into) ?? 0;
    });
    this.#last = turn.catch(() => {}); // The caller gets the failure; the next in the queue must not.
    return turn;
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
    this.#waiting.close();
  }

  #checkOpen(): void {
    if (this.#closed) throw new Deno.errors.BadResource("the file is closed");
  }
}
