import { bitsOf, type DType, DTYPES } from "../tensor/dtype.ts";
import type { Entry } from "./manifest.ts";
import { WASM } from "./row_scanner_wasm.ts";

/** What comes before the name of a plain row. */
const NAME_START = '{\n\t\t\t"ParameterName": "';
/** What a plain row is made of, in the order of the enum in tools/wasm/row_scanner.as.ts. */
const TEMPLATES = [
  `${NAME_START}var:/`,
  '",\n\t\t\t"Dimensions": ',
  "null",
  "[\n\t\t\t\t",
  ",\n\t\t\t\t",
  "\n\t\t\t]",
  ',\n\t\t\t"DType": "',
  '",\n\t\t\t"Pos": ',
  ',\n\t\t\t"Length": ',
  ',\n\t\t\t"Cairn": {\n\t\t\t\t"CRC32": ',
  ',\n\t\t\t\t"Trainable": true',
  ',\n\t\t\t\t"Trainable": false',
  "\n\t\t\t}",
  "\n\t\t}",
  ",\n\t\t",
];
/** Packed dtypes are left to the careful reader: their names tell versions apart. */
const WHOLE_DTYPES: readonly DType[] = DTYPES.filter((dtype) => bitsOf(dtype) >= 8);

const TEMPLATE_BYTES = 64;
const DTYPE_TABLE = 4096;
const DTYPE_BYTES = 16;
const HASHES = 8192;
const PAGE = 65_536;
const RECORD_BYTES = 64;
/** No row is shorter. */
const MIN_ROW_BYTES = 100;
/** Text that is looked at at once; it and its records stay in the second-level cache. */
const WINDOW_BYTES = 256 * 1024;
const MAX_RECORDS = Math.ceil(WINDOW_BYTES / MIN_ROW_BYTES);

const NOTHING: readonly never[] = Object.freeze([]);
const SCALAR: readonly number[] = Object.freeze([]);

/**
 * Reads the rows of `Variables` that are written exactly as Go's encoder and Cairn write them, with names of printable
 * ASCII: nearly all there are. It checks in WebAssembly what the {@linkcode JsonReader} checks, and stops at the first
 * row that has anything else to it, which is for the JsonReader. A process that opens one manifest is through with it
 * before V8 would have compiled a reader in JavaScript.
 */
export class RowScanner {
  readonly #bytes: Uint8Array;
  readonly #kernel: Kernel;
  readonly #memory: Uint8Array;
  readonly #records: number;
  readonly #text: number;
  /** Stretch of the bytes that is in the kernel's memory. */
  #from = 0;
  #to = 0;
  #count = 0;

