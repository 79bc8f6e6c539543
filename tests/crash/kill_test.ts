import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { build, Context, load, openCheckpoint } from "../../mod.ts";
import { sortBlobs } from "../../src/checkpoint/leftovers.ts";
import { LocalStore } from "../../src/store/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { expectModel } from "./loop_model.ts";
import { KILLS } from "./crash_table.ts";

const SCRIPT = fromFileUrl(new URL("./save_loop_process.ts", import.meta.url));
/** Two directories are worked on at once. */
const LANES = 2;
/** Longest time that a process may save before it is killed. */
const LONGEST_MS = 60;

Deno.test(`${KILLS} processes killed by SIGKILL while they save lose nothing`, async () => {
  const seed = Number(Deno.env.get("CAIRN_CRASH_SEED") ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomOf(seed);
  const lanes = await Promise.all(Array.from({ length: LANES }, () => killInTurn(KILLS / LANES, random)));
  const saved = lanes.reduce((sum, each) => sum + each.saved, 0);
  const torn = lanes.reduce((sum, each) => sum + each.torn, 0);
  console.log(
    `crash: ${KILLS} processes killed (seed ${seed}); ${saved} saves had returned, ${torn} were cut short, 0 lost`,
  );
  assert(torn > 0, "no process was killed within a save: the test tests nothing");
});

Deno.test("readers see whole checkpoints only, and wait for nobody, while another process saves and removes", async () => {
  await using directory = await TemporaryDirectory.make();
  await using writer = Saver.start(directory.path, 1);
  await writer.line("saved");
  for (let i = 0; i < 60; i++) {
    const ctx = new Context();
    await using handler = await load(ctx).dir(directory.path).onWarning(unexpected).done();
    await using checkpoint = await openCheckpoint(directory.path, { onWarning: unexpected });
    assertEquals((await checkpoint.read("/small")).data()[0], Number(checkpoint.step));
    expectModel(ctx, Number(ctx.getGlobalStep()));
    assertEquals([handler.skipped.length, handler.dir()], [0, directory.path]);
  }
  await writer.kill();
});

/** Lets one process after the other save in a directory, kills it at a random moment, and looks what is left. */
async function killInTurn(kills: number, random: () => number): Promise<{ saved: number; torn: number }> {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  let [promised, saved, torn] = [0, 0, 0];
  for (let i = 0; i < kills; i++) {
    await using process = Saver.start(directory.path, 2);
    const opened = Number((await process.line("open")).split(" ")[1]);
    assert(opened >= promised, `step ${promised} was saved, the next process found ${opened}`);
    await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_MS));
    const lines = await process.kill();
    const steps = lines.filter((line) => line.startsWith("saved ")).map((line) => Number(line.split(" ")[1]));
    saved += steps.length;
    promised = steps.at(-1) ?? promised;

    const { pairs, torn: halves, orphaned } = sortBlobs(await store.list());
    const temporaries = await store.temporaries();
    if (orphaned.length + temporaries.length > 0) torn++;
    assertEquals(halves, []);
    assert(pairs.length >= Math.min(2, promised), `${pairs.length} checkpoints are left at step ${promised}`);
    for (const { base } of pairs) {
      const ctx = new Context();
      await using _ = await load(ctx).dir(directory.path).at(base).onWarning(unexpected).immediate().done();
      expectModel(ctx, Number(ctx.getGlobalStep()));
    }
    const newest = Number(pairs.at(-1)?.step ?? 0);
    assert(newest >= promised, `step ${promised} was saved, ${newest} is the newest`);
  }
  const ctx = new Context();
  await using handler = await build(ctx).dir(directory.path).keep(2).onWarning(() => {}).done();
  await handler.save();
  assertEquals(await store.temporaries(), []);
  const { orphaned, torn: halves, foreign } = sortBlobs(await store.list());
  assertEquals([orphaned, halves, foreign], [[], [], []]);
  return { saved, torn };
}

/** A process that saves until it is killed. */
class Saver implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #seen: string[] = [];

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = linesOf(child.stdout);
  }

  static start(directory: string, keep: number): Saver {
    const args = ["run", "--no-prompt", `--allow-read=${directory}`, `--allow-write=${directory}`];
    const command = new Deno.Command(Deno.execPath(), {
      args: [...args, SCRIPT, directory, String(keep)],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdout: "piped",
      stderr: "inherit",
    });
    return new Saver(command.spawn());
  }

  /** The next line that begins so. */
  async line(start: string): Promise<string> {
    while (true) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the process ended; it said ${JSON.stringify(this.#seen)}`);
      this.#seen.push(value);
      if (value.startsWith(start)) return value;
    }
  }

  /** Kills it and gives all its lines. */
  async kill(): Promise<readonly string[]> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has ended already.
    }
    await this.#child.status;
    for (let each = await this.#lines.next(); !each.done; each = await this.#lines.next()) this.#seen.push(each.value);
    return this.#seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function unexpected(text: string): never {
  throw new Error(`unexpected report: ${text}`);
}
