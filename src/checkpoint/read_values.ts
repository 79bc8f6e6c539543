import { combineCrc32, crc32, type Crc32Part, type Entry, expectCrc32 } from "../format/mod.ts";
import { allocateFor, type PayloadReader } from "./payload_reader.ts";
import { ByteProgress } from "./byte_progress.ts";
import type { WorkOptions } from "./save.ts";
import type { StoredValue } from "./stored_value.ts";

/** Small values that follow each other are read together, up to this many bytes at once. */
const RUN_BYTES = 1024 * 1024;

/** Of a mapped file that many are read ahead at once: long enough for few calls, short enough to show progress. */
const MAPPED_BYTES = 64 * 1024 * 1024;

/** Of a large value read at once: long enough that the readers are seldom interrupted, short enough to show progress. */
const LARGE_READ_BYTES = 16 * 1024 * 1024;

const CORES = navigator.hardwareConcurrency ?? 1;

/**
 * Several reads at once: more than the disk, memory that nobody has touched yet takes its time, and each core gives its
 * own. One more waits while the thread here compares checksums.
 */
const READS_AT_ONCE = Math.min(8, CORES + 1);

/** The same of slices, which need no buffers: they are finished in their order, and no core waits for one before. */
const SLICES_AT_ONCE = Math.min(16, 4 * CORES);

/** Reads what is not in memory yet, in the order of each payload: small neighbours together, a compressed one once. */
export async function readValues(values: readonly StoredValue[], options: WorkOptions): Promise<void> {
  const byReader = new Map<PayloadReader, Row[]>();
  let total = 0;
  for (const value of values) {
    const { reader, entry } = value;
    if (reader === undefined) continue; // It is in memory.
    const rows = byReader.get(reader);
    // A save may move a value to its own file meanwhile; its old row is that of this reader.
    if (rows === undefined) byReader.set(reader, [{ value, entry }]);
    else rows.push({ value, entry });
    total += entry.byteLength;
  }
  if (byReader.size === 0) return;
  const progress = new ByteProgress("load", total, options);
  await progress.during(async () => {
    // A save that moves all of a reader's values closes it.
    using holds = new DisposableStack();
    for (const reader of byReader.keys()) holds.use(reader.hold());
    for (const [reader, rows] of byReader) {
      await reader.ready();
      rows.sort((a, b) => a.entry.position - b.entry.position);
      if (reader.mapped) await takeViews(rows, reader, progress);
      else if (reader.positional) await readPieces(rows, reader, progress);
      else await inflate(rows, reader, progress);
    }
  });
}

/** A value and its row in the payload that is read. */
interface Row {
  readonly value: StoredValue;
  readonly entry: Entry;
}

/** The operating system reads the pages, several parts at once. */
async function takeViews(rows: readonly Row[], reader: PayloadReader, progress: ByteProgress): Promise<void> {
  const parts = partsOf(rows);
  await Promise.all(Array.from({ length: READS_AT_ONCE }, async () => {
    for (const { position, length } of parts) {
      await reader.populate(position, length);
      progress.add(length);
    }
  }));
  for (const { value, entry } of rows) {
    const view = reader.view(entry);
    if (view !== undefined) value.settle(view);
  }
}

/** What the rows cover, in parts of up to {@linkcode MAPPED_BYTES}. */
function* partsOf(rows: readonly Row[]): Generator<{ readonly position: number; readonly length: number }, void> {
  let [position, length] = [0, 0];
  for (const { entry } of rows) {
    if (entry.position !== position + length) {
      if (length > 0) yield { position, length };
      [position, length] = [entry.position, 0];
    }
    for (length += entry.byteLength; length >= MAPPED_BYTES; position += MAPPED_BYTES, length -= MAPPED_BYTES) {
      yield { position, length: MAPPED_BYTES };
    }
  }
  if (length > 0) yield { position, length };
}

async function inflate(rows: readonly Row[], reader: PayloadReader, progress: ByteProgress): Promise<void> {
  const forward = reader.forward();
  for (const { value, entry } of rows) {
    const bytes = allocateFor(entry, reader.path);
    for (let at = 0; at < bytes.length; at += LARGE_READ_BYTES) {
      const slice = bytes.subarray(at, at + LARGE_READ_BYTES);
      await forward.read(entry, slice, at);
      progress.add(slice.length);
    }
    value.settle(bytes);
  }
  await forward.finish();
}

/** What one read brings: a slice of a large value, or several small values. */
interface Piece {
  readonly rows: readonly Row[];
  /** Where it begins in the first of them. */
  readonly start: number;
  /** Memory of the large value itself, or that of an earlier piece that is finished. */
  readonly into: Uint8Array;
  readonly large: LargeValue | undefined;
}

