import { resolve } from "@std/path/resolve";
import {
  type CheckpointError,
  ConfigError,
  LimitError,
  messageOf,
  type OnWarning,
  PermissionError,
  StoreError,
  visible,
  warnOnConsole,
} from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { MemoryStore } from "../store/mod.ts";
import { checkChoice } from "./choice.ts";
import { readAnswer } from "./sandbox_answer.ts";
import { SANDBOX_PROGRAM, type SandboxTask } from "./sandbox_process.ts";

/** Options of {@linkcode readUntrusted}. */
export interface UntrustedOptions {
  /** Which checkpoint of the directory: a global step, or a base name. Default: the newest. */
  readonly at?: number | bigint | string | undefined;
  /** Bytes that its variables may have together. Default: 1 GiB. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds that it may take. Default: one minute. */
  readonly timeout?: number | undefined;
  /** MiB of JavaScript objects that reading it may make, tensors not counted. Default: 1024. */
  readonly maxHeapMebibytes?: number | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** Takes what is odd about the files. Default: `console.warn`. */
  readonly onWarning?: OnWarning | undefined;
}

const UNTRUSTED_OPTIONS: OptionNames<UntrustedOptions> = {
  at: true,
  maxBytes: true,
  timeout: true,
  maxHeapMebibytes: true,
  signal: "signal",
  onWarning: "function",
};

const DEFAULT_MAX_BYTES = 2 ** 30;
const DEFAULT_TIMEOUT = 60_000;
const DEFAULT_HEAP_MEBIBYTES = 1024;
/** Of the first line of the answer, and of what is printed on stderr. */
const MAX_LINE_BYTES = 2 ** 20;
const LINE_FEED = 0x0a;

/** Does what the exported `readUntrusted` (on_demand.ts) promises. */
export async function readUntrusted(directory: string, options: UntrustedOptions = {}): Promise<MemoryStore> {
  checkOptions("readUntrusted()", options, UNTRUSTED_OPTIONS);
  const { signal, timeout = DEFAULT_TIMEOUT, maxBytes = DEFAULT_MAX_BYTES, onWarning = warnOnConsole } = options;
  if (typeof directory !== "string" || directory === "") {
    throw new ConfigError(`Cannot read "${directory}" in a process of its own: wanted the path of a directory`);
  }
  const path = resolve(directory);
  checkTask(directory, path, options);
  signal?.throwIfAborted();
  const heap = options.maxHeapMebibytes ?? DEFAULT_HEAP_MEBIBYTES;
  const child = start(path, heap, taskOf(path, maxBytes, options.at));
  const stop = stopper(child, path, timeout, signal);
  try {
    const { store, reports } = await receive(child, path, maxBytes);
    reports.forEach((each) => onWarning(visible(each)));
    return store;
  } catch (error) {
    throw stop.reason() ?? error;
  } finally {
    stop.clear();
    kill(child);
    await child.status;
  }
}

function checkTask(directory: string, path: string, options: UntrustedOptions): void {
  const what = `Cannot read "${directory}" in a process of its own`;
  if (path.includes(",")) {
    throw new ConfigError(`${what}: no permission can name a path with a comma; rename it`, { path });
  }
  if (Deno.build.standalone) {
    throw new ConfigError(`${what}: this program was made by deno compile, and has no deno to run`, { path });
  }
  if (options.at !== undefined) checkChoice("readUntrusted()", options.at);
  if (typeof options.at === "object" || options.at === "best") {
    throw new ConfigError(`${what}: nothing is compared there; wanted a step or a base name as at`, { path });
  }
  for (const name of ["maxBytes", "timeout", "maxHeapMebibytes"] as const) {
    const value = options[name] ?? 1;
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new ConfigError(`${what}: ${name} is ${value}, wanted a whole number from 1`, { path });
    }
  }
}

function taskOf(directory: string, maxBytes: number, at: UntrustedOptions["at"]): SandboxTask {
  const [base, step] = typeof at === "string" ? [at, undefined] : [undefined, at === undefined ? at : String(at)];
  return { directory, base, step, maxBytes };
}

