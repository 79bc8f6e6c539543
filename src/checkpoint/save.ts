import type { OnProgress } from "../render/mod.ts";
import { byteLengthOf, sizeOf, Tensor } from "../tensor/mod.ts";
import { messageOf, type OnWarning } from "../errors.ts";
import {
  BIN_DATA_SUFFIX,
  crc32,
  type EntryResult,
  JSON_NAME_SUFFIX,
  type Manifest,
  type Metrics,
  parseManifest,
  payloadHeader,
  planSegments,
  type Segment,
} from "../format/mod.ts";
import { checkDraft, encodeManifest, layoutDraft } from "../format/writing.ts";
import type { BlobSink } from "../store/mod.ts";
import { ByteProgress } from "./byte_progress.ts";
import { type EntryReader, type PayloadReader, TRANSFER_BYTES } from "./payload_reader.ts";
import type { SaveStore } from "./run_sink.ts";
import type { Snapshot, SnapshotItem } from "./snapshot.ts";
import type { SegmentSink } from "./segment_sink.ts";
import { checkCrc, StoredValue } from "./stored_value.ts";

/** A large page of memory, on x86-64 and with most kernels on arm64. */
const LARGE_PAGE_BYTES = 2 * 1024 * 1024;

/** Small values are gathered up to this many bytes. */
const GATHER_BYTES = 1024 * 1024;

