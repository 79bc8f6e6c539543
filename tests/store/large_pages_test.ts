import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { build, Context } from "../../mod.ts";
import { TemporaryDirectory } from "./temporary_directory.ts";

const PROCESS = fromFileUrl(new URL("./large_pages_process.ts", import.meta.url));
const HAS_LARGE_PAGES = Deno.build.os === "linux" && await cat("/sys/kernel/mm/transparent_hugepage/enabled") !== "";
const LENGTH = 9_000_001;
/** Of a part of a process's memory: large pages were asked for. */
const ASKED_FOR = / hg( |$)/;

Deno.test({
  name: "a load asks for large pages of a large value's memory, and of no other, when ffi is granted",
  ignore: !HAS_LARGE_PAGES,
  async fn() {
    await using directory = await savedModel();
    const { start, sum, asked } = await memoryOf(directory.path, ["--allow-ffi"]);
    assertEquals(sum, 2 * LENGTH);
    assertGreater(start, 0);
    assertEquals(asked.length, 1);
    const [first = { from: 0, to: 0 }] = asked;
    assertGreaterOrEqual(first.from, start);
    assertLessOrEqual(first.to, start + LENGTH);
    assertGreater(first.to - first.from, LENGTH - 2 * 65_536);
  },
});

Deno.test({
  name: "a load without ffi asks for no large pages, and for no permission",
  ignore: !HAS_LARGE_PAGES,
  async fn() {
    await using directory = await savedModel();
    assertEquals(await memoryOf(directory.path, []), { start: 0, sum: 2 * LENGTH, asked: [] });
  },
});

async function savedModel(): Promise<TemporaryDirectory> {
  const directory = await TemporaryDirectory.make();
  const ctx = new Context();
  ctx.variableWithValue("weights", new Uint8Array(LENGTH).fill(2));
  await using handler = await build(ctx).dir(directory.path).done();
  await handler.save();
  return directory;
}

interface Memory {
  readonly start: number;
  readonly sum: number;
  /** The parts that are to have large pages. */
  readonly asked: readonly { readonly from: number; readonly to: number }[];
}

/** What a process that has loaded the model has. */
async function memoryOf(directory: string, permissions: readonly string[]): Promise<Memory> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", `--allow-read=${directory}`, ...permissions, PROCESS, directory],
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  assert(value !== undefined, "it printed nothing");
  const smaps = await cat(`/proc/${process.pid}/smaps`);
  await process.stdin.close();
  await reader.cancel();
  assert((await process.status).success);
  const parts = smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const asked = parts.filter((part) => ASKED_FOR.test(part.split("VmFlags:")[1]?.trimEnd() ?? "")).map((part) => {
    const [from = 0, to = 0] = part.split(" ", 1)[0]?.split("-").map((each) => parseInt(each, 16)) ?? [];
    return { from, to };
  });
  return { ...JSON.parse(new TextDecoder().decode(value)), asked };
}

/** A file of the system, which Deno would give only to a program that may do everything; "" if there is none. */
async function cat(path: string): Promise<string> {
  const { stdout } = await new Deno.Command("cat", { args: [path], stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}