function start(path: string, heapMebibytes: number, task: SandboxTask): Deno.ChildProcess {
  try {
    return new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--cached-only",
        "--no-check",
        "--quiet",
        // The package's own configuration is only needed where it is run from its sources.
        ...(SANDBOX_PROGRAM.startsWith("file:") ? [] : ["--no-config", "--no-lock"]),
        `--allow-read=${path}`,
        `--v8-flags=--max-old-space-size=${heapMebibytes}`,
        SANDBOX_PROGRAM,
        JSON.stringify(task),
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    const what = `Cannot read "${path}" in a process of its own`;
    if (!(cause instanceof Deno.errors.NotCapable)) {
      throw new StoreError(`${what}: ${messageOf(cause)}`, { path, cause });
    }
    throw new PermissionError(
      `${what}: run access to deno is not granted; run again with --allow-run=${Deno.execPath()}`,
      { path, cause },
    );
  }
}

/** Ends the process at a timeout or an abort, and remembers why. */
function stopper(
  child: Deno.ChildProcess,
  path: string,
  timeout: number,
  signal: AbortSignal | undefined,
): { reason(): unknown; clear(): void } {
  let reason: unknown;
  const stop = (why: unknown): void => {
    reason ??= why;
    kill(child);
  };
  const timer = setTimeout(
    () =>
      stop(new LimitError(`Cannot read "${path}": it takes more than the ${timeout} ms that timeout allows`, { path })),
    timeout,
  );
  const abort = (): void => stop(signal?.reason);
  signal?.addEventListener("abort", abort);
  return {
    reason: () => reason,
    clear: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    },
  };
}

async function receive(
  child: Deno.ChildProcess,
  path: string,
  maxBytes: number,
): Promise<{ readonly store: MemoryStore; readonly reports: readonly string[] }> {
  const errors = readStart(child.stderr, MAX_LINE_BYTES);
  const input = new ChunkReader(child.stdout);
  const line = await input.line(MAX_LINE_BYTES);
  if (line === undefined) throw diedError(path, await errors);
  const { base, sizes: [json, bin], reports } = readAnswer(line, path, maxBytes);
  const store = new MemoryStore("untrusted");
  // The marker last, as always.
  const parts: readonly (readonly [string, number])[] = [[JSON_NAME_SUFFIX, json], [BIN_DATA_SUFFIX, bin]];
  const files: (readonly [string, Uint8Array])[] = [];
  for (const [suffix, size] of parts) {
    const bytes = await input.bytes(size);
    if (bytes === undefined) throw diedError(path, await errors);
    files.unshift([base + suffix, bytes]);
  }
  for (const [name, bytes] of files) await store.publish(name, (sink) => sink.write(bytes));
  await errors;
  return { store, reports };
}

function diedError(path: string, errors: string): CheckpointError {
  const isOutOfMemory = errors.includes("heap out of memory") || errors.includes("heap limit");
  if (isOutOfMemory) {
    return new LimitError(`Cannot read "${path}": it takes more memory than maxHeapMebibytes allows`, { path });
  }
  return new StoreError(
    `Cannot read "${path}": its process has died: ${errors.trim().slice(-500) || "no reason given"}`,
    {
      path,
    },
  );
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has ended.
  }
}

/** The beginning of a stream, as text; the rest is read and dropped. */
async function readStart(stream: ReadableStream<Uint8Array>, limit: number): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) if (text.length < limit) text += decoder.decode(chunk, { stream: true });
  return text;
}

/** Reads a stream by lines and by counted bytes. */
class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The next line; undefined if the stream ends before, or the line is longer than `limit`. */
  async line(limit: number): Promise<string | undefined> {
    const parts: Uint8Array[] = [];
    for (let length = 0; length <= limit;) {
      if (this.#rest.length === 0 && !(await this.#next())) return undefined;
      const end = this.#rest.indexOf(LINE_FEED);
      parts.push(this.#take(end < 0 ? this.#rest.length : end));
      if (end >= 0) {
        this.#take(1);
        return await new Blob(parts.map((part) => part.slice())).text();
      }
      length += parts.at(-1)?.length ?? 0;
    }
    return undefined;
  }

  /** The next `size` bytes; undefined if the stream ends before. */
  async bytes(size: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      if (this.#rest.length === 0 && !(await this.#next())) return undefined;
      const part = this.#take(Math.min(size - at, this.#rest.length));
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #take(length: number): Uint8Array {
    const part = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return part;
  }

  async #next(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    this.#rest = value ?? this.#rest;
    return done !== true;
  }
}
