import { dirname } from "@std/path";
import { OutputRecorder } from "./cell_outputs.ts";
import { Kernel } from "./kernel.ts";
import { KernelError } from "./kernel_error.ts";
import type { Cell, CellResult, Notebook } from "./notebook.ts";

/** Options of {@linkcode runNotebook}. */
export interface RunOptions {
  /** Environment variables beside ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long one cell may take; default 60 s. */
  readonly timeoutSeconds?: number;
  /** Runs each cell once more right after itself, as a reader may; the results are those of the second run. */
  readonly eachCellTwice?: boolean;
  /** How often all cells are run, in one kernel; the results are those of the last time. Default 1. */
  readonly rounds?: number;
}

/** What running a notebook gave. */
export interface NotebookRun {
  /** Of the cells that were run. */
  readonly results: ReadonlyMap<Cell, CellResult>;
  /** What went wrong, nothing if all is well. */
  readonly failures: readonly string[];
}

/**
 * Runs a notebook's code cells in order, in a new Deno kernel in the folder of `path`. Stops at the first cell that
 * fails; one with the tag `raises-exception` fails if it does not throw, one with `skip-execution` is not run.
 */
export async function runNotebook(notebook: Notebook, path: string, options: RunOptions = {}): Promise<NotebookRun> {
  const { env = {}, rounds = 1 } = options;
  const results = new Map<Cell, CellResult>();
  const failures: string[] = [];
  let log = "";
  try {
    await using kernel = await Kernel.start({ cwd: dirname(path), env });
    try {
      for (let round = 1; round <= rounds && failures.length === 0; round++) {
        failures.push(...await runCells(kernel, notebook, results, options));
      }
    } finally {
      log = kernel.log;
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    failures.push(error.message);
  }
  if (failures.length > 0 && log !== "") failures.push(`The kernel itself wrote:\n${log}`);
  return { results, failures };
}

async function runCells(
  kernel: Kernel,
  { cells }: Notebook,
  results: Map<Cell, CellResult>,
  { timeoutSeconds = 60, eachCellTwice = false }: RunOptions,
): Promise<readonly string[]> {
  const recorder = new OutputRecorder();
  for (const [index, cell] of cells.entries()) {
    if (cell.type !== "code") continue;
    if (cell.tags.includes("skip-execution") || cell.source.trim() === "") {
      results.set(cell, { outputs: [], executionCount: null });
      continue;
    }
    for (let time = eachCellTwice ? 0 : 1; time < 2; time++) {
      const failure = await runCell(kernel, cell, results, recorder, timeoutSeconds);
      if (failure !== undefined) return [`Cell ${index}: ${failure}`];
    }
  }
  return [];
}

/** Gives what went wrong, undefined if nothing. */
async function runCell(
  kernel: Kernel,
  cell: Cell,
  results: Map<Cell, CellResult>,
  recorder: OutputRecorder,
  timeoutSeconds: number,
): Promise<string | undefined> {
  try {
    const execution = await kernel.execute(cell.source, timeoutSeconds);
    const outputs = recorder.record(execution);
    results.set(cell, { outputs, executionCount: execution.executionCount });
    const mayThrow = cell.tags.includes("raises-exception");
    if (execution.failed === mayThrow) return undefined;
    if (mayThrow) return 'it has the tag "raises-exception", and threw nothing';
    const error = outputs.find((output) => output.output_type === "error");
    const stack = Array.isArray(error?.traceback) ? error.traceback : [];
    const printed = outputs.flatMap(({ text }) => text === undefined ? [] : [`It printed:\n${text}`]);
    return [`${error?.ename}: ${error?.evalue}`, ...stack, ...printed].join("\n  ");
  } catch (error) {
    if (error instanceof KernelError) return error.message;
    throw error;
  }
}
