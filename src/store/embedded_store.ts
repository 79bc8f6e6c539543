import { NotFoundError, PermissionError, StoreError } from "../errors.ts";
import { checkFolder, compareNames, parseBlobName } from "./blob_name.ts";
import type { BlobInfo, BlobSink, ReadHandle, Store, StoreLock } from "./store.ts";

/**
 * A read-only {@linkcode Store} of blobs that are in memory already, such as those embedded in a module. The bytes are
 * shared and must not change.
 *
 * @example
 * ```ts
 * import { EmbeddedStore } from "@cairn/checkpoints";
 *
 * const store = new EmbeddedStore(new Map([["greeting.txt", new TextEncoder().encode("hello")]]));
 * const handle = await store.open("greeting.txt");
 * if (handle.size !== 5) throw new Error("not embedded");
 * handle.close();
 * ```
 */
export class EmbeddedStore implements Store {
  /** What messages call it. */
  readonly label: string;
  /** Always false. */
  readonly writable = false;
  readonly #blobs: ReadonlyMap<string, Uint8Array>;

  /** Makes a store of `blobs` by name (`name` or `folder/name`); StoreError for a bad name. */
  constructor(blobs: ReadonlyMap<string, Uint8Array>, label = "embedded") {
    for (const name of blobs.keys()) parseBlobName(name);
    this.#blobs = new Map(blobs);
    this.label = label;
  }

  /** The blobs at the top level, or in `folder`. */
  // deno-lint-ignore require-await -- a failure must be a rejection
  async list(folder?: string): Promise<BlobInfo[]> {
    return listBlobs(this.#blobs, folder);
  }

  /** Opens a blob for reading; NotFoundError if there is none. */
  // deno-lint-ignore require-await -- a failure must be a rejection
  async open(name: string): Promise<ReadHandle> {
    return openBlob(this.#blobs, name, this.label);
  }

  /** The same without waiting. */
  openSync(name: string): ReadHandle {
    return openBlob(this.#blobs, name, this.label);
  }

  /** PermissionError. */
  publish(name: string, _write: (sink: BlobSink) => Promise<void>): Promise<void> {
    return this.#refuse(`publish "${name}"`);
  }

  /** PermissionError. */
  link(name: string, target: string): Promise<void> {
    return this.#refuse(`link "${name}" to "${target}"`);
  }

  /** PermissionError. */
  remove(name: string): Promise<void> {
    return this.#refuse(`remove "${name}"`);
  }

  /** PermissionError. */
  lock(): Promise<StoreLock> {
    return this.#refuse("take the lock");
  }

  #refuse(what: string): Promise<never> {
    return Promise.reject(
      new PermissionError(`Cannot ${what} in "${this.label}": an embedded store is read-only`, { path: this.label }),
    );
  }
}

/** The blobs of a map at the top level, or in `folder`, sorted. */
export function listBlobs(blobs: ReadonlyMap<string, Uint8Array>, folder: string | undefined): BlobInfo[] {
  const prefix = folder === undefined ? "" : `${checkFolder(folder)}/`;
  const found: BlobInfo[] = [];
  for (const [path, bytes] of blobs) {
    const name = path.slice(prefix.length);
    if (path.startsWith(prefix) && !name.includes("/")) found.push({ name, size: bytes.length });
  }
  return found.sort((a, b) => compareNames(a.name, b.name));
}

/** Opens a blob of a map. */
export function openBlob(blobs: ReadonlyMap<string, Uint8Array>, name: string, label: string): ReadHandle {
  parseBlobName(name);
  const path = `${label}/${name}`;
  const bytes = blobs.get(name);
  if (bytes === undefined) {
    throw new NotFoundError(`Cannot open "${name}" in "${label}": there is no such blob`, { path });
  }
  return new MemoryReadHandle(bytes, path);
}

/** A blob that is in memory, opened for reading. */
export class MemoryReadHandle implements ReadHandle {
  /** Size in bytes. */
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #path: string;
  #closed = false;

  /** Opens `bytes`, which are shared and must not change; `path` is for messages. */
  constructor(bytes: Uint8Array, path: string) {
    this.size = bytes.length;
    this.#bytes = bytes;
    this.#path = path;
  }

  /** Reads bytes starting at `at` and returns how many. */
  // deno-lint-ignore require-await -- a failure must be a rejection
  async read(into: Uint8Array, at: number): Promise<number> {
    return this.readSync(into, at);
  }

  /** The same without waiting. */
  readSync(into: Uint8Array, at: number): number {
    checkRead(this.#closed, at, this.#path);
    const part = this.#bytes.subarray(at, at + into.length);
    into.set(part);
    return part.length;
  }

  /** Closes it. */
  close(): void {
    this.#closed = true;
  }
}

/** StoreError if a read cannot be: the handle is closed, or `at` is not a byte offset. */
export function checkRead(closed: boolean, at: number, path: string): void {
  if (closed) throw new StoreError(`Cannot read "${path}": its handle is closed`, { path, offset: at });
  if (Number.isSafeInteger(at) && at >= 0) return;
  throw new StoreError(`Cannot read "${path}": offset ${at} is not a byte offset`, { path });
}
