import type { PlannedSegment, Segment, SegmentJob } from "../format/mod.ts";
import type { BlobSink } from "../store/mod.ts";
import { runHere, segmentWorkers } from "./segment_workers.ts";

/**
 * Compresses into segments, several at the same time, and writes them in order. Holds a few segments for each worker,
 * whatever the size of the payload.
 */
export class SegmentSink implements BlobSink, Disposable {
  readonly #to: BlobSink;
  readonly #codec: "gzip" | "zstd";
  readonly #planned: readonly PlannedSegment[];
  readonly #release: () => void = segmentWorkers.lease();
  readonly #segments: Segment[] = [];
  /** Segments that are being compressed, the first one first. */
  readonly #running: Promise<Uint8Array>[] = [];
  #buffer: Uint8Array | undefined;
  #used = 0;

  /** Compresses what `planned` says into `to`, which is not closed. */
  constructor(to: BlobSink, codec: "gzip" | "zstd", planned: readonly PlannedSegment[]) {
    this.#to = to;
    this.#codec = codec;
    this.#planned = planned;
  }

  /** Appends all of `bytes`, which may be used again at once. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { size } = this.#current();
      this.#buffer ??= new Uint8Array(size);
      const part = bytes.subarray(at, at + size - this.#used);
      this.#buffer.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === size) await this.#compress(this.#buffer);
    }
  }

  /** Writes what is left, and gives all segments. */
  async finish(): Promise<readonly Segment[]> {
    // An empty payload has one segment of nothing.
    if (this.#planned[0]?.size === 0) await this.#compress(new Uint8Array(0));
    while (this.#running.length > 0) await this.#writeFirst();
    if (this.#segments.length !== this.#planned.length) {
      throw new RangeError(`${this.#segments.length} of ${this.#planned.length} segments were written`);
    }
    return this.#segments;
  }

  /** Lets go of the workers; what they still do is for nothing. */
  [Symbol.dispose](): void {
    this.#release();
  }

  #current(): PlannedSegment {
    const planned = this.#planned[this.#segments.length + this.#running.length];
    if (planned === undefined) throw new RangeError("more bytes than the segments hold");
    return planned;
  }

  async #compress(bytes: Uint8Array): Promise<void> {
    const { width } = this.#current();
    this.#buffer = undefined;
    this.#used = 0;
    const job: SegmentJob = { codec: this.#codec, action: "deflate", bytes, width, size: bytes.length };
    // To start workers takes longer than one segment.
    const running = this.#planned.length > 1 ? segmentWorkers.run(job) : Promise.resolve(runHere(job));
    running.catch(() => {}); // Whoever waits for it is told.
    this.#running.push(running);
    if (this.#running.length > 2 * segmentWorkers.count) await this.#writeFirst();
  }

  async #writeFirst(): Promise<void> {
    const planned = this.#planned[this.#segments.length];
    const bytes = await this.#running[0];
    if (bytes === undefined || planned === undefined) return;
    await this.#to.write(bytes);
    this.#running.shift();
    this.#segments.push({ ...planned, stored: bytes.length });
  }
}
