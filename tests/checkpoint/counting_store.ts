import {
  type BlobInfo,
  type BlobSink,
  MemoryStore,
  type ReadHandle,
  type Store,
  type StoreLock,
} from "../../src/store/mod.ts";

/** One read of a blob. */
export interface Read {
  readonly name: string;
  readonly at: number;
  readonly length: number;
  readonly sync: boolean;
}

/** A store over another one that records what is opened, read and closed. */
export class CountingStore implements Store {
  readonly label: string;
  readonly writable: boolean;
  /** Every read so far. */
  reads: Read[] = [];
  /** Names of the handles that are open now. */
  readonly opened: string[] = [];
  /** Thrown by reads of payloads, as long as it is set. */
  failure: Error | undefined;
  readonly #store: Store;
  readonly #canReadSync: boolean;

  constructor(store: Store = new MemoryStore("counted"), options: { readonly sync?: boolean } = {}) {
    this.#store = store;
    this.#canReadSync = options.sync ?? true;
    this.label = store.label;
    this.writable = store.writable;
  }

  /** Reads of payloads. */
  get payloadReads(): Read[] {
    return this.reads.filter(({ name }) => name.endsWith(".bin"));
  }

  list(folder?: string): Promise<BlobInfo[]> {
    return this.#store.list(folder);
  }

  async open(name: string): Promise<ReadHandle> {
    const handle = await this.#store.open(name);
    this.opened.push(name);
    let isOpen = true;
    const record = (sync: boolean, into: Uint8Array, at: number): void => {
      this.reads.push({ name, at, length: into.length, sync });
      if (this.failure !== undefined && name.endsWith(".bin")) throw this.failure;
    };
    const counted: ReadHandle = {
      size: handle.size,
      // deno-lint-ignore require-await -- a failure must be a rejection
      read: async (into, at) => {
        record(false, into, at);
        return handle.read(into, at);
      },
      close: () => {
        if (isOpen) this.opened.splice(this.opened.indexOf(name), 1);
        isOpen = false;
        handle.close();
      },
    };
    if (!this.#canReadSync) return counted;
    return {
      ...counted,
      readSync: (into, at) => {
        record(true, into, at);
        return handle.readSync?.(into, at) ?? 0;
      },
    };
  }

  publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
    return this.#store.publish(name, write);
  }

  link(name: string, target: string): Promise<void> {
    return this.#store.link(name, target);
  }

  remove(name: string): Promise<void> {
    return this.#store.remove(name);
  }

  lock(): Promise<StoreLock> {
    return this.#store.lock();
  }
}
