import { type Backend, hostBackend } from "../backend/mod.ts";
import { crc32, type Entry } from "../format/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import type { Decision } from "./mean.ts";
import { allocateFor } from "./payload_reader.ts";
import { checkCrc } from "./stored_value.ts";

/** Bytes of a mapped variable whose mean becomes the variable's memory: a backend may hold as many besides. */
const OWN_BYTES = 48 * 1024 * 1024;

/** A variable on its way into memory: the mean of several sources, or what the newest has. */
export class VariableMean {
  /** Where it comes from. */
  readonly decision: Decision;
  /** Who computes it. */
  readonly backend: Backend;
  /** Who computed it. */
  computedBy: string;
  /** Whether the backend overflowed where the mean does not. */
  overflowed = false;
  #bytes: Uint8Array | undefined;
  readonly #crcs: number[];

  constructor(decision: Decision, backend: Backend) {
    this.decision = decision;
    this.backend = backend.supports(decision.placed.row.dtype) ? backend : hostBackend;
    this.computedBy = this.backend.name;
    this.#crcs = decision.from.map(() => 0);
  }

  get row(): Entry {
    return this.decision.placed.row;
  }

  /** Its memory; taken when it is first asked for. */
  get bytes(): Uint8Array {
    return this.#bytes ??= allocateFor(this.row, this.decision.from.at(-1)?.source.reader.path ?? "");
  }

  /** Whether its mean, where the sources are mapped, becomes its memory. */
  get ownMean(): boolean {
    const { averaged } = this.decision;
    return averaged && this.backend.meanInOwnMemory !== undefined && this.row.byteLength <= OWN_BYTES;
  }

  /** Makes `bytes`, all of them, its memory; `crcs` are those of its sources, where they are known. */
  adopt(bytes: Uint8Array, crcs: readonly number[] = []): void {
    this.#bytes = bytes;
    crcs.forEach((crc, index) => this.#crcs[index] = crc);
  }

  /** Whether one call of the backend can compute both. */
  goesWith(other: VariableMean): boolean {
    const { from } = other.decision;
    return other.row.dtype === this.row.dtype && from.length === this.decision.from.length &&
      this.decision.from.every(({ source }, index) => source === from[index]?.source);
  }

  /** The next bytes of a source were read. */
  addToCrc(index: number, bytes: Uint8Array): void {
    this.#crcs[index] = crc32(bytes, this.#crcs[index]);
  }

  /** All bytes of the sources were read; CorruptError if those of one are not what was written. */
  expectIntact(): void {
    this.decision.from.forEach(({ source, entry }, index) => {
      if (!source.reader.mapped) checkCrc(entry, this.#crcs[index] ?? 0, source.reader.path);
    });
  }

  /** All bytes are there, of the mean and of the sources; throws as {@linkcode expectIntact}. */
  finish(): Tensor {
    this.expectIntact();
    return new Tensor(this.row.dtype, this.row.dimensions, this.bytes);
  }
}
