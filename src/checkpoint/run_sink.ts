import type { BlobSink, Store } from "../store/mod.ts";

/** Bytes of one write: while a train step computes, a write can end but the next one cannot begin. */
const RUN_BYTES = 64 * 2 ** 20;

/** What a save needs of its store. */
export interface SaveStore extends Pick<Store, "label" | "publish" | "list" | "remove"> {
  /** Whether it puts together what lies side by side in memory, so that nobody else should. */
  readonly joins?: boolean;
}

/**
 * The store, with what lies side by side in `memory` written in few large writes: they go on while JavaScript computes.
 * `memory` must not change until all is published.
 */
export function writingRuns(store: Store, memory: Uint8Array): SaveStore {
  return {
    label: store.label,
    joins: true,
    list: (folder) => store.list(folder),
    remove: (name) => store.remove(name),
    publish: (name, write) =>
      store.publish(name, async (sink) => {
        const runs = new RunSink(sink, memory.buffer);
        await write(runs);
        await runs.flush();
      }),
  };
}

/** Joins pieces of one memory that follow each other; other pieces go on at once. */
class RunSink implements BlobSink {
  readonly #to: BlobSink;
  readonly #memory: ArrayBufferLike;
  #start = 0;
  #length = 0;

  constructor(to: BlobSink, memory: ArrayBufferLike) {
    this.#to = to;
    this.#memory = memory;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const isNext = bytes.buffer === this.#memory && bytes.byteOffset === this.#start + this.#length;
    if (!isNext || this.#length + bytes.length > RUN_BYTES) await this.flush();
    if (bytes.buffer !== this.#memory) return await this.#to.write(bytes);
    if (this.#length === 0) this.#start = bytes.byteOffset;
    this.#length += bytes.length;
  }

  async beginSync(): Promise<void> {
    await this.flush();
    await this.#to.beginSync?.();
  }

  async flush(): Promise<void> {
    const run = new Uint8Array(this.#memory, this.#start, this.#length);
    this.#length = 0;
    if (run.length > 0) await this.#to.write(run);
  }
}
