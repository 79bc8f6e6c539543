import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { type CellResult, parseNotebook } from "../../tools/notebooks/notebook.ts";
import { runNotebookFile } from "../../tools/notebooks/notebooks.ts";
import { type NotebookRun, runNotebook, type RunOptions } from "../../tools/notebooks/run_notebook.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { type CellSource, notebookOf, outputText } from "./notebook_text.ts";

Deno.test("runNotebook() gives each cell its own output, however quick the cells are", async () => {
  const cells = Array.from({ length: 40 }, (_, i) => `console.log("log ${i}");\n${i % 2 === 0 ? `"value ${i}"` : ""}`);
  const { results, failures } = await run(cells);
  assertEquals(failures, []);
  const wanted = cells.map((_, i) => i % 2 === 0 ? [`log ${i}\n`, `"value ${i}"`] : [`log ${i}\n`]);
  assertEquals(textsOf(results), wanted);
  assertEquals([...results.values()].map(({ executionCount }) => executionCount), cells.map((_, i) => i + 1));
});

Deno.test("runNotebook() merges streams, keeps stdout and stderr apart, and clears", async () => {
  const { results } = await run([
    "console.log(1); console.log(2); console.error(3); console.log(4);",
    'console.log("gone"); await Deno.jupyter.broadcast("clear_output", { wait: false }); console.log("here");',
    'console.log("gone"); await Deno.jupyter.broadcast("clear_output", { wait: true }); console.log("here");',
    'console.log("stays"); await Deno.jupyter.broadcast("clear_output", { wait: true });',
  ]);
  assertEquals(textsOf(results), [["1\n2\n", "3\n", "4\n"], ["here\n"], ["here\n"], ["stays\n"]]);
});

Deno.test("runNotebook() updates a display of an earlier cell", async () => {
  const show = (text: string, update: boolean): string =>
    `await Deno.jupyter.display({ "text/plain": "${text}" }, { raw: true, display_id: "d", update: ${update} });`;
  const { results } = await run([show("first", false), "1 + 1", show("second", true)]);
  assertEquals(textsOf(results), [["second"], ["2"], []]);
});

Deno.test("runNotebook() passes large outputs", async () => {
  // Deno itself spoils those that are larger than what a socket holds, about 4 MB (2.9).
  const { results, failures } = await run([
    'await Deno.jupyter.display({ "text/plain": "x".repeat(2e6) }, { raw: true });',
  ]);
  assertEquals(failures, []);
  assertEquals(textsOf(results).flat().map((text) => text.length), [2e6]);
});

Deno.test("runNotebook() stops at the first cell that throws, and tells what and where", async () => {
  const { results, failures } = await run(["1", 'console.log("so far");\nthrow new TypeError("no");', "2"]);
  assertEquals(results.size, 2);
  assertMatch(
    failures[0] ?? "",
    /^Cell 1: TypeError: no\n {2}TypeError: no\n.*<anonymous>:2:7\n {2}It printed:\nso far\n$/s,
  );
});

Deno.test("runNotebook() has the error of a cell that is no code", async () => {
  const { results, failures } = await run(["const = 1"]);
  assertEquals(failures.length, 1);
  assertMatch(textsOf(results).flat().join(), /^\w*Error: /);
});

Deno.test("runNotebook() ends a cell that never settles, or never yields", async () => {
  for (const cell of ["await new Promise(() => {})", "for (;;) {}"]) {
    const { failures } = await run(["1", cell], { timeoutSeconds: 1 });
    assertEquals(failures[0], "Cell 1: No answer in 1 s");
  }
});

Deno.test("runNotebook() tells of a kernel that a cell ended", async () => {
  assertEquals((await run(["Deno.exit(7)"])).failures[0], "Cell 0: The kernel died");
});

Deno.test("runNotebook() heeds the tags raises-exception and skip-execution", async () => {
  const well = await run([['throw new Error("wanted")', "raises-exception"], ["throw 1", "skip-execution"], "3"]);
  assertEquals(well.failures, []);
  assertEquals(textsOf(well.results), [["Error: wanted"], [], ["3"]]);
  const { failures } = await run([["1", "raises-exception"]]);
  assertEquals(failures, ['Cell 0: it has the tag "raises-exception", and threw nothing']);
});

Deno.test("runNotebook() runs in the notebook's folder, with its environment, on the Deno that runs this", async () => {
  await using directory = await TemporaryDirectory.make();
  const cells = ["Deno.cwd()", 'Deno.env.get("CAIRN_A")', "Deno.version.deno", 'Deno.env.has("RUST_BACKTRACE")'];
  const { results } = await runIn(directory.path, cells, { env: { CAIRN_A: "b" } });
  assertEquals(
    textsOf(results).flat(),
    [directory.path, "b", Deno.version.deno].map((text) => `"${text}"`).concat("false"),
  );
});

Deno.test("runNotebook() counts on when cells are run again, in one kernel", async () => {
  for (const options of [{ eachCellTwice: true }, { rounds: 2 }]) {
    const { results } = await run(["globalThis.n = (globalThis.n ?? 0) + 1"], options);
    assertEquals([...results.values()].map(({ executionCount }) => executionCount), [2]);
    assertEquals(textsOf(results), [["2"]]);
  }
});

Deno.test("runNotebookFile() writes outputs once and for all, and finds the cell whose output is another", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, "n.ipynb");
  await Deno.writeTextFile(path, notebookOf('console.log("a\\nb")', "globalThis.x = 1;", "2"));
  assertMatch(
    (await runNotebookFile(path, "check")).join(),
    /^Stored outputs are not the new ones, in cells 0, 1, 2: /,
  );
  assertEquals(await runNotebookFile(path, "write"), []);
  const written = await Deno.readTextFile(path);
  assertStringIncludes(written, '"text": [\n      "a\\n",\n      "b\\n"\n     ]');
  assertEquals(await runNotebookFile(path, "check"), []);
  assertEquals(await runNotebookFile(path, "write"), []);
  assertEquals(await Deno.readTextFile(path), written);

  // Another editor's layout is no difference; another output is.
  await Deno.writeTextFile(path, JSON.stringify(JSON.parse(written)));
  assertEquals(await runNotebookFile(path, "check"), []);
  const changed = written.replace('"2"\n      ]', '"3"\n      ]');
  assert(changed !== written);
  await Deno.writeTextFile(path, changed);
  assertMatch((await runNotebookFile(path, "check")).join(), /in cells 2: /);
});

Deno.test("runNotebookFile() leaves the file of a notebook that fails as it is", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = join(directory.path, "n.ipynb");
  const text = notebookOf("1", "throw 2");
  await Deno.writeTextFile(path, text);
  assertEquals((await runNotebookFile(path, "write")).length, 1);
  assertEquals(await Deno.readTextFile(path), text);
});

async function run(cells: readonly CellSource[], options: RunOptions = {}): Promise<NotebookRun> {
  await using directory = await TemporaryDirectory.make();
  return await runIn(directory.path, cells, options);
}

async function runIn(directory: string, cells: readonly CellSource[], options: RunOptions = {}): Promise<NotebookRun> {
  const path = join(directory, "n.ipynb");
  return await runNotebook(parseNotebook(notebookOf(...cells), path), path, options);
}

function textsOf(results: ReadonlyMap<unknown, CellResult>): string[][] {
  return [...results.values()].map(({ outputs }) => outputs.map(outputText));
}
