import { CorruptError, LimitError, messageOf, NotLoadedError } from "../errors.ts";
import {
  checkPayload,
  detectPayload,
  type Entry,
  inflatePayload,
  inflatePayloadSync,
  type Manifest,
  PAYLOAD_HEAD_BYTES,
  type PayloadHead,
} from "../format/mod.ts";
import type { FileOnDisk, MappedBytes, MappedFile, ReadHandle } from "../store/mod.ts";
import { AheadReader } from "./ahead_reader.ts";
import { entryLabel } from "./entry_label.ts";
import { ForwardReader, readBlocks } from "./forward_reader.ts";
import { SegmentHandle } from "./segment_handle.ts";

/** Bytes moved by one read or write call: large enough for full speed, small enough to stay in warm memory. */
export const TRANSFER_BYTES = 8 * 1024 * 1024;

/** Reads entries of one payload. */
export interface EntryReader {
  /** Fills `into` with the entry's bytes from `start` (bytes) on. */
  read(entry: Entry, into: Uint8Array, start: number): Promise<void>;
  /** The same without waiting, if the bytes have been read ahead; whether they have. */
  readNow?(entry: Entry, into: Uint8Array, start: number): boolean;
  /** Checks what can only be checked at the end of the payload. */
  finish(): Promise<void>;
}

/**
 * The payload of one checkpoint, read by position. A raw payload is read straight from its file, and so is a compressed
 * one of segments; any other compressed one is inflated once, at the first read, and kept until it is taken or dropped.
 */
export class PayloadReader implements EntryReader {
  /** Path of the payload, for messages. */
  readonly path: string;
  /** What the opened payload showed that is worth telling: trailing bytes and the like. */
  reports: readonly string[] = [];

  readonly #manifest: Manifest;
  readonly #open: () => Promise<ReadHandle>;
  readonly #openSync: (() => ReadHandle | undefined) | undefined;
  #opening: Promise<ReadHandle> | undefined;
  #handle: ReadHandle | undefined;
  #head: PayloadHead = { compression: "none", dataOffset: 0, profile: undefined };
  /** Where the first variable is in what the entries are read from. */
  #dataOffset = 0;
  #inflated: Map<Entry, Uint8Array> | undefined;
  #inflating: Promise<Map<Entry, Uint8Array>> | undefined;
  #mapped: MappedBytes | undefined;
  #running = 0;
  #holds = 0;
  #closed = false;

  constructor(
    path: string,
    manifest: Manifest,
    open: () => Promise<ReadHandle>,
    openSync?: () => ReadHandle | undefined,
  ) {
    this.#openSync = openSync;
    this.path = path;
    this.#manifest = manifest;
    this.#open = open;
  }

  /** The header, once {@linkcode ready} has resolved. */
  get head(): PayloadHead {
    return this.#head;
  }

  /** Whether values are views of the mapped file; nothing is compared with checksums then, which would read it all. */
  get mapped(): boolean {
    return this.#mapped !== undefined;
  }

  /** Bytes of an entry from `start` on in the mapped file; undefined if it is not mapped. */
  view(entry: Entry, start = 0, length: number = entry.byteLength - start): Uint8Array | undefined {
    const from = entry.position + start;
    return this.#mapped?.bytes.subarray(from, from + length);
  }

  /** The same for a while, until {@linkcode releaseWindow} is called with it; `start` may lie before the entry. */
  window(entry: Entry, start: number, length: number): Uint8Array | undefined {
    return this.#mapped?.window(entry.position + start, length);
  }

