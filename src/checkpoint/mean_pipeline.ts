import { alignedBlocks } from "../backend/aligned_blocks.ts";
import { allFinite } from "../backend/all_finite.ts";
import { type Backend, hostBackend } from "../backend/mod.ts";
import { type OnWarning, ShapeError } from "../errors.ts";
import { crc32, type Entry } from "../format/mod.ts";
import { byteLengthOf, Tensor } from "../tensor/mod.ts";
import type { Decision } from "./mean.ts";
import { allocateFor, entryLabel, type EntryReader } from "./payload_reader.ts";
import type { ByteProgress } from "./byte_progress.ts";
import type { Source } from "./source.ts";
import { checkCrc } from "./stored_value.ts";

/** Bytes of all blocks together, however many checkpoints there are. */
export const BLOCKS_BYTES = 64 * 1024 * 1024;
/** Of these, what readers may keep of small neighbours; see AheadReader. */
const AHEAD_BYTES = BLOCKS_BYTES / 4;
/** Bytes of a block: few calls matter more than the processor's cache. */
const BLOCK_BYTES = 3 * 1024 * 1024;
/** The same where files are mapped, and nothing has to be read into blocks: few calls of the backend. */
const MAPPED_BLOCK_BYTES = 16 * 1024 * 1024;
/** Bytes of a mapped variable whose mean becomes the variable's memory: a backend may hold as many besides. */
const OWN_BYTES = 48 * 1024 * 1024;
const ALIGNMENT = 64;

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

  /** Makes `bytes`, all of them, its memory. */
  adopt(bytes: Uint8Array): void {
    this.#bytes = bytes;
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

  /** All bytes are there; CorruptError if those of a source are not what was written. */
  finish(): Tensor {
    this.decision.from.forEach(({ source, entry }, index) => {
      if (!source.reader.mapped) checkCrc(entry, this.#crcs[index] ?? 0, source.reader.path);
    });
    return new Tensor(this.row.dtype, this.row.dimensions, this.bytes);
  }
}

/** Bytes of one variable that go through a block. */
interface Piece {
  readonly variable: VariableMean;
  /** In the variable. */
  readonly start: number;
  readonly length: number;
  /** In the block. */
  readonly at: number;
}

/** What is read, and then computed, at once: a part of a large variable, or several small ones that go together. */
interface Step {
  readonly first: VariableMean;
  readonly pieces: readonly Piece[];
  readonly length: number;
}

/** A step whose sources are read, and where: one block for each, none if nothing is to be computed. */
interface ReadStep extends Step {
  readonly blocks: readonly Uint8Array[];
  /** Whether the mean may be computed in the variable's memory: no block is there. */
  readonly inPlace: boolean;
  /** Bytes before each block, of whatever lies there in a mapped file, that make it start at an aligned address. */
  readonly lead: number;
}

/**
 * Reads variables and computes their means, step by step: while a backend computes one, the sources of the next are
 * read into a second set of blocks.
 */
export class MeanPipeline {
  readonly #readers: ReadonlyMap<Source, EntryReader>;
  readonly #steps: Iterator<Step, undefined>;
  readonly #sets: readonly (readonly Uint8Array[])[];
  readonly #result: Uint8Array;
  readonly #onFinished: (variable: VariableMean, tensor: Tensor) => void;
  readonly #onWarning: OnWarning;

  /** For variables in the order of the newest payload, so that compressed ones are inflated in one pass. */
  constructor(
    sources: readonly Source[],
    variables: readonly VariableMean[],
    onFinished: (variable: VariableMean, tensor: Tensor) => void,
    onWarning: OnWarning,
  ) {
    const count = sources.length;
    const ahead = Math.floor(AHEAD_BYTES / count);
    this.#readers = new Map(sources.map((source) => [source, source.reader.forward(ahead)]));
    const averaged = variables.filter(({ decision }) => decision.averaged);
    const needed = averaged.reduce((sum, { row }) => sum + row.byteLength, 0);
    const affordable = Math.floor((BLOCKS_BYTES - AHEAD_BYTES) / (2 * count + 1));
    const blockBytes = Math.max(ALIGNMENT, alignUp(Math.min(needed, BLOCK_BYTES, affordable - ALIGNMENT)));
    const [result = new Uint8Array(), ...blocks] = alignedBlocks(2 * count + 1, blockBytes);
    this.#result = result;
    this.#sets = [blocks.slice(0, count), blocks.slice(count)];
    const mapped = sources.every(({ reader }) => reader.mapped);
    this.#steps = stepsOf(variables, blockBytes, mapped ? MAPPED_BLOCK_BYTES : blockBytes);
    this.#onFinished = onFinished;
    this.#onWarning = onWarning;
  }

  /** Does it. When it throws, no read is under way any more. */
  async run(progress: ByteProgress): Promise<void> {
    let reading = this.#readNext(0);
    try {
      for (let turn = 1;; turn++) {
        const step = await reading;
        if (step === undefined) break;
        reading = this.#readNext(turn);
        reading.catch(() => {}); // Thrown when it is its turn.
        // Reads get on their way before a backend that does not wait takes the thread.
        await nextTurn();
        await this.#compute(step);
        progress.add(step.length * step.first.decision.from.length);
      }
    } finally {
      await reading.catch(() => {});
    }
    for (const reader of this.#readers.values()) await reader.finish();
  }

  async #readNext(turn: number): Promise<ReadStep | undefined> {
    const { value: step } = this.#steps.next();
    if (step === undefined) return undefined;
    const { averaged, from } = step.first.decision;
    const views = averaged ? viewsOf(step) : undefined;
    if (views !== undefined) return { ...step, ...views, inPlace: true };
    const blocks = averaged ? this.#blocksFor(step, turn) : [];
    const reads = await Promise.allSettled(from.map(async ({ source }, index) => {
      const reader = this.#readers.get(source);
      for (const { variable, start, length, at } of step.pieces) {
        const entry = variable.decision.from[index]?.entry;
        if (entry === undefined) continue;
        const block = blocks[index]?.subarray(at, at + length);
        // The newest is read to where the mean will be: so its fresh memory, which is slow, is touched by the reading.
        const isNewest = index === from.length - 1 && step.pieces.length === 1;
        const into = block === undefined || isNewest ? variable.bytes.subarray(start, start + length) : block;
        if (reader?.readNow?.(entry, into, start) !== true) await reader?.read(entry, into, start);
        if (!source.reader.mapped) variable.addToCrc(index, into);
        if (into !== block) block?.set(into);
      }
    }));
    const failed = reads.find((read) => read.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return { ...step, blocks, inPlace: false, lead: 0 };
  }

  #blocksFor({ first, length }: Step, turn: number): Uint8Array[] {
    const set = this.#sets[turn % this.#sets.length] ?? [];
    return set.slice(0, first.decision.from.length).map((block) => block.subarray(0, length));
  }

  async #compute(step: ReadStep): Promise<void> {
    const { first: { decision: { averaged } }, pieces, blocks, inPlace, lead } = step;
    const { result, finite } = averaged ? await this.#mean(step) : { result: this.#result, finite: true };
    for (const piece of pieces) {
      const { variable, start, at, length } = piece;
      if (averaged) {
        const mean = result.subarray(at, at + length);
        const sources = blocks.map((block) => block.subarray(lead + at, lead + at + length));
        await this.#correct(variable, sources, mean, finite);
        if (!inPlace) variable.bytes.set(mean, start);
      }
      if (start + length === variable.row.byteLength) this.#onFinished(variable, variable.finish());
    }
  }

  /** Where the mean is, and whether it is known to be finite. */
  async #mean(step: ReadStep): Promise<{ readonly result: Uint8Array; readonly finite: boolean }> {
    const { first, pieces, length, blocks, inPlace, lead } = step;
    const { backend, row: { dtype } } = first;
    if (inPlace && first.ownMean && length === first.row.byteLength && backend.meanInOwnMemory !== undefined) {
      const { bytes, finite } = await backend.meanInOwnMemory(dtype, blocks);
      if (bytes.length !== lead + length) {
        throw new ShapeError(
          `Cannot take the mean of "${entryLabel(first.decision.placed)}": "${backend.name}" gave ${bytes.length} ` +
            `bytes, wanted ${lead + length}`,
        );
      }
      first.adopt(bytes.subarray(lead));
      return { result: first.bytes, finite };
    }
    const place = inPlace ? pieces[0]?.start : undefined;
    const result = place === undefined ? this.#result.subarray(0, length) : first.bytes.subarray(place, place + length);
    if (length > 0) await backend.mean(dtype, blocks, result);
    return { result, finite: false };
  }

  /** A float32 sum may overflow where the mean does not: then the host computes it. */
  async #correct(
    variable: VariableMean,
    blocks: readonly Uint8Array[],
    mean: Uint8Array,
    finite: boolean,
  ): Promise<void> {
    const { backend, row: { dtype } } = variable;
    // Not earlier: tfjs knows only when it is ready who computes.
    if (!variable.overflowed) variable.computedBy = backend.name;
    if (
      finite || backend === hostBackend || allFinite(dtype, mean) || !blocks.every((each) => allFinite(dtype, each))
    ) return;
    if (!variable.overflowed) {
      variable.overflowed = true;
      variable.computedBy = `${backend.name}, host`;
      const path = entryLabel(variable.decision.placed);
      this.#onWarning(`mean: ${backend.name} overflowed in "${path}", which was computed on the host instead`);
    }
    await hostBackend.mean(dtype, blocks, mean);
  }
}

