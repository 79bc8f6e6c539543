import { MemoryStore, type ReadHandle } from "../../src/store/mod.ts";

/** A store in memory of which parts are read when the test lets them. */
export class SlowStore extends MemoryStore {
  #from = Infinity;
  readonly #opened = Promise.withResolvers<void>();
  readonly #reached = Promise.withResolvers<void>();

  /** Reads of bytes from `from` on wait until {@linkcode letGo}, if they begin before it is called. */
  hold(from: number): void {
    this.#from = from;
  }

  /** Resolves when a read waits; what is read from then on does not. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Reads go on. */
  letGo(): void {
    this.#opened.resolve();
  }

  override async open(name: string): Promise<ReadHandle> {
    return this.#slow(await super.open(name));
  }

  override openSync(name: string): ReadHandle {
    return this.#slow(super.openSync(name));
  }

  #slow(handle: ReadHandle): ReadHandle {
    return {
      size: handle.size,
      read: async (into, from) => {
        if (from >= this.#from) {
          // The reads that are under way wait as well.
          setTimeout(() => {
            this.#from = Infinity;
            this.#reached.resolve();
          });
          await this.#opened.promise;
        }
        return await handle.read(into, from);
      },
      close: () => handle.close(),
    };
  }
}
