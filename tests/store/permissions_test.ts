import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { auditedRun } from "./audited_run.ts";
import { symlink, TemporaryDirectory } from "./temporary_directory.ts";

// Real processes with exactly the flags that the documentation promises to be enough.

const SCRIPT = new URL("./store_process.ts", import.meta.url);
const run = auditedRun.bind(undefined, SCRIPT);

async function storeDirectory(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(`${path}/a`, "hello");
  await Deno.writeTextFile(`${path}/old`, "old");
}

const READING = ["list", "read"];
const WRITING = ["publish", "link", "link", "publish", "remove", "lock"];

Deno.test("--allow-read=DIR is enough to list, open and read, and nothing else is touched", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await storeDirectory(path);
  const { outcomes, touched } = await run([`--allow-read=${path}`], path, ["ensureRoot", ...READING, ...WRITING]);
  assertEquals(outcomes.slice(0, 3).map(({ result }) => result), ["done", ["a", "old"], "hellohello"]);
  for (const { operation, code, message, cause } of outcomes.slice(3)) {
    assertEquals([operation, code, cause], [operation, "permission", "NotCapable"]);
    assert(
      message?.endsWith(`in "${path}": write access is not granted; run again with --allow-write=${path}`),
      message,
    );
  }
  assertGreater(touched.length, 5);
  for (const { value } of touched) assert(value === path || value.startsWith(`${path}/`), value);
});

Deno.test("--allow-read=DIR --allow-write=DIR is enough for everything, and nothing else is touched", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await storeDirectory(path);
  const flags = [`--allow-read=${path}`, `--allow-write=${path}`];
  const { outcomes, touched } = await run(flags, path, ["ensureRoot", ...WRITING, ...READING]);
  for (const outcome of outcomes) assertEquals(outcome.code, undefined, outcome.message);
  assertEquals(outcomes.at(-2)?.result, ["a", "new"]);
  assertEquals(await Deno.readTextFile(`${path}/backup/a`), "hello");
  for (const { value } of touched) assert(value === path || value.startsWith(`${path}/`), value);
  assert(touched.some(({ permission, value }) => permission === "write" && value === `${path}/backup/a`));
});

Deno.test("--allow-read=DIR --allow-write=DIR is enough to make a missing directory", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/deep/er/run`;
  const flags = [`--allow-read=${path}`, `--allow-write=${path}`];
  const { outcomes, touched } = await run(flags, path, ["list", "ensureRoot", "publish", "list"]);
  assertEquals(outcomes[0]?.code, "not-found");
  assertEquals(outcomes.slice(1).map(({ result }) => result), ["done", "done", ["new"]]);
  for (const { value } of touched) assert(value === path || value.startsWith(`${path}/`), value);
});

Deno.test("without flags each operation is a PermissionError with the smallest flags", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await storeDirectory(path);
  const { outcomes, touched } = await run([], path, ["ensureRoot", ...READING, ...WRITING]);
  assertEquals(outcomes.length, 9);
  for (const { operation, code, message, cause } of outcomes) {
    assertEquals([operation, code, cause], [operation, "permission", "NotCapable"]);
    const flags = READING.includes(operation)
      ? `read access is not granted; run again with --allow-read=${path}`
      : `read and write access is not granted; run again with --allow-read=${path} --allow-write=${path}`;
    assert(message?.endsWith(`in "${path}": ${flags}`), message);
  }
  for (const { value } of touched) assertEquals(value, path);
});

Deno.test("a flag in a message is quoted for the shell", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/my run`;
  await storeDirectory(path);
  const refused = await run([], path, ["list"]);
  assertStringIncludes(refused.outcomes[0]?.message ?? "", `run again with --allow-read="${path}"`);
  assertEquals((await run([`--allow-read=${path}`], path, ["list"])).outcomes[0]?.result, ["a", "old"]);
});

Deno.test("a flag in a message names the nearest parent that Deno can be told of, where the path has a comma", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/runs/1,5/a`;
  await storeDirectory(path);
  const flag = `--allow-read=${directory.path}/runs`;
  const refused = await run([], path, ["list"]);
  assert(refused.outcomes[0]?.message?.endsWith(`run again with ${flag}`), refused.outcomes[0]?.message);
  assertEquals((await run([flag], path, ["list"])).outcomes[0]?.result, ["a", "old"]);
});

Deno.test("a directory behind a symlink needs no more than its own path", async () => {
  await using directory = await TemporaryDirectory.make();
  await storeDirectory(`${directory.path}/real`);
  await symlink("real", `${directory.path}/run`);
  const path = `${directory.path}/run`;
  const flags = [`--allow-read=${path}`, `--allow-write=${path}`];
  const { outcomes, touched } = await run(flags, path, ["ensureRoot", ...WRITING, ...READING]);
  for (const outcome of outcomes) assertEquals(outcome.code, undefined, outcome.message);
  for (const { value } of touched) assert(value === path || value.startsWith(`${path}/`), value);
});

Deno.test("a relative path needs no permission for the working directory", async () => {
  await using directory = await TemporaryDirectory.make();
  await storeDirectory(`${directory.path}/run`);
  const flags = ["--allow-read=run", "--allow-write=run"];
  const { outcomes } = await run(flags, "run", [...WRITING, ...READING], { cwd: directory.path });
  for (const outcome of outcomes) assertEquals(outcome.code, undefined, outcome.message);
  const refused = await run([], "run", ["list"], { cwd: directory.path });
  assertStringIncludes(refused.outcomes[0]?.message ?? "", `--allow-read=${directory.path}/run`);
});
