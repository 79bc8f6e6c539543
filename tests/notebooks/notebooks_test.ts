import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { openCheckpoint, timeline } from "../../mod.ts";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { parseNotebook } from "../../tools/notebooks/notebook.ts";
import { runNotebookFile } from "../../tools/notebooks/notebooks.ts";
import { runNotebook } from "../../tools/notebooks/run_notebook.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { expectStoredOutputs, namedNotebooks } from "./notebook_text.ts";

/** "runs in under a minute", and the machine may be busy. */
const SECONDS = 60;

for (const [name, path] of await namedNotebooks()) {
  Deno.test(`${name} gives the outputs that are stored, in under a minute`, async () => {
    const started = performance.now();
    assertEquals(await runNotebookFile(path, "check"), []);
    assert(performance.now() - started < SECONDS * 1000);
  });

  Deno.test(`${name} gives them again when each cell is run twice, and when all are`, async () => {
    const notebook = parseNotebook(await Deno.readTextFile(path), path);
    for (const options of [{ eachCellTwice: true }, { rounds: 2 }]) {
      const { results, failures } = await runNotebook(notebook, path, options);
      assertEquals(failures, []);
      expectStoredOutputs(notebook, results);
    }
  });

  Deno.test(`${name} gives them in other time zones and languages`, async () => {
    const notebook = parseNotebook(await Deno.readTextFile(path), path);
    const env = { TZ: "Asia/Kathmandu", LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" };
    const { results, failures } = await runNotebook(notebook, path, { env });
    assertEquals(failures, []);
    expectStoredOutputs(notebook, results);
  });

  Deno.test(`${name} is an essay: text first, imports as a user writes them, claims that are asserted`, async () => {
    const { cells } = parseNotebook(await Deno.readTextFile(path), path);
    assertMatch(cells[0]?.source ?? "", /^# /);
    const code = cells.filter(({ type }) => type === "code").map(({ source }) => source).join("\n");
    assertStringIncludes(code, 'from "jsr:@cairn/checkpoints@^0.1"');
    assertEquals([...code.matchAll(/from "(?!jsr:)([^"]*)"/g)].map(([, from]) => from), []);
    assertMatch(code, /\bassert/);
  });

  Deno.test(`${name} tells no path of the machine that stored it`, async () => {
    const text = await Deno.readTextFile(path);
    for (const place of [PROJECT_ROOT, Deno.execPath(), Deno.env.get("HOME") ?? "/root", "/tmp/"]) {
      assert(!text.includes(place), `it has "${place}"`);
    }
  });
}

Deno.test("the notebooks give their outputs at another path too, where tfjs-node is not set up", async () => {
  await using directory = await TemporaryDirectory.make();
  const root = join(directory.path, "a-directory-with-a-rather-long-name-and-a-space in-it", "cairn");
  for (const part of ["deno.json", "mod.ts", "src", "tools/offline", "notebooks"]) {
    await copy(join(PROJECT_ROOT, part), join(root, part));
  }
  for (const [name] of await namedNotebooks()) {
    const path = join(root, "notebooks", name);
    const notebook = parseNotebook(await Deno.readTextFile(path), path);
    const { results, failures } = await runNotebook(notebook, path);
    assertEquals(failures, []);
    expectStoredOutputs(notebook, results, root);
  }
});

Deno.test("the notebooks have no type errors in a user's project", async () => {
  await using directory = await TemporaryDirectory.make();
  const links = ["", "tools/offline/std_assert", "tools/offline/std_fs", "tools/offline/std_path"];
  const config = { links: links.map((link) => join(PROJECT_ROOT, link)) }; // in place of the registry
  await Deno.writeTextFile(join(directory.path, "deno.json"), JSON.stringify(config));
  const files: string[] = [];
  for (const [name, path] of await namedNotebooks()) {
    const { cells } = parseNotebook(await Deno.readTextFile(path), path);
    const code = cells.filter(({ type }) => type === "code").map(({ source }) => source).join(";\n");
    files.push(`${name}.ts`);
    await Deno.writeTextFile(join(directory.path, `${name}.ts`), `${code}\nexport {};\n`);
  }
  const { code, stderr } = await runDenoIn(directory.path, ["check", ...files]);
  assertEquals(code, 0, stderr);
});

Deno.test("notebooks/data is a run of real GoMLX: 10 checkpoints of 10,129 parameters, 2 MB at most", async () => {
  const data = join(PROJECT_ROOT, "notebooks", "data");
  assertLess(await sizeOf(data), 2_000_000);
  const { checkpoints } = await timeline(join(data, "run"));
  assertEquals(checkpoints.map(({ step }) => Number(step)), Array.from({ length: 10 }, (_, i) => (i + 1) * 500));
  for (const { baseName } of checkpoints) {
    const manifest = await Deno.readTextFile(join(data, "run", `${baseName}.json`));
    assert(!manifest.includes("Cairn"), "GoMLX wrote it");
    await using checkpoint = await openCheckpoint(join(data, "run", baseName));
    const model = await checkpoint.readAll({ scope: "/model" });
    assertEquals([...model.values()].reduce((sum, { size }) => sum + size, 0), 10_129);
  }
});

Deno.test("deno task notebooks --check needs no more than the task's permissions", async () => {
  const [first] = await namedNotebooks();
  assert(first !== undefined);
  const { code, stdout, stderr } = await runTask("--check", first[1]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /^ok: notebooks.01_first_checkpoint.ipynb \(.* s\)\n1 passed, 0 failed\n$/);
});

Deno.test("deno task notebooks refuses flags that it does not know, or that exclude each other", async () => {
  for (const flags of [["--checks"], ["--check", "--write"]]) {
    const { code, stderr } = await runTask(...flags);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "usage: deno task notebooks [--write | --check] [files]");
  }
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runTask(...args: string[]): Promise<Outcome> {
  return runDenoIn(PROJECT_ROOT, ["task", "--quiet", "notebooks", ...args]);
}

async function runDenoIn(cwd: string, args: string[]): Promise<Outcome> {
  const env = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd, env, stdin: "null" }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Copies a file or a directory; what a notebook has written is left out. */
async function copy(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) {
    await Deno.mkdir(dirname(to), { recursive: true });
    return await Deno.copyFile(from, to);
  }
  for await (const { name } of Deno.readDir(from)) {
    if (name !== "runs") await copy(join(from, name), join(to, name));
  }
}

/** Bytes of all files below. */
async function sizeOf(directory: string): Promise<number> {
  let size = 0;
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    size += isDirectory ? await sizeOf(path) : (await Deno.stat(path)).size;
  }
  return size;
}
