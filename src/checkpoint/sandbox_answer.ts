import { CheckpointError, type ErrorCode, StoreError } from "../errors.ts";
import { MAX_MANIFEST_BYTES, parseBaseName } from "../format/mod.ts";
import type { SandboxAnswer } from "./sandbox_process.ts";

/** Bytes of padding that may be between variables. */
const SPARE_BYTES = 2 ** 20;
const CODES: readonly ErrorCode[] = [
  ...["config", "format", "corrupt", "not-found", "not-loaded", "permission"] as const,
  ...["locked", "shape", "variable", "limit", "store", "train"] as const,
];

/** What the process of `readUntrusted()` has, checked. */
export interface CheckedAnswer {
  /** A name of the grammar. */
  readonly base: string;
  /** Bytes of the manifest and of the payload. */
  readonly sizes: readonly [number, number];
  /** What was odd. */
  readonly reports: readonly string[];
}

/**
 * Reads the first line of the process's answer about the directory `path`. It has read a stranger's file: what it says
 * is not believed either. Throws the error that it tells of, or a StoreError for what is no answer.
 */
export function readAnswer(line: string, path: string, maxBytes: number): CheckedAnswer {
  try {
    const answer: SandboxAnswer = JSON.parse(line);
    return checkedAnswer(answer, path, maxBytes);
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    const found = JSON.stringify(line.slice(0, 200));
    throw new StoreError(`Cannot read "${path}": its process gave a senseless answer: ${found}`, { path, cause });
  }
}

function checkedAnswer(
  { base, sizes = [], reports = [], error }: SandboxAnswer,
  path: string,
  maxBytes: number,
): CheckedAnswer {
  if (error !== undefined) throw errorOf(error, path);
  const [json, bin] = sizes;
  if (typeof base !== "string" || parseBaseName(base) === undefined) throw new TypeError("no name");
  return {
    base,
    sizes: [checkedSize(json, MAX_MANIFEST_BYTES), checkedSize(bin, maxBytes + SPARE_BYTES)],
    reports: reports.map(String),
  };
}

function checkedSize(size: unknown, limit: number): number {
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0 && size <= limit) return size;
  throw new TypeError("no size");
}

function errorOf(
  { code, message, path, entry, offset }: NonNullable<SandboxAnswer["error"]>,
  directory: string,
): CheckpointError {
  return new CheckpointError(CODES.find((each) => each === code) ?? "store", String(message), {
    path: typeof path === "string" ? path : directory,
    entry: typeof entry === "string" ? entry : undefined,
    offset: typeof offset === "number" ? offset : undefined,
  });
}
