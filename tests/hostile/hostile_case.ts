import { join } from "@std/path";
import type { ErrorCode } from "../../mod.ts";

/** The checkpoint's name in every case that does not say otherwise. */
export const BASE = "checkpoint-n0000003-20240102-030405-step-00000007";

/** Which of the ways to load are tried: read everything, load into a Context, or only open. */
export type Way = "readAll" | "immediate" | "open";

/** One input that somebody might send, and what must become of it. */
export interface HostileCase {
  readonly name: string;
  /** Codes of the error, or that it loads. */
  readonly expect: readonly ErrorCode[] | "loads";
  /** What the variables and params must be, where it loads: each as `describe` in `hostile_process.ts` tells it. */
  readonly values?: Readonly<Record<string, string>>;
  readonly ways?: readonly Way[];
  /** Runs in a process of its own. */
  readonly alone?: boolean;
  /** What is opened, in the case's directory, default the directory itself. */
  readonly target?: string;
  /** MiB above the baseline, default 64; more only where the file itself may be larger by a documented limit. */
  readonly memory?: number;
  /** Makes the files. */
  make(directory: string): Promise<void>;
}

/** Everything about a case of two plain files but the files. */
export type Expected = Omit<HostileCase, "make">;

/** A case of two plain files. */
export function pairCase(expected: Expected, json: string | Uint8Array, bin: Uint8Array): HostileCase {
  return { ...expected, make: (directory) => writePair(directory, json, bin) };
}

/** Writes `<BASE>.json` and `<BASE>.bin`. */
export async function writePair(directory: string, json: string | Uint8Array, bin: Uint8Array): Promise<void> {
  await Deno.writeFile(join(directory, `${BASE}.json`), bytesOf(json));
  await Deno.writeFile(join(directory, `${BASE}.bin`), bin);
}

export function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}

/** Makes a file of that size that takes no room on the disk; `head` is at its start. */
export async function writeSparse(path: string, size: number, head: Uint8Array = new Uint8Array(0)): Promise<void> {
  using file = await Deno.create(path);
  await file.write(head);
  await file.truncate(size);
}
