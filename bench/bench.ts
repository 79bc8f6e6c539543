/**
 * `deno task bench [--quick] [--dir=PARENT] [--out=FILE]`: measures Cairn beside the machine's own limits, in one run,
 * and writes bench/RESULTS.md. `--quick` takes small sizes and one round and prints the report, unless `--out` is given.
 * `--dir` says where the temporary directory is made: the file system that is measured.
 */

import { fromFileUrl, join } from "@std/path";
import { type DataSet, type Plan, planOf, type Row } from "./plan.ts";
import { reportText, type Sample } from "./report.ts";
import type { Work } from "./work.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));
const FULL = planOf({
  large: { bytes: 2 ** 30, variables: 100 },
  many: { bytes: 2 ** 26, variables: 10_000 },
  mean: { bytes: 2 ** 28, variables: 25 },
});
const QUICK = planOf({
  large: { bytes: 2_000_000, variables: 10 },
  many: { bytes: 60_000, variables: 300 },
  mean: { bytes: 400_000, variables: 5 },
});
const ROUNDS = 3;

if (import.meta.main) await bench(Deno.args);

async function bench(args: readonly string[]): Promise<void> {
  const quick = args.includes("--quick");
  const out = optionOf(args, "--out") ?? (quick ? undefined : join(HERE, "RESULTS.md"));
  const parent = optionOf(args, "--dir");
  const root = await Deno.makeTempDir({ prefix: "cairn-bench-", ...parent === undefined ? {} : { dir: parent } });
  try {
    const report = await formatMarkdown(await measure(quick ? QUICK : FULL, quick ? 1 : ROUNDS, root));
    if (out === undefined) console.log(report);
    else await Deno.writeTextFile(out, report);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function measure(plan: Plan, rounds: number, root: string): Promise<string> {
  const loadBefore = loadText();
  for (const [index, data] of plan.dataSets.entries()) {
    console.error(`bench: making data set ${index + 1} of ${plan.dataSets.length}, "${data.name}"`);
    await runOperation("prepare", data, root);
  }
  const samples = new Map<Row, Sample[]>();
  const skipped = new Map<Row, string>();
  const rows = inTurn(plan);
  for (let round = 0; round < rounds; round++) {
    for (const [index, row] of rows.entries()) {
      if (skipped.has(row)) continue;
      const sample = await runOperation(row.operation, row.data, root);
      const place = `${round * rows.length + index + 1} of ${rounds * rows.length}`;
      if (typeof sample === "string") skipped.set(row, sample);
      else samples.set(row, [...samples.get(row) ?? [], sample]);
      const outcome = typeof sample === "string" ? sample : `${sample.seconds.toFixed(4)} s`;
      console.error(`bench: ${place}, round ${round + 1} of ${rounds}: ${row.title}: ${outcome}`);
    }
  }
  return reportText(plan, samples, skipped, [
    `${new Date().toISOString().slice(0, 10)}, ${rounds} rounds, Deno ${Deno.version.deno}, V8 ${Deno.version.v8}`,
    await machineText(root),
    `load average (1, 5, 15 minutes): ${loadBefore} before, ${loadText()} after`,
  ]);
}

/** Each of Cairn's rows right after the limit that it is compared with, so that both meet the same disk. */
function inTurn(plan: Plan): Row[] {
  const compared = plan.cairn.flatMap((row) => row.beside === undefined ? [row] : [row.beside, row]);
  const others = plan.limits.filter((row) => !compared.includes(row));
  return [...new Set([...others, ...compared])];
}

/** What it measured, or why it cannot run here. */
async function runOperation(operation: string, data: DataSet, root: string): Promise<Sample | string> {
  const work: Work = { ...data, model: join(root, data.name), scratch: join(root, "scratch") };
  await Deno.mkdir(work.scratch);
  const script = operation === "importTime" ? "import_time.ts" : "operation.ts";
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", join(HERE, script), operation, JSON.stringify(work)],
    cwd: HERE,
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  await Deno.remove(work.scratch, { recursive: true });
  const line = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
  if (success && line.startsWith("not set up: ")) return line;
  const [seconds, peak] = line.split(" ").map(Number);
  if (success && seconds !== undefined && peak !== undefined) return { seconds, peak };
  throw new Error(`operation ${operation} failed`);
}

async function machineText(root: string): Promise<string> {
  const cpu = Deno.build.os === "linux"
    ? /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1]
    : undefined;
  const memory = (Deno.systemMemoryInfo().total / 2 ** 30).toFixed(0);
  const { success, stdout } = await new Deno.Command("df", { args: ["--output=fstype", root], stderr: "null" })
    .output();
  const fileSystem = success ? new TextDecoder().decode(stdout).trim().split("\n").at(-1) : "unknown";
  return `${navigator.hardwareConcurrency} × ${
    cpu ?? Deno.build.arch
  }, ${memory} GiB, ${Deno.build.os} ${Deno.osRelease()}, ` +
    `file system ${fileSystem}`;
}

function loadText(): string {
  return Deno.loadavg().map((load) => load.toFixed(2)).join(", ");
}

async function formatMarkdown(text: string): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=md", "-"],
    cwd: HERE,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await process.output()).stdout);
}

function optionOf(args: readonly string[], name: string): string | undefined {
  return args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1);
}
