import { fail } from "@std/assert";
import { basename, resolve } from "@std/path";
import { isRecord } from "../../tools/notebooks/json_record.ts";
import { type Cell, type CellResult, formatNotebook, type Notebook } from "../../tools/notebooks/notebook.ts";
import { listNotebooks } from "../../tools/notebooks/notebooks.ts";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";

/** The project's notebooks, by file name. */
export async function namedNotebooks(): Promise<(readonly [name: string, path: string])[]> {
  return (await listNotebooks()).map((path) => [basename(path), path] as const);
}

/** Fails at the first line in which what cells gave, told from `root`, is not what the notebook has stored. */
export function expectStoredOutputs(
  notebook: Notebook,
  results: ReadonlyMap<Cell, CellResult>,
  root: string = resolve(PROJECT_ROOT),
): void {
  const [stored = [], given = []] = [new Map(), results].map((each) => linesOf(formatNotebook(notebook, each, root)));
  const at = stored.findIndex((line, index) => line !== given[index]);
  if (at < 0 && stored.length === given.length) return;
  const [cut, from] = [160, firstDifference(stored[at] ?? "", given[at] ?? "")];
  const [a, b] = [stored[at], given[at]].map((line) => line?.slice(Math.max(0, from - 40), from + cut));
  fail(`line ${at + 1} of the notebook is another, from character ${from} on:\n  stored: ${a}\n  given:  ${b}`);
}

/** Without the numbers of executions, which count on from run to run. */
function linesOf(text: string): string[] {
  return text.replaceAll(/"execution_count": \d+/g, '"execution_count": null').split("\n");
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** The source of a cell, perhaps with a tag. */
export type CellSource = string | readonly [source: string, tag: string];

/** A notebook of code cells, as JSON. */
export function notebookOf(...cells: readonly CellSource[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: cells.map((cell, index) => {
      const [source, ...tags] = typeof cell === "string" ? [cell] : cell;
      const metadata = tags.length === 0 ? {} : { tags };
      return { cell_type: "code", id: `c${index}`, metadata, source, outputs: [], execution_count: null };
    }),
  });
}

/** What an output says: the text of a stream, the plain text of a display, an error as `name: message`. */
export function outputText(output: unknown): string {
  if (!isRecord(output)) return "";
  if (output.output_type === "error") return `${output.ename}: ${output.evalue}`;
  return String(output.text ?? (isRecord(output.data) ? output.data["text/plain"] : ""));
}
