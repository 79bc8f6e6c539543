import { CheckpointError, type ErrorCode } from "../errors.ts";

const DAMAGE: ReadonlySet<ErrorCode> = new Set(["format", "corrupt", "limit"]);

/** Whether an error says that a file's content is wrong, and not that it could not be read. */
export function isDamage(error: unknown): error is CheckpointError {
  return error instanceof CheckpointError && DAMAGE.has(error.code);
}
