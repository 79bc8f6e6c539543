import { StoreError } from "../errors.ts";

/** Names that begin so are the stores' own (temporary files, the lock) and never blobs. */
export const RESERVED_PREFIX = ".cairn";

/** A blob's name in parts. */
export interface BlobName {
  /** The folder, or undefined for the top level. */
  readonly folder: string | undefined;
  /** The name in the folder. */
  readonly file: string;
}

/** Takes `name` or `folder/name` apart; StoreError for anything that is not a plain name on every platform. */
export function parseBlobName(name: string): BlobName {
  const slash = name.indexOf("/");
  if (slash < 0) return { folder: undefined, file: checkPart(name, name) };
  return { folder: checkPart(name.slice(0, slash), name), file: checkPart(name.slice(slash + 1), name) };
}

/** Returns a folder's name; StoreError for anything that is not a plain name on every platform. */
export function checkFolder(folder: string): string {
  return checkPart(folder, folder);
}

/** Whether a directory entry of that name can be a blob. */
export function isBlobFile(file: string): boolean {
  return faultOf(file) === undefined;
}

/** Orders names by their UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  const encoder = new TextEncoder();
  const left = encoder.encode(a);
  const right = encoder.encode(b);
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function checkPart(part: string, name: string): string {
  const fault = faultOf(part);
  if (fault === undefined) return part;
  throw new StoreError(`Cannot use blob name ${JSON.stringify(name)}: ${fault}; wanted "name" or "folder/name"`, {
    path: name,
  });
}

function faultOf(part: string): string | undefined {
  if (part === "") return "a part of it is empty";
  if (part === "." || part === "..") return `"${part}" is not a name`;
  if (part.includes("/")) return "it has more than one folder";
  if (part.includes("\\")) return "it has a backslash";
  if (part.includes("\0")) return "it has a NUL character";
  if (part.startsWith(RESERVED_PREFIX)) return `names that begin with "${RESERVED_PREFIX}" are reserved`;
  return undefined;
}
