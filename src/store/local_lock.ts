import { LockedError, type LockHolder } from "../errors.ts";
import type { Files } from "./files.ts";
import type { StoreLock } from "./store.ts";

/** How long a new holder may take to write its name into the lock's file. */
const NAMING_MS = 20;

/**
 * Takes the lock of the file at `path`; LockedError that names the holder if there is one. Where the file system has no
 * locks, the result says so and keeps nobody out.
 */
export async function takeLock(files: Files, path: string, label: string): Promise<StoreLock> {
  try {
    const lock = await files.lock(path, ownerText());
    if (lock !== undefined) return lock;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotSupported)) throw error;
    return { release: () => {}, unsupported: error.message };
  }
  const holder = await readHolder(files, path);
  const who = holder === undefined ? "another process" : holderText(holder);
  throw new LockedError(`Cannot lock "${label}": ${who} has the lock`, { path }, holder);
}

/** `pid 12 since 2026-01-01T12:00:00.000Z on host`. */
function holderText({ pid, since, host }: LockHolder): string {
  return `pid ${pid} since ${since.toISOString()}${host === undefined ? "" : ` on ${host}`}`;
}

/** This process, as a holder that has just come. */
export function thisHolder(): LockHolder {
  return { pid: Deno.pid, since: new Date(), host: hostIfPermitted() };
}

function ownerText(): string {
  return `${holderText(thisHolder())}\n`;
}

/** Nobody is asked for a permission just to be named. */
function hostIfPermitted(): string | undefined {
  if (Deno.permissions.querySync({ name: "sys", kind: "hostname" }).state !== "granted") return undefined;
  return Deno.hostname();
}

async function readHolder(files: Files, path: string): Promise<LockHolder | undefined> {
  const holder = parseHolder(await readText(files, path));
  if (holder !== undefined) return holder;
  await new Promise((resolve) => setTimeout(resolve, NAMING_MS));
  return parseHolder(await readText(files, path));
}

function parseHolder(text: string): LockHolder | undefined {
  const match = /^pid (\d+) since (\d{4}-[\dT:.-]+Z)(?: on ([\w.-]+))?\n$/.exec(text);
  if (match === null) return undefined;
  const [, pid, time = "", host] = match;
  const since = new Date(time);
  return Number.isNaN(since.getTime()) ? undefined : { pid: Number(pid), since, host };
}

/** Whatever is wrong with the file's text, the lock is held: "" then. */
async function readText(files: Files, path: string): Promise<string> {
  try {
    const reader = await files.open(path);
    try {
      const bytes = new Uint8Array(400);
      return new TextDecoder().decode(bytes.subarray(0, await reader.read(bytes, 0)));
    } finally {
      reader.close();
    }
  } catch {
    return "";
  }
}
