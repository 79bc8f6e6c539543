import { ConfigError } from "../errors.ts";
import { compareUtf8 } from "../context/scope.ts";

/** Suffix of a manifest. Source: GoMLX `checkpoints.JsonNameSuffix`. */
export const JSON_NAME_SUFFIX = ".json";
/** Suffix of a payload. Source: GoMLX `checkpoints.BinDataSuffix`. */
export const BIN_DATA_SUFFIX = ".bin";
/** Sub-directory of backups. Source: GoMLX `checkpoints.BackupDir`. */
export const BACKUP_DIR = "backup";
/** Mode of directories that are created, before umask. Source: GoMLX `checkpoints.DirPermMode`. */
export const DIR_PERM_MODE = 0o770;

/** The common part of a checkpoint's two file names, taken apart. */
export interface BaseName {
  /** The whole name, without suffix. */
  readonly base: string;
  /** Running number of the save; undefined before GoMLX v0.8. */
  readonly counter: bigint | undefined;
  /** Local time of the save: `YYYYMMDD-HHMMSS`. */
  readonly timestamp: string;
  /** Global step; 0 for `-initial` or none. */
  readonly step: bigint;
}

const TIMESTAMP = String.raw`\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-(?:[01]\d|2[0-3])[0-5]\d[0-5]\d`;
/** GoMLX v0.8 and newer: `%07d` counter, `%08d` step. */
const COUNTED = new RegExp(
  String.raw`^checkpoint-n(\d{7}|[1-9]\d{7,39})-(${TIMESTAMP})-(?:initial|step-(\d{8}|[1-9]\d{8,19}))$`,
);
/** Up to v0.3.1 nothing or `%06d`, up to v0.7.2 `-initial` or `%08d`. */
const UNCOUNTED = new RegExp(
  String.raw`^checkpoint-(${TIMESTAMP})(?:-initial|-step-(\d{6}|[1-9]\d{6}|\d{8}|[1-9]\d{8,19}))?$`,
);

/** Takes a name apart that some version of GoMLX (or Cairn) wrote; undefined for every other name. */
export function parseBaseName(base: string): BaseName | undefined {
  const [, counter, timestamp, step] = COUNTED.exec(base) ?? [];
  if (counter !== undefined && timestamp !== undefined) return checkedName(base, BigInt(counter), timestamp, step);
  const [, oldTimestamp, oldStep] = UNCOUNTED.exec(base) ?? [];
  return oldTimestamp === undefined ? undefined : checkedName(base, undefined, oldTimestamp, oldStep);
}

/** A step of 0 is never written out: it is `-initial` or nothing. */
function checkedName(base: string, counter: bigint | undefined, timestamp: string, step = ""): BaseName | undefined {
  if (/^0+$/.test(step)) return undefined;
  return { base, counter, timestamp, step: BigInt(step) };
}

/** Orders from oldest to newest: names without counter by time and step, then by counter as a number. */
export function compareBaseNames(a: BaseName, b: BaseName): number {
  return compareBigints(a.counter ?? -1n, b.counter ?? -1n) || compareUtf8(a.timestamp, b.timestamp) ||
    compareBigints(a.step, b.step) || compareUtf8(a.base, b.base);
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The name of a new checkpoint; the time is local, as in GoMLX. A step of 0 or less gives `-initial`.
 *
 * @throws {ConfigError} The date is invalid or not in the years 1 to 9999.
 */
export function formatBaseName(counter: bigint, date: Date, step: bigint): string {
  const year = date.getFullYear();
  if (!(year >= 1 && year <= 9999)) {
    throw new ConfigError(`Cannot name a checkpoint: the clock shows "${date}", wanted a date of the years 1 to 9999`);
  }
  const day = pad(year, 4) + pad(date.getMonth() + 1, 2) + pad(date.getDate(), 2);
  const time = pad(date.getHours(), 2) + pad(date.getMinutes(), 2) + pad(date.getSeconds(), 2);
  return `checkpoint-n${pad(counter, 7)}-${day}-${time}-${step > 0n ? `step-${pad(step, 8)}` : "initial"}`;
}

function pad(value: number | bigint, digits: number): string {
  return String(value).padStart(digits, "0");
}

/** One more than the largest counter; 0 if there is none. */
export function nextCounter(names: Iterable<BaseName>): bigint {
  let next = 0n;
  for (const { counter } of names) {
    if (counter !== undefined && counter >= next) next = counter + 1n;
  }
  return next;
}
