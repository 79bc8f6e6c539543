/** Notebooks as files: nbformat 4, in Jupyter's own layout, without the paths of this machine. */

import type { Output } from "./cell_outputs.ts";
import { isRecord, type JsonRecord, toRecord } from "./json_record.ts";

/** A notebook as it was read. */
export interface Notebook {
  /** All cells, in order. */
  readonly cells: readonly Cell[];
  /** The whole file. */
  readonly raw: JsonRecord;
}

/** A cell of a notebook. */
export interface Cell {
  /** `code`, `markdown` or `raw`. */
  readonly type: string;
  /** Its text. */
  readonly source: string;
  /** Words that say how to run it: `raises-exception`, `skip-execution`. */
  readonly tags: readonly string[];
  /** As in the file. */
  readonly raw: JsonRecord;
}

/** What running a cell gave. */
export interface CellResult {
  /** What it shows. */
  readonly outputs: readonly Output[];
  /** The number that the kernel gave it; null if it was not run. */
  readonly executionCount: number | null;
}

const KERNELSPEC = { display_name: "Deno", language: "typescript", name: "deno" };
const LANGUAGE = {
  file_extension: ".ts",
  mimetype: "text/x.typescript",
  name: "typescript",
  pygments_lexer: "typescript",
};

/** Reads a notebook. Throws SyntaxError or Error, which name `path`, if it is none of format 4. */
export function parseNotebook(text: string, path: string): Notebook {
  const raw: unknown = JSON.parse(text);
  if (!isRecord(raw) || raw.nbformat !== 4 || !Array.isArray(raw.cells)) {
    throw new Error(`Cannot run "${path}": it is no notebook of format 4`);
  }
  return { raw, cells: raw.cells.map((cell) => toCell(toRecord(cell))) };
}

/**
 * The notebook as text, with the results of cells that were run. What lies in `root` is told from there, so that the
 * text is the same on every machine.
 */
export function formatNotebook(notebook: Notebook, results: ReadonlyMap<Cell, CellResult>, root: string): string {
  const cells = notebook.cells.map((cell) => {
    const result = results.get(cell);
    if (result === undefined) return cell.raw;
    return { ...cell.raw, execution_count: result.executionCount, outputs: result.outputs };
  });
  const metadata = { ...toRecord(notebook.raw.metadata), kernelspec: KERNELSPEC, language_info: LANGUAGE };
  return `${JSON.stringify(tidy({ ...notebook.raw, cells, metadata }, root), null, 1)}\n`;
}

/** Which code cells, counted from 0, show something else in `after` than in `before`. */
export function findChangedCells(before: Notebook, after: Notebook): number[] {
  return after.cells.flatMap((cell, index) => {
    const [old, now] = [before.cells[index]?.raw, cell.raw].map((raw) => JSON.stringify(raw));
    return old === now ? [] : [index];
  });
}

function toCell(raw: JsonRecord): Cell {
  const { tags } = toRecord(raw.metadata);
  return {
    type: String(raw.cell_type),
    source: Array.isArray(raw.source) ? raw.source.join("") : String(raw.source ?? ""),
    tags: Array.isArray(tags) ? tags.map(String) : [],
    raw,
  };
}

/** Keys sorted, long texts as lists of lines: small differences between versions. */
function tidy(value: unknown, root: string, key = "", inData = false): unknown {
  if (typeof value === "string") {
    const text = value.replaceAll(`file://${root}/`, "file:///…/").replaceAll(`${root}/`, "");
    return isLines(key, inData) ? toLines(text) : text;
  }
  // Lines that are split already are joined first: a path may not be split, but the last line may lack its end.
  if (Array.isArray(value) && isLines(key, inData)) return tidy(value.join(""), root, key, inData);
  if (Array.isArray(value)) return value.map((each) => tidy(each, root));
  if (!isRecord(value)) return value;
  const members = Object.entries(value).filter(([name]) => name !== "transient");
  const sorted = members.sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(sorted.map(([name, each]) => [name, tidy(each, root, name, key === "data")]));
}

function isLines(key: string, inData: boolean): boolean {
  return key === "source" || key === "text" || (inData && (key.startsWith("text/") || key === "image/svg+xml"));
}

function toLines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}
