import { ConfigError, messageOf } from "../errors.ts";
import { checkOptions, type OptionNames, textOf } from "../options.ts";
import type { Metrics } from "../format/mod.ts";
import { formatCount } from "../render/mod.ts";
import { checkMetric, checkMode, type MetricMode, modeOf, rankByMetric } from "./best.ts";

/** What a {@linkcode RetentionPolicy} knows of a checkpoint. */
export interface RetentionRow {
  /** File name without suffix. */
  readonly baseName: string;
  /** Global step. */
  readonly step: bigint;
  /** When it was saved. */
  readonly saved: Date;
  /** What was measured then. */
  readonly metrics: Metrics;
  /** Size of both files in bytes. */
  readonly byteLength: number;
  /** Whether somebody pinned it, so that it stays whatever the policy says. */
  readonly pinned: boolean;
  /** Whether it can be loaded: its manifest is right, its payload as long as it must be. */
  readonly intact: boolean;
}

/**
 * Says which checkpoints stay: a pure function of what is known of them. Make one with {@linkcode keepLast} and the
 * like, combine them with {@linkcode anyOf}, or write an object of your own.
 */
export interface RetentionPolicy {
  /** What it keeps, in words: `the last 3`. */
  readonly description: string;
  /** The policies that it consists of, if it keeps what any of them keeps; for telling which one does. */
  readonly parts?: readonly RetentionPolicy[];
  /** Those of `rows` (oldest first) that stay. Pinned ones and the newest intact one stay anyway. */
  keeps(rows: readonly RetentionRow[], now: Date): Iterable<RetentionRow>;
}

/** Keeps everything. */
export const KEEP_ALL: RetentionPolicy = { description: "all", keeps: (rows) => rows };

/**
 * Keeps the newest `n`, as `keep(n)` does. Damaged ones do not count: they stay as long as an intact one of that age
 * would.
 *
 * @example
 * ```ts
 * import { anyOf, build, Context, keepEveryNSteps, keepLast, MemoryStore } from "@cairn/checkpoints";
 *
 * const policy = anyOf(keepLast(3), keepEveryNSteps(1000));
 * await using handler = await build(new Context()).store(new MemoryStore()).keep(policy).done();
 * await handler.save();
 * console.log(await handler.planRetention());
 * ```
 */
export function keepLast(n: number): RetentionPolicy {
  expectCount(n, "the last");
  return {
    description: `the last ${formatCount(n)}`,
    keeps: (rows) => {
      let newer = 0;
      return rows.toReversed().filter(({ intact }) => (intact ? newer++ : newer) < n);
    },
  };
}

/**
 * Keeps one of every `n` steps: of those of steps 0 to n - 1, of n to 2n - 1 and so on the one of the smallest step (of
 * one step the newest). With saves at multiples of `n` these are those.
 *
 * @example
 * ```ts
 * import { build, Context, keepEveryNSteps, MemoryStore } from "@cairn/checkpoints";
 *
 * await using handler = await build(new Context()).store(new MemoryStore()).keep(keepEveryNSteps(1000)).done();
 * ```
 */
export function keepEveryNSteps(n: number): RetentionPolicy {
  expectCount(n, "one of every");
  return {
    description: `one of every ${formatCount(n)} steps`,
    keeps: (rows) => {
      const first = new Map<bigint, RetentionRow>();
      for (const row of rows.filter(({ intact }) => intact)) {
        const other = first.get(row.step / BigInt(n));
        if (other === undefined || row.step <= other.step) first.set(row.step / BigInt(n), row);
      }
      return first.values();
    },
  };
}

/**
 * Keeps the oldest, and from there on one whenever `interval` has passed.
 *
 * @example
 * ```ts
 * import { anyOf, build, Context, keepEvery, keepLast, MemoryStore } from "@cairn/checkpoints";
 *
 * const policy = anyOf(keepLast(2), keepEvery({ hours: 1 }));
 * await using handler = await build(new Context()).store(new MemoryStore()).keep(policy).done();
 * ```
 */
