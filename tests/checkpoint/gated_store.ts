import { type BlobSink, MemoryStore } from "../../src/store/mod.ts";

/** A store in memory whose publishes wait until the test lets them go, or fail. */
export class GatedStore extends MemoryStore {
  /** Thrown by the next publishes, each once. */
  readonly failures: Error[] = [];
  /** What was written in large pieces, as it came: not copied. */
  readonly pieces: Uint8Array[] = [];
  #gate: PromiseWithResolvers<void> | undefined;
  #reached = Promise.withResolvers<void>();

  /** Publishes wait from now on. */
  hold(): void {
    this.#gate ??= Promise.withResolvers();
  }

  /** Publishes go on. */
  letGo(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
    this.#reached = Promise.withResolvers();
  }

  /** Resolves when a publish waits. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  override async publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
    if (this.#gate !== undefined) {
      this.#reached.resolve();
      await this.#gate.promise;
    }
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    await super.publish(name, (sink) =>
      write({
        write: (bytes) => {
          if (bytes.length > 2 ** 20) this.pieces.push(bytes);
          return sink.write(bytes);
        },
      }));
  }
}
