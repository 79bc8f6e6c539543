/**
 * The errors that Cairn throws, and the one channel for what is reported and not thrown.
 *
 * Every error is a {@linkcode CheckpointError} with a stable `code`. Match by `code`, not by class: two copies of the
 * package may be loaded at once.
 *
 * @module
 */

/** Where an error happened; every field is optional, since not every error has a file. */
export interface ErrorPlace {
  /** Path of the file or directory, or the label of a store. */
  readonly path?: string | undefined;
  /** The variable (`/scope/name`) or param that was being handled. */
  readonly entry?: string | undefined;
  /** Byte offset in `path`. */
  readonly offset?: number | undefined;
  /** The error that caused this one. */
  readonly cause?: unknown;
}

/** The stable codes of {@linkcode CheckpointError}. */
export type ErrorCode =
  | "config"
  | "format"
  | "corrupt"
  | "not-found"
  | "not-loaded"
  | "permission"
  | "locked"
  | "shape"
  | "variable"
  | "limit"
  | "store"
  | "train";

/**
 * Base of all errors that Cairn throws. The message says what was found and what was wanted, and carries the essence
 * of the cause, since a notebook kernel does not show causes.
 *
 * @example
 * ```ts
 * import { CheckpointError, openCheckpoint } from "@cairn/checkpoints";
 *
 * try {
 *   await openCheckpoint("no/such/run");
 * } catch (error) {
 *   if (!(error instanceof CheckpointError && (error.code === "not-found" || error.code === "permission"))) throw error;
 * }
 * ```
 */
export class CheckpointError extends Error {
  /** Stable, for `switch`. */
  readonly code: ErrorCode;
  /** Path of the file or directory, or the label of a store, if there is one. */
  readonly path?: string | undefined;
  /** The variable or param concerned, if there is one. */
  readonly entry?: string | undefined;
  /** Byte offset in `path`, if known. */
  readonly offset?: number | undefined;

  /** Makes an error of the given code. */
  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}) {
    super(visible(message), place.cause === undefined ? undefined : { cause: place.cause });
    this.code = code;
    this.path = place.path;
    this.entry = place.entry;
    this.offset = place.offset;
    this.name = new.target.name;
  }
}

/** The Config, an option (also one that there is not) or a call's order is wrong: nothing was read or written. */
export class ConfigError extends CheckpointError {
  /** Makes a ConfigError. */
  constructor(message: string, place?: ErrorPlace) {
    super("config", message, place);
  }
}

/** The bytes are not a checkpoint, or hold something that cannot be represented. */
export class FormatError extends CheckpointError {
  /** Makes a FormatError. */
  constructor(message: string, place?: ErrorPlace) {
    super("format", message, place);
  }
}

/** The bytes are a checkpoint, but damaged: truncated, overlapping, or with a wrong checksum. */
export class CorruptError extends CheckpointError {
  /** Makes a CorruptError. */
  constructor(message: string, place?: ErrorPlace) {
    super("corrupt", message, place);
  }
}

/** A directory, checkpoint, variable or param that was asked for does not exist. */
export class NotFoundError extends CheckpointError {
  /** Makes a NotFoundError. */
  constructor(message: string, place?: ErrorPlace) {
    super("not-found", message, place);
  }
}

/** A value exists but its bytes are not in memory, and the store cannot be read synchronously. */
export class NotLoadedError extends CheckpointError {
  /** Makes a NotLoadedError. */
  constructor(message: string, place?: ErrorPlace) {
    super("not-loaded", message, place);
  }
}

/** The runtime or the store refuses the access; the message holds the smallest flag that allows it. */
export class PermissionError extends CheckpointError {
  /** Makes a PermissionError. */
  constructor(message: string, place?: ErrorPlace) {
    super("permission", message, place);
  }
}

/** Who holds a lock, as far as it is known. */
export interface LockHolder {
  /** Process id. */
  readonly pid: number;
  /** When the lock was taken. */
  readonly since: Date;
  /** Name of the holder's machine, if it was permitted to know (`--allow-sys=hostname`). */
  readonly host?: string | undefined;
}

/** Somebody else saves there: another process, or a newer Handler of this one. */
export class LockedError extends CheckpointError {
  /** Who it is, if that is known. */
  readonly holder?: LockHolder | undefined;

  /** Makes a LockedError. */
  constructor(message: string, place?: ErrorPlace, holder?: LockHolder) {
    super("locked", message, place);
    this.holder = holder;
  }
}

/** A dtype, a shape or a length does not fit. */
export class ShapeError extends CheckpointError {
  /** Makes a ShapeError. */
  constructor(message: string, place?: ErrorPlace) {
    super("shape", message, place);
  }
}

/** A scope, variable or param is used against the rules of a Context. */
export class VariableError extends CheckpointError {
  /** Makes a VariableError. */
  constructor(message: string, place?: ErrorPlace) {
    super("variable", message, place);
  }
}

/** A number in a file is larger than the documented limit. */
export class LimitError extends CheckpointError {
  /** Makes a LimitError. */
  constructor(message: string, place?: ErrorPlace) {
    super("limit", message, place);
  }
}

/** The store failed: the disk is full, a file cannot be read, an operation is not supported. */
export class StoreError extends CheckpointError {
  /** Makes a StoreError. */
  constructor(message: string, place?: ErrorPlace) {
    super("store", message, place);
  }
}

/** Receives what is reported and not thrown. */
export type OnWarning = (message: string) => void;

/** The default {@linkcode OnWarning}: `console.warn`. */
export function warnOnConsole(message: string): void {
  console.warn(`cairn: ${visible(message)}`);
}

/** The text of any thrown value, for messages that carry their cause's essence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `text` with control and direction characters (names come from untrusted files) made visible, as `\u{…}`. */
export function visible(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex -- control characters are what this is about
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]/g,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
}

/** Longer names are not compared for hints: names in files may have 64 KiB, and there may be a million of them. */
const MAX_LENGTH = 200;
const MAX_CANDIDATES = 10_000;

/** The candidate that `name` was meant to be, if one is near: for hints in messages. */
export function nearName(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH || candidates.length > MAX_CANDIDATES) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 4)) + 1;
  for (const candidate of candidates) {
    if (candidate === name || Math.abs(candidate.length - name.length) >= least) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** How many characters have to be inserted, removed or replaced, or neighbours swapped (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const areSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = areSwapped ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
