import { fromFileUrl, join } from "@std/path";
import { drop, warm } from "./page_cache.ts";
import { PEERS } from "./peers/peers.ts";
import { directoryName, type Row } from "./plan.ts";
import type { Measured, Sample } from "./report.ts";
import type { Work } from "./work.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));
/** Settings for other machines' sake that would slow a peer down. */
const UNSET = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"];

/** Makes the data below `root`, and does all rows in turn, as often as `rounds` says, each in a process of its own. */
export async function measure(rows: readonly Row[], rounds: number, root: string): Promise<Measured> {
  const samples = new Map<Row, Sample[]>();
  const skipped = new Map<Row, string>();
  const directories = Map.groupBy(rows, directoryName);
  for (const [index, [name, readers]] of [...directories].entries()) {
    console.error(`bench: making data set ${index + 1} of ${directories.size}, "${name}"`);
    const failure = await prepare(readers, root);
    if (failure !== undefined) readers.forEach((row) => skipped.set(row, `its files cannot be made: ${failure}`));
  }
  for (let round = 0; round < rounds; round++) {
    for (const [index, row] of rows.entries()) {
      if (skipped.has(row)) continue;
      const sample = await setCache(row, root) ?? await runOperation(row, root);
      const place = `${round * rows.length + index + 1} of ${rounds * rows.length}`;
      if (typeof sample === "string") skipped.set(row, sample);
      else samples.set(row, [...samples.get(row) ?? [], sample]);
      const outcome = typeof sample === "string" ? sample : `${sample.seconds.toFixed(4)} s`;
      console.error(`bench: ${place}, round ${round + 1} of ${rounds}: ${row.title}: ${outcome}`);
    }
  }
  return { samples, skipped };
}

/** Makes the files that the rows read; gives why that is not possible here, or undefined. */
async function prepare([row]: readonly Row[], root: string): Promise<string | undefined> {
  if (row === undefined) return undefined;
  const peer = PEERS.find(({ format }) => format === row.peer?.format);
  const outcome = await runOperation({ ...row, operation: "prepare", peer }, root);
  return typeof outcome === "string" ? outcome : undefined;
}

/** Gives why that is not possible here, or undefined. */
async function setCache(row: Row, root: string): Promise<string | undefined> {
  const directory = join(root, directoryName(row));
  if (row.cache === "cold") return await drop(directory);
  await warm(directory);
  // It reads files too, Deno's cache of compiled code among them, which so much data drives out of memory.
  if (isImport(row.operation)) await runOperation(row, root);
  return undefined;
}

/** What it measured, or why it cannot run here. */
async function runOperation(row: Row, root: string): Promise<Sample | string> {
  const { data, operation } = row;
  const work: Work = { ...data, model: join(root, directoryName(row)), scratch: join(root, "scratch") };
  await Deno.mkdir(work.scratch);
  const [program = "", ...args] = commandOf(row);
  const { success, stdout } = await new Deno.Command(program, {
    args: [...args, operation, JSON.stringify(work)],
    cwd: HERE,
    clearEnv: true,
    env: environment(),
    stdout: "piped",
    stderr: "inherit",
  }).output();
  await Deno.remove(work.scratch, { recursive: true });
  const line = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
  if (success && line.startsWith("not set up: ")) return line;
  const [seconds, peak] = line.split(" ").map(Number);
  if (success && seconds !== undefined && peak !== undefined) return { seconds, peak };
  if (row.peer !== undefined) return "failed; see above";
  throw new Error(`operation ${operation} failed`);
}

function commandOf({ operation, peer }: Row): readonly string[] {
  if (peer !== undefined) return peer.command;
  const script = isImport(operation) ? "import_time.ts" : "operation.ts";
  return [Deno.execPath(), "run", "-A", "--no-check", join(HERE, script)];
}

function isImport(operation: string): boolean {
  return operation.startsWith("import");
}

function environment(): Record<string, string> {
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) => !UNSET.includes(name));
  return { ...Object.fromEntries(inherited), DENO_NO_UPDATE_CHECK: "1" };
}
