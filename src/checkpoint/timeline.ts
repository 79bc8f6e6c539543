import { BACKUP_DIR, BIN_DATA_SUFFIX, JSON_NAME_SUFFIX, type Metrics } from "../format/mod.ts";
import { drawable } from "../render/mod.ts";
import { listCheckpoints } from "./directory.ts";
import { Handler, placeOf } from "./handler.ts";
import { type CheckpointsPlace, storeOf } from "./place.ts";
import { Survey } from "./survey.ts";
import { timelineView } from "./timeline_view.ts";

/** Options of {@linkcode timeline}. */
export interface TimelineOptions {
  /** When ages are counted to; default: now. */
  readonly now?: Date;
  /** How many checkpoints the next save keeps, negative: all; default: as the Handler does. */
  readonly keep?: number;
}

/** One checkpoint of a {@linkcode Timeline}. */
export interface TimelineCheckpoint {
  /** File name without suffix. */
  readonly baseName: string;
  /** Global step. */
  readonly step: bigint;
  /** When it was saved, as its manifest says, else its name. */
  readonly saved: Date;
  /** What was measured then, as `save({ metrics })` recorded it. */
  readonly metrics: Metrics;
  /** Size of both files in bytes. */
  readonly byteLength: number;
  /** Whether the folder `backup` has it as well. */
  readonly backedUp: boolean;
  /** Whether the payload is there. */
  readonly complete: boolean;
  /** What is wrong with its manifest or with its payload's size. */
  readonly damage: string | undefined;
  /** Whether the next save removes it; undefined if nobody says how many are kept. */
  readonly removedNext: boolean | undefined;
}

/** The checkpoints of a directory; draws itself in a notebook. */
export interface Timeline {
  /** Where they are. */
  readonly place: string;
  /** Oldest first. */
  readonly checkpoints: readonly TimelineCheckpoint[];
  /** When ages are counted to. */
  readonly now: Date;
}

/**
 * The checkpoints of a directory, a Store, or of a Handler, and what the next save will remove. Reads
 * manifests and no tensors.
 *
 * Needs `--allow-read=<dir>`.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore, timeline } from "@cairn/checkpoints";
 *
 * const ctx = new Context();
 * await using handler = await build(ctx).store(new MemoryStore()).keep(3).done();
 * await handler.save();
 * console.log(await timeline(handler));
 * ```
 */
export async function timeline(place: CheckpointsPlace, options: TimelineOptions = {}): Promise<Timeline> {
  const store = storeOf(place);
  const listing = await listCheckpoints(store);
  const checkpoints = await new Survey(store).of(listing);
  const backups = new Set((await store.list(BACKUP_DIR)).map(({ name }) => name));
  const own = place instanceof Handler ? placeOf(place) : undefined;
  const keep = options.keep ?? own?.keep;
  const excess = keep === undefined || keep < 0 ? 0 : Math.max(0, checkpoints.length + 1 - keep);
  const rows = checkpoints.map(({ base, step, saved, metrics, byteLength, damage }, index): TimelineCheckpoint => ({
    baseName: base,
    step,
    saved,
    metrics,
    byteLength,
    backedUp: backups.has(base + JSON_NAME_SUFFIX),
    complete: listing.sizes.has(base + BIN_DATA_SUFFIX),
    damage: damage?.message,
    removedNext: keep === undefined ? undefined : index < excess && (own === undefined || own.mayRemove(base)),
  }));
  return drawable({ place: store.label, checkpoints: rows, now: options.now ?? new Date() }, timelineView);
}
