import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { build } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { type AuditedRun, auditedRun } from "../store/audited_run.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";

// Real processes with exactly the flags that the documentation promises to be enough.

const SCRIPT = new URL("./checkpoint_process.ts", import.meta.url);
const run = auditedRun.bind(undefined, SCRIPT);

/** A directory with one checkpoint. */
async function checkpointIn(path: string): Promise<string> {
  const ctx = new Context();
  ctx.in("a").variableWithValue("w", [1, 2]);
  await using handler = await build(ctx).dir(path).done();
  return (await handler.save()).baseName;
}

function assertOnlyIn(path: string, permissions: readonly string[], { touched }: AuditedRun): void {
  assertGreater(touched.length, 0);
  for (const { permission, value } of touched) {
    assert(permissions.includes(permission), `${permission} ${value}`);
    assert(value === path || value.startsWith(`${path}/`), `${permission} ${value}`);
  }
}

Deno.test("importing mod.ts and the setters need no permission and ask for none", async () => {
  const { outcomes, touched } = await run([], "/nowhere", ["import", "set"]);
  assertEquals(outcomes.map(({ result }) => result), ["imported", true]);
  assertEquals(touched, []);
});

Deno.test("--allow-read=DIR is enough to load, and nothing else is touched", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  const base = await checkpointIn(path);
  const loading = await run([`--allow-read=${path}`], path, ["load", "immediate", "open", "build"]);
  assertEquals(loading.outcomes.map(({ result }) => result), [[base, [1, 2], true], [path, 2], [1, 2], base]);
  assertOnlyIn(path, ["read"], loading);
});

Deno.test("--allow-read=DIR is enough for means that workers compute, and nothing else is touched", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  const ctx = new Context();
  // Four times 25 MiB: few enough bytes would be averaged without workers.
  const names = ["w0", "w1", "w2", "w3"];
  for (const name of names) ctx.in("a").variableWithValue(name, new Float32Array(25 * 2 ** 18));
  await using handler = await build(ctx).dir(path).keep(2).done();
  for (const value of [1, 3]) {
    for (const name of names) ctx.in("a").getVariable(name)?.setValue(new Float32Array(25 * 2 ** 18).fill(value));
    await handler.save();
  }
  const averaging = await run([`--allow-read=${path}`], path, ["mean"]);
  assertEquals(averaging.outcomes.map(({ result }) => result), [[2, 2, navigator.hardwareConcurrency > 1 ? 4 : 0]]);
  assertOnlyIn(path, ["read"], averaging);
});

Deno.test("--allow-read=DIR --allow-write=DIR is enough to save, keep, back up and restore, and nothing else", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/new/run`;
  const flags = [`--allow-read=${path}`, `--allow-write=${path}`];
  const saving = await run(flags, path, ["save", "load"]);
  for (const outcome of saving.outcomes) assertEquals(outcome.code, undefined, outcome.message);
  assertEquals(namesIn(path).length, 4, "one checkpoint, the backup folder and the lock's file");
  assertEquals(namesIn(`${path}/backup`).length, 2);
  assertOnlyIn(path, ["read", "write"], saving);
});

Deno.test("without flags done() is a PermissionError with the flag and the absolute path, and the flag helps", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await checkpointIn(path);
  for (const operation of ["load", "immediate", "open"]) {
    const { outcomes: [refused] } = await run([], path, [operation]);
    assertEquals([refused?.code, refused?.cause], ["permission", "NotCapable"]);
    assertStringIncludes(refused?.message ?? "", path);
    const [, flag = ""] = /run again with (--allow-\S+)$/.exec(refused?.message ?? "") ?? [];
    assertEquals(flag, `--allow-read=${path}`, refused?.message);
    const { outcomes: [allowed] } = await run([flag], path, [operation]);
    assertEquals(allowed?.code, undefined, allowed?.message);
  }
});

Deno.test("with --allow-read=DIR alone save() names the flag that is missing, and adding it helps", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await checkpointIn(path);
  const before = namesIn(path);
  const flags = [`--allow-read=${path}`];
  const { outcomes: [refused] } = await run(flags, path, ["save"]);
  assertEquals([refused?.code, refused?.cause], ["permission", "NotCapable"]);
  const [, flag = ""] = /run again with (--allow-\S+)$/.exec(refused?.message ?? "") ?? [];
  assertEquals(flag, `--allow-write=${path}`, refused?.message);
  assertEquals(namesIn(path), before);
  const { outcomes: [allowed] } = await run([...flags, flag], path, ["save"]);
  assertEquals(allowed?.code, undefined, allowed?.message);
});

Deno.test("without flags build() of a missing directory names both flags, and they help", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/missing/run`;
  const { outcomes: [refused] } = await run([], path, ["save"]);
  const flags = (refused?.message ?? "").match(/--allow-\w+=\S+/g) ?? [];
  assertEquals(flags, [`--allow-read=${path}`, `--allow-write=${path}`], refused?.message);
  const { outcomes: [allowed] } = await run(flags, path, ["save"]);
  assertEquals(allowed?.code, undefined, allowed?.message);
});

Deno.test("a relative directory is named absolutely in the message", async () => {
  await using directory = await TemporaryDirectory.make();
  await checkpointIn(`${directory.path}/run`);
  const { outcomes: [refused] } = await run([], "run", ["load"], { cwd: directory.path });
  assertStringIncludes(refused?.message ?? "", `--allow-read=${directory.path}/run`);
  const { outcomes: [allowed] } = await run(["--allow-read=run"], "run", ["load"], { cwd: directory.path });
  assertEquals(allowed?.code, undefined, allowed?.message);
});

Deno.test("~ asks for HOME only, names the flag, and is the home directory", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/run`;
  await checkpointIn(path);
  const env = { HOME: directory.path };
  const { outcomes: [refused] } = await run([`--allow-read=${path}`], "unused", ["home"], { env });
  assertEquals(refused?.code, "permission");
  assertMatch(refused?.message ?? "", /"~\/run": run again with --allow-env=HOME$/);
  const allowed = await run([`--allow-read=${path}`, "--allow-env=HOME"], "unused", ["home"], { env });
  assertEquals(allowed.outcomes[0]?.result, path, allowed.outcomes[0]?.message);
  assertEquals(allowed.touched.filter(({ permission }) => permission === "env").map(({ value }) => value), ["HOME"]);
});

Deno.test("~ without HOME says that HOME is not set", async () => {
  const { outcomes: [outcome] } = await run(["--allow-env=HOME"], "unused", ["home"], { env: { HOME: "" } });
  assertEquals(outcome?.code, "config");
  assertStringIncludes(outcome?.message ?? "", "HOME is not set");
});
