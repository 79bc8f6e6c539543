import type { LoadedValue } from "../context/mod.ts";
import { CorruptError } from "../errors.ts";
import { crc32, type Entry } from "../format/mod.ts";
import { bitsOf, type DType, sizeOf, Statistics, Tensor } from "../tensor/mod.ts";
import { entryLabel } from "./entry_label.ts";
import type { EntryReader, PayloadReader } from "./payload_reader.ts";

/** By row: a file's bytes do not change. */
const STATISTICS = new WeakMap<Entry, Statistics>();
/** For who finds out when much has been done with the rest. */
const LATE = "; load(…).verify() compares everything first";
/** Bytes measured at once; holds whole elements of every dtype. */
const MEASURE_BYTES = 1024 * 1024;

/** A variable's value in a checkpoint: its shape is known, its bytes are read at first use. */
export class StoredValue implements LoadedValue {
  #reader: PayloadReader;
  #entry: Entry;
  /** The tensor, or its bytes until somebody asks for it. */
  #loaded: Tensor | Uint8Array | undefined;
  #reading: Promise<Tensor> | undefined;
  #loadedCrc: number | undefined;
  #isReleased = false;
  /** Rows of other files that have these very bytes. */
  #rows: WeakSet<Entry> | undefined;

  /** With `loaded`, its bytes are in memory already, and need not be those of the file. */
  constructor(reader: PayloadReader, entry: Entry, loaded?: Tensor) {
    this.#reader = reader;
    this.#entry = entry;
    this.#loaded = loaded;
  }

