import { CorruptError, NotLoadedError } from "../errors.ts";
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
import type { ReadHandle } from "../store/mod.ts";

/** Bytes moved by one read or write call: large enough for full speed, small enough to stay in warm memory. */
export const SLICE_BYTES = 8 * 1024 * 1024;

/**
 * The payload of one checkpoint, read by position. A raw payload is read straight from its file; a compressed one is
 * inflated once, at the first read, and kept until it is taken or dropped.
 */
export class PayloadReader {
  /** Path of the payload, for messages. */
  readonly path: string;
  /** What the opened payload showed that is worth telling: trailing bytes and the like. */
  reports: readonly string[] = [];

  readonly #manifest: Manifest;
  readonly #open: () => Promise<ReadHandle>;
  #opening: Promise<ReadHandle> | undefined;
  #handle: ReadHandle | undefined;
  #head: PayloadHead = { compression: "none", dataOffset: 0, profile: undefined };
  #inflated: Map<Entry, Uint8Array> | undefined;
  #inflating: Promise<Map<Entry, Uint8Array>> | undefined;
  #running = 0;
  #closed = false;

  constructor(path: string, manifest: Manifest, open: () => Promise<ReadHandle>) {
    this.path = path;
    this.#manifest = manifest;
    this.#open = open;
  }

  /** The header, once {@linkcode ready} has resolved. */
  get head(): PayloadHead {
    return this.#head;
  }

  /** Whether an entry can be read by position, without inflating the rest. */
  get positional(): boolean {
    return this.#head.compression === "none";
  }

  /** Opens the payload and checks the manifest against its real size; reads its first bytes only. */
  ready(): Promise<ReadHandle> {
    if (this.#closed) return Promise.reject(this.#closedError());
    if (this.#opening === undefined) {
      this.#opening = this.#openAndCheck();
      // A failed opening may be tried again: the file system may have recovered.
      this.#opening.catch(() => this.#opening = undefined);
    }
    return this.#opening;
  }

  async #openAndCheck(): Promise<ReadHandle> {
    const handle = await this.#open();
    try {
      const head = new Uint8Array(Math.min(PAYLOAD_HEAD_BYTES, handle.size));
      await handle.read(head, 0);
      this.#head = detectPayload(head, { path: this.path });
      this.reports = checkPayload(this.#manifest, this.#head, handle.size, { path: this.path });
    } catch (error) {
      handle.close();
      throw error;
    }
    this.#handle = handle;
    if (this.#closed) handle.close();
    return handle;
  }

  /** Fills `into` with the entry's bytes from `start` (bytes) on. */
  async read(entry: Entry, into: Uint8Array, start = 0): Promise<void> {
    await this.#whileOpen(async (handle) => {
      if (!this.positional) {
        const bytes = await this.#inflate(handle, entry);
        into.set(bytes.subarray(start, start + into.length));
        return;
      }
      this.#expectFull(entry, into.length, await handle.read(into, this.#head.dataOffset + entry.position + start));
    });
  }

  /** The same without waiting. NotLoadedError if the store cannot, or the payload is not open. */
  readSync(entry: Entry, into: Uint8Array, start = 0): void {
    const handle = this.#syncHandle(entry);
    if (!this.positional) {
      into.set(this.#inflateSync(handle, entry).subarray(start, start + into.length));
      return;
    }
    this.#expectFull(entry, into.length, handle.readSync(into, this.#head.dataOffset + entry.position + start));
  }

  /** All bytes of an entry, owned by the caller; a compressed payload forgets them. */
  async take(entry: Entry): Promise<Uint8Array> {
    return await this.#whileOpen(async (handle) => {
      if (!this.positional) {
        const bytes = await this.#inflate(handle, entry);
        this.drop(entry);
        return bytes;
      }
      const bytes = new Uint8Array(entry.byteLength);
      for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
        await this.read(entry, bytes.subarray(at, at + SLICE_BYTES), at);
      }
      return bytes;
    });
  }

  /** The same without waiting. */
  takeSync(entry: Entry): Uint8Array {
    const handle = this.#syncHandle(entry);
    if (!this.positional) {
      const bytes = this.#inflateSync(handle, entry);
      this.drop(entry);
      return bytes;
    }
    const bytes = new Uint8Array(entry.byteLength);
    this.readSync(entry, bytes);
    return bytes;
  }

  /** Lets go of an entry's inflated bytes. */
  drop(entry: Entry): void {
    this.#inflated?.delete(entry);
  }

  /** Closes the file as soon as no read is running; later reads are NotLoadedErrors. */
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
    if (this.#running === 0) this.#handle?.close();
  }

  #syncHandle(entry: Entry): ReadHandle & Required<Pick<ReadHandle, "readSync">> {
    if (this.#closed) throw this.#closedError();
    const handle = this.#handle;
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
    const buffers = new Map(entries.map((entry) => [entry, new Uint8Array(entry.byteLength)]));
    const inOrder = entries.toSorted((a, b) => a.position - b.position);
    const blocks = inflatePayload(readBlocks(handle, this.#head.dataOffset), payloadSize, { path: this.path });
    let offset = 0;
    let first = 0;
    for await (const block of blocks) {
      for (let index = first; index < inOrder.length; index++) {
        const entry = inOrder[index];
        if (entry === undefined || entry.position >= offset + block.length) break;
        const from = Math.max(entry.position, offset);
        const to = Math.min(entry.position + entry.byteLength, offset + block.length);
        if (from < to) buffers.get(entry)?.set(block.subarray(from - offset, to - offset), from - entry.position);
        if (to === entry.position + entry.byteLength) first = index + 1;
      }
      offset += block.length;
    }
    return buffers;
  }

  #inflateSync(handle: ReadHandle & Required<Pick<ReadHandle, "readSync">>, entry: Entry): Uint8Array {
    const found = this.#inflated?.get(entry);
    if (found !== undefined) return found;
    const compressed = new Uint8Array(handle.size - this.#head.dataOffset);
    handle.readSync(compressed, this.#head.dataOffset);
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
      { path: this.path, entry: entryLabel(entry), offset: this.#head.dataOffset + entry.position },
    );
  }

  #closedError(): NotLoadedError {
    return new NotLoadedError(`Cannot read from "${this.path}": it was closed with its handler or checkpoint`, {
      path: this.path,
    });
  }
}

/** How messages call an entry: `/scope/name`. */
export function entryLabel(entry: { readonly scope: string; readonly name: string }): string {
  return entry.scope.endsWith("/") ? `${entry.scope}${entry.name}` : `${entry.scope}/${entry.name}`;
}

function canReadSync(handle: ReadHandle): handle is ReadHandle & Required<Pick<ReadHandle, "readSync">> {
  return handle.readSync !== undefined;
}

async function* readBlocks(handle: ReadHandle, from: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < handle.size;) {
    // A fresh block each time: the inflater may still hold the last one.
    const block = new Uint8Array(Math.min(SLICE_BYTES / 8, handle.size - at));
    const got = await handle.read(block, at);
    if (got === 0) return;
    yield block.subarray(0, got);
    at += got;
  }
}
