import { alignedBlocks } from "../backend/aligned_blocks.ts";
import { allFinite } from "../backend/all_finite.ts";
import { hostBackend } from "../backend/mod.ts";
import { type OnWarning, ShapeError } from "../errors.ts";
import { type Entry, expectCrc32 } from "../format/mod.ts";
import { releaseWindow } from "../store/mod.ts";
import { byteLengthOf } from "../tensor/mod.ts";
import { entryLabel } from "./entry_label.ts";
import type { EntryReader } from "./payload_reader.ts";
import type { ByteProgress } from "./byte_progress.ts";
import type { Source } from "./source.ts";
import type { VariableMean } from "./variable_mean.ts";

/** Bytes of all blocks together, however many checkpoints there are. */
export const BLOCKS_BYTES = 64 * 1024 * 1024;
/** Of these, what readers may keep of small neighbours; see AheadReader. */
const AHEAD_BYTES = BLOCKS_BYTES / 4;
/** Bytes of a block at most: few calls matter more than the processor's cache. */
const BLOCK_BYTES = 4 * 1024 * 1024;
/** The same where files are mapped, and nothing has to be read into blocks: few calls of the backend. */
const MAPPED_BLOCK_BYTES = 16 * 1024 * 1024;
const ALIGNMENT = 64;

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
  /** Undefined if all sources are mapped: then windows of the files are the blocks. */
  readonly blocks: readonly Uint8Array[] | undefined;
}

/** A step that can be computed. */
interface ReadyStep extends Step {
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
  readonly #blockBytes: number;
  readonly #count: number;
  /** The result, and then two sets; undefined as long as all that is averaged is mapped. */
  #blocks: readonly Uint8Array[] | undefined;
  readonly #crcBytes: number;
  readonly #onFinished: (variable: VariableMean) => void;
  readonly #onWarning: OnWarning;

  /** For variables in the order of the newest payload, so that compressed ones are inflated in one pass. */
  constructor(
    sources: readonly Source[],
    variables: readonly VariableMean[],
    onFinished: (variable: VariableMean) => void,
    onWarning: OnWarning,
  ) {
    const count = sources.length;
    const ahead = Math.floor(AHEAD_BYTES / count);
    this.#readers = new Map(sources.map((source) => [source, source.reader.forward(ahead)]));
    const averaged = variables.filter(({ decision }) => decision.averaged);
    const needed = averaged.reduce((sum, { row }) => sum + row.byteLength, 0);
    const affordable = Math.floor((BLOCKS_BYTES - AHEAD_BYTES) / (2 * count + 1));
    const blockBytes = Math.max(ALIGNMENT, alignUp(Math.min(needed, BLOCK_BYTES, affordable - ALIGNMENT)));
    this.#blockBytes = blockBytes;
    this.#count = count;
    const mapped = sources.every(({ reader }) => reader.mapped);
    this.#steps = stepsOf(variables, blockBytes, mapped ? MAPPED_BLOCK_BYTES : blockBytes);
    this.#crcBytes = variables.flatMap(({ decision: { from } }) => from)
      .reduce((sum, { source, entry }) => sum + (source.reader.mapped ? 0 : entry.byteLength), 0);
    this.#onFinished = onFinished;
    this.#onWarning = onWarning;
  }

  /** Does it. When it throws, no read is under way any more. */
  async run(progress: ByteProgress): Promise<void> {
    let reading = this.#readNext(0);
    expectCrc32(this.#crcBytes);
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
    if (isMapped(step)) {
      return { ...step, blocks: undefined };
    }
    const blocks = averaged ? this.#blocksFor(step, turn) : [];
    const reads = await Promise.allSettled(from.map(async ({ source }, index) => {
      const reader = this.#readers.get(source);
      for (const { variable, start, length, at } of step.pieces) {
        const entry = variable.decision.from[index]?.entry;
        if (entry === undefined) continue;
        const block = blocks[index]?.subarray(at, at + length);
        const into = block ?? variable.bytes.subarray(start, start + length);
        if (reader?.readNow?.(entry, into, start) !== true) await reader?.read(entry, into, start);
        if (!source.reader.mapped) variable.addToCrc(index, into);
      }
    }));
    const failed = reads.find((read) => read.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return { ...step, blocks };
  }

  #blocksFor({ first, length }: Step, turn: number): Uint8Array[] {
    const from = 1 + turn % 2 * this.#count;
    const set = this.#allBlocks().slice(from, from + first.decision.from.length);
    return set.map((block) => block.subarray(0, length));
  }

  #allBlocks(): readonly Uint8Array[] {
    return this.#blocks ??= alignedBlocks(2 * this.#count + 1, this.#blockBytes);
  }

