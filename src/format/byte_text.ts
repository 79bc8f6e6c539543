/** Bytes decoded at once: a call of TextDecoder costs as much as hundreds of bytes. */
const WINDOW_BYTES = 2 ** 16;

/** Cuts strings out of bytes. */
export class ByteText {
  readonly #bytes: Uint8Array;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #latin1 = new TextDecoder("latin1");
  /** A stretch of the bytes as text, wrong where they are not ASCII. */
  #window = "";
  #windowAt = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The text of bytes that are known to be ASCII. */
  ascii(start: number, end: number): string {
    if (end - start > WINDOW_BYTES) return this.utf8(start, end);
    if (start < this.#windowAt || end > this.#windowAt + this.#window.length) {
      this.#window = this.#latin1.decode(this.#bytes.subarray(start, start + WINDOW_BYTES));
      this.#windowAt = start;
    }
    return this.#window.slice(start - this.#windowAt, end - this.#windowAt);
  }

  /** The text of UTF-8 bytes; throws a TypeError if they are not. */
  utf8(start: number, end: number): string {
    return this.#utf8.decode(this.#bytes.subarray(start, end));
  }
}