/** Options of long work. */
export interface WorkOptions {
  /** Is told how far it has come, in bytes; `true` shows it, as {@linkcode showProgress} does. */
  readonly progress?: OnProgress | boolean | undefined;
  /** Aborts it; nothing half-done becomes visible. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@linkcode Handler.save}. */
export interface SaveOptions extends WorkOptions {
  /**
   * What was measured, by name: `{ loss: 0.31, val_loss: 0.42 }`; NaN and infinities are numbers too. The best
   * checkpoint is chosen by them, and they are shown.
   */
  readonly metrics?: Metrics | undefined;
  /** Pins it from the first instant, see `handler.pin`; default false. */
  readonly pin?: boolean | undefined;
}

/**
 * Writes a snapshot as checkpoint `base`: payload first, manifest last, each published whole. Returns the manifest as
 * it now stands in the store.
 *
 * Source: GoMLX `checkpoints.Handler.Save`.
 */
export async function writeCheckpoint(
  store: SaveStore,
  base: string,
  snapshot: Snapshot,
  onWarning: OnWarning,
  options: WorkOptions,
): Promise<Manifest> {
  checkDraft(snapshot).forEach(onWarning);
  const layout = layoutDraft(snapshot);
  const progress = new ByteProgress("save", layout.payloadSize, options);
  try {
    return await progress.during(async () => {
      const { bytes, warnings, manifest } = await publish(store, base + BIN_DATA_SUFFIX, async (file) => {
        const { results, segments } = await writePayload(file, snapshot, layout.payloadSize, progress, store.joins);
        // The disk has work to do while the manifest is made.
        await file.beginSync?.();
        const encoded = encodeManifest(snapshot, layout, results, segments);
        // Read back what is about to be published: a manifest that our own reader refuses must never become visible.
        const manifest = parseManifest(encoded.bytes, { path: `${store.label}/${base}${JSON_NAME_SUFFIX}` });
        return { ...encoded, manifest };
      });
      options.signal?.throwIfAborted();
      await store.publish(base + JSON_NAME_SUFFIX, (sink) => sink.write(bytes));
      warnings.forEach(onWarning);
      return manifest;
    });
  } catch (error) {
    // A publish may fail after its name became visible; as always, the marker goes first.
    await removeRest(store, [base + JSON_NAME_SUFFIX, base + BIN_DATA_SUFFIX], onWarning);
    throw error;
  }
}

/** Publishes a blob, and gives what `write` gives. */
async function publish<T>(store: SaveStore, name: string, write: (sink: BlobSink) => Promise<T>): Promise<T> {
  const written = Promise.withResolvers<T>();
  await store.publish(name, async (sink) => written.resolve(await write(sink)));
  return await written.promise;
}

interface WrittenPayload {
  readonly results: readonly EntryResult[];
  readonly segments: readonly Segment[] | undefined;
}

async function writePayload(
  file: BlobSink,
  snapshot: Snapshot,
  payloadSize: number,
  progress: ByteProgress,
  joins: boolean | undefined,
): Promise<WrittenPayload> {
  const header = payloadHeader(snapshot.profile, snapshot.compression);
  if (header.length > 0) await file.write(header);
  using compressed = await compressedSink(file, snapshot);
  const slices = new SliceSink(compressed ?? file, payloadSize, joins !== true);
  const readers = new Map<PayloadReader, EntryReader>();
  const results: EntryResult[] = [];
  try {
    let gathered = 0;
    for (const item of snapshot.entries) {
      const bytes = bytesInMemory(item);
      // Ten thousand small ones are not waited for one by one.
      if (bytes !== undefined && slices.gather(bytes)) {
        gathered += bytes.length;
        results.push(resultOf(item, crc32(bytes)));
      } else {
        progress.add(gathered);
        gathered = 0;
        results.push(await writeValue(item, slices, readers, progress));
      }
      item.captured?.release();
    }
    progress.add(gathered);
    await slices.flush();
    return { results, segments: await compressed?.finish() };
  } finally {
    await slices.settle();
  }
}

async function compressedSink(
  file: BlobSink,
  { compression, entries }: Snapshot,
): Promise<SegmentSink | undefined> {
  if (compression === "none") return undefined;
  const { SegmentSink } = await import("./segment_sink.ts");
  const variables = entries.map(({ dtype, dimensions }) => ({
    dtype,
    byteLength: byteLengthOf(dtype, sizeOf(dimensions)),
  }));
  return new SegmentSink(file, compression, planSegments(variables, compression));
}

async function removeRest(store: SaveStore, names: readonly string[], onWarning: OnWarning): Promise<void> {
  try {
    const visible = new Set((await store.list()).map(({ name }) => name));
    for (const name of names) if (visible.has(name)) await store.remove(name);
  } catch (error) {
    onWarning(`what a failed save left of "${names.join('", "')}" could not be removed: ${messageOf(error)}`);
  }
}

function bytesInMemory({ value }: SnapshotItem): Uint8Array | undefined {
  return value instanceof Tensor ? value.bytes : value.loaded?.bytes;
}

function resultOf({ origin, kept }: SnapshotItem, crc: number): EntryResult {
  const bytesUnchanged = kept !== undefined && origin?.isOf(kept) === true && origin.fileCrc32 === crc;
  return { crc32: crc, bytesUnchanged };
}

async function writeValue(
  item: SnapshotItem,
  sink: SliceSink,
  readers: Map<PayloadReader, EntryReader>,
  progress: ByteProgress,
): Promise<EntryResult> {
  const { value } = item;
  if (value instanceof StoredValue && value.loaded === undefined) {
    return { crc32: await copyStored(value, sink, readers, progress), bytesUnchanged: value.isOf(item.kept) };
  }
  const tensor = value instanceof Tensor ? value : await value.read();
  let crc = 0;
  for (let at = 0; at < tensor.bytes.length;) {
    const slice = tensor.bytes.subarray(at, at + sink.lengthOfSlice(tensor.bytes.length - at));
    crc = crc32(slice, crc);
    await sink.write(slice);
    progress.add(slice.length);
    at += slice.length;
  }
  return resultOf(item, crc);
}

/** Bytes that nobody has asked for go from file to file through two buffers. */
async function copyStored(
  value: StoredValue,
  sink: SliceSink,
  readers: Map<PayloadReader, EntryReader>,
  progress: ByteProgress,
): Promise<number> {
  const { entry, reader } = value;
  let crc = 0;
  for (let at = 0; at < value.byteLength;) {
    const slice = sink.borrow(sink.lengthOfSlice(value.byteLength - at));
    // Somebody may read the value meanwhile; then its file may be closed.
    const from = value.reader?.positional ? forwardOf(value.reader, readers) : undefined;
    if (from?.readNow?.(value.entry, slice, at) !== true) {
      await (from?.read(value.entry, slice, at) ?? value.copy(slice, at));
    }
    crc = crc32(slice, crc);
    await sink.write(slice);
    progress.add(slice.length);
    at += slice.length;
  }
  return reader === undefined ? crc : checkCrc(entry, crc, reader.path);
}

function forwardOf(reader: PayloadReader, readers: Map<PayloadReader, EntryReader>): EntryReader {
  const known = readers.get(reader) ?? reader.forward();
  readers.set(reader, known);
  return known;
}

/**
 * Writes behind: one write is under way while the next slice is read and checksummed. Gathers small pieces, so that
 * 10,000 variables are not 10,000 writes.
 */
class SliceSink {
  readonly #to: BlobSink;
  readonly #aligned: boolean;
  readonly #sliceBytes: number;
  #gathered: Uint8Array<ArrayBuffer>;
  #gatheredBefore: Uint8Array<ArrayBuffer>;
  #used = 0;
  #position = 0;
  #lent: Uint8Array | undefined;
  #spare: Uint8Array | undefined;
  #writing: Promise<void> = Promise.resolve();
  #beingWritten: Uint8Array | undefined;

