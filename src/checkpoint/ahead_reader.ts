import type { Entry } from "../format/mod.ts";
import type { EntryReader, PayloadReader } from "./payload_reader.ts";

/** Bytes that are read at once where small entries follow each other. */
const AHEAD_BYTES = 1024 * 1024;

/** Reads a raw payload; small entries that follow each other come from one larger read. One read at a time. */
export class AheadReader implements EntryReader {
  readonly #whole: PayloadReader;
  readonly #aheadBytes: number;
  #buffer: Uint8Array | undefined;
  #start = 0;
  #length = 0;
  #lastEnd = -1;

  /** Reads at most `aheadBytes` at once, and keeps them. */
  constructor(whole: PayloadReader, aheadBytes: number = AHEAD_BYTES) {
    this.#whole = whole;
    this.#aheadBytes = Math.min(aheadBytes, AHEAD_BYTES);
  }

  readNow(entry: Entry, into: Uint8Array, start: number): boolean {
    const from = entry.position + start;
    if (this.#buffer === undefined || !this.#holds(from, into.length)) return false;
    this.#lastEnd = from + into.length;
    into.set(this.#buffer.subarray(from - this.#start, from - this.#start + into.length));
    return true;
  }

  async read(entry: Entry, into: Uint8Array, start: number): Promise<void> {
    const from = entry.position + start;
    const isNext = from === this.#lastEnd;
    this.#lastEnd = from + into.length;
    if (isNext && into.length <= this.#aheadBytes / 4 && !this.#holds(from, into.length)) await this.#fill(from);
    if (!this.readNow(entry, into, start)) await this.#whole.read(entry, into, start);
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  #holds(from: number, length: number): boolean {
    return from >= this.#start && from + length <= this.#start + this.#length;
  }

  async #fill(from: number): Promise<void> {
    this.#buffer ??= new Uint8Array(this.#aheadBytes);
    this.#length = 0;
    this.#length = await this.#whole.readPayload(this.#buffer, from);
    this.#start = from;
  }
}
