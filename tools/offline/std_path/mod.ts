/**
 * Stand-in for `jsr:@std/path` where JSR cannot be reached: the functions that Cairn uses. As std, it needs nothing of
 * Node, which takes long to load; only for Windows it asks `node:path`. A test or module that needs another function
 * adds it here with std's name and signature.
 * @module
 */

const windows: typeof import("node:path").win32 | undefined = Deno.build.os === "windows"
  ? process.getBuiltinModule("node:path").win32
  : undefined;

/** The separator between the parts of a path on this platform. */
export const SEPARATOR: "/" | "\\" = windows === undefined ? "/" : "\\";

/** Joins the parts with the platform's separator and normalizes the result. The first part may be a `file:` URL. */
export function join(path?: string | URL, ...paths: string[]): string {
  if (path === undefined) return ".";
  const parts = [pathText(path), ...paths];
  return windows?.join(...parts) ?? normalize(parts.filter((part) => part !== "").join("/"));
}

/** Resolves the parts from right to left into an absolute path; the working directory is asked for only if needed. */
export function resolve(...pathSegments: string[]): string {
  if (windows !== undefined) return windows.resolve(...pathSegments);
  const start = pathSegments.findLastIndex(isAbsolute);
  const parts = pathSegments.slice(Math.max(start, 0));
  return withoutLastSlash(normalize([...start < 0 ? [Deno.cwd()] : [], ...parts].join("/")));
}

/** Removes `.`, `..` and doubled separators. */
export function normalize(path: string | URL): string {
  const text = pathText(path);
  if (windows !== undefined) return windows.normalize(text);
  const kept: string[] = [];
  for (const part of text.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== ".." || (kept.at(-1) ?? "..") === "..") {
      // Above the root there is only the root.
      if (part !== ".." || !isAbsolute(text)) kept.push(part);
    } else kept.pop();
  }
  const end = text.endsWith("/") && kept.length > 0 ? "/" : "";
  return (isAbsolute(text) ? "/" : "") + kept.join("/") + end || (text.endsWith("/") ? "./" : ".");
}

/** Tells whether the path starts at a root. */
export function isAbsolute(path: string): boolean {
  return windows?.isAbsolute(path) ?? path.startsWith("/");
}

/** The path from one place to another. */
export function relative(from: string, to: string): string {
  if (windows !== undefined) return windows.relative(from, to);
  const [start, goal] = [from, to].map((path) => resolve(path).split("/").filter((part) => part !== ""));
  const parts = goal ?? [];
  const same = (start ?? []).findIndex((part, index) => part !== parts[index]);
  const shared = same < 0 ? start?.length ?? 0 : same;
  return [...Array.from((start ?? []).slice(shared), () => ".."), ...parts.slice(shared)].join("/");
}

/** Everything before the last part of the path. */
export function dirname(path: string | URL): string {
  const text = pathText(path);
  if (windows !== undefined) return windows.dirname(text);
  const whole = withoutLastSlash(text);
  const cut = whole.lastIndexOf("/");
  if (cut < 0) return whole === "/" ? "/" : ".";
  return withoutLastSlash(whole.slice(0, cut)) || "/";
}

/** The last part of the path, without `suffix` if it ends in it. */
export function basename(path: string | URL, suffix = ""): string {
  const text = pathText(path);
  if (windows !== undefined) return windows.basename(text, suffix);
  const whole = withoutLastSlash(text);
  const name = whole === "/" ? "" : whole.slice(whole.lastIndexOf("/") + 1);
  return name !== suffix && name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : name;
}

/** The path that a `file:` URL names; throws a `TypeError` for another protocol. */
export function fromFileUrl(url: string | URL): string {
  const parsed = url instanceof URL ? url : new URL(url);
  if (parsed.protocol !== "file:") {
    throw new TypeError(`URL must be a file URL: received "${parsed.protocol}"`);
  }
  if (windows !== undefined) return process.getBuiltinModule("node:url").fileURLToPath(parsed);
  return decodeURIComponent(parsed.pathname.replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25"));
}

/** The `file:` URL of an absolute path; throws a `TypeError` for a relative one. */
export function toFileUrl(path: string): URL {
  if (!isAbsolute(path)) {
    throw new TypeError(`Path must be absolute: received "${path}"`);
  }
  if (windows !== undefined) return process.getBuiltinModule("node:url").pathToFileURL(path);
  const url = new URL("file:///");
  url.pathname = path.replaceAll("%", "%25").replaceAll("\\", "%5C");
  return url;
}

/** A path without the slashes that it ends in, unless it is the root. */
function withoutLastSlash(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" && path !== "" ? "/" : trimmed;
}

function pathText(path: string | URL): string {
  return path instanceof URL ? fromFileUrl(path) : path;
}
