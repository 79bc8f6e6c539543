/**
 * `deno task bench`: measures Cairn beside the machine's own limits, in one run. `deno task bench:peers` also installs
 * the peers under `.cairn/peers` and measures them, and writes bench/RESULTS.md.
 *
 * - `--quick`: small data and one round
 * - `--only=REGEXP`: only rows whose titles match, with the limits that they are compared with
 * - `--rounds=N`: how often; 3 unless given
 * - `--out=FILE`: writes the report there; without it, it is printed, unless it is a whole one with the peers
 * - `--dir=PARENT`: where the temporary directory is made: the file system that is measured. With peers it takes 25 GB.
 */

import { fromFileUrl, join } from "@std/path";
import { formatItems } from "../src/render/mod.ts";
import { PROJECT_ROOT } from "../tools/deno_process.ts";
import { makePackage, PACKAGE_FOLDER } from "../tools/package.ts";
import { formatMarkdown } from "./format_markdown.ts";
import { loadText, machineText } from "./machine.ts";
import { measure } from "./measure.ts";
import { optionsOf } from "./options.ts";
import { install, InstallError } from "./peers/environment.ts";
import { type Peer, PEERS } from "./peers/peers.ts";
import { planOf, rowsOf, type Sizes } from "./plan.ts";
import { reportText } from "./report.ts";
import { targetsOf } from "./targets.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));
const FULL: Sizes = {
  large: { bytes: 2 ** 30, variables: 100 },
  many: { bytes: 2 ** 26, variables: 10_000 },
  mean: { bytes: 2 ** 28, variables: 25 },
};
const QUICK: Sizes = {
  large: { bytes: 2_000_000, variables: 10 },
  many: { bytes: 60_000, variables: 300 },
  mean: { bytes: 400_000, variables: 5 },
};

if (import.meta.main) await bench(Deno.args);

async function bench(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, { flags: ["--quick", "--peers"], values: ["--only", "--rounds", "--out", "--dir"] });
  const withPeers = options.has("--peers");
  const quick = options.has("--quick");
  const only = options.get("--only");
  const rounds = Number(options.get("--rounds") ?? (quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds wants a number of at least 1");
  const whole = withPeers && !quick && only === undefined;
  const out = options.get("--out") ?? (whole ? join(HERE, "RESULTS.md") : undefined);
  const { peers, absent } = withPeers ? await installPeers(PEERS) : { peers: new Map(), absent: [] };
  const plan = planOf(quick ? QUICK : FULL, [...peers.keys()]);
  const wanted = new RegExp(only ?? "");
  const rows = rowsOf(plan).filter((row, _, all) =>
    wanted.test(row.title) || all.some((each) => each.beside === row && wanted.test(each.title))
  );
  await makePackage(PROJECT_ROOT, PACKAGE_FOLDER);
  const parent = options.get("--dir");
  const root = await Deno.makeTempDir({ prefix: "cairn-bench-", ...parent === undefined ? {} : { dir: parent } });
  try {
    const loadBefore = loadText();
    const measured = await measure(rows, rounds, root);
    const task = withPeers ? "bench:peers" : "bench";
    const introduction = quick
      ? `Tried by \`deno task ${task} --quick\`: models of 2 MiB show that all operations work, and nothing of their speed.`
      : `Written by \`deno task ${task}\`.`;
    const report = reportText(plan, quick ? [] : targetsOf(plan), measured, introduction, [
      `${new Date().toISOString().slice(0, 10)}, ${
        formatItems(rounds, "round")
      }, Deno ${Deno.version.deno}, V8 ${Deno.version.v8}`,
      await machineText(root),
      `load average (1, 5, 15 minutes): ${loadBefore} before, ${loadText()} after`,
      ...[...peers].map(([{ name }, versions]) => `${name}: ${versions}`),
      ...absent,
    ]);
    if (out === undefined) console.log(await formatMarkdown(report));
    else await Deno.writeTextFile(out, await formatMarkdown(report));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** The peers with their versions; and what is said of those that cannot be had here. */
async function installPeers(all: readonly Peer[]): Promise<{ peers: Map<Peer, string>; absent: string[] }> {
  const peers = new Map<Peer, string>();
  const absent: string[] = [];
  for (const peer of all) {
    try {
      if (peer.environment !== undefined) await install(peer.environment, (line) => console.error(`bench: ${line}`));
      peers.set(peer, await versionsOf(peer));
    } catch (error) {
      if (!(error instanceof InstallError)) throw error;
      console.error(`bench: ${peer.name} cannot be installed: ${error.message}`);
      absent.push(`not installed: ${peer.name}: ${error.message}`);
    }
  }
  return { peers, absent };
}

async function versionsOf({ command: [program = "", ...args] }: Peer): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args, "versions"] }).output();
  if (!success) throw new InstallError(new TextDecoder().decode(stderr).trim().slice(-400));
  return new TextDecoder().decode(stdout).trim();
}
