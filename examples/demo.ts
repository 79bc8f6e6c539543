/**
 * The main job, on real input: a model that GoMLX (Go) has trained and checkpointed is opened, looked at, changed and
 * saved again; the last checkpoints are averaged; a run on real digits is killed and goes on; and GoMLX reads what Cairn
 * has written.
 *
 * Run it with `deno task demo`.
 */
import {
  type Backend,
  CheckpointError,
  Context,
  hostBackend,
  load,
  NotFoundError,
  openCheckpoint,
  splitScope,
  type Tensor,
} from "@cairn/checkpoints";
import { tfjsNodeBackend } from "@cairn/checkpoints/tfjs-node";
import { exists } from "@std/fs";
import { join } from "@std/path";
import { gomlxProgramPath } from "../tools/gomlx_programs.ts";
import { PROJECT_ROOT } from "../tools/deno_process.ts";

const VERSION = "v0.19.4";
const hasGomlx = await exists(gomlxProgramPath(VERSION, "verify"));
const run = await Deno.makeTempDir({ prefix: "cairn-demo-" });

try {
  title("1 · GoMLX trains a small model and checkpoints it");
  await trainWithGomlx();

  title("2 · Cairn opens the newest checkpoint: one look, no Context");
  await using before = await openCheckpoint(run);
  const trainedSteps = before.step ?? 0;
  console.log(before);

  title("3 · Load it into a Context, change the model, save");
  const changed = await changeAndSave();

  title("4 · The mean of the run's last checkpoints");
  const backend = await fastestBackend();
  await average(backend, trainedSteps);

  title("5 · A run on handwritten digits is killed, and the same command goes on");
  await trainKillAndResume();

  title("6 · GoMLX reads what Cairn wrote");
  await verifyWithGomlx(changed);
} finally {
  await Deno.remove(run, { recursive: true });
}

/** A run with several checkpoints in `run`: trained now, or as it was trained when the test data were made. */
async function trainWithGomlx(): Promise<void> {
  if (hasGomlx) {
    await gomlx("train", ["-expected=false", "-dir", run, "-steps", "60", "-every", "16", "-keep", "4"]);
    console.log(`GoMLX ${VERSION} has trained 60 steps just now.`);
  } else {
    const trained = join(PROJECT_ROOT, "tests", "golden", VERSION, "train");
    for (const { name } of Deno.readDirSync(trained)) await Deno.copyFile(join(trained, name), join(run, name));
    console.log(`Go is missing, so this is a run that GoMLX ${VERSION} trained earlier.`);
  }
  const names = Array.from(Deno.readDirSync(run), (each) => each.name).filter((name) => name.startsWith("checkpoint-"));
  console.log(names.sort().join("\n"));
}

async function changeAndSave(): Promise<Map<string, Tensor>> {
  const ctx = new Context();
  await using handler = await load(ctx).dir(run).keep(-1).done();
  const readout = ctx.inAbsPath("/model/readout/dense").getVariable("biases");
  if (readout === undefined) throw new Error("the trained model has no readout biases");
  const learningRate = ctx.getParamOr("learning_rate", 0);
  console.log(`loaded ${handler.loadedBase}, step ${ctx.getGlobalStep()}, learning rate ${learningRate}`);

  console.log(`  readout biases ${readout.value()} = ${numbersOf(readout.value())}`);
  ctx.setParam("learning_rate", learningRate / 10);
  ctx.in("notes").variableWithValue("touched_by", new TextEncoder().encode("Cairn"));
  ctx.setGlobalStep(BigInt(ctx.getGlobalStep()) + 1n);

  const saved = await handler.save();
  console.log(`saved ${saved.baseName}, learning rate ${learningRate / 10}, one variable more`);
  console.log(`the directory has ${(await handler.listCheckpoints()).length} checkpoints`);
  return await saved.readAll();
}

/** tfjs-node where it is set up, else the host. */
async function fastestBackend(): Promise<Backend> {
  try {
    return await tfjsNodeBackend();
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    console.log(`tfjs-node is not set up, so the host computes: ${error.message}`);
    return hostBackend;
  }
}

