import { LimitError, messageOf } from "../errors.ts";

/** Bytes of a page of memory at least; larger pages are touched more than once, which costs nothing. */
const PAGE_BYTES = 4096;

/**
 * Memory for snapshots that are being written while training goes on. What is given back is kept, so that the next
 * snapshot is copied into memory that the operating system has handed out already ("warm"): into fresh memory a copy
 * takes several times as long.
 */
export class SnapshotPool {
  readonly #free: Uint8Array[] = [];

  /** Memory of at least `byteLength` bytes; LimitError if the machine has no more. */
  take(byteLength: number): Uint8Array {
    const index = this.#free.findIndex((each) => each.length >= byteLength);
    if (index >= 0) return this.#free.splice(index, 1)[0] ?? allocate(byteLength);
    const memory = allocate(byteLength);
    // What is too small today is too small tomorrow.
    this.#free.pop();
    return memory;
  }

  /** `memory` if it is large enough, else other memory; `memory` is the caller's until that is there. */
  exchange(memory: Uint8Array, byteLength: number): Uint8Array {
    return memory.length >= byteLength ? memory : this.take(byteLength);
  }

  /** Takes memory back, for the next. */
  give(memory: Uint8Array): void {
    if (memory.length > 0) this.#free.push(memory);
  }

  /** Takes memory for a snapshot of `byteLength` bytes now, and touches it. */
  reserve(byteLength: number): void {
    const memory = this.take(byteLength);
    for (let at = 0; at < memory.length; at += PAGE_BYTES) memory[at] = 0;
    this.give(memory);
  }

  /** Lets go of what is free. */
  release(): void {
    this.#free.length = 0;
  }
}

function allocate(byteLength: number): Uint8Array {
  try {
    return new Uint8Array(byteLength);
  } catch (cause) {
    throw new LimitError(
      `Cannot save checkpoint in the background: no memory for a copy of ${byteLength} bytes: ${messageOf(cause)}; ` +
        "save() needs no copy",
      { cause },
    );
  }
}
