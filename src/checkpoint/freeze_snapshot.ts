import type { LoadedValue } from "../context/mod.ts";
import { alignmentOf, type DType, Tensor } from "../tensor/mod.ts";
import { releaseSnapshot, type Snapshot, type SnapshotItem } from "./snapshot.ts";
import { StoredValue } from "./stored_value.ts";

/** A snapshot that nothing reaches any more, once `ready` has resolved. */
export interface FrozenSnapshot {
  readonly snapshot: Snapshot;
  /** Waits for values that could not be had at once. */
  readonly ready: Promise<void>;
}

/** Bytes of memory that {@linkcode freezeSnapshot} needs. */
export function frozenBytes(snapshot: Snapshot): number {
  return snapshot.entries.reduce((end, { value }) => isInFile(value) ? end : startAt(end, value) + value.byteLength, 0);
}

/**
 * Copies all values of a snapshot into `memory`, before it returns wherever they are in memory. What is still in a file
 * stays there: the snapshot reads it from the file even if somebody else loads and changes it meanwhile. Values that
 * have to be waited for are dropped if `memory` is somebody else's by then. Live values are released once they are
 * copied. If it throws, `memory` is as it was.
 */
export function freezeSnapshot(snapshot: Snapshot, memory: Uint8Array, isOurs: () => boolean): FrozenSnapshot {
  const sources = snapshot.entries.map(({ value }) => isInFile(value) ? undefined : bytesOf(value));
  let used = 0;
  const waiting: Promise<void>[] = [];
  const entries = snapshot.entries.map((item, index): SnapshotItem => {
    const { value } = item;
    if (isInFile(value)) return { ...item, value: value.unshared() };
    const start = startAt(used, value);
    used = start + value.byteLength;
    const source = sources[index];
    if (source instanceof Uint8Array) memory.set(source, start);
    else if (source) waiting.push(source.then((bytes) => isOurs() ? memory.set(bytes, start) : undefined));
    return { ...item, value: new FrozenValue(value, memory, start), captured: undefined };
  });
  const ready = Promise.all(waiting).then(() => {}).finally(() => releaseSnapshot(snapshot));
  return { snapshot: { ...snapshot, entries }, ready };
}

/** The bytes, at once where they are in memory. */
function bytesOf(value: Tensor | LoadedValue): Uint8Array | Promise<Uint8Array> {
  if (value instanceof Tensor) return value.bytes;
  return value.loaded?.bytes ?? value.read().then(({ bytes }) => bytes);
}

/** A value in the snapshot's memory. Its tensor is made when it is written: to make 10,000 takes as long as the copy. */
class FrozenValue implements LoadedValue {
  readonly dtype: DType;
  readonly dimensions: readonly number[];
  readonly byteLength: number;
  readonly #memory: Uint8Array;
  readonly #start: number;

  constructor({ dtype, dimensions, byteLength }: Tensor | LoadedValue, memory: Uint8Array, start: number) {
    this.dtype = dtype;
    this.dimensions = dimensions;
    this.byteLength = byteLength;
    this.#memory = memory;
    this.#start = start;
  }

  get loaded(): Tensor {
    return this.readSync();
  }

  readSync(): Tensor {
    const bytes = this.#memory.subarray(this.#start, this.#start + this.byteLength);
    return new Tensor(this.dtype, this.dimensions, bytes);
  }

  read(): Promise<Tensor> {
    return Promise.resolve(this.readSync());
  }
}

function isInFile(value: Tensor | LoadedValue): value is StoredValue {
  return value instanceof StoredValue && value.loaded === undefined;
}

/** Where a value begins: with as little space as can be after the one before, so that both are written at once. */
function startAt(end: number, { dtype }: Tensor | LoadedValue): number {
  const alignment = alignmentOf(dtype);
  return Math.ceil(end / alignment) * alignment;
}