/** What GoMLX trained is averaged; what Cairn changed above is not in it. */
async function average(backend: Backend, trainedSteps: number | bigint): Promise<void> {
  const newest = new Context();
  const mean = new Context();
  await using single = await load(newest).dir(run).at(trainedSteps).done();
  await using averaged = await load(mean).dir(run).at(trainedSteps).takeMean(3, backend, {
    // Optimizer moments and metrics are floats too, and GoMLX's files do not say what is trainable.
    average: ({ scope, name }) => scope.startsWith("/model") || name === "scale",
  }).done();
  console.log(`newest: ${single.loadedBase}`);
  console.log(`mean of ${averaged.mean?.baseNames.length}: ${averaged.mean?.baseNames.join(", ")}`);
  for (const { path, computedBy } of averaged.mean?.variables.filter((each) => each.averaged) ?? []) {
    const { scope, name } = splitScope(path);
    const [before, after] = [newest, mean].map((ctx) => ctx.getVariableByScopeAndName(scope, name)?.value());
    console.log(
      `  ${path.padEnd(30)} before ${numbersOf(before)}   after ${numbersOf(after)}   (${computedBy})`,
    );
  }
}

/** Runs `examples/mnist.ts`: what it says of the mean at its end is how it came out, better or not. */
async function trainKillAndResume(): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "cairn-demo-digits-" });
  try {
    const process = digits(dir).spawn();
    let isOver = false;
    const ended = process.output().finally(() => isOver = true);
    while (!isOver && await newestStep(dir) < 60) await new Promise((resolve) => setTimeout(resolve, 20));
    if (!isOver) process.kill("SIGKILL");
    const killed = await ended;
    if (killed.signal !== "SIGKILL") throw new Error(`the first run failed: ${decode(killed.stderr)}`);
    console.log(decode(killed.stdout).trimEnd());
    console.log(`killed by SIGKILL; the newest checkpoint is of step ${await newestStep(dir)}. Again:`);
    const { success, stdout, stderr } = await digits(dir).output();
    if (!success) throw new Error(`the second run failed: ${decode(stderr)}`);
    const told = /: from step|^(best loss|newest checkpoint|mean of|the mean)/;
    console.log(decode(stdout).split("\n").filter((line) => told.test(line)).join("\n"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function digits(dir: string): Deno.Command {
  const permissions = ["read", "write", "env", "ffi", "sys"].map((name) => `--allow-${name}`);
  const args = ["--dir", dir, "--steps", "240", "--every", "20", "--keep", "5"];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", ...permissions, join(PROJECT_ROOT, "examples", "mnist.ts"), ...args],
    stdout: "piped",
    stderr: "piped",
  });
}

/** -1 before the first checkpoint. */
async function newestStep(dir: string): Promise<number> {
  try {
    await using newest = await openCheckpoint(dir);
    return Number(newest.step);
  } catch (error) {
    if (error instanceof NotFoundError) return -1;
    throw error;
  }
}

/** The first four numbers. */
function numbersOf(tensor: Tensor | undefined): string {
  const shown = Math.min(4, tensor?.size ?? 0);
  const numbers = Array.from({ length: shown }, (_, index) => Number(tensor?.at(index)).toFixed(4));
  return numbers.join(" ") + ((tensor?.size ?? 0) > shown ? " …" : "");
}

async function verifyWithGomlx(expected: ReadonlyMap<string, Tensor>): Promise<void> {
  if (!hasGomlx) {
    console.log("NOT verified by GoMLX: Go is missing. Install Go and run this again; it builds what it needs.");
    return;
  }
  const report = JSON.parse(await gomlx("verify", [run]));
  const rows: { scope: string; name: string; dtype: string; dimensions: number[]; sha256: string }[] = report.variables;
  for (const row of rows) {
    const path = row.scope === "/" ? `/${row.name}` : `${row.scope.replace(/\/$/, "")}/${row.name}`;
    const tensor = expected.get(path);
    const sha256 = tensor && new Uint8Array(await crypto.subtle.digest("SHA-256", tensor.bytes.slice())).toHex();
    if (sha256 !== row.sha256) throw new Error(`GoMLX read other bytes for "${path}" than Cairn wrote`);
    if (path.startsWith("/model") || path === "/notes/touched_by") {
      console.log(`  ${path}  (${row.dtype})[${row.dimensions.join(" ")}]  the same ${tensor?.byteLength} bytes`);
    }
  }
  if (rows.length !== expected.size) {
    throw new Error(`GoMLX read ${rows.length} variables, Cairn wrote ${expected.size}`);
  }
  console.log(`  … and the other variables: ${rows.length} of ${expected.size} are identical`);
  console.log(`  global step ${report.globalStep}, ${report.params.length} params`);
  console.log(`verified by GoMLX ${report.gomlx}`);
}

async function gomlx(program: "train" | "verify", args: string[]): Promise<string> {
  const command = new Deno.Command(gomlxProgramPath(VERSION, program), { args, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`GoMLX's ${program} failed: ${decode(stderr)}`);
  return decode(stdout);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function title(text: string): void {
  console.log(`\n%c${text}`, "font-weight: bold");
}
