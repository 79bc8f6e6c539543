import { BACKUP_DIR, BIN_DATA_SUFFIX, JSON_NAME_SUFFIX, type Metrics } from "../format/mod.ts";
import { drawable } from "../render/mod.ts";
import { listCheckpoints } from "./directory.ts";
import { Handler, placeOf } from "./handler.ts";
import { type CheckpointsPlace, storeOf } from "./place.ts";
import { listPins } from "./pins.ts";
import { planNextSave, type RetentionRules } from "./retention.ts";
import { type RetentionPolicy, toPolicy } from "./retention_policy.ts";
import { Survey } from "./survey.ts";
import { timelineView } from "./timeline_view.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode timeline}. */
export interface TimelineOptions {
  /** When ages are counted to; default: now. */
  readonly now?: Date;
  /** Which checkpoints the next save keeps, as `Config.keep`; default: as the Handler does. */
  readonly keep?: number | RetentionPolicy;
}

const TIMELINE_OPTIONS: OptionNames<TimelineOptions> = { now: true, keep: true };

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
  /** Whether somebody pinned it, so that retention never removes it. */
  readonly pinned: boolean;
  /** Whether the payload is there. */
  readonly complete: boolean;
  /** What is wrong with its manifest or with its payload's size. */
  readonly damage: string | undefined;
  /** Whether the next save removes it; undefined if nobody says how many are kept. */
  readonly removedNext: boolean | undefined;
  /** Why the next save leaves it: `pinned`, or what the policy says; empty if it goes, or if nobody says what is kept. */
  readonly keptBy: readonly string[];
}

/** The checkpoints of a directory; draws itself in a notebook. */
export interface Timeline {
  /** Where they are. */
  readonly place: string;
  /** Oldest first. */
  readonly checkpoints: readonly TimelineCheckpoint[];
  /** What the next save keeps, in words; undefined if nobody says. */
  readonly keeps: string | undefined;
  /** When ages are counted to. */
  readonly now: Date;
}

/** Does what the exported `timeline` (on_demand.ts) promises. */
export async function timeline(place: CheckpointsPlace, options: TimelineOptions = {}): Promise<Timeline> {
  checkOptions("timeline()", options, TIMELINE_OPTIONS);
  const store = storeOf(place);
  const own = place instanceof Handler ? placeOf(place) : undefined;
  const now = options.now ?? new Date();
  const survey = new Survey(store);
  const listing = await listCheckpoints(store);
  const checkpoints = await survey.of(listing);
  const backups = new Set((await store.list(BACKUP_DIR)).map(({ name }) => name));
  const pins = await listPins(store);
  const policy = options.keep === undefined ? undefined : toPolicy(options.keep);
  const plan = await (own?.plan(policy) ?? (policy && planNextSave(store, survey, unbound(policy), now)));
  const verdicts = new Map(plan?.checkpoints.map((each) => [each.baseName, each]));
  const rows = checkpoints.map(({ base, step, saved, metrics, byteLength, damage }): TimelineCheckpoint => ({
    baseName: base,
    step,
    saved,
    metrics,
    byteLength,
    backedUp: backups.has(base + JSON_NAME_SUFFIX),
    pinned: pins.has(base),
    complete: listing.sizes.has(base + BIN_DATA_SUFFIX),
    damage: damage?.message,
    removedNext: plan && verdicts.get(base)?.stays === false,
    keptBy: verdicts.get(base)?.reasons ?? [],
  }));
  return drawable({ place: store.label, checkpoints: rows, keeps: plan?.policy, now }, timelineView);
}

/** By the policy alone: nobody owns anything. */
function unbound(policy: RetentionPolicy): RetentionRules {
  return { policy, trash: false, mayRemove: () => true };
}
