import { type ErrorPlace, FormatError, LimitError } from "../errors.ts";
import { type JsonMember, type JsonNode, JsonNumber, JsonObject } from "./json.ts";
import { ByteText, EscapeError, unescapeJson } from "./json_escape.ts";
import { MAX_DEPTH, MAX_NAME_BYTES, MAX_TEXT_BYTES, MAX_VALUES } from "./limits.ts";

/** Options of {@linkcode JsonReader}. */
export interface JsonReaderOptions {
  /** What messages call the text: `Cannot read <what>`. */
  readonly what: string;
  readonly place?: ErrorPlace;
  readonly maxDepth?: number;
  readonly nonFinite?: boolean;
  /** Called once, before more than a few thousand values are kept. */
  readonly beforeMany?: () => void;
}

/** So many values are kept without a question. */
const FEW_VALUES = 4096;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const [MINUS, PLUS, DOT, ZERO, NINE] = [0x2d, 0x2b, 0x2e, 0x30, 0x39];

/**
 * Reads JSON from bytes, one value at a time, so that a caller who knows what must come builds nothing else: a manifest
 * of a million rows, or a hostile one, never becomes a tree.
 */
export class JsonReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #place: ErrorPlace;
  readonly #maxDepth: number;
  readonly #nonFinite: boolean;
  readonly #text: ByteText;
  readonly #beforeMany: () => void;
  #at = 0;
  #keyAt = 0;
  #depth = 0;
  #valuesLeft = MAX_VALUES;
  #textLeft = MAX_TEXT_BYTES;

  constructor(bytes: Uint8Array, options: JsonReaderOptions) {
    this.#bytes = bytes;
    this.#text = new ByteText(bytes);
    this.#what = options.what;
    this.#place = options.place ?? {};
    this.#maxDepth = options.maxDepth ?? MAX_DEPTH;
    this.#nonFinite = options.nonFinite ?? false;
    this.#beforeMany = options.beforeMany ?? (() => {});
  }

  /** Offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Goes on at byte `at`: what lies between was read by somebody else, and opened and closed nothing else. */
  skipTo(at: number): void {
    this.#at = at;
  }

  /** Skips white space and returns the next byte, or -1 at the end. */
  peek(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let byte = bytes[at];
    while (byte === 0x20 || byte === 0x0a || byte === 0x09 || byte === 0x0d) byte = bytes[++at];
    this.#at = at;
    return byte ?? -1;
  }

  /** Whether a value of that kind is next. */
  isNext(kind: "string" | "list" | "object" | "number"): boolean {
    const byte = this.peek();
    if (kind === "number") return byte === MINUS || (byte >= ZERO && byte <= NINE);
    return byte === (kind === "string" ? QUOTE : kind === "list" ? OPEN_LIST : OPEN_OBJECT);
  }

  /** Reads `null` if it is next. */
  tryNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.#word("null");
    return true;
  }

  /** Reads that very number if it is next. */
  tryNumber(text: string): boolean {
    this.peek();
    const end = this.#at + text.length;
    const next = this.#bytes[end] ?? COMMA;
    const goesOn = next === DOT || next === 0x65 || next === 0x45 || (next >= ZERO && next <= NINE);
    if (goesOn || this.#bytes[this.#at] !== text.charCodeAt(0) || this.#text.ascii(this.#at, end) !== text) {
      return false;
    }
    this.#at = end;
    return true;
  }

  /** Enters an object: its first key, or undefined if it is empty. Each key's value must be read before the next. */
  firstKey(wanted: string): string | undefined {
    if (this.peek() !== OPEN_OBJECT) throw this.unexpected(wanted);
    this.#open();
    return this.peek() === CLOSE_OBJECT ? this.#close() : this.#key();
  }

  /** The next key, or undefined at the end of the object. */
  nextKey(): string | undefined {
    const next = this.peek();
    if (next === CLOSE_OBJECT) return this.#close();
    if (next !== COMMA) throw this.unexpected('"," or "}"');
    this.#at++;
    return this.#key();
  }

  /** Offset of the last key. */
  get keyAt(): number {
    return this.#keyAt;
  }

  /** Enters a list: whether it has an element. Each must be read before the next. */
  firstElement(wanted: string): boolean {
    if (this.peek() !== OPEN_LIST) throw this.unexpected(wanted);
    this.#open();
    if (this.peek() !== CLOSE_LIST) return true;
    this.#close();
    return false;
  }

  /** Whether the list has another element. */
  nextElement(): boolean {
    const next = this.peek();
    if (next !== COMMA && next !== CLOSE_LIST) throw this.unexpected('"," or "]"');
    if (next === CLOSE_LIST) this.#close();
    else this.#at++;
    return next === COMMA;
  }

  /** Reads a string of at most `maxBytes` as written. It may be ill-formed: see `HALF_PAIR`. */
  readString(wanted: string, maxBytes: number): string {
    if (this.peek() !== QUOTE) throw this.unexpected(wanted);
    const bytes = this.#bytes;
    const start = ++this.#at;
    let at = start;
    let plain = true;
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[++at]) {
      if (byte === undefined || byte < 0x20) {
        this.#at = at;
        throw this.unexpected("the end of a string");
      }
      if (byte < 0x80 && byte !== BACKSLASH) continue;
      plain = false;
      if (byte === BACKSLASH) at++;
    }
    if (at - start > maxBytes) {
      throw this.limit(`a string of ${at - start} bytes found, wanted at most ${maxBytes}`);
    }
    this.#at = at + 1;
    return plain ? this.#text.ascii(start, at) : this.#unescape(start, at);
  }

  /** Reads a whole number without point or exponent. */
  readInteger(wanted: string): number {
    this.peek();
    const start = this.#at;
    const isWhole = this.#scanNumber(wanted);
    const text = this.#text.ascii(start, this.#at);
    if (!isWhole) throw this.#mismatch(wanted, text);
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw this.limit(`${text.slice(0, 40)} found, wanted ${wanted} below 2^53`);
    return value;
  }

  /** Reads a number and returns its text. */
  readNumberText(wanted: string): string {
    if (this.#nonFinite) {
      const word = this.#tryNonFinite();
      if (word !== undefined) return word;
    }
    this.peek();
    const start = this.#at;
    this.#scanNumber(wanted);
    return this.#text.ascii(start, this.#at);
  }

  /** Goes behind a number; whether it has neither point nor exponent. */
  #scanNumber(wanted: string): boolean {
    if (!this.isNext("number")) throw this.unexpected(wanted);
    if (this.#bytes[this.#at] === MINUS) this.#at++;
    // No zero may lead another digit.
    if (this.#bytes[this.#at] === ZERO) this.#at++;
    else this.#digits();
    const end = this.#at;
    if (this.#bytes[this.#at] === DOT) {
      this.#at++;
      this.#digits();
    }
    const mark = this.#bytes[this.#at];
    if (mark === 0x65 || mark === 0x45) {
      const sign = this.#bytes[++this.#at];
      if (sign === MINUS || sign === PLUS) this.#at++;
      this.#digits();
    }
    return this.#at === end;
  }

  /** Reads `true` or `false`. */
  readBoolean(wanted: string): boolean {
    const byte = this.peek();
    if (byte !== 0x74 && byte !== 0x66) throw this.unexpected(wanted);
    return this.#word(byte === 0x74 ? "true" : "false") === "true";
  }

  /** Reads any value. What is kept this way is limited in number and size. */
  readNode(): JsonNode {
    this.charge(1);
    const start = this.#at;
    switch (this.peek()) {
      case OPEN_OBJECT:
        return this.#readObjectNode();
      case OPEN_LIST: {
        const list: JsonNode[] = [];
        for (let more = this.firstElement("a list"); more; more = this.nextElement()) list.push(this.readNode());
        // An array that has grown has room for 16 more.
        return list.slice();
      }
      case QUOTE: {
        const text = this.readString("a string", this.#textLeft);
        this.#textLeft -= this.#at - start;
        return text;
      }
      case 0x6e:
        this.#word("null");
        return null;
      case 0x74:
      case 0x66:
        return this.readBoolean("a value");
    }
    const text = this.readNumberText("a value");
    this.#textLeft -= text.length;
    return new JsonNumber(text);
  }

  /** Reads the value of `key` and returns both. The key counts as a value, since it takes as much memory. */
  readMember(key: string): JsonMember {
    this.charge(1);
    this.#textLeft -= key.length;
    return [key, this.readNode()];
  }

  /** Counts that many values towards the limit. */
  charge(values: number): void {
    const wereFew = this.#valuesLeft > MAX_VALUES - FEW_VALUES;
    this.#valuesLeft -= values;
    if (wereFew && this.#valuesLeft <= MAX_VALUES - FEW_VALUES) this.#beforeMany();
    if (this.#valuesLeft < 0) throw this.limit(`more than ${MAX_VALUES} values in params and unknown keys`);
  }

  /** Reads a string that is JSON itself; what can be made of it counts as if it stood here. */
  readJsonText(wanted: string): string {
    const start = this.#at;
    const text = this.readString(wanted, this.#textLeft);
    this.#textLeft -= this.#at - start;
    this.charge(1);
    for (const _ of text.matchAll(/[,:[{]/g)) this.charge(1);
    return text;
  }

  #readObjectNode(): JsonObject {
    this.charge(3);
    const members: JsonMember[] = [];
    for (let key = this.firstKey("an object"); key !== undefined; key = this.nextKey()) {
      members.push(this.readMember(key));
    }
    return new JsonObject(members);
  }

  /** The error for a byte that cannot stand here. */
  unexpected(wanted: string): FormatError {
    const byte = this.#bytes[this.#at];
    const found = byte === undefined
      ? "the end of the text"
      : byte > 0x20 && byte < 0x7f
      ? `"${String.fromCharCode(byte)}"`
      : `byte 0x${byte.toString(16).padStart(2, "0")}`;
    return this.#error(`found ${found} at byte ${this.#at}, wanted ${wanted}`);
  }

  /** The error for something too large. */
  limit(essence: string): LimitError {
    return new LimitError(`Cannot read ${this.#what}: ${essence}`, { ...this.#place, offset: this.#at });
  }

  #mismatch(wanted: string, found: string): FormatError {
    return this.#error(`found "${found.slice(0, 40)}" before byte ${this.#at}, wanted ${wanted}`);
  }

  #error(essence: string, cause?: unknown): FormatError {
    return new FormatError(`Cannot read ${this.#what}: ${essence}`, { ...this.#place, offset: this.#at, cause });
  }

  #open(): void {
    if (++this.#depth > this.#maxDepth) {
      throw this.limit(`more than ${this.#maxDepth} nested lists and objects at byte ${this.#at}`);
    }
    this.#at++;
  }

  #close(): undefined {
    this.#depth--;
    this.#at++;
  }

  #key(): string {
    this.peek();
    this.#keyAt = this.#at;
    const key = this.readString("a key", MAX_NAME_BYTES);
    if (this.peek() !== COLON) throw this.unexpected('":"');
    this.#at++;
    return key;
  }

  #digits(): void {
    const start = this.#at;
    for (let byte = this.#bytes[start]; byte !== undefined && byte >= ZERO && byte <= NINE;) {
      byte = this.#bytes[++this.#at];
    }
    if (this.#at === start) throw this.unexpected("a digit");
  }

  #word(word: string): string {
    for (let index = 0; index < word.length; index++) {
      if (this.#bytes[this.#at] !== word.charCodeAt(index)) throw this.unexpected(`"${word}"`);
      this.#at++;
    }
    return word;
  }

  #tryNonFinite(): string | undefined {
    const first = this.peek();
    if (first === 0x4e) return this.#word("NaN");
    if (first === PLUS) return this.#word("+Inf");
    return first === MINUS && this.#bytes[this.#at + 1] === 0x49 ? this.#word("-Inf") : undefined;
  }

  /** A string that has escapes, or is not ASCII. */
  #unescape(start: number, end: number): string {
    try {
      return unescapeJson(this.#bytes, start, end, this.#text);
    } catch (cause) {
      this.#at = start;
      const essence = cause instanceof EscapeError ? cause.message : "is not UTF-8";
      throw this.#error(`the string at byte ${start} ${essence}`, cause);
    }
  }
}
