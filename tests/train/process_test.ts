import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Context, load, openCheckpoint } from "../../mod.ts";
import { History } from "../../src/train/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";

// Real processes, with exactly the flags that the documentation promises to be enough.

const SCRIPT = fromFileUrl(new URL("./train_process.ts", import.meta.url));

function start(dir: string, steps: number, access: readonly string[]): Deno.ChildProcess {
  const { RUST_BACKTRACE: _, ...env } = Deno.env.toObject();
  const flags = access.map((each) => `--allow-${each}=${dir}`);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", ...flags, SCRIPT, dir, String(steps)],
    clearEnv: true,
    env: { ...env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function linesOf(process: Deno.ChildProcess): Promise<{ readonly lines: string[]; readonly errors: string }> {
  const { stdout, stderr } = await process.output();
  const errors = new TextDecoder().decode(stderr);
  return { lines: new TextDecoder().decode(stdout).trimEnd().split("\n"), errors };
}

Deno.test("a run with checkpoints, history and progress needs read and write of the directory only", async () => {
  await using directory = await TemporaryDirectory.make();
  const { lines, errors } = await linesOf(start(directory.path, 1200, ["read", "write"]));
  assertEquals(lines.slice(0, 2), ["from 0", "training"], errors);
  assertStringIncludes(lines[2] ?? "", "done at 1200, 12 points");
  assertStringIncludes(errors, "step 1\u202f200 of 1\u202f200 · 100 %");
  await using newest = await openCheckpoint(directory.path);
  assertEquals(newest.step, 1200);
});

Deno.test("without write permission the error names the hook and the flag, before the first step", async () => {
  await using directory = await TemporaryDirectory.make();
  await linesOf(start(directory.path, 100, ["read", "write"]));
  const { lines } = await linesOf(start(directory.path, 1200, ["read"]));
  assertMatch(lines.at(-1) ?? "", /^ended: train permission: .*"EveryNSteps\(500\): checkpointing" at step 100:/);
  assertStringIncludes(lines.at(-1) ?? "", `run again with --allow-write=${directory.path}`);
});

Deno.test("Ctrl-C and SIGTERM save, the same command goes on from there, and ends as if nothing had happened", async () => {
  await using interrupted = await TemporaryDirectory.make();
  const stopped: number[] = [];
  for (const signal of ["SIGINT", "SIGTERM", "SIGINT"] as const) {
    const process = start(interrupted.path, 1e9, ["read", "write"]);
    const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("training")) text += (await reader.read()).value ?? "";
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill(signal);
    for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
    await process.stderr.cancel();
    assert((await process.status).success);
    assertStringIncludes(text, `ended:  : Interrupted by ${signal}`);
    assertStringIncludes(text, `from ${stopped.at(-1) ?? 0}\n`);
    await using newest = await openCheckpoint(interrupted.path);
    stopped.push(Number(newest.step));
  }
  assert(0 < (stopped[0] ?? 0) && (stopped[0] ?? 0) < (stopped[1] ?? 0), String(stopped));

  const end = (stopped.at(-1) ?? 0) + 100;
  await using whole = await TemporaryDirectory.make();
  const [resumed, alone] = [
    await linesOf(start(interrupted.path, end, ["read", "write"])),
    await linesOf(start(whole.path, end, ["read", "write"])),
  ];
  assertEquals(resumed.lines.at(-1)?.split("weight")[1], alone.lines.at(-1)?.split("weight")[1]);
  const weights = await Promise.all([interrupted.path, whole.path].map(async (path) => {
    const ctx = new Context();
    await using _ = await load(ctx).dir(path).done();
    return ctx.in("model").getVariable("weight")?.value().item();
  }));
  assertEquals(weights[0], weights[1]);
  // The history of each process counts its own steps by hundreds: together they are dense.
  const points = (await History.open(interrupted.path)).points.map((point) => point.step);
  assertEquals(points, [...new Set(points)]);
});
