import { CheckpointError, type ErrorCode, NotFoundError } from "../errors.ts";
import { NewerVersionError } from "../format/mod.ts";

const CONTENT: ReadonlySet<ErrorCode> = new Set(["format", "corrupt", "limit"]);

/** A manifest stands without its payload. */
export class MissingPayloadError extends NotFoundError {}

/** Whether an error says that a file's content cannot be accepted, and not that it could not be read. */
export function isContentError(error: unknown): error is CheckpointError {
  if (error instanceof MissingPayloadError) return true;
  if (!(error instanceof CheckpointError) || !CONTENT.has(error.code)) return false;
  // What the file may ask for, but this machine does not have.
  return !(error.code === "limit" && error.cause instanceof RangeError);
}

/** Whether an error proves damage. What a newer Cairn wrote is whole: older weights must not quietly take its place. */
export function isDamage(error: unknown): error is CheckpointError {
  return isContentError(error) && !(error instanceof NewerVersionError);
}
