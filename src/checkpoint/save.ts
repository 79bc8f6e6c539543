import type { OnProgress } from "../render/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import { messageOf, type OnWarning } from "../errors.ts";
import {
  BIN_DATA_SUFFIX,
  checkDraft,
  crc32,
  encodeManifest,
  type EntryResult,
  GzipSink,
  JSON_NAME_SUFFIX,
  layoutDraft,
  type Manifest,
  parseManifest,
  payloadHeader,
} from "../format/mod.ts";
import type { BlobSink, Store } from "../store/mod.ts";
import { SLICE_BYTES } from "./payload_reader.ts";
import type { Snapshot, SnapshotItem } from "./snapshot.ts";
import { checkCrc, StoredValue } from "./stored_value.ts";

/** Options of long work. */
export interface WorkOptions {
  /** Is told how far it has come, in bytes. */
  readonly progress?: OnProgress | undefined;
  /** Aborts it; nothing half-done becomes visible. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a snapshot as checkpoint `base`: payload first, manifest last, each published whole. Returns the manifest as
 * it now stands in the store.
 *
 * Source: GoMLX `checkpoints.Handler.Save`.
 */
export async function writeCheckpoint(
  store: Store,
  base: string,
  snapshot: Snapshot,
  onWarning: OnWarning,
  options: WorkOptions,
): Promise<Manifest> {
  checkDraft(snapshot).forEach(onWarning);
  const layout = layoutDraft(snapshot);
  const progress = new ByteProgress("save", layout.payloadSize, options);
  let results: EntryResult[] = [];
  await store.publish(base + BIN_DATA_SUFFIX, async (file) => {
    const header = payloadHeader(snapshot.profile, snapshot.compression);
    if (header.length > 0) await file.write(header);
    const gzip = snapshot.compression === "gzip" ? new GzipSink(file) : undefined;
    const slices = new SliceSink(gzip ?? file);
    results = [];
    for (const item of snapshot.entries) results.push(await writeValue(item, slices, progress));
    await slices.flush();
    await gzip?.finish();
  });
  try {
    const { bytes, warnings } = encodeManifest(snapshot, layout, results);
    // Read back what is about to be published: a manifest that our own reader refuses must never become visible.
    const manifest = parseManifest(bytes, { path: `${store.label}/${base}${JSON_NAME_SUFFIX}` });
    options.signal?.throwIfAborted();
    await store.publish(base + JSON_NAME_SUFFIX, (sink) => sink.write(bytes));
    warnings.forEach(onWarning);
    return manifest;
  } catch (error) {
    await removeOrphan(store, base + BIN_DATA_SUFFIX, onWarning);
    throw error;
  }
}

async function removeOrphan(store: Store, name: string, onWarning: OnWarning): Promise<void> {
  try {
    await store.remove(name);
  } catch (error) {
    onWarning(`the payload "${name}" without a manifest could not be removed: ${messageOf(error)}`);
  }
}

async function writeValue(item: SnapshotItem, sink: SliceSink, progress: ByteProgress): Promise<EntryResult> {
  const { value, origin } = item;
  if (value instanceof StoredValue && value.loaded === undefined) {
    return { crc32: await copyStored(value, sink, progress), bytesUnchanged: value.entry === item.kept };
  }
  const tensor = value instanceof Tensor ? value : await value.read();
  let crc = 0;
  for (let at = 0; at < tensor.bytes.length; at += SLICE_BYTES) {
    const slice = tensor.bytes.subarray(at, at + SLICE_BYTES);
    crc = crc32(slice, crc);
    await sink.write(slice);
    progress.add(slice.length);
  }
  return { crc32: crc, bytesUnchanged: origin !== undefined && origin.entry === item.kept && origin.fileCrc32 === crc };
}

/** Bytes that nobody has asked for go from file to file through one buffer. */
async function copyStored(value: StoredValue, sink: SliceSink, progress: ByteProgress): Promise<number> {
  const { entry, reader } = value;
  let crc = 0;
  for (let at = 0; at < value.byteLength; at += SLICE_BYTES) {
    const slice = sink.borrow(Math.min(SLICE_BYTES, value.byteLength - at));
    await value.copy(slice, at);
    crc = crc32(slice, crc);
    await sink.write(slice);
    progress.add(slice.length);
  }
  return reader === undefined ? crc : checkCrc(entry, crc, reader.path);
}

/** Gathers small pieces into one reused buffer, so that 10,000 variables are not 10,000 writes. */
class SliceSink implements BlobSink {
  readonly #to: BlobSink;
  readonly #buffer = new Uint8Array(SLICE_BYTES / 8);
  #used = 0;
  #spare: Uint8Array | undefined;

  constructor(to: BlobSink) {
    this.#to = to;
  }

  /** A buffer to fill and then write; the next call gives the same memory again. */
  borrow(length: number): Uint8Array {
    this.#spare ??= new Uint8Array(SLICE_BYTES);
    return this.#spare.subarray(0, length);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#buffer.length - this.#used) await this.flush();
    if (bytes.length > this.#buffer.length) return await this.#to.write(bytes);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  async flush(): Promise<void> {
    if (this.#used === 0) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    await this.#to.write(bytes);
  }
}

/** Counts bytes, tells `progress`, and stops at an abort. */
export class ByteProgress {
  readonly #phase: string;
  readonly #total: number;
  readonly #options: WorkOptions;
  #done = 0;

  constructor(phase: string, total: number, options: WorkOptions) {
    this.#phase = phase;
    this.#total = total;
    this.#options = options;
    this.add(0);
  }

  /** `bytes` more are done. */
  add(bytes: number): void {
    this.#options.signal?.throwIfAborted();
    this.#done += bytes;
    this.#options.progress?.({ phase: this.#phase, done: this.#done, total: this.#total });
  }
}