  /** The same bytes of the file, for somebody whom a loaded and changed tensor must not reach. */
  unshared(): StoredValue {
    const other = new StoredValue(this.#reader, this.#entry);
    other.#rows = this.#rows ??= new WeakSet();
    return other;
  }

  get trainable(): boolean | undefined {
    return this.#entry.trainable;
  }

  get dtype(): DType {
    return this.#loaded instanceof Tensor ? this.#loaded.dtype : this.#entry.dtype;
  }

  get dimensions(): readonly number[] {
    return this.#entry.dimensions;
  }

  get byteLength(): number {
    return this.#loaded?.byteLength ?? this.#entry.byteLength;
  }

  get loaded(): Tensor | undefined {
    if (this.#loaded instanceof Uint8Array) {
      this.#loaded = new Tensor(this.#entry.dtype, this.#entry.dimensions, this.#loaded);
    }
    return this.#loaded;
  }

  /** The row of the manifest that it is. */
  get entry(): Entry {
    return this.#entry;
  }

  /** The payload that its bytes come from; undefined once they are in memory. */
  get reader(): PayloadReader | undefined {
    return this.#loaded === undefined && !this.#isReleased ? this.#reader : undefined;
  }

  /** CRC-32 of the bytes as they were in the file, if it is known. */
  get fileCrc32(): number | undefined {
    return this.#loadedCrc ?? this.#entry.crc32;
  }

  readSync(): Tensor {
    return this.loaded ?? this.#keep(this.#reader.takeSync(this.#entry));
  }

  read(): Promise<Tensor> {
    if (this.loaded !== undefined) return Promise.resolve(this.loaded);
    this.#reading ??= this.#reader.take(this.#entry)
      .then((bytes) => this.loaded ?? this.#keep(bytes))
      .finally(() => this.#reading = undefined);
    return this.#reading;
  }

  /** Takes all its bytes, which somebody has read, and their CRC-32 if he has computed it. */
  settle(bytes: Uint8Array, crc?: number): void {
    if (this.#loaded !== undefined) return;
    this.#check(bytes, crc);
    this.#loaded = bytes;
  }

  /** Reads a copy for somebody who only looks: keeps nothing. */
  async peek(): Promise<Tensor> {
    return this.loaded ?? this.#toTensor(await this.#reader.peek(this.#entry));
  }

  get measured(): Statistics | undefined {
    return this.#loaded === undefined ? STATISTICS.get(this.#entry) : undefined;
  }

  get measureBytes(): number {
    return this.#reader.costSync(this.#entry);
  }

  measureSync(): Statistics {
    const measuring = new Measuring(this.#entry);
    for (const { into, start } of measuring.slices()) {
      this.#reader.readSync(this.#entry, into, start);
      measuring.add(into);
    }
    return measuring.finish(this.#reader.path);
  }

  /** With `reader`, as one of many in the order of the payload. */
  async measure(reader?: EntryReader): Promise<Statistics> {
    const measuring = new Measuring(this.#entry);
    const { path } = this.#reader;
    for (const { into, start } of measuring.slices()) {
      await (reader?.read(this.#entry, into, start) ?? this.copy(into, start));
      measuring.add(into);
    }
    return measuring.finish(path);
  }

  release(): void {
    this.#loaded = undefined;
    this.#isReleased = true;
  }

  /** Copies bytes from `start` on into `into`, from memory or the file. */
  async copy(into: Uint8Array, start: number): Promise<void> {
    const { loaded } = this;
    if (loaded === undefined) return await this.#reader.read(this.#entry, into, start);
    into.set(loaded.bytes.subarray(start, start + into.length));
  }

  /** Whether `row` has the bytes that this value has in its file. */
  isOf(row: Entry | undefined): boolean {
    return row !== undefined && (row === this.#entry || this.#rows?.has(row) === true);
  }

  /** A save wrote the value as `row`. */
  addRow(row: Entry): void {
    (this.#rows ??= new WeakSet()).add(row);
  }

  /** From now on the same bytes come from a newer checkpoint. */
  moveTo(reader: PayloadReader, entry: Entry): void {
    this.addRow(this.#entry);
    this.#reader = reader;
    this.#entry = entry;
  }

  /** Whether the CRC-32 of its bytes is worth computing: somebody compares it, and the file is read anyway. */
  get needsCrc(): boolean {
    const { crc32, unknown } = this.#entry;
    return crc32 === undefined ? unknown.length > 0 : !this.#reader.mapped;
  }

  #keep(bytes: Uint8Array): Tensor {
    return this.#loaded = this.#toTensor(bytes);
  }

  #toTensor(bytes: Uint8Array): Tensor {
    try {
      this.#check(bytes);
    } catch (error) {
      if (error instanceof CorruptError) error.message += LATE;
      throw error;
    }
    return new Tensor(this.#entry.dtype, this.#entry.dimensions, bytes);
  }

  #check(bytes: Uint8Array, crc?: number): void {
    if (this.needsCrc) this.#loadedCrc = checkCrc(this.#entry, crc ?? crc32(bytes), this.#reader.path);
  }
}

/** Takes the statistics of an entry slice by slice, and its checksum on the way. */
class Measuring {
  readonly #entry: Entry;
  readonly #statistics: Statistics;
  #crc = 0;
  #left: number;

  constructor(entry: Entry) {
    this.#entry = entry;
    this.#statistics = Statistics.of(entry.dtype);
    this.#left = sizeOf(entry.dimensions);
  }

  /** Memory to be filled, and from where; the same memory each time. */
  *slices(): Generator<{ readonly into: Uint8Array; readonly start: number }> {
    const { byteLength } = this.#entry;
    const buffer = new Uint8Array(Math.min(MEASURE_BYTES, byteLength));
    for (let start = 0; start < byteLength; start += MEASURE_BYTES) {
      yield { into: buffer.subarray(0, Math.min(MEASURE_BYTES, byteLength - start)), start };
    }
  }

  add(bytes: Uint8Array): void {
    const size = Math.min(this.#left, bytes.length * 8 / bitsOf(this.#entry.dtype));
    this.#statistics.add(bytes, size);
    this.#crc = crc32(bytes, this.#crc);
    this.#left -= size;
  }

  finish(path: string): Statistics {
    checkCrc(this.#entry, this.#crc, path);
    STATISTICS.set(this.#entry, this.#statistics);
    return this.#statistics;
  }
}

/** `found`, if the manifest has no other checksum for the entry; else a CorruptError. */
export function checkCrc(entry: Entry, found: number, path: string): number {
  if (entry.crc32 === undefined || entry.crc32 === found) return found;
  throw new CorruptError(
    `Cannot read variable "${entryLabel(entry)}" from "${path}": its bytes have CRC-32 ${hex(found)}, ` +
      `the manifest says ${hex(entry.crc32)}: the file is damaged`,
    { path, entry: entryLabel(entry), offset: entry.position },
  );
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