/** The sources of a part of a large variable, or of all of it, where all of them are mapped. */
function viewsOf({ first, pieces, length }: Step): Pick<ReadStep, "blocks" | "lead"> | undefined {
  const [piece] = pieces;
  if (piece === undefined || pieces.length > 1) return undefined;
  const { decision: { from }, row } = first;
  const leads = new Set(first.ownMean && length === row.byteLength ? from.map(({ entry }) => leadOf(entry)) : []);
  const lead = leads.size === 1 ? Math.max(...leads) : 0;
  const views = from.map(({ source, entry }) => source.reader.view(entry, piece.start - lead, lead + length));
  const mapped = views.filter((view) => view !== undefined);
  return mapped.length === views.length ? { blocks: mapped, lead } : undefined;
}

/** Small variables in groups of up to `averagedBytes`, each large one in parts of up to `largeBytes`. */
function* stepsOf(
  variables: readonly VariableMean[],
  averagedBytes: number,
  largeBytes: number,
): Generator<Step, undefined> {
  let pieces: Piece[] = [];
  let used = 0;
  for (const variable of variables) {
    const { byteLength } = variable.row;
    const blockBytes = variable.decision.averaged ? averagedBytes : BLOCK_BYTES;
    const [before] = pieces;
    if (before !== undefined && (used + byteLength > blockBytes || !variable.goesWith(before.variable))) {
      yield { first: before.variable, pieces, length: used };
      pieces = [];
      used = 0;
    }
    if (byteLength <= blockBytes) {
      pieces.push({ variable, start: 0, length: byteLength, at: used });
      used += byteLength;
      continue;
    }
    const mapped = largeBytes > averagedBytes;
    const partBytes = !variable.decision.averaged ? BLOCK_BYTES : mapped && variable.ownMean ? byteLength : largeBytes;
    const untilAligned = mapped && partBytes < byteLength ? (ALIGNMENT - leadOf(variable.row)) % ALIGNMENT : 0;
    let length = untilAligned || partBytes;
    for (let start = 0; start < byteLength; start += length, length = partBytes) {
      length = Math.min(length, byteLength - start);
      yield { first: variable, pieces: [{ variable, start, length, at: 0 }], length };
    }
  }
  const [last] = pieces;
  if (last !== undefined) yield { first: last.variable, pieces, length: used };
}

/** Lets what waits in the event loop go on. */
function nextTurn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** Bytes from where tfjs-node can share memory instead of copying it to where a row begins in a mapped file; 0 if none fit. */
function leadOf({ position, dtype }: Entry): number {
  const lead = position % ALIGNMENT;
  return lead % byteLengthOf(dtype, 1) === 0 ? lead : 0;
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
