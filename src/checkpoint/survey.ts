import type { CheckpointError } from "../errors.ts";
import {
  type BaseName,
  BIN_DATA_SUFFIX,
  JSON_NAME_SUFFIX,
  type Manifest,
  type Metrics,
  NO_METRICS,
} from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { isContentError } from "./damage.ts";
import type { Listing } from "./directory.ts";
import { openIntact } from "./open_intact.ts";

/** What is known of a checkpoint without its tensors. */
export interface Surveyed {
  /** File name without suffix. */
  readonly base: string;
  /** Global step. */
  readonly step: bigint;
  /** When it was saved, as its manifest says, else its name (whole seconds of local time). */
  readonly saved: Date;
  /** What was measured then. */
  readonly metrics: Metrics;
  /** Size of both files in bytes. */
  readonly byteLength: number;
  /** What is wrong with its manifest or its payload's size. */
  readonly damage: CheckpointError | undefined;
}

interface Known {
  /** Of manifest and payload when it was read; undefined if it was just written. */
  readonly sizes: string | undefined;
  readonly row: Surveyed;
}

/** Checkpoints whose manifests are read at once. */
const AT_ONCE = 8;

/**
 * Reads the manifests of a store's checkpoints, each only once as long as its files have the same sizes, and looks
 * whether their payloads are as long as they must be.
 */
export class Survey {
  readonly #store: Store;
  #known = new Map<string, Known>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** The checkpoints of a listing, but for those that were removed since; oldest first. */
  async of({ checkpoints, sizes }: Listing): Promise<readonly Surveyed[]> {
    const known: Map<string, Known> = new Map();
    const rows: Surveyed[] = [];
    for (let at = 0; at < checkpoints.length; at += AT_ONCE) {
      const some = checkpoints.slice(at, at + AT_ONCE).map(async (name) => {
        const found = [JSON_NAME_SUFFIX, BIN_DATA_SUFFIX].map((suffix) => sizes.get(name.base + suffix));
        const each = await this.#look(name, found[0], found[1]);
        if (each !== undefined) known.set(name.base, each);
        return each?.row;
      });
      rows.push(...(await Promise.all(some)).filter((row) => row !== undefined));
    }
    this.#known = known;
    return rows;
  }

  /** A checkpoint that was just written need not be read. */
  know(name: BaseName, { saved = dateOf(name), metrics, payloadSize }: Manifest): void {
    const { base, step } = name;
    const row = { base, step, saved, metrics, byteLength: payloadSize, damage: undefined };
    this.#known.set(base, { sizes: undefined, row });
  }

  async #look(name: BaseName, json: number | undefined, bin: number | undefined): Promise<Known | undefined> {
    const before = this.#known.get(name.base);
    const isListed = json !== undefined; // What was just written need not be.
    const sizes = isListed ? `${json} ${bin}` : undefined;
    if (before !== undefined && before.sizes === undefined) {
      return { sizes, row: isListed ? { ...before.row, byteLength: json + (bin ?? 0) } : before.row };
    }
    if (before !== undefined && before.sizes === sizes) return before;
    const row = await this.#read(name, json ?? 0, bin);
    return row && { sizes, row };
  }

  async #read(name: BaseName, jsonSize: number, binSize: number | undefined): Promise<Surveyed | undefined> {
    const { base, step } = name;
    const fromName = {
      base,
      step,
      saved: dateOf(name),
      metrics: NO_METRICS,
      byteLength: jsonSize + (binSize ?? 0),
      damage: undefined,
    };
    try {
      const source = await openIntact(this.#store, base, {});
      if (source === undefined) return undefined;
      source.reader.close();
      return { ...fromName, saved: source.manifest.saved ?? fromName.saved, metrics: source.manifest.metrics };
    } catch (error) {
      if (!isContentError(error)) throw error;
      return { ...fromName, damage: error };
    }
  }
}

/** The time in a name; it is local time. */
function dateOf({ timestamp }: BaseName): Date {
  const part = (from: number, to: number): number => Number(timestamp.slice(from, to));
  const date = new Date(2000, part(4, 6) - 1, part(6, 8), part(9, 11), part(11, 13), part(13, 15));
  date.setFullYear(part(0, 4), part(4, 6) - 1, part(6, 8));
  return date;
}