export function keepEvery(interval: DurationParts): RetentionPolicy {
  const ms = durationMs("keepEvery()", interval, "keep one of every");
  return {
    description: `one of every ${durationText(ms)}`,
    keeps: (rows) => {
      let last: number | undefined;
      return rows.filter(({ intact, saved }) => {
        const passed = saved.getTime() - (last ?? -Infinity);
        // A clock that was set back must not stop it.
        const stays = intact && (passed >= ms || passed < 0);
        if (stays) last = saved.getTime();
        return stays;
      });
    },
  };
}

/** Options of {@linkcode keepBest}. */
export interface KeepBestOptions {
  /** Its name, as `save({ metrics })` recorded it. */
  readonly metric: string;
  /** Whether small or large values are good; default: as the name says, see `best`. */
  readonly mode?: MetricMode | undefined;
}

const KEEP_BEST_OPTIONS: OptionNames<KeepBestOptions> = { metric: true, mode: true };

/**
 * Keeps the `n` whose metric is the best, of equal ones the newest; what has no such metric, or NaN, is not kept.
 *
 * @example
 * ```ts
 * import { anyOf, build, Context, keepBest, keepLast, MemoryStore } from "@cairn/checkpoints";
 *
 * const policy = anyOf(keepLast(1), keepBest(2, { metric: "val_loss" }));
 * await using handler = await build(new Context()).store(new MemoryStore()).keep(policy).done();
 * await handler.save({ metrics: { val_loss: 0.5 } });
 * ```
 */
export function keepBest(n: number, options: KeepBestOptions): RetentionPolicy {
  checkOptions("keepBest()", options, KEEP_BEST_OPTIONS);
  checkMetric(options.metric, "keep");
  const { metric, mode = modeOf(metric) } = options;
  expectCount(n, "the best");
  checkMode(mode, "keep");
  return {
    description: `the best ${formatCount(n)} by ${metric}`,
    keeps: (rows) => rankByMetric(rows.filter(({ intact }) => intact), metric, mode).slice(0, n),
  };
}

/**
 * Keeps what is not older than `age`.
 *
 * @example
 * ```ts
 * import { build, Context, keepSince, MemoryStore } from "@cairn/checkpoints";
 *
 * await using handler = await build(new Context()).store(new MemoryStore()).keep(keepSince({ days: 2 })).done();
 * ```
 */
export function keepSince(age: DurationParts): RetentionPolicy {
  const ms = durationMs("keepSince()", age, "keep what was saved within");
  return {
    description: `those of the last ${durationText(ms)}`,
    keeps: (rows, now) => rows.filter(({ saved }) => now.getTime() - saved.getTime() <= ms),
  };
}

/**
 * Keeps those for which `predicate` is true; `rows` are all, oldest first.
 *
 * @example
 * ```ts
 * import { anyOf, build, Context, keepLast, keepWhere, MemoryStore } from "@cairn/checkpoints";
 *
 * const policy = anyOf(keepLast(1), keepWhere(({ step }) => step === 500n || step % 10_000n === 0n));
 * await using handler = await build(new Context()).store(new MemoryStore()).keep(policy).done();
 * ```
 */
export function keepWhere(
  predicate: (row: RetentionRow, rows: readonly RetentionRow[]) => boolean,
  description = "those that a predicate chooses",
): RetentionPolicy {
  if (typeof predicate !== "function") throw new ConfigError(`Cannot keep by ${predicate}: wanted a function`);
  return { description, keeps: (rows) => rows.filter((row) => isChosen(predicate, row, rows)) };
}

/** A save only warns of what retention throws: it must tell whose failure it is. */
function isChosen(
  predicate: (row: RetentionRow, rows: readonly RetentionRow[]) => boolean,
  row: RetentionRow,
  rows: readonly RetentionRow[],
): boolean {
  try {
    return predicate(row, rows);
  } catch (cause) {
    throw new ConfigError(
      `the predicate of keepWhere() failed for "${row.baseName}" (its step is a bigint): ${messageOf(cause)}`,
      { cause },
    );
  }
}

