import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openCheckpoint } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";

// Real processes, with the flags that saving needs and no other.

const SCRIPT = fromFileUrl(new URL("./signal_process.ts", import.meta.url));

interface Ended {
  readonly signal: Deno.Signal | null;
  readonly code: number;
  readonly output: string;
  readonly errors: string;
  /** Steps that can be opened, and that have all their bytes. */
  readonly steps: readonly number[];
}

/** Runs the process in a mode and sends it signals in the middle of its second save. */
async function run(mode: string, ...signals: readonly Deno.Signal[]): Promise<Ended> {
  await using directory = await TemporaryDirectory.make();
  const dir = directory.path;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", `--allow-read=${dir}`, `--allow-write=${dir}`, SCRIPT, dir, mode],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [output, errors] = [new Collected(process.stdout), new Collected(process.stderr)];
  await output.until(signals.length > 0 ? "saving" : "sav");
  for (const [index, signal] of signals.entries()) {
    if (index > 0) await errors.until("once more");
    process.kill(signal);
  }
  const { signal, code } = await process.status;
  return { signal, code, output: await output.all, errors: await errors.all, steps: await stepsIn(dir) };
}

/** The text of a stream, as far as it came. */
class Collected {
  readonly all: Promise<string>;
  #text = "";
  #changed = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.all = this.#collect(stream);
  }

  async until(wanted: string): Promise<void> {
    while (!this.#text.includes(wanted)) await this.#changed.promise;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<string> {
    for await (const bytes of stream) {
      this.#text += new TextDecoder().decode(bytes);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
    return this.#text;
  }
}

async function stepsIn(dir: string): Promise<number[]> {
  const names = Array.from(Deno.readDirSync(dir), ({ name }) => name).filter((name) => name.endsWith(".json")).sort();
  const steps: number[] = [];
  for (const name of names) {
    await using checkpoint = await openCheckpoint(`${dir}/${name}`);
    assertEquals((await checkpoint.read("/weights")).size, 300_000, name);
    steps.push(Number(checkpoint.step));
  }
  return steps;
}

for (const mode of ["save", "background"]) {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.test(`${signal} in the middle of a save (${mode}) finishes it, and ends the process as ever`, async () => {
      const ended = await run(mode, signal);
      assertEquals([ended.signal, ended.code, ended.steps], [signal, code, [1, 2]], ended.errors);
      assertStringIncludes(ended.errors, `cairn: ${signal}: finishing the save that is in flight; once more`);
    });
  }
}

Deno.test("a signal while saveInBackground() copies is held back, too", async () => {
  const ended = await run("copy");
  assertEquals([ended.signal, ended.code], ["SIGTERM", 143], ended.errors);
  assertStringIncludes(ended.output, "copied");
  assertStringIncludes(ended.errors, "cairn: SIGTERM: finishing the save that is in flight");
});

Deno.test("SIGINT while one save is written and one waits finishes both, although training and saving go on", async () => {
  const ended = await run("waiting");
  assertEquals([ended.signal, ended.code, ended.steps.slice(0, 3)], ["SIGINT", 130, [1, 2, 3]], ended.errors);
});

Deno.test("a second Ctrl-C in the middle of a save ends the process at once, and the checkpoint before stands", async () => {
  const ended = await run("save", "SIGINT", "SIGINT");
  assertEquals([ended.signal, ended.code, ended.steps], ["SIGINT", 130, [1]], ended.errors);
  assert(!ended.output.includes("saved"));
});

Deno.test("finishOnSignal(false) leaves signals alone", async () => {
  const ended = await run("off", "SIGTERM");
  assertEquals([ended.signal, ended.code, ended.steps, ended.errors], ["SIGTERM", 143, [1], ""]);
});

Deno.test("a listener of one's own is called at the signal and after the save, and nobody ends the process", async () => {
  const ended = await run("own", "SIGINT");
  assertEquals([ended.signal, ended.code, ended.steps], [null, 0, [1, 2]], ended.errors);
  assertEquals(ended.output.split("\n").filter((line) => line === "mine" || line === "saved").toSorted(), [
    "mine",
    "mine",
    "saved",
  ]);
});

Deno.test("interruptSignal() in the middle of a save ends in good order: the signal is not raised again", async () => {
  const ended = await run("interrupt", "SIGINT");
  assertEquals([ended.signal, ended.code, ended.steps], [null, 0, [1, 2, 3]], ended.errors);
  assertStringIncludes(ended.output, "stopped in good order");
  assertEquals(ended.errors, "");
});

for (const [mode, code] of [["exit", 3], ["throw", 1]] as const) {
  Deno.test(`after ${mode} in the middle of a save the checkpoint before stands`, async () => {
    const ended = await run(mode);
    assertEquals([ended.signal, ended.code, ended.steps], [null, code, [1]], ended.errors);
  });
}

Deno.test("nothing keeps a process that has saved from ending", async () => {
  const ended = await run("none");
  assertEquals([ended.signal, ended.code, ended.steps, ended.errors], [null, 0, [1, 2], ""]);
});