  async #compute(step: ReadStep): Promise<void> {
    const { blocks } = step;
    if (blocks !== undefined) return await this.#computeFrom({ ...step, blocks, inPlace: false, lead: 0 });
    const windows = openWindows(step);
    try {
      await this.#computeFrom({ ...step, ...windows, inPlace: true });
    } finally {
      windows.blocks.forEach(releaseWindow);
    }
  }

  async #computeFrom(step: ReadyStep): Promise<void> {
    const { first: { decision: { averaged } }, pieces, blocks, inPlace, lead } = step;
    const { result, finite } = averaged ? await this.#mean(step) : { result: new Uint8Array(), finite: true };
    for (const piece of pieces) {
      const { variable, start, at, length } = piece;
      if (averaged) {
        const mean = result.subarray(at, at + length);
        const sources = blocks.map((block) => block.subarray(lead + at, lead + at + length));
        await this.#correct(variable, sources, mean, finite);
        if (!inPlace) variable.bytes.set(mean, start);
      }
      if (start + length === variable.row.byteLength) this.#onFinished(variable);
    }
  }

  /** Where the mean is, and whether it is known to be finite. */
  async #mean(step: ReadyStep): Promise<{ readonly result: Uint8Array; readonly finite: boolean }> {
    const { first, pieces, length, blocks, inPlace, lead } = step;
    const { backend, row: { dtype } } = first;
    if (inPlace && first.ownMean && length === first.row.byteLength && backend.meanInOwnMemory !== undefined) {
      const { bytes, finite } = await backend.meanInOwnMemory(dtype, blocks);
      if (bytes.length !== lead + length || blocks.some(({ buffer }) => buffer === bytes.buffer)) {
        const found = bytes.length === lead + length ? "memory of a block" : `${bytes.length} bytes`;
        throw new ShapeError(
          `Cannot take the mean of "${entryLabel(first.decision.placed)}": "${backend.name}" gave ${found}, ` +
            `wanted ${lead + length} bytes of its own`,
        );
      }
      first.adopt(bytes.subarray(lead));
      return { result: first.bytes, finite };
    }
    const place = inPlace ? pieces[0]?.start : undefined;
    const memory = place === undefined ? this.#allBlocks()[0] : first.bytes;
    const result = memory?.subarray(place, (place ?? 0) + length) ?? new Uint8Array();
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

/** Whether the sources of a part of a large variable, or of all of it, are mapped, and are to be averaged. */
function isMapped({ first: { decision: { averaged, from } }, pieces }: Step): boolean {
  return averaged && pieces.length === 1 && from.every(({ source }) => source.reader.mapped);
}

/** For the host views do: only where tfjs is loaded the collector takes long. */
function openWindows({ first, pieces, length }: Step): Pick<ReadyStep, "blocks" | "lead"> {
  const { decision: { from }, row, ownMean } = first;
  const start = pieces[0]?.start ?? 0;
  const leads = new Set(ownMean && length === row.byteLength ? from.map(({ entry }) => leadOf(entry)) : []);
  const lead = leads.size === 1 ? Math.max(...leads) : 0;
  const blocks = from.map(({ source: { reader }, entry }) =>
    ownMean ? reader.window(entry, start - lead, lead + length) : reader.view(entry, start, length)
  );
  return { blocks: blocks.filter((block) => block !== undefined), lead };
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
    const most = !variable.decision.averaged ? BLOCK_BYTES : mapped && variable.ownMean ? byteLength : largeBytes;
    // Equal parts: a short last one costs as many calls as a long one.
    const partBytes = alignUp(byteLength / Math.ceil(byteLength / most));
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
