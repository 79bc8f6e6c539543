import { dirname } from "@std/path/dirname";
import { CheckpointError, messageOf, NotFoundError, PermissionError, StoreError } from "../errors.ts";

/** A kind of access that Deno grants by path. */
export type Access = "read" | "write";

/** What was being done when a file operation failed. */
export interface FileOperation {
  /** For the message, like `open "x"`. */
  readonly what: string;
  /** The absolute path of the store's directory: what a permission flag must name. */
  readonly root: string;
  /** The absolute path concerned. */
  readonly path: string;
  /** What the whole operation needs on `root`. */
  readonly access: readonly Access[];
  /** Byte offset in `path`, if known. */
  readonly offset?: number;
}

/** Makes the CheckpointError for what a {@linkcode Files} threw; one that is a CheckpointError already stays. */
export function fileError(cause: unknown, operation: FileOperation): CheckpointError {
  if (cause instanceof CheckpointError) return cause;
  const { what, root, path } = operation;
  const place = { path, cause, offset: operation.offset };
  const start = `Cannot ${what} in "${root}"`;
  if (cause instanceof Deno.errors.NotCapable) {
    const missing = missingAccess(operation);
    const flags = missing.map((access) => permissionFlag(access, root)).join(" ");
    return new PermissionError(
      `${start}: ${missing.join(" and ")} access is not granted; run again with ${flags}`,
      place,
    );
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new PermissionError(`${start}: the file system refuses: ${messageOf(cause)}`, place);
  }
  if (cause instanceof Deno.errors.NotADirectory) {
    return new StoreError(`${start}: it is not a directory, or lies below a file`, place);
  }
  if (cause instanceof Deno.errors.NotFound) return new NotFoundError(`${start}: "${path}" does not exist`, place);
  return new StoreError(`${start}: ${messageOf(cause)}`, place);
}

/** Whether Deno grants the access already; asks nobody. */
export function isGranted(access: Access, path: string): boolean {
  return Deno.permissions.querySync({ name: access, path }).state === "granted";
}

function missingAccess({ access, root }: FileOperation): readonly Access[] {
  const missing = access.filter((kind) => !isGranted(kind, root));
  return missing.length > 0 ? missing : access;
}

/** The flag as one would type it in a shell. */
function permissionFlag(access: Access, root: string): string {
  const path = flagPath(root);
  return `--allow-${access}=${/^[\w@%+=:./\\-]+$/.test(path) ? path : `"${path}"`}`;
}

/** Deno splits the flag's value at commas and knows no escape (2.9.6): then only a parent can be named. */
function flagPath(path: string): string {
  const comma = path.indexOf(",");
  return comma < 0 ? path : dirname(path.slice(0, comma));
}