/**
 * Keeps what any of the policies keeps.
 *
 * @example
 * ```ts
 * import { anyOf, build, Context, keepEvery, keepLast, MemoryStore } from "@cairn/checkpoints";
 *
 * const policy = anyOf(keepLast(3), keepEvery({ hours: 6 }));
 * await using handler = await build(new Context()).store(new MemoryStore()).keep(policy).done();
 * ```
 */
export function anyOf(...policies: readonly RetentionPolicy[]): RetentionPolicy {
  if (policies.length === 0) throw new ConfigError("Cannot keep any of no policies: wanted one at least");
  policies.forEach(checkPolicy);
  return {
    description: policies.map((each) => each.description).join(", "),
    parts: policies.flatMap((each) => each.parts ?? [each]),
    keeps: (rows, now) => policies.flatMap((each) => [...each.keeps(rows, now)]),
  };
}

/** ConfigError unless it is a policy; a notebook has no types to prevent it. */
function checkPolicy(policy: RetentionPolicy): void {
  if (typeof policy === "object" && policy !== null && typeof policy.keeps === "function") return;
  throw new ConfigError(`Cannot keep checkpoints by ${textOf(policy)}: wanted a policy, such as keepLast(3)`);
}

/** The policy that `Config.keep` means. */
export function toPolicy(which: number | RetentionPolicy): RetentionPolicy {
  if (typeof which !== "number") {
    checkPolicy(which);
    return which;
  }
  if (!Number.isSafeInteger(which) || which === 0) {
    throw new ConfigError(
      `Cannot keep ${which} checkpoints: wanted a whole number above 0, or a negative one to keep all`,
    );
  }
  return which < 0 ? KEEP_ALL : keepLast(which);
}

function expectCount(n: number, what: string): void {
  if (Number.isSafeInteger(n) && n > 0) return;
  throw new ConfigError(`Cannot keep ${what} ${textOf(n)}: wanted a whole number above 0`);
}

/** A duration: `{ hours: 1 }`, `{ days: 2, hours: 12 }`. */
export interface DurationParts {
  /** 24 hours each. */
  readonly days?: number;
  /** Hours. */
  readonly hours?: number;
  /** Minutes. */
  readonly minutes?: number;
  /** Seconds. */
  readonly seconds?: number;
}

const UNITS = [["days", 86_400_000, "d"], ["hours", 3_600_000, "h"], ["minutes", 60_000, "min"], [
  "seconds",
  1000,
  "s",
]] as const;

const DURATION_PARTS: OptionNames<DurationParts> = { days: true, hours: true, minutes: true, seconds: true };

/** Milliseconds of a duration; ConfigError, which says what `call` cannot do, unless it is above 0. */
function durationMs(call: string, parts: DurationParts, what: string): number {
  // A notebook has no types to prevent it.
  const isObject = typeof parts === "object" && parts !== null;
  if (isObject) checkOptions(call, parts, DURATION_PARTS);
  const isOfNumbers = isObject && Object.values(parts).every((n) => n === undefined || typeof n === "number");
  const ms = isOfNumbers ? UNITS.reduce((sum, [name, size]) => sum + (parts[name] ?? 0) * size, 0) : NaN;
  if (ms > 0 && Number.isFinite(ms)) return ms;
  const found = isObject
    ? `{${Object.entries(parts).map(([name, n]) => `${name}: ${textOf(n)}`).join(", ")}}`
    : textOf(parts);
  throw new ConfigError(`Cannot ${what} ${found}: wanted a duration above 0, such as { hours: 1 } or { days: 2 }`);
}

/** `1 h`, `1 d 12 h`. */
export function durationText(ms: number): string {
  let left = ms;
  const parts: string[] = [];
  for (const [, size, unit] of UNITS) {
    const count = unit === "s" ? left / size : Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ");
}
