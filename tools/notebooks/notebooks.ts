/**
 * `deno task notebooks [--write | --check] [files]`: runs the notebooks, without files all of `notebooks/`, in a real
 * Deno kernel. `--check` fails if an output is not the one that is stored, `--write` stores the new ones.
 *
 * This is how outputs are stored: JupyterLab's Run All puts some into the wrong cells (see tools/notebooks/kernel.ts).
 */

import { join, relative, resolve } from "@std/path";
import { PROJECT_ROOT } from "../deno_process.ts";
import { findChangedCells, formatNotebook, parseNotebook } from "./notebook.ts";
import { runNotebook } from "./run_notebook.ts";

/** What to do with the outputs. */
export type NotebooksMode = "run" | "check" | "write";

/** Of the paths in outputs: told from the project's root, which is where the notebooks' package is. */
const ROOT = resolve(PROJECT_ROOT);

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith("-"));
  const mode = flags.length === 0 ? "run" : flags.length > 1 ? undefined : modeOf(flags[0]);
  if (mode === undefined) {
    console.error("usage: deno task notebooks [--write | --check] [files]");
    return 2;
  }
  const files = args.filter((arg) => !arg.startsWith("-")).map((file) => resolve(file));
  let passed = 0;
  let failed = 0;
  for (const file of files.length > 0 ? files : await listNotebooks()) {
    const started = performance.now();
    const failures = await runNotebookFile(file, mode);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${failures.length === 0 ? "ok" : "FAILED"}: ${relative(ROOT, file)} (${seconds} s)`);
    for (const failure of failures) console.log(`  ${failure.replaceAll("\n", "\n  ")}`);
    if (failures.length === 0) passed++;
    else failed++;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** The notebooks of the project, in order. */
export async function listNotebooks(): Promise<string[]> {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(join(ROOT, "notebooks"))) {
    if (name.endsWith(".ipynb")) files.push(join(ROOT, "notebooks", name));
  }
  return files.sort();
}

/** Runs one notebook; gives what went wrong. A notebook that fails is not written. */
export async function runNotebookFile(path: string, mode: NotebooksMode): Promise<readonly string[]> {
  const text = await Deno.readTextFile(path);
  const notebook = parseNotebook(text, path);
  const { results, failures } = await runNotebook(notebook, path);
  if (failures.length > 0 || mode === "run") return failures;
  const now = formatNotebook(notebook, results, ROOT);
  if (mode === "write") {
    if (now !== text) await Deno.writeTextFile(path, now);
    return [];
  }
  // Layout is no difference: an editor has its own.
  const stored = formatNotebook(notebook, new Map(), ROOT);
  if (now === stored) return [];
  const cells = findChangedCells(parseNotebook(stored, path), parseNotebook(now, path));
  return [`Stored outputs are not the new ones, in cells ${cells.join(", ")}: look, and run with --write`];
}

function modeOf(flag: string | undefined): NotebooksMode | undefined {
  if (flag === "--check") return "check";
  return flag === "--write" ? "write" : undefined;
}
