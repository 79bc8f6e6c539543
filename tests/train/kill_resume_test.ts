import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openCheckpoint, Tensor } from "../../mod.ts";
import { History, type PlotPoint } from "../../src/train/mod.ts";
import { TFJS_NODE_ADDON } from "../../tools/tfjs_node.ts";
import { tfjsNodeTest } from "../backend/tfjs_node_tool.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";

// Real processes that are killed as a power failure or an impatient system kills them.

const SCRIPT = fromFileUrl(new URL("./resume_process.ts", import.meta.url));
const STEPS = 300;
/** A process is killed after so many of its steps at the latest, and within the time of some more. */
const MOST_STEPS = 90;
const LONGEST_WAIT = 10;

interface Ended {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly step: unknown;
  readonly points: readonly PlotPoint[];
}

Deno.test("a run killed at random and restarted until it is done ends with the bits of one that was not", async () => {
  const whole = await trainWhole([]);
  assertEquals(whole.step, STEPS);
  const resumed = await trainKilled([], 5);
  assertEquals(resumed.step, STEPS);
  assertEquals([...resumed.tensors.keys()].sort(), [...whole.tensors.keys()].sort());
  for (const [path, tensor] of whole.tensors) {
    assert(resumed.tensors.get(path)?.equals(tensor), `${path} is not the same`);
  }
  for (
    const path of [
      "/model/hidden/weights",
      "/AdamOptimizer/model/hidden/weights_2nd_moment",
      "/AdamOptimizer/accumulated_beta1",
      "/trainer/rng/default",
      "/trainer/best/loss",
    ]
  ) {
    assert(whole.tensors.has(path), `${path} was compared`);
  }
  assertEquals(resumed.points, whole.points);
  assertEquals(whole.points.length, STEPS / 5);
});

tfjsNodeTest("a run on tfjs-node killed at random and restarted ends within 1e-4 of one that was not", async () => {
  const whole = await trainWhole([TFJS_NODE_ADDON]);
  const resumed = await trainKilled([TFJS_NODE_ADDON], 2);
  assertEquals([resumed.step, whole.step], [STEPS, STEPS]);
  for (const [path, tensor] of whole.tensors) {
    const other = resumed.tensors.get(path);
    if (tensor.dtype !== "Float32") continue;
    const [a, b] = [numbersOf(tensor), numbersOf(other)];
    assertEquals(a.length, b.length);
    assert(a.every((x, index) => Math.abs(x - (b[index] ?? NaN)) <= 1e-4 * Math.max(1, Math.abs(x))), path);
  }
  assert(
    resumed.tensors.get("/trainer/rng/default")?.equals(whole.tensors.get("/trainer/rng/default") ?? Tensor.from(0)),
  );
});

async function trainWhole(args: readonly string[]): Promise<Ended> {
  await using directory = await TemporaryDirectory.make();
  const { code, stderr } = await command(directory.path, args).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return await endOf(directory.path);
}

/** Kills `kills` processes at random, then lets one finish. */
async function trainKilled(args: readonly string[], kills: number): Promise<Ended> {
  await using directory = await TemporaryDirectory.make();
  const lives: string[] = [];
  for (let run = 0; run < kills; run++) {
    const process = command(directory.path, args).spawn();
    const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const steps = 1 + Math.floor(Math.random() * MOST_STEPS);
    let text = "";
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      text += next.value;
      if (text.split(".").length > steps) break;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_WAIT));
    process.kill("SIGKILL");
    await reader.cancel();
    const [{ signal }, errors] = await Promise.all([process.status, new Response(process.stderr).text()]);
    const start = Number(/from (\d+)/.exec(text)?.[1]);
    lives.push(`${start} to about ${start + steps}`);
    if (start + MOST_STEPS < STEPS) assertEquals(signal, "SIGKILL", errors);
  }
  const { code, stderr, stdout } = await command(directory.path, args).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const last = /from \d+/.exec(new TextDecoder().decode(stdout))?.[0];
  console.log(`steps of the killed processes: ${lives.join(", ")}; the last one went on ${last}`);
  return await endOf(directory.path);
}

function command(directory: string, args: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", SCRIPT, directory, String(STEPS), ...args],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
}

async function endOf(directory: string): Promise<Ended> {
  await using checkpoint = await openCheckpoint(directory);
  const tensors = await checkpoint.readAll();
  return { tensors, step: checkpoint.step, points: (await History.open(directory)).points };
}

function numbersOf(tensor: Tensor | undefined): number[] {
  return Array.from(tensor?.data() ?? [], Number);
}
