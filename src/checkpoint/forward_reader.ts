import { CorruptError } from "../errors.ts";
import type { Entry } from "../format/mod.ts";
import type { ReadHandle } from "../store/mod.ts";
import { entryLabel } from "./entry_label.ts";
import type { EntryReader, PayloadReader } from "./payload_reader.ts";

/** Bytes read at once. */
const BLOCK_BYTES = 1024 * 1024;

/** Reads a compressed payload once from front to back; what lies further back is left to `whole`. */
export class ForwardReader implements EntryReader {
  readonly #whole: PayloadReader;
  readonly #blocks: AsyncGenerator<Uint8Array>;
  #block: Uint8Array = new Uint8Array();
  #start = 0;

  constructor(whole: PayloadReader, blocks: AsyncGenerator<Uint8Array>) {
    this.#whole = whole;
    this.#blocks = blocks;
  }

  async read(entry: Entry, into: Uint8Array, start: number): Promise<void> {
    const from = entry.position + start;
    if (from < this.#start) return await this.#whole.read(entry, into, start);
    for (let done = 0; done < into.length;) {
      const part = this.#block.subarray(from + done - this.#start).subarray(0, into.length - done);
      into.set(part, done);
      done += part.length;
      if (done < into.length && !(await this.#next())) {
        throw new CorruptError(
          `Cannot read variable "${entryLabel(entry)}" from "${this.#whole.path}": the payload ends too early`,
          { path: this.#whole.path, entry: entryLabel(entry) },
        );
      }
    }
  }

  async finish(): Promise<void> {
    while (await this.#next());
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#blocks.next();
    this.#start += this.#block.length;
    this.#block = done ? new Uint8Array() : value;
    return !done;
  }
}

/** The bytes of a file from an offset on, block by block. */
export async function* readBlocks(handle: ReadHandle, from: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < handle.size;) {
    // A fresh block each time: the inflater may still hold the last one.
    const block = new Uint8Array(Math.min(BLOCK_BYTES, handle.size - at));
    const got = await handle.read(block, at);
    if (got === 0) return;
    yield block.subarray(0, got);
    at += got;
  }
}
