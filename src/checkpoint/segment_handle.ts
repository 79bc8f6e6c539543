import { CorruptError, type ErrorPlace } from "../errors.ts";
import type { Segment, SegmentJob } from "../format/mod.ts";
import type { ReadHandle } from "../store/mod.ts";
import { runHere, SegmentError, segmentWorkers } from "./segment_workers.ts";

/** One segment, and where it is. */
interface Located {
  readonly segment: Segment;
  /** Offset in the uncompressed payload. */
  readonly start: number;
  /** Offset in the file. */
  readonly at: number;
}

/**
 * A payload of segments, read as if it were uncompressed: only the segments that a read touches are inflated, several
 * at the same time. The last one is kept, since small variables share one.
 */
export class SegmentHandle implements ReadHandle {
  /** Bytes of the uncompressed payload. */
  readonly size: number;
  /** Inflates in this thread, where the file can be read without waiting. */
  readonly readSync?: (into: Uint8Array, from: number) => number;
  readonly #file: ReadHandle;
  readonly #codec: "gzip" | "zstd";
  readonly #segments: readonly Located[];
  readonly #place: ErrorPlace;
  #release: (() => void) | undefined;
  readonly #running = new Map<Located, Promise<Uint8Array>>();
  #last: { readonly of: Located; readonly bytes: Uint8Array } | undefined;

  /** The segments begin at `dataOffset` of the file; their sizes have been checked against it. */
  constructor(
    file: ReadHandle,
    codec: "gzip" | "zstd",
    segments: readonly Segment[],
    dataOffset: number,
    place: ErrorPlace,
  ) {
    this.#file = file;
    this.#codec = codec;
    this.#place = place;
    let start = 0;
    let at = dataOffset;
    this.#segments = segments.map((segment) => {
      const located = { segment, start, at };
      start += segment.size;
      at += segment.stored;
      return located;
    });
    this.size = start;
    const readStored = file.readSync?.bind(file);
    if (readStored !== undefined) this.readSync = (into, from) => this.#readNow(into, from, readStored);
  }

  /** Reads and inflates what it needs in workers, if it is more than one segment. */
  async read(into: Uint8Array, from: number): Promise<number> {
    const touched = this.#touched(from, from + into.length);
    if (touched.length > 1) this.#release ??= segmentWorkers.lease();
    const inflating = touched.map((each) => () => this.#inflate(each, touched.length > 1));
    await inTurn(inflating, 2 * segmentWorkers.count, (bytes, index) => copy(bytes, touched[index], into, from));
    return this.#count(into, from);
  }

  /** Closes the file, and lets go of the workers. */
  close(): void {
    this.#file.close();
    this.#release?.();
    this.#last = undefined;
  }

  #readNow(into: Uint8Array, from: number, readStored: (into: Uint8Array, at: number) => number): number {
    for (const each of this.#touched(from, from + into.length)) {
      if (this.#last?.of !== each) {
        const stored = new Uint8Array(each.segment.stored);
        const job = this.#job(each, stored, readStored(stored, each.at));
        this.#last = { of: each, bytes: this.#inflateHere(each, job) };
      }
      copy(this.#last.bytes, each, into, from);
    }
    return this.#count(into, from);
  }

  /** Two reads of one segment at the same time inflate it once. */
  #inflate(located: Located, isOneOfMany: boolean): Promise<Uint8Array> {
    if (this.#last?.of === located) return Promise.resolve(this.#last.bytes);
    const running = this.#running.get(located) ?? this.#inflateAnew(located, isOneOfMany);
    this.#running.set(located, running);
    return running.finally(() => this.#running.delete(located));
  }

  async #inflateAnew(located: Located, isOneOfMany: boolean): Promise<Uint8Array> {
    const stored = new Uint8Array(located.segment.stored);
    const job = this.#job(located, stored, await this.#file.read(stored, located.at));
    try {
      const bytes = isOneOfMany ? await segmentWorkers.run(job) : runHere(job);
      this.#last = { of: located, bytes };
      return bytes;
    } catch (error) {
      throw this.#damaged(located, error);
    }
  }

  #job({ segment, at }: Located, stored: Uint8Array, got: number): SegmentJob {
    if (got === stored.length) {
      return { codec: this.#codec, action: "inflate", bytes: stored, width: segment.width, size: segment.size };
    }
    throw new CorruptError(
      `Cannot read payload "${this.#place.path}": the file ended within a segment of ${stored.length} bytes at ${at}`,
      { ...this.#place, offset: at },
    );
  }

  #inflateHere(located: Located, job: SegmentJob): Uint8Array {
    try {
      return runHere(job);
    } catch (error) {
      throw this.#damaged(located, error);
    }
  }

  #damaged({ segment, at }: Located, error: unknown): unknown {
    if (!(error instanceof SegmentError)) return error;
    return new CorruptError(
      `Cannot read payload "${this.#place.path}": its ${this.#codec} segment of ${segment.stored} bytes at ${at} is ` +
        `damaged: ${error.message}`,
      { ...this.#place, offset: at, cause: error },
    );
  }

  /** The segments that have bytes of the range. */
  #touched(from: number, to: number): Located[] {
    const touched: Located[] = [];
    for (let index = this.#indexAt(from); index < this.#segments.length; index++) {
      const each = this.#segments[index];
      if (each === undefined || each.start >= to) break;
      touched.push(each);
    }
    return touched;
  }

  /** The first segment that ends behind `position`. */
  #indexAt(position: number): number {
    let [low, high] = [0, this.#segments.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const each = this.#segments[middle];
      if (each !== undefined && each.start + each.segment.size <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #count(into: Uint8Array, from: number): number {
    return Math.max(0, Math.min(into.length, this.size - from));
  }
}

/** Copies what `into`, which begins at `from`, has in common with the segment. */
function copy(bytes: Uint8Array, located: Located | undefined, into: Uint8Array, from: number): void {
  if (located === undefined) return;
  const { start } = located;
  const first = Math.max(from, start);
  const end = Math.min(from + into.length, start + bytes.length);
  if (first < end) into.set(bytes.subarray(first - start, end - start), first - from);
}

/** Does the work, at most `atOnce` at the same time, and gives the results in order. */
async function inTurn<T>(
  work: readonly (() => Promise<T>)[],
  atOnce: number,
  take: (result: T, index: number) => void,
): Promise<void> {
  const running: Promise<T>[] = [];
  let started = 0;
  for (let index = 0; index < work.length; index++) {
    for (; started < Math.min(work.length, index + atOnce); started++) {
      const next = work[started]?.();
      if (next === undefined) break;
      next.catch(() => {}); // The first that fails is thrown below.
      running.push(next);
    }
    const result = await running.shift();
    if (result !== undefined) take(result, index);
  }
}