/** What is read slice by slice. */
interface LargeValue {
  readonly bytes: Uint8Array;
  /** Of the slices so far; undefined if nobody wants it, which is settled before the first: a save may move the value. */
  crc: number | undefined;
}

/** While the next pieces are read, the one before them is compared with its checksum and, of small values, copied. */
async function readPieces(rows: readonly Row[], reader: PayloadReader, progress: ByteProgress): Promise<void> {
  const atOnce = rows.some(({ entry }) => entry.byteLength > RUN_BYTES) ? SLICES_AT_ONCE : READS_AT_ONCE;
  const pieces = piecesOf(rows, reader.path, atOnce);
  const reading: Promise<Piece>[] = [];
  const startNext = (): void => {
    const { value: piece } = pieces.next();
    if (piece === undefined) return;
    const read = readPiece(piece, reader);
    read.catch(() => {}); // Thrown when it is its turn.
    reading.push(read);
  };
  try {
    for (let index = 0; index < atOnce; index++) startNext();
    expectCrc32(rows.reduce((sum, { value }) => sum + (value.needsCrc ? value.byteLength : 0), 0));
    for (let next = reading.shift(); next !== undefined; next = reading.shift()) {
      const piece = await next;
      finishPiece(piece, progress);
      startNext();
    }
  } finally {
    await Promise.allSettled(reading);
  }
}

async function readPiece(piece: Piece, reader: PayloadReader): Promise<Piece> {
  const entry = piece.rows[0]?.entry;
  if (entry !== undefined) await reader.read(entry, piece.into, piece.start);
  return piece;
}

function* piecesOf(rows: readonly Row[], path: string, atOnce: number): Generator<Piece, undefined> {
  const buffers = Array.from({ length: atOnce }, () => new Uint8Array(Math.min(RUN_BYTES, totalBytes(rows))));
  for (let first = 0, turn = 0; first < rows.length; turn++) {
    const row = rows[first];
    if (row === undefined) return;
    const end = endOfRun(rows, first);
    const run = rows.slice(first, end);
    first = end;
    if (row.entry.byteLength <= RUN_BYTES) {
      const into = buffers[turn % atOnce]?.subarray(0, totalBytes(run)) ?? new Uint8Array(totalBytes(run));
      yield { rows: run, start: 0, into, large: undefined };
      continue;
    }
    const large = { bytes: allocateFor(row.entry, path), crc: row.value.needsCrc ? 0 : undefined };
    for (let start = 0; start < large.bytes.length; start += LARGE_READ_BYTES) {
      yield { rows: run, start, into: large.bytes.subarray(start, start + LARGE_READ_BYTES), large };
    }
  }
}

/** Behind the last row that is read together with `first`: they lie one behind the other. */
function endOfRun(rows: readonly Row[], first: number): number {
  let bytes = 0;
  let position = rows[first]?.entry.position;
  for (let index = first; index < rows.length; index++) {
    const entry = rows[index]?.entry;
    if (entry === undefined || entry.position !== position) return Math.max(index, first + 1);
    bytes += entry.byteLength;
    if (bytes > RUN_BYTES) return Math.max(index, first + 1);
    position += entry.byteLength;
  }
  return rows.length;
}

function finishPiece({ rows, start, into, large }: Piece, progress: ByteProgress): void {
  const isIntact = large === undefined && areIntact(rows, into);
  let at = 0;
  for (const { value, entry } of rows) {
    if (large === undefined) {
      const bytes = into.slice(at, at + entry.byteLength);
      at += bytes.length;
      value.settle(bytes, isIntact ? entry.crc32 : undefined);
      continue;
    }
    if (large.crc !== undefined) large.crc = crc32(into, large.crc);
    if (start + into.length === entry.byteLength) value.settle(large.bytes, large.crc);
  }
  progress.add(into.length);
}

/**
 * Whether rows that follow each other are known to have their checksums, by one of all: of few bytes each takes twice as
 * long. If not, each has to be looked at.
 */
function areIntact(rows: readonly Row[], bytes: Uint8Array): boolean {
  const parts: Crc32Part[] = [];
  for (const { entry: { crc32, byteLength } } of rows) {
    if (crc32 === undefined) return false;
    parts.push({ crc32, byteLength });
  }
  return combineCrc32(parts) === crc32(bytes);
}

function totalBytes(rows: readonly Row[]): number {
  return rows.reduce((sum, { entry }) => sum + entry.byteLength, 0);
}
