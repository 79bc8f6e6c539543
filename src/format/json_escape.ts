/**
 * What `\ufffd` and half of a surrogate pair are read as, so that they are written back as `\ufffd`: so Go writes
 * invalid UTF-8, while it writes a real U+FFFD as it is. Values and names get a U+FFFD for it by `toWellFormed`.
 */
const HALF_PAIR = "\ud800";
/** Parts of a string with escapes that are put together at once. */
const MAX_PARTS = 2 ** 16;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ...['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"].map((pair): [string, string] => [
    pair.charAt(0),
    pair.charAt(1),
  ]),
]);

const [BACKSLASH, LETTER_U] = [0x5c, 0x75];

/** An escape that JSON does not have; the message says what is wrong with the string. */
export class EscapeError extends Error {}

/**
 * The text of a JSON string between its quotes, which may be ill-formed: see `HALF_PAIR`. Throws an EscapeError, or a
 * TypeError if the bytes are not UTF-8.
 */
export function unescapeJson(bytes: Uint8Array, start: number, end: number, text: ByteText): string {
  const parts: string[] = [];
  let from = start;
  for (let at = start; at < end;) {
    if (bytes[at] !== BACKSLASH) {
      at++;
      continue;
    }
    if (at > from) parts.push(text.utf8(from, at));
    const [part, length] = bytes[at + 1] === LETTER_U ? unicodeEscape(bytes, at, end) : shortEscape(bytes, at);
    parts.push(part);
    at += length;
    from = at;
    // A list of a million escapes takes more memory than their text.
    if (parts.length >= MAX_PARTS) parts.splice(0, parts.length, parts.join(""));
  }
  if (end > from) parts.push(text.utf8(from, end));
  return parts.join("");
}

type Part = readonly [text: string, length: number];

/** The text of one `\uXXXX`, or of two that are a surrogate pair, and the bytes that it takes. */
function unicodeEscape(bytes: Uint8Array, at: number, end: number): Part {
  const unit = hexUnit(bytes, at, end);
  if (unit === 0xfffd) return [HALF_PAIR, 6];
  if (unit < 0xd800 || unit > 0xdfff) return [String.fromCharCode(unit), 6];
  const isPair = unit < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === LETTER_U;
  const second = isPair ? hexUnit(bytes, at + 6, end) : 0;
  return second >= 0xdc00 && second <= 0xdfff ? [String.fromCharCode(unit, second), 12] : [HALF_PAIR, 6];
}

function shortEscape(bytes: Uint8Array, at: number): Part {
  const text = ESCAPES.get(String.fromCharCode(bytes[at + 1] ?? 0));
  if (text === undefined) throw new EscapeError(`has an unknown escape at byte ${at}, wanted one such as "\\n"`);
  return [text, 2];
}

function hexUnit(bytes: Uint8Array, at: number, end: number): number {
  const text = String.fromCharCode(...bytes.subarray(at + 2, Math.min(at + 6, end)));
  if (/^[0-9a-fA-F]{4}$/.test(text)) return Number.parseInt(text, 16);
  throw new EscapeError(`has an escape at byte ${at} without four hexadecimal digits`);
}

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
