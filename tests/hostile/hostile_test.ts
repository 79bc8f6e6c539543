import { assertEquals, assertNotEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { cairnCases, seal } from "./cairn_cases.ts";
import { fileCases } from "./file_cases.ts";
import { type HostileCase, writePair } from "./hostile_case.ts";
import type { Outcome } from "./hostile_process.ts";
import { manifestCases } from "./manifest_cases.ts";
import { goodPayload, manifestText } from "./manifest_text.ts";
import { nameCases } from "./name_cases.ts";
import { payloadCases } from "./payload_cases.ts";
import { segmentCases } from "./segment_cases.ts";
import { savedPair, truncationCases } from "./truncation_cases.ts";

// What is hostile is loaded in processes of their own, with bounds on time and memory. Descriptors, prototypes and what
// console.log would show are looked at too.

const PROCESS = fromFileUrl(new URL("./hostile_process.ts", import.meta.url));
const MAX_MILLISECONDS = 2000;
/** MiB above what a process has that has loaded a good checkpoint. */
const MAX_MEBIBYTES = 64;
/** When nothing has come for so long, it hangs. */
const WATCHDOG_MILLISECONDS = 30_000;

galleryTest("wrong manifests", () => manifestCases());
galleryTest("odd names", () => nameCases());
galleryTest("wrong payloads", () => payloadCases());
galleryTest("wrong segments of compressed payloads", () => segmentCases());
galleryTest("wrong checksums and other keys of Cairn's", () => cairnCases());
galleryTest("a pair cut after every byte", () => truncationCases());
if (Deno.build.os !== "windows") galleryTest("odd files", () => fileCases());

Deno.test("seal() gives a manifest the checksum that Cairn gave it", async () => {
  const text = new TextDecoder().decode((await savedPair("none")).json);
  const damaged = text.replace(/"ManifestCRC32": \d+/, '"ManifestCRC32": 1');

  assertNotEquals(damaged, text);
  assertEquals(seal(damaged), text);
});

function galleryTest(what: string, cases: () => readonly HostileCase[] | Promise<readonly HostileCase[]>): void {
  Deno.test(`loading ${what} gives a typed error or the right values, soon and in little memory`, async () => {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "cairn-hostile-" }));
    try {
      await runGallery(what, root, await cases());
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}

async function runGallery(what: string, root: string, cases: readonly HostileCase[]): Promise<void> {
  const good = join(root, "good");
  await Deno.mkdir(good);
  await writePair(good, manifestText(), goodPayload());
  const together: Job[] = [];
  const alone: Job[] = [];
  for (const [index, each] of cases.entries()) {
    const directory = join(root, String(index));
    await Deno.mkdir(directory);
    await each.make(directory);
    const job = { case: each, target: join(directory, each.target ?? ""), ways: each.ways ?? ["readAll", "immediate"] };
    (each.alone === true ? alone : together).push(job);
  }
  const before = listFiles(root);
  const faults: string[] = [];
  const worst = { milliseconds: 0, mebibytes: 0 };
  for (const jobs of [together, ...alone.map((job) => [job])]) {
    for await (const [job, outcome] of runProcess(good, jobs)) {
      faults.push(...faultsOf(job.case, outcome).map((fault) => `${job.case.name} (${outcome.way}): ${fault}`));
      worst.milliseconds = Math.max(worst.milliseconds, timeOf(outcome));
      if (job.case.memory === undefined) worst.mebibytes = Math.max(worst.mebibytes, outcome.mebibytes);
    }
  }
  console.log(
    `${what}: ${cases.length} cases, at most ${Math.round(worst.milliseconds)} ms and ` +
      `${worst.mebibytes.toFixed(1)} MiB above the baseline`,
  );
  assertEquals(faults, []);
  assertEquals(listFiles(root), before, "loading must leave the files alone");
}

interface Job {
  readonly case: HostileCase;
  readonly target: string;
  readonly ways: readonly string[];
}

/** Runs one process for `jobs` and gives what it tells of each, one by one. */
async function* runProcess(good: string, jobs: readonly Job[]): AsyncGenerator<readonly [Job, Outcome]> {
  if (jobs.length === 0) return;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", PROCESS, good],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(jobs.map(({ target, ways }) => ({ target, ways })))));
  await input.close();
  const lines = readLines(process.stdout);
  try {
    for (const job of jobs) {
      for (const way of job.ways) yield [job, await nextOutcome(lines, `${job.case.name} (${way})`)];
    }
    assertEquals((await process.status).code, 0);
  } finally {
    kill(process);
    await lines.return(undefined);
    await process.status;
  }
}

function kill(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // It has ended.
  }
}

async function nextOutcome(lines: AsyncIterator<string>, what: string): Promise<Outcome> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: hangs`)), WATCHDOG_MILLISECONDS);
  try {
    const line = await Promise.race([lines.next(), late]);
    if (line.done === true) throw new Error(`${what}: the process has died`);
    return JSON.parse(line.value);
  } finally {
    clearTimeout(timer);
  }
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** The lesser of clock and processor: other work on the machine must not count, nor a second thread. */
function timeOf(outcome: Outcome): number {
  return Math.min(outcome.milliseconds, outcome.cpuMilliseconds);
}

function faultsOf({ expect, values, memory = MAX_MEBIBYTES }: HostileCase, outcome: Outcome): string[] {
  const { code, message, mebibytes, printMebibytes, rawControls, pollution, leaks } = outcome;
  const faults: string[] = [];
  if (expect === "loads" ? code !== undefined : code === undefined || !expect.some((each) => each === code)) {
    const wanted = expect === "loads" ? "to load" : expect.join(" or ");
    faults.push(`${code === undefined ? "loaded" : `${code}: ${message?.slice(0, 1000)}`}; wanted ${wanted}`);
  }
  if (code === undefined && outcome.way !== "open") {
    for (const [path, value] of Object.entries(values ?? {})) {
      const got = outcome.values[path];
      if (got !== value) faults.push(`${path} is ${got}; wanted ${value}`);
    }
  }
  if (timeOf(outcome) > MAX_MILLISECONDS) faults.push(`took ${Math.round(timeOf(outcome))} ms`);
  if (mebibytes > memory) faults.push(`took ${mebibytes.toFixed(1)} MiB`);
  if (printMebibytes > MAX_MEBIBYTES) faults.push(`console.log took ${printMebibytes.toFixed(1)} MiB`);
  if (rawControls !== "") faults.push(`console.log shows ${rawControls}`);
  if (pollution.length > 0) faults.push(`new in shared prototypes: ${pollution.join()}`);
  if (leaks > 0) faults.push(`${leaks} files stayed open`);
  return faults;
}

/** Every path below `root`; a name that became a path would add one. */
function listFiles(root: string): string[] {
  return [...Deno.readDirSync(root)].flatMap(({ name, isDirectory }) =>
    isDirectory ? [name, ...listFiles(join(root, name)).map((each) => `${name}/${each}`)] : [name]
  ).sort();
}
