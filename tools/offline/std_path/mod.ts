/**
 * Stand-in for `jsr:@std/path` where JSR cannot be reached: the functions that Cairn uses, over `node:path` and
 * `node:url`. A test or module that needs another one adds it here with std's name and signature.
 * @module
 */
import nodePath from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The separator between the parts of a path on this platform. */
export const SEPARATOR: "/" | "\\" = nodePath.sep;

/** Joins the parts with the platform's separator and normalizes the result. The first part may be a `file:` URL. */
export function join(path?: string | URL, ...paths: string[]): string {
  if (path === undefined) return ".";
  return nodePath.join(pathText(path), ...paths);
}

/** Resolves the parts from right to left into an absolute path; the working directory is asked for only if needed. */
export function resolve(...pathSegments: string[]): string {
  return nodePath.resolve(...pathSegments);
}

/** Removes `.`, `..` and doubled separators. */
export function normalize(path: string | URL): string {
  return nodePath.normalize(pathText(path));
}

/** Tells whether the path starts at a root. */
export function isAbsolute(path: string): boolean {
  return nodePath.isAbsolute(path);
}

/** The path from one place to another. */
export function relative(from: string, to: string): string {
  return nodePath.relative(from, to);
}

/** Everything before the last part of the path. */
export function dirname(path: string | URL): string {
  return nodePath.dirname(pathText(path));
}

/** The last part of the path, without `suffix` if it ends in it. */
export function basename(path: string | URL, suffix = ""): string {
  return nodePath.basename(pathText(path), suffix);
}

/** The path that a `file:` URL names; throws a `TypeError` for another protocol. */
export function fromFileUrl(url: string | URL): string {
  const parsed = url instanceof URL ? url : new URL(url);
  if (parsed.protocol !== "file:") {
    throw new TypeError(`URL must be a file URL: received "${parsed.protocol}"`);
  }
  return fileURLToPath(parsed);
}

/** The `file:` URL of an absolute path; throws a `TypeError` for a relative one. */
export function toFileUrl(path: string): URL {
  if (!nodePath.isAbsolute(path)) {
    throw new TypeError(`Path must be absolute: received "${path}"`);
  }
  return pathToFileURL(path);
}

function pathText(path: string | URL): string {
  return path instanceof URL ? fromFileUrl(path) : path;
}
