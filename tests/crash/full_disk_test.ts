import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { build, CheckpointError, Context, load } from "../../mod.ts";
import { LocalStore } from "../../src/store/mod.ts";
import { toolTest } from "../needs_tool.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { SMALL_DISK_MIB } from "./crash_table.ts";

const CAN_MOUNT = { name: "the right to mount a tmpfs (root)", isThere: canMount };

toolTest(`a file system of ${SMALL_DISK_MIB} MiB that fills up costs no checkpoint`, CAN_MOUNT, async () => {
  await using disk = await SmallDisk.mount();
  const run = `${disk.path}/run`;
  const ctx = new Context();
  const store = new LocalStore(run);
  await store.ensureRoot();
  await using handler = await build(ctx).store(store).keep(-1).done();
  const outcomes: string[] = [];
  let promised = 0;
  for (let step = 1; step <= 24; step++) {
    // From a tenth of the disk to nearly all of it: some fit, some fill it at another place each time.
    const values = new Float32Array(Math.floor((0.1 + 0.07 * (step % 12)) * SMALL_DISK_MIB * 2 ** 18)).fill(step);
    ctx.deleteVariable("/", "w");
    ctx.variableWithValue("w", values);
    ctx.setGlobalStep(step);
    try {
      await handler.save();
      promised = step;
      outcomes.push("saved");
    } catch (error) {
      assertInstanceOf(error, CheckpointError);
      assertEquals(error.code, "store");
      assert(/No space left on device/.test(error.message), error.message);
      outcomes.push("full");
    }
    assertEquals(await store.temporaries(), [], "a failed save leaves nothing");
    assertEquals(await stepsIn(run), promised, `after step ${step}`);
    if (step % 8 === 0) await emptyBut(store, 1);
  }
  assert(outcomes.includes("saved") && outcomes.includes("full"), outcomes.join(" "));
  assert(outcomes.lastIndexOf("saved") > outcomes.indexOf("full"), "it saves again once there is room");
});

/** Loads the newest and compares its values; gives its step. */
async function stepsIn(run: string): Promise<number> {
  const ctx = new Context();
  await using _ = await load(ctx).dir(run).immediate().onWarning(unexpected).done();
  const step = Number(ctx.getGlobalStep());
  const bytes = ctx.getVariable("w")?.value().bytes ?? new Uint8Array();
  const wanted = new Uint8Array(new Float32Array(bytes.length / 4).fill(step).buffer);
  assert(bytes.length > 0 && bytes.every((byte, i) => byte === wanted[i]), `the values of step ${step}`);
  return step;
}

/** Makes room, as a user would: the oldest files go. */
async function emptyBut(store: LocalStore, keep: number): Promise<void> {
  const names = (await store.list()).map(({ name }) => name);
  for (const name of names.slice(0, names.length - 2 * keep)) await store.remove(name);
}

/** A tmpfs; it goes when the test's block ends. */
class SmallDisk implements AsyncDisposable {
  private constructor(readonly path: string, readonly directory: TemporaryDirectory) {}

  static async mount(): Promise<SmallDisk> {
    const directory = await TemporaryDirectory.make();
    if (!mount(directory.path)) throw new Error("Cannot mount a tmpfs");
    return new SmallDisk(directory.path, directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    run("umount", [this.path]);
    await this.directory[Symbol.asyncDispose]();
  }
}

function canMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const path = Deno.makeTempDirSync({ prefix: "cairn-mount-" });
  try {
    if (!mount(path)) return false;
    run("umount", [path]);
    return true;
  } finally {
    Deno.removeSync(path);
  }
}

function mount(path: string): boolean {
  return run("mount", ["-t", "tmpfs", "-o", `size=${SMALL_DISK_MIB}m`, "tmpfs", path]);
}

function run(command: string, args: readonly string[]): boolean {
  try {
    return new Deno.Command(command, { args: [...args], stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function unexpected(text: string): never {
  throw new Error(`unexpected report: ${text}`);
}