  /** No more than `total` bytes will come; with `aligned`, whole large pages are written. */
  constructor(to: BlobSink, total: number, aligned: boolean) {
    this.#to = to;
    this.#aligned = aligned;
    this.#sliceBytes = Math.min(TRANSFER_BYTES, total);
    this.#gathered = new Uint8Array(Math.min(aligned ? LARGE_PAGE_BYTES : GATHER_BYTES, total));
    this.#gatheredBefore = new Uint8Array(this.#gathered.length);
  }

  /**
   * How many of the next `left` bytes of a value to write: whole large pages as they lie in the file, and what is left
   * of one is gathered with what follows. What is written at once and aligned, Linux keeps in large pages where it can,
   * which it maps in less time.
   */
  lengthOfSlice(left: number): number {
    if (!this.#aligned) return Math.min(TRANSFER_BYTES, left);
    const toPage = LARGE_PAGE_BYTES - this.#position % LARGE_PAGE_BYTES;
    if (toPage < LARGE_PAGE_BYTES || left < LARGE_PAGE_BYTES) return Math.min(toPage, left);
    return Math.min(TRANSFER_BYTES - this.#position % TRANSFER_BYTES, left - left % LARGE_PAGE_BYTES);
  }

  /** A buffer to fill and then write; its memory is given again as soon as it is not being written. */
  borrow(length: number): Uint8Array {
    // What was lent last may have been gathered, and the one before it may still be on its way.
    if (this.#lent?.buffer === this.#beingWritten?.buffer) [this.#lent, this.#spare] = [this.#spare, this.#lent];
    this.#lent ??= new Uint8Array(this.#sliceBytes);
    return this.#lent.subarray(0, length);
  }

  /** Takes `bytes`, which must not change until all is written, unless they were borrowed. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.gather(bytes)) return;
    await this.#writeGathered();
    if (this.gather(bytes)) return;
    this.#position += bytes.length;
    await this.#start(bytes);
  }

  /** Takes `bytes` and gives true, if it is few enough to be put beside what it has; they may change at once. */
  gather(bytes: Uint8Array): boolean {
    // Small values fill what stays in the processor's cache; a part of a large page is gathered to complete one.
    const limit = Math.max(bytes.length, this.#used) > GATHER_BYTES ? LARGE_PAGE_BYTES : GATHER_BYTES;
    if (bytes.length + this.#used > Math.min(limit, this.#gathered.length)) return false;
    this.#gathered.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#position += bytes.length;
    return true;
  }

  /** Waits until everything is written. */
  async flush(): Promise<void> {
    await this.#writeGathered();
    await this.#writing;
  }

  /** Waits until no write is under way, failed or not. */
  async settle(): Promise<void> {
    await this.#writing.catch(() => {});
  }

  async #writeGathered(): Promise<void> {
    if (this.#used === 0) return;
    const full = this.#gathered.subarray(0, this.#used);
    [this.#gathered, this.#gatheredBefore] = [this.#gatheredBefore, this.#gathered];
    this.#used = 0;
    await this.#start(full);
  }

  async #start(bytes: Uint8Array): Promise<void> {
    await this.#writing;
    this.#beingWritten = bytes;
    this.#writing = this.#to.write(bytes);
    this.#writing.catch(() => {}); // The next call throws it.
  }
}
