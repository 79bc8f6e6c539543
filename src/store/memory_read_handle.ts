import { StoreError } from "../errors.ts";
import type { ReadHandle } from "./store.ts";

/** A blob that is in memory, opened for reading. */
export class MemoryReadHandle implements ReadHandle {
  /** Size in bytes. */
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #path: string;
  #closed = false;

  /** Opens `bytes`, which are shared and must not change; `path` is for messages. */
  constructor(bytes: Uint8Array, path: string) {
    this.size = bytes.length;
    this.#bytes = bytes;
    this.#path = path;
  }

  /** Reads bytes starting at `at` and returns how many. */
  // deno-lint-ignore require-await -- a failure must be a rejection
  async read(into: Uint8Array, at: number): Promise<number> {
    return this.readSync(into, at);
  }

  /** The same without waiting. */
  readSync(into: Uint8Array, at: number): number {
    checkRead(this.#closed, at, this.#path);
    const part = this.#bytes.subarray(at, at + into.length);
    into.set(part);
    return part.length;
  }

  /** Closes it. */
  close(): void {
    this.#closed = true;
  }
}

/** StoreError if a read cannot be: the handle is closed, or `at` is not a byte offset. */
export function checkRead(closed: boolean, at: number, path: string): void {
  if (closed) throw new StoreError(`Cannot read "${path}": its handle is closed`, { path, offset: at });
  if (Number.isSafeInteger(at) && at >= 0) return;
  throw new StoreError(`Cannot read "${path}": offset ${at} is not a byte offset`, { path });
}
