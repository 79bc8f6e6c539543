import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { NotFoundError, openCheckpoint } from "../../mod.ts";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { loadDigits, writeIdx } from "../../examples/mnist/digits.ts";
import { gomlxTest } from "../gomlx/gomlx.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";

// The example as a user runs it, with few steps.

const EXAMPLE = join(PROJECT_ROOT, "examples", "mnist.ts");
const GOMLX_RUN = join(PROJECT_ROOT, "examples", "mnist", "gomlx_run");

Deno.test("examples/mnist.ts learns, is interrupted, goes on by the same command, and compares with the mean", async () => {
  await using directory = await TemporaryDirectory.make();
  const run = join(directory.path, "run");
  const figure = join(directory.path, "loss.html");
  const process = command(["--dir", run, "--steps", "10000", "--every", "10"]).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("a new run: from step 0 to 10000")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  let isOver = false;
  const status = process.status.finally(() => isOver = true);
  while (!isOver && await newestStep(run) < 20) await new Promise((resolve) => setTimeout(resolve, 50));
  if (!isOver) process.kill("SIGINT");
  for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
  const [{ code }, errors] = await Promise.all([status, new Response(process.stderr).text()]);
  assertEquals(code, 130, errors);
  const stopped = Number(/stopped at step (\d+), which is saved/.exec(text)?.[1]);
  assertEquals(await newestStep(run), stopped);

  const end = String(stopped + 30);
  const output = await outputOf(["--dir", run, "--steps", end, "--every", "10", "--keep", "3", "--figure", figure]);
  assertStringIncludes(output, `: from step ${stopped} to ${end}`);
  assertMatch(output, /newest checkpoint: loss \d\.\d{4}, accuracy \d\d\.\d\d % on the test digits/);
  assertMatch(output, /mean of the last 3: loss \d\.\d{4}/);
  assertMatch(output, /the mean is (no )?better: [+-]\d/);
  assertMatch(output, /\/AdamOptimiz.*hidden\/kernel_2nd_moment +\(Float32\)\[784 32\]/);
  const accuracy = Number(/newest checkpoint:.*accuracy ([\d.]+) %/.exec(output)?.[1]);
  assert(accuracy > 70, `it learns: ${accuracy} %`);
  assertStringIncludes(await Deno.readTextFile(figure), "<svg");

  // Flags win over what was saved.
  const flags = ["--set", "learning_rate=0.001", "--dir", run, "--steps", String(stopped + 31)];
  assertMatch(await outputOf(flags), /\/learning_rate +float64 +0\.001/);
});

Deno.test("examples/mnist.ts goes on from the checkpoint of GoMLX that is in the repository", async () => {
  await using directory = await TemporaryDirectory.make();
  const run = join(directory.path, "run");
  const output = await outputOf(["--dir", run, "--from-gomlx", GOMLX_RUN, "--steps", "305", "--every", "5"]);
  // What GoMLX itself has printed for these digits: Mean Loss 0.38352555, Accuracy 0.8935.
  assertStringIncludes(output, "GoMLX has brought it to loss 0.3835, accuracy 89.35 % on the test digits");
  assertStringIncludes(output, "a new run: from step 300 to 305");
  assertEquals(await newestStep(run), 305);
});

gomlxTest(
  "examples/mnist.ts goes on with what GoMLX has trained just now, from GoMLX's loss",
  "v0.19.4",
  async (gomlx) => {
    await using directory = await TemporaryDirectory.make();
    const [digits, trained, run] = ["digits", "trained", "run"].map((name) => join(directory.path, name));
    assert(digits !== undefined && trained !== undefined && run !== undefined);
    await writeIdx(digits, await loadDigits());
    const { code, stdout, stderr } = await gomlx.run("digits", ["-digits", digits, "-dir", trained, "-steps", "20"]);
    assertEquals(code, 0, stderr);
    const [loss, accuracy] = [/^Mean Loss ([\d.]+)$/m, /^Accuracy ([\d.]+)$/m].map((each) => each.exec(stdout)?.[1]);
    const output = await outputOf(["--dir", run, "--from-gomlx", trained, "--steps", "25", "--every", "5"]);
    const brought = /GoMLX has brought it to loss ([\d.]+), accuracy ([\d.]+) %/.exec(output);
    assert(Math.abs(Number(brought?.[1]) - Number(loss)) < 2e-4, `${brought?.[0]}; GoMLX says ${stdout}`);
    // A digit on the edge may fall to either side.
    assert(Math.abs(Number(brought?.[2]) / 100 - Number(accuracy)) < 0.002, `${brought?.[0]}; GoMLX says ${stdout}`);
    assertEquals(await newestStep(run), 25);
  },
);

function command(args: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", EXAMPLE, "--backend", "cpu", ...args],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
}

async function outputOf(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command(args).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** -1 if there is no checkpoint yet. */
async function newestStep(directory: string): Promise<number> {
  try {
    await using checkpoint = await openCheckpoint(directory);
    return Number(checkpoint.step);
  } catch (error) {
    if (error instanceof NotFoundError) return -1;
    throw error;
  }
}
