import { Context } from "../context/mod.ts";
import { CheckpointError, LimitError, messageOf } from "../errors.ts";
import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { MemoryStore } from "../store/mod.ts";
import { openCheckpoint } from "./open_checkpoint.ts";
import { build, load } from "./build.ts";

// The program of the process that readUntrusted() starts: its only permission is to read one directory. It is run by
// its address, so that no file is looked for at run time; imported, it does nothing.

// Taken apart here: as "import.meta.main", deno bundle takes it to be false in whatever is no entry.
const { url, main } = import.meta;

/** Where this module is, or the file that it was bundled into. */
export const SANDBOX_PROGRAM: string = url;

/** What the program is told, as JSON in its first argument. */
export interface SandboxTask {
  /** Absolute path of the directory. */
  readonly directory: string;
  /** A base name, or the beginning of one; undefined: the newest. */
  readonly base: string | undefined;
  /** A global step, in decimal. */
  readonly step: string | undefined;
  /** Bytes of the variables that are accepted. */
  readonly maxBytes: number;
}

/** The first line that it prints, as JSON. */
export interface SandboxAnswer {
  /** The checkpoint's name. */
  readonly base?: string;
  /** Bytes of its manifest and of its payload, which follow. */
  readonly sizes?: readonly number[];
  /** What was odd. */
  readonly reports?: readonly string[];
  /** Why there is none. */
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly path?: string | undefined;
    readonly entry?: string | undefined;
    readonly offset?: number | undefined;
  };
}

const MAX_REPORTS = 100;

if (main) runSandbox();

async function runSandbox(): Promise<void> {
  try {
    await answer(JSON.parse(Deno.args[0] ?? ""));
  } catch (error) {
    const { code, path, entry, offset } = error instanceof CheckpointError ? error : new CheckpointError("store", "");
    await print({ error: { code, message: messageOf(error), path, entry, offset } });
  }
}

/** Reads and checks it all, and writes it anew: what comes out is made by Cairn's own writer. */
async function answer({ directory, base, step, maxBytes }: SandboxTask): Promise<void> {
  const reports: string[] = [];
  const onWarning = (text: string): void => void reports.push(text);
  const at = step === undefined ? base : BigInt(step);
  await using source = await openCheckpoint(directory, { onWarning, ...at === undefined ? {} : { at } });
  const bytes = source.variables.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes > maxBytes) {
    throw new LimitError(
      `Cannot read "${directory}": the variables of "${source.baseName}" have ${bytes} bytes; maxBytes allows ${maxBytes}`,
      { path: directory },
    );
  }
  const ctx = new Context();
  await using _ = await load(ctx).store(source.store).at(source.baseName).immediate().onWarning(onWarning).done();
  const store = new MemoryStore();
  await using handler = await build(ctx).store(store).profile(source.profile).compress("none").onWarning(onWarning)
    .done();
  await using saved = await handler.save({ metrics: source.metrics });
  const files = [
    await bytesOf(store, saved.baseName + JSON_NAME_SUFFIX),
    await bytesOf(store, saved.baseName + BIN_DATA_SUFFIX),
  ];
  await print({
    base: source.baseName,
    sizes: files.map((each) => each.length),
    reports: reports.slice(0, MAX_REPORTS),
  });
  for (const each of files) await write(each);
}

async function bytesOf(store: MemoryStore, name: string): Promise<Uint8Array> {
  const handle = await store.open(name);
  const bytes = new Uint8Array(handle.size);
  await handle.read(bytes, 0);
  return bytes;
}

function print(line: SandboxAnswer): Promise<void> {
  return write(new TextEncoder().encode(JSON.stringify(line) + "\n"));
}

async function write(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}