  /** Where an entry's bytes begin in a file; undefined if they are not in one, or not as they are. */
  placeOnDisk({ position }: Entry): { readonly file: FileOnDisk; readonly position: number } | undefined {
    const file = this.#handle?.onDisk;
    if (file === undefined || this.mapped || this.#head.compression !== "none") return undefined;
    return { file, position: this.#dataOffset + position };
  }

  /** Has the operating system read bytes of the mapped file. */
  async populate(position: number, length: number): Promise<void> {
    await this.#mapped?.populate(position, length);
  }

  /** Whether an entry can be read by position, without inflating the rest. */
  get positional(): boolean {
    return this.#head.compression === "none" || this.#manifest.segments !== undefined;
  }

  /** Opens the payload and checks the manifest against its real size; reads its first bytes only. */
  ready(): Promise<ReadHandle> {
    if (this.#closed && this.#holds === 0) return Promise.reject(this.#closedError());
    if (this.#opening === undefined) {
      this.#opening = this.#openAndCheck();
      // A failed opening may be tried again: the file system may have recovered.
      this.#opening.catch(() => this.#opening = undefined);
    }
    return this.#opening;
  }

  async #openAndCheck(): Promise<ReadHandle> {
    const file = await this.#open();
    try {
      const head = headBuffer(file);
      await file.read(head, 0);
      const handle = this.#take(file, head);
      if (this.#closed) this.#release();
      return handle;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Runs `work`, which may read without waiting; a file that is opened for it is closed again. */
  glance<T>(work: () => T): T {
    const wasOpen = this.#opening !== undefined;
    try {
      return work();
    } finally {
      if (!wasOpen) this.#forget();
    }
  }

  #forget(): void {
    this.#handle?.close();
    this.#handle = undefined;
    this.#opening = undefined;
    this.#inflated = undefined;
  }

  /** The payload, opened without waiting where the store can; not while an opening is under way. */
  #openNow(): ReadHandle | undefined {
    if (this.#opening !== undefined) return this.#handle;
    const file = this.#openSync?.();
    if (file === undefined) return undefined;
    try {
      const head = headBuffer(file);
      file.readSync?.(head, 0);
      const handle = this.#take(file, head);
      this.#opening = Promise.resolve(handle);
      return handle;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #canReadNow(): boolean {
    try {
      return this.#openNow()?.readSync !== undefined;
    } catch {
      return false; // It is gone or damaged: whoever reads it is told.
    }
  }

  /** Gives what the entries are read from. */
  #take(file: ReadHandle, head: Uint8Array): ReadHandle {
    const place = { path: this.path };
    this.#head = detectPayload(head, place);
    const { compression, dataOffset } = this.#head;
    this.reports = checkPayload(this.#manifest, this.#head, file.size, place);
    const { segments } = this.#manifest;
    const isCut = compression !== "none" && segments !== undefined;
    const handle = isCut ? new SegmentHandle(file, compression, segments, dataOffset, place) : file;
    this.#handle = handle;
    this.#dataOffset = isCut ? 0 : dataOffset;
    if (file.map !== undefined) this.#map(file.map);
    return handle;
  }

  #map(map: () => MappedFile): void {
    const mapped = this.#head.compression === "none" ? map() : { reason: "it is compressed" };
    if ("bytes" in mapped) this.#mapped = mapped;
    else this.reports = [...this.reports, `payload "${this.path}" is read, not mapped: ${mapped.reason}`];
  }

  /** Fills `into` with the entry's bytes from `start` (bytes) on. */
  async read(entry: Entry, into: Uint8Array, start = 0): Promise<void> {
    await this.#whileOpen((handle) => this.#fill(handle, entry, into, start));
  }

  async #fill(handle: ReadHandle, entry: Entry, into: Uint8Array, start: number): Promise<void> {
    if (!this.positional) {
      const bytes = await this.#inflate(handle, entry);
      into.set(bytes.subarray(start, start + into.length));
      return;
    }
    this.#expectFull(entry, into.length, await handle.read(into, this.#dataOffset + entry.position + start));
  }

  /** Reads bytes of a raw payload, whatever they belong to; fewer come only at its end. */
  async readPayload(into: Uint8Array, position: number): Promise<number> {
    return await this.#whileOpen((handle) => handle.read(into, this.#dataOffset + position));
  }

  /** Nothing is left to check. */
  finish(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * A reader for entries in the order of the payload: it reads small ones together, and needs no copy of a compressed
   * payload. Keeps at most `aheadBytes` of small ones. Once it is ready.
   */
  forward(aheadBytes?: number): EntryReader {
    const handle = this.#handle;
    if (handle === undefined) return this;
    if (this.positional) return new AheadReader(this, aheadBytes);
    const { payloadSize } = this.#manifest;
    return new ForwardReader(
      this,
      inflatePayload(readBlocks(handle, this.#dataOffset), payloadSize, { path: this.path }),
    );
  }

  /** The same without waiting. NotLoadedError if the store cannot, or the payload is not open. */
  readSync(entry: Entry, into: Uint8Array, start = 0): void {
    const handle = this.#syncHandle(entry);
    if (!this.positional) {
      into.set(this.#inflateSync(handle, entry).subarray(start, start + into.length));
      return;
    }
    this.#expectFull(entry, into.length, handle.readSync(into, this.#dataOffset + entry.position + start));
  }

  /** Bytes that {@linkcode readSync} would have to read for an entry; Infinity if it cannot. */
  costSync(entry: Entry): number {
    if (this.#closed || !this.#canReadNow()) return Infinity;
    return this.positional || this.#inflated?.has(entry) ? entry.byteLength : this.#manifest.payloadSize;
  }

  /** All bytes of an entry, owned by the caller (or a view of the mapped file); a compressed payload forgets them. */
  async take(entry: Entry): Promise<Uint8Array> {
    return await this.#whileOpen(async (handle) => {
      if (!this.positional) {
        const bytes = await this.#inflate(handle, entry);
        this.drop(entry);
        return bytes;
      }
      const view = this.view(entry);
      if (view !== undefined) return view;
      const bytes = allocateFor(entry, this.path);
      for (let at = 0; at < bytes.length; at += TRANSFER_BYTES) {
        await this.#fill(handle, entry, bytes.subarray(at, at + TRANSFER_BYTES), at);
      }
      return bytes;
    });
  }

  /** The same for somebody who only looks: a compressed payload keeps them. */
  async peek(entry: Entry): Promise<Uint8Array> {
    return await this.#whileOpen(async (handle) => {
      const view = this.view(entry);
      if (view !== undefined) return view;
      const bytes = allocateFor(entry, this.path);
      await this.#fill(handle, entry, bytes, 0);
      return bytes;
    });
  }

  /** The same as {@linkcode take} without waiting. */
  takeSync(entry: Entry): Uint8Array {
    const handle = this.#syncHandle(entry);
    if (!this.positional) {
      const bytes = this.#inflateSync(handle, entry);
      this.drop(entry);
      return bytes;
    }
    const view = this.view(entry);
    if (view !== undefined) return view;
    const bytes = allocateFor(entry, this.path);
    this.readSync(entry, bytes);
    return bytes;
  }

  /** Lets go of an entry's inflated bytes. */
  drop(entry: Entry): void {
    this.#inflated?.delete(entry);
  }

  /** For reads that belong together: whoever closes the file meanwhile, it stays open until they have ended. */
  hold(): Disposable {
    this.#holds++;
    return {
      [Symbol.dispose]: () => {
        this.#holds--;
        if (this.#closed) this.#release();
      },
    };
  }

  /** Closes the file as soon as no read is running, and nobody holds it; later reads are NotLoadedErrors. */
  close(): void {
    this.#closed = true;
    this.#inflated = undefined;
    this.#release();
  }

  async #whileOpen<T>(work: (handle: ReadHandle) => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await work(await this.ready());
    } finally {
      this.#running--;
      if (this.#closed) this.#release();
    }
  }

  #release(): void {
    if (this.#running === 0 && this.#holds === 0) this.#handle?.close();
  }

  #syncHandle(entry: Entry): ReadHandle & Required<Pick<ReadHandle, "readSync">> {
    if (this.#closed) throw this.#closedError();
    const handle = this.#openNow();
    if (handle === undefined || !canReadSync(handle)) {
      throw new NotLoadedError(
        `Cannot read variable "${entryLabel(entry)}" without waiting: the bytes are still in "${this.path}"; ` +
          `load them first with \`await handler.prefetch()\` or build the handler with \`immediate()\``,
        { path: this.path, entry: entryLabel(entry) },
      );
    }
    return handle;
  }

  async #inflate(handle: ReadHandle, entry: Entry): Promise<Uint8Array> {
    const found = this.#inflated?.get(entry);
    if (found !== undefined) return found;
    this.#inflating ??= this.#inflateAll(handle).finally(() => this.#inflating = undefined);
    this.#inflated = await this.#inflating;
    return this.#inflatedEntry(this.#inflated, entry);
  }

  async #inflateAll(handle: ReadHandle): Promise<Map<Entry, Uint8Array>> {
    const { entries, payloadSize } = this.#manifest;
    // Memory is taken when a variable's first byte is there: a manifest can claim more than the stream holds.
    const buffers = new Map<Entry, Uint8Array>();
    const bufferOf = (entry: Entry): Uint8Array => {
      const bytes = buffers.get(entry) ?? allocateFor(entry, this.path);
      buffers.set(entry, bytes);
      return bytes;
    };
    const inOrder = entries.toSorted((a, b) => a.position - b.position);
    const blocks = inflatePayload(readBlocks(handle, this.#dataOffset), payloadSize, { path: this.path });
    let offset = 0;
    let first = 0;
    for await (const block of blocks) {
      for (let index = first; index < inOrder.length; index++) {
        const entry = inOrder[index];
        if (entry === undefined || entry.position >= offset + block.length) break;
        const from = Math.max(entry.position, offset);
        const to = Math.min(entry.position + entry.byteLength, offset + block.length);
        if (from < to) bufferOf(entry).set(block.subarray(from - offset, to - offset), from - entry.position);
        if (to === entry.position + entry.byteLength) first = index + 1;
      }
      offset += block.length;
    }
    // Empty ones.
    entries.forEach(bufferOf);
    return buffers;
  }

  #inflateSync(handle: ReadHandle & Required<Pick<ReadHandle, "readSync">>, entry: Entry): Uint8Array {
    const found = this.#inflated?.get(entry);
    if (found !== undefined) return found;
    const compressed = allocate(handle.size - this.#dataOffset, this.path);
    handle.readSync(compressed, this.#dataOffset);
    const payload = inflatePayloadSync(compressed, this.#manifest.payloadSize, { path: this.path });
    this.#inflated = new Map(
      this.#manifest.entries.map((each) => [each, payload.subarray(each.position, each.position + each.byteLength)]),
    );
    return this.#inflatedEntry(this.#inflated, entry);
  }

  #inflatedEntry(inflated: ReadonlyMap<Entry, Uint8Array>, entry: Entry): Uint8Array {
    const bytes = inflated.get(entry);
    if (bytes === undefined) {
      throw new NotLoadedError(`Cannot read variable "${entryLabel(entry)}": it is not in "${this.path}"`, {
        path: this.path,
        entry: entryLabel(entry),
      });
    }
    return bytes;
  }

  #expectFull(entry: Entry, wanted: number, got: number): void {
    if (got === wanted) return;
    throw new CorruptError(
      `Cannot read variable "${
        entryLabel(entry)
      }" from "${this.path}": the file ended after ${got} of ${wanted} bytes; ` +
        `it was cut short after it was opened`,
      { path: this.path, entry: entryLabel(entry), offset: this.#dataOffset + entry.position },
    );
  }

  #closedError(): NotLoadedError {
    return new NotLoadedError(`Cannot read from "${this.path}": it was closed with its handler or checkpoint`, {
      path: this.path,
    });
  }
}

/** Memory for a variable's bytes; a LimitError if the runtime cannot give so much. */
export function allocateFor(entry: Entry, path: string, byteLength: number = entry.byteLength): Uint8Array {
  return allocate(byteLength, path, entry);
}

function allocate(byteLength: number, path: string, entry?: Entry): Uint8Array {
  try {
    return new Uint8Array(byteLength);
  } catch (cause) {
    const label = entry && entryLabel(entry);
    const what = label === undefined ? "payload" : `variable "${label}" from`;
    throw new LimitError(
      `Cannot read ${what} "${path}": no memory for ${byteLength} bytes: ${messageOf(cause)}`,
      { path, entry: label, cause },
    );
  }
}

function headBuffer(handle: ReadHandle): Uint8Array {
  return new Uint8Array(Math.min(PAYLOAD_HEAD_BYTES, handle.size));
}

function canReadSync(handle: ReadHandle): handle is ReadHandle & Required<Pick<ReadHandle, "readSync">> {
  return handle.readSync !== undefined;
}