  /** Copies nothing yet; `bytes` must not change. */
  constructor(bytes: Uint8Array) {
    const slots = 2 ** Math.ceil(Math.log2(2 * bytes.length / MIN_ROW_BYTES + 2));
    this.#bytes = bytes;
    this.#records = HASHES + slots * 8;
    this.#text = this.#records + MAX_RECORDS * RECORD_BYTES;
    const memory = new WebAssembly.Memory({ initial: Math.ceil((this.#text + WINDOW_BYTES + 1) / PAGE) });
    this.#memory = new Uint8Array(memory.buffer);
    this.#kernel = startKernel(memory);
    this.#writeTables();
    const [secret = 0n] = crypto.getRandomValues(new BigUint64Array(1));
    this.#kernel.start(HASHES, slots, secret);
  }

  /** Where the bytes of the last row end in the payload. */
  get payloadEnd(): number {
    return this.#kernel.payloadEnd.value;
  }

  /**
   * Whether all rows so far follow each other in the payload without a gap, as long as their shapes say, and it is sure
   * that no two have one name.
   */
  get isRegular(): boolean {
    return this.#kernel.isRegular.value !== 0;
  }

  /** How many rows it has read. */
  get count(): number {
    return this.#count;
  }

  /** Reads rows from byte `at` on; undefined if the row there is not plain. */
  read(at: number): PlainRows | undefined {
    const isLoaded = at >= this.#from && at < this.#to;
    if (!isLoaded) this.#load(at);
    let count = this.#scan(at);
    // The row may have been cut by the end of the window.
    if (count === 0 && isLoaded && this.#to < this.#bytes.length) {
      this.#load(at);
      count = this.#scan(at);
    }
    if (count === 0) return undefined;
    this.#count += count;
    const end = this.#from + this.#kernel.end.value - this.#text;
    const records = this.#memory.slice(this.#records, this.#records + count * RECORD_BYTES).buffer;
    return new PlainRows(this.#bytes.subarray(at, end), end, records, this.#text + at - this.#from);
  }

  #load(at: number): void {
    this.#from = at;
    this.#to = Math.min(at + WINDOW_BYTES, this.#bytes.length);
    this.#memory.set(this.#bytes.subarray(at, this.#to), this.#text);
    this.#memory[this.#text + this.#to - at] = 0; // No template has a zero.
  }

  #scan(at: number): number {
    return this.#kernel.scan(this.#text + at - this.#from, this.#records, MAX_RECORDS);
  }

  #writeTables(): void {
    const encoder = new TextEncoder();
    TEMPLATES.forEach((text, index) => {
      this.#memory[index * TEMPLATE_BYTES] = text.length;
      encoder.encodeInto(text, this.#memory.subarray(index * TEMPLATE_BYTES + 16));
    });
    WHOLE_DTYPES.forEach((dtype, index) => {
      const at = DTYPE_TABLE + index * DTYPE_BYTES;
      this.#memory.set([bitsOf(dtype) / 8, dtype.length], at);
      encoder.encodeInto(dtype, this.#memory.subarray(at + 2));
    });
  }
}

/** Some rows that follow each other in a manifest, known to be plain. */
export class PlainRows {
  /** Where they end in the manifest. */
  readonly end: number;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #numbers: Float64Array;
  /** What the records have for the first byte. */
  readonly #origin: number;
  #text: string | undefined;

  /** For their bytes, which must not change, and their records, in which the first byte is at `origin`. */
  constructor(bytes: Uint8Array, end: number, records: ArrayBuffer, origin: number) {
    this.end = end;
    this.#bytes = bytes;
    this.#words = new Uint32Array(records);
    this.#numbers = new Float64Array(records);
    this.#origin = origin;
  }

  /** The entries of all of them. */
  all(): Entry[] {
    const entries: Entry[] = [];
    let dimensions = SCALAR;
    for (let word = 0; word < this.#words.length; word += RECORD_BYTES / 4) {
      const entry = this.#entry(word, dimensions);
      dimensions = entry.dimensions;
      entries.push(entry);
    }
    return entries;
  }

  /** The entry of a parameter name, if it is among them. */
  find(parameterName: string): Entry | undefined {
    const at = this.#asText().indexOf(`${NAME_START}${parameterName}",\n`);
    if (at < 0) return undefined;
    const start = at + NAME_START.length + this.#origin;
    const end = start + parameterName.length; // Who looks for a name with quotes may have found more than one.
    for (let word = 0; word < this.#words.length; word += RECORD_BYTES / 4) {
      if (this.#words[word] === start && this.#words[word + 1] === end) return this.#entry(word, SCALAR);
    }
    return undefined;
  }

  #asText(): string {
    return this.#text ??= new TextDecoder().decode(this.#bytes); // All of it is ASCII.
  }

  #entry(word: number, before: readonly number[]): Entry {
    const text = this.#asText();
    const words = this.#words;
    const numbers = this.#numbers;
    const number = word / 2;
    const from = (words[word] ?? 0) - this.#origin;
    const to = (words[word + 1] ?? 0) - this.#origin;
    const slash = (words[word + 2] ?? 0) - this.#origin;
    const rank = words[word + 4] ?? 0;
    const trainable = words[word + 6];
    const crc = numbers[number + 7] ?? -1;
    const dtype = WHOLE_DTYPES[words[word + 5] ?? 0] ?? "Float32";
    const parameterName = text.slice(from, to);
    return {
      scope: text.slice(from + 4, slash),
      name: text.slice(slash + 1, to),
      parameterName,
      spelledName: parameterName,
      dtype,
      dtypeName: dtype,
      dimensions: rank === 0 ? SCALAR : readDimensions(text, (words[word + 3] ?? 0) - this.#origin, rank, before),
      nullDimensions: rank === 0,
      position: numbers[number + 4] ?? 0,
      length: numbers[number + 5] ?? 0,
      byteLength: numbers[number + 6] ?? 0,
      crc32: crc < 0 ? undefined : crc,
      trainable: trainable === 0 ? undefined : trainable === 2,
      unknown: NOTHING,
    };
  }
}

/** The numbers between `[` and `]`, one in each line; those of the row before if they are the same. */
function readDimensions(text: string, at: number, rank: number, before: readonly number[]): readonly number[] {
  const dimensions: number[] = [];
  let isNew = rank !== before.length;
  for (let axis = 0; axis < rank; axis++) {
    let dimension = 0;
    for (let digit = digitAt(text, at); digit >= 0; digit = digitAt(text, ++at)) dimension = dimension * 10 + digit;
    at = text.indexOf("\n", at) + 5;
    isNew ||= dimension !== before[axis];
    dimensions.push(dimension);
  }
  return isNew ? Object.freeze(dimensions) : before;
}

/** The digit there, or a negative number. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 48;
  return digit <= 9 ? digit : -1;
}

/** What tools/wasm/row_scanner.as.ts exports. */
interface Kernel {
  readonly start: (hashes: number, slots: number, secret: bigint) => void;
  readonly scan: (from: number, records: number, limit: number) => number;
  readonly end: { readonly value: number };
  readonly payloadEnd: { readonly value: number };
  readonly isRegular: { readonly value: number };
}

let compiled: WebAssembly.Module | undefined;

function startKernel(memory: WebAssembly.Memory): Kernel {
  compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(WASM));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  if (isKernel(exports)) return exports;
  throw new TypeError("not the row scanner");
}

function isKernel(exports: object): exports is Kernel {
  return ["start", "scan", "end", "payloadEnd", "isRegular"].every((name) => name in exports);
}
