import { LockedError, type LockHolder, NotFoundError, StoreError } from "../errors.ts";
import { parseBlobName } from "./blob_name.ts";
import { listBlobs, openBlob } from "./embedded_store.ts";
import type { BlobInfo, BlobSink, ReadHandle, Store, StoreLock } from "./store.ts";

/**
 * A {@linkcode Store} that lives in memory and dies with the process: for tests, and for checkpoints that need no disk.
 *
 * @example
 * ```ts
 * import { MemoryStore } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore("run");
 * await store.publish("greeting.txt", (sink) => sink.write(new TextEncoder().encode("hello")));
 * const [blob] = await store.list();
 * if (blob?.name !== "greeting.txt" || blob.size !== 5) throw new Error("not published");
 * ```
 */
export class MemoryStore implements Store {
  /** What messages call it, like `memory:run`. */
  readonly label: string;
  /** Always true. */
  readonly writable = true;
  readonly #blobs = new Map<string, Uint8Array>();
  #locked = false;
  #holder: LockHolder | undefined;

  /** Makes an empty store. */
  constructor(label = "store") {
    this.label = `memory:${label}`;
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

  /** Makes a blob visible when `write` is done, or not at all if it throws. */
  async publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
    parseBlobName(name);
    const sink = new MemorySink(`${this.label}/${name}`);
    await write(sink);
    this.#blobs.set(name, sink.finish());
  }

  /** Makes `target` another name of the blob; both share memory, which never changes. */
  // deno-lint-ignore require-await -- a failure must be a rejection
  async link(name: string, target: string): Promise<void> {
    parseBlobName(name);
    parseBlobName(target);
    const bytes = this.#blobs.get(name);
    if (bytes === undefined) {
      const path = `${this.label}/${name}`;
      throw new NotFoundError(`Cannot link "${name}" in "${this.label}": there is no such blob`, { path });
    }
    this.#blobs.set(target, bytes);
  }

  /** Removes a blob; a missing one is not an error. */
  // deno-lint-ignore require-await -- a failure must be a rejection
  async remove(name: string): Promise<void> {
    parseBlobName(name);
    this.#blobs.delete(name);
  }

  /** Takes the exclusive lock, or throws LockedError. */
  async lock(): Promise<StoreLock> {
    if (this.#locked) {
      const message = `Cannot lock "${this.label}": somebody in this process has the lock`;
      throw new LockedError(message, { path: this.label }, this.#holder);
    }
    this.#locked = true;
    this.#holder = undefined;
    const { thisHolder } = await import("./local_lock.ts");
    this.#holder = thisHolder();
    let held = true;
    return {
      release: () => {
        if (held) this.#locked = false;
        held = false;
      },
    };
  }
}

class MemorySink implements BlobSink {
  readonly #path: string;
  readonly #parts: Uint8Array[] = [];
  #size = 0;
  #finished = false;

  constructor(path: string) {
    this.#path = path;
  }

  // deno-lint-ignore require-await -- a failure must be a rejection
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#finished) throw lateWrite(this.#path);
    this.#parts.push(bytes.slice());
    this.#size += bytes.length;
  }

  finish(): Uint8Array {
    this.#finished = true;
    const all = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** The error for a write to the sink of a publish that is over. */
export function lateWrite(path: string): StoreError {
  return new StoreError(`Cannot write to "${path}": its publish is over`, { path });
}
