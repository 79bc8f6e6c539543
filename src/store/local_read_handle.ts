import { fileError, type FileOperation } from "./file_error.ts";
import type { FileOnDisk, FileReader } from "./files.ts";
import type { MappedFile } from "./map_file.ts";
import { checkRead } from "./embedded_store.ts";
import type { ReadHandle } from "./store.ts";

/** A blob of a LocalStore, opened for reading. */
export class LocalReadHandle implements ReadHandle {
  /** Size in bytes at the time of opening. */
  readonly size: number;
  /** Which file it is. */
  readonly onDisk: FileOnDisk | undefined;
  /** Maps it, if the store was asked to. */
  readonly map: (() => MappedFile) | undefined;
  readonly #reader: FileReader;
  readonly #operation: FileOperation;
  #closed = false;

  /** Reads through `reader`, which it closes; `operation` is for messages; `map` maps a file of that size. */
  constructor(reader: FileReader, operation: FileOperation, map?: (size: number) => MappedFile) {
    this.size = reader.size;
    this.onDisk = reader.onDisk;
    this.map = map && (() => map(this.size));
    this.#reader = reader;
    this.#operation = operation;
  }

  /** Reads bytes starting at `at` until `into` is full or the blob ends, and returns how many were read. */
  async read(into: Uint8Array, at: number): Promise<number> {
    checkRead(this.#closed, at, this.#operation.path);
    let done = 0;
    try {
      // One call moves at most 2,147,479,552 bytes.
      while (done < into.length) {
        const count = await this.#reader.read(into.subarray(done), at + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw fileError(error, { ...this.#operation, offset: at + done });
    }
    return done;
  }

  /** The same without waiting. */
  readSync(into: Uint8Array, at: number): number {
    checkRead(this.#closed, at, this.#operation.path);
    let done = 0;
    try {
      while (done < into.length) {
        const count = this.#reader.readSync(into.subarray(done), at + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw fileError(error, { ...this.#operation, offset: at + done });
    }
    return done;
  }

  /** Closes it; closing twice is harmless. */
  close(): void {
    this.#closed = true;
    this.#reader.close();
  }

  /** The same as {@linkcode LocalReadHandle.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
