import { bitsOf, type DType, DTYPES } from "../tensor/dtype.ts";
import type { Entry } from "./manifest.ts";
import { WASM } from "./row_scanner_wasm.ts";

/** What a plain row is made of, in the order of the enum in tools/wasm/row_scanner.as.ts. */
const TEMPLATES = [
  '{\n\t\t\t"ParameterName": "var:/',
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

  /**
   * Reads rows from byte `at` on, and appends what they say to `entries`. Returns where they end: `at` if the row there
   * is not plain.
   */
  read(at: number, entries?: Entry[]): number {
    const isLoaded = at >= this.#from && at < this.#to;
    if (!isLoaded) this.#load(at);
    let count = this.#scan(at);
    // The row may have been cut by the end of the window.
    if (count === 0 && isLoaded && this.#to < this.#bytes.length) {
      this.#load(at);
      count = this.#scan(at);
    }
    if (count === 0) return at;
    const end = this.#from + this.#kernel.end.value - this.#text;
    this.#count += count;
    if (entries !== undefined) this.#addEntries(count, at, end, entries);
    return end;
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

  #addEntries(count: number, start: number, end: number, entries: Entry[]): void {
    const text = new TextDecoder().decode(this.#bytes.subarray(start, end)); // All of it is ASCII.
    const words = new Uint32Array(this.#memory.buffer, this.#records, count * RECORD_BYTES / 4);
    const numbers = new Float64Array(this.#memory.buffer, this.#records, count * RECORD_BYTES / 8);
    const origin = this.#text + start - this.#from;
    for (let index = 0; index < count; index++) {
      const word = index * RECORD_BYTES / 4;
      const number = index * RECORD_BYTES / 8;
      const from = (words[word] ?? 0) - origin;
      const to = (words[word + 1] ?? 0) - origin;
      const slash = (words[word + 2] ?? 0) - origin;
      const rank = words[word + 4] ?? 0;
      const trainable = words[word + 6];
      const crc = numbers[number + 7] ?? -1;
      const dtype = WHOLE_DTYPES[words[word + 5] ?? 0] ?? "Float32";
      const parameterName = text.slice(from, to);
      entries.push({
        scope: text.slice(from + 4, slash),
        name: text.slice(slash + 1, to),
        parameterName,
        spelledName: parameterName,
        dtype,
        dtypeName: dtype,
        dimensions: rank === 0 ? SCALAR : readDimensions(text, (words[word + 3] ?? 0) - origin, rank),
        nullDimensions: rank === 0,
        position: numbers[number + 4] ?? 0,
        length: numbers[number + 5] ?? 0,
        byteLength: numbers[number + 6] ?? 0,
        crc32: crc < 0 ? undefined : crc,
        trainable: trainable === 0 ? undefined : trainable === 2,
        unknown: NOTHING,
      });
    }
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

/** The numbers between `[` and `]`, one in each line. */
function readDimensions(text: string, at: number, rank: number): readonly number[] {
  const dimensions: number[] = [];
  for (let from = at; dimensions.length < rank;) {
    const end = text.indexOf("\n", from);
    dimensions.push(parseInt(text.slice(from, end)));
    from = end + 5;
  }
  return dimensions;
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
