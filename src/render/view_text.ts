import { visible } from "../errors.ts";
import { formatCount } from "./short_text.ts";
import {
  type Block,
  type Cell,
  cellOf,
  type Chart,
  type ChipsBlock,
  type Column,
  type Fact,
  factOf,
  GLYPHS,
  type Mark,
  type Row,
  rowsOf,
  type TableBlock,
  type View,
} from "./view.ts";

/** Options of {@linkcode viewText}. */
export interface TextOptions {
  /** Characters per line that tables are made to fit; default 80. */
  readonly width?: number | undefined;
  /** Whether to colour signs and charts, for a terminal. */
  readonly colors?: boolean | undefined;
}

/** More rows than that are no longer read. */
const MAX_ROWS = 40;
/** A name keeps that many characters: before that, columns go that may. */
const MIN_NAME = 32;

/** A view as plain text: a line, and what follows, one blank line apart. */
export function viewText(view: View, options: TextOptions = {}): string {
  const { width = 80 } = options;
  const paint = painter(options.colors ?? false);
  const head = flow(
    [paint.bold(visible(view.title)), ...view.facts.map((fact) => factText(factOf(fact), paint))],
    width,
  );
  const place = view.place === undefined ? [] : [paint.dim(visible(view.place))];
  const parts = view.blocks.map((block) => blockText(block, width, paint)).filter((text) => text !== "");
  return [[head, ...place].join("\n"), ...parts].join("\n\n");
}

/** The first line only, for where it stands inside another value. */
export function viewLine(view: View): string {
  return [view.title, ...view.facts.map((fact) => factText(factOf(fact), painter(false)))].map(visible).join(" · ");
}

function factText(fact: Fact, paint: Painter): string {
  const text = visible(fact.text);
  return fact.mark === undefined ? text : `${paint.mark(fact.mark)} ${text}`;
}

function blockText(block: Block, width: number, paint: Painter): string {
  switch (block.kind) {
    case "table":
      return block.folded === undefined ? tableText(block, width, paint) : foldedText(block, width);
    case "chips":
      return flow(chipTexts(block, paint), width);
    case "note":
      return flow(factText(block, paint).split(" "), width, " ");
    case "text":
      return block.text.split("\n").map(visible).join("\n");
    case "picture":
      return visible(block.caption);
  }
}

function foldedText({ folded = "", root }: TableBlock, width: number): string {
  return flow(visible(root.note === "" ? folded : `${folded}: ${root.note}`).split(" "), width, " ");
}

/** Pieces one after the other, in lines that fit; a line that goes on ends in the separator. */
function flow(pieces: readonly string[], width: number, separator = " · "): string {
  const lines: string[] = [];
  for (const [index, piece] of pieces.entries()) {
    const last = lines.at(-1);
    const end = index < pieces.length - 1 ? separator.trimEnd().length : 0;
    if (last === undefined) lines.push(piece);
    else if (lengthOf(last + separator + piece) + end <= width) lines[lines.length - 1] = last + separator + piece;
    else {
      lines[lines.length - 1] = (last + separator).trimEnd();
      lines.push(`  ${piece}`);
    }
  }
  return lines.join("\n");
}

/** Characters that a terminal shows. */
function lengthOf(text: string): number {
  // deno-lint-ignore no-control-regex -- escape sequences are what does not count
  return [...text.replaceAll(/\x1b\[\d+m/g, "")].length;
}

function tableText(table: TableBlock, width: number, paint: Painter): string {
  const all = rowsOf(table.root);
  const rows = all.slice(0, MAX_ROWS);
  const hidden = all.length - rows.length;
  const rest = [...hidden > 0 ? [`… and ${formatCount(hidden)} more rows`] : [], ...restsOf(table)].map(visible);
  const marked = all.some((row) => row.mark !== undefined);
  const { kept, below, room: left } = columnsThatFit(table, rows, width, marked);
  const room = table.columns[0]?.whole ? Infinity : left;
  const columns = kept.map((index): TextColumn => {
    const { title, align } = table.columns[index] ?? { title: "" };
    return { title: index === 0 && marked ? `  ${title}` : title, ...align && { align } };
  });
  const cells = rows.map((row) =>
    kept.map((index) => index === 0 ? headText(row, marked, room) : cellText(cellOf(row.cells[index - 1])))
  );
  const under = rows.map((row) => below.flatMap((index) => belowLines(cellText(cellOf(row.cells[index - 1])), width)));
  const lines = all.length === 0 ? [] : colored(textTable(columns, cells), rows, under, paint);
  return [...lines, ...rest.map(paint.dim)].join("\n");
}

/** What has no room beside the other cells of its row, in lines that fit. */
function belowLines(text: string, width: number): string[] {
  const words = visible(text).split(" ");
  return text === "" ? [] : flow(words, width - 4, " ").split("\n").map((line) => `    ${line}`);
}

/** Lines of a table, each with those below it; rows that have a mark get its colour. */
function colored(
  text: string,
  rows: readonly Row[],
  under: readonly (readonly string[])[],
  paint: Painter,
): string[] {
  return text.split("\n").flatMap((line, index) => {
    if (index < 2) return [paint.dim(line)];
    const mark = rows[index - 2]?.mark;
    const lines = [line, ...under[index - 2] ?? []];
    return mark === undefined ? lines : lines.map((each) => paint.tint(mark, each));
  });
}

function restsOf({ root }: TableBlock): string[] {
  const rests = (group: typeof root): string[] => [
    ...group.groups.flatMap(rests),
    ...group.rest === undefined ? [] : [group.rest],
  ];
  return rests(root).slice(-1);
}

/** Name and flags of a row; of a name that is too long the middle is left out, and more of its end is kept. */
function headText(row: Row, marked: boolean, room = Infinity): string {
  const sign = row.mark === undefined ? marked ? "  " : "" : `${GLYPHS[row.mark]} `;
  const flags = (row.flags ?? []).map((flag) => `  ${factText(flag, painter(false))}`).join("");
  const name = [...visible(row.path)];
  const most = Math.max(MIN_NAME / 2, Math.max(MIN_NAME, room) - sign.length - flags.length);
  if (name.length <= most) return sign + row.path + flags;
  const start = Math.floor(most / 3);
  return `${sign}${name.slice(0, start).join("")}…${name.slice(start + 1 - most).join("")}${flags}`;
}

function cellText(cell: Cell): string {
  return cell.chart === undefined ? cell.text : chartText(cell.chart) || cell.text;
}

/** Indices of the columns that leave the first one enough room, of those that go below the rows, and that room. */
function columnsThatFit(
  table: TableBlock,
  rows: readonly Row[],
  width: number,
  marked: boolean,
): { readonly kept: readonly number[]; readonly below: readonly number[]; readonly room: number } {
  const widths = table.columns.map((column, index) =>
    rows.reduce((most, row) => {
      const text = index === 0 ? headText(row, marked) : cellText(cellOf(row.cells[index - 1]));
      return Math.max(most, [...visible(text)].length);
    }, [...column.title].length)
  );
  const kept = new Set(table.columns.keys());
  const room = (): number => width - [...kept].slice(1).reduce((sum, index) => sum + 2 + (widths[index] ?? 0), 0);
  const wanted = Math.min(widths[0] ?? 0, table.columns[0]?.whole ? Infinity : MIN_NAME);
  const below: number[] = [];
  for (const index of [...kept].filter((index) => index > 0 && table.columns[index]?.below).toReversed()) {
    if (room() >= (widths[0] ?? 0)) break;
    kept.delete(index);
    below.unshift(index);
  }
  const droppable = [...table.columns.entries()].filter(([index, { drop }]) => index > 0 && drop !== undefined)
    .sort(([, a], [, b]) => dropOf(a) - dropOf(b));
  for (const [index] of droppable) {
    if (room() >= wanted) break;
    kept.delete(index);
  }
  return { kept: [...kept], below, room: room() };
}

function dropOf(column: Column): number {
  return column.drop ?? Infinity;
}

function chipTexts(block: ChipsBlock, paint: Painter): string[] {
  return block.chips.map(({ text, note, mark }) =>
    factText({ text: note === undefined ? text : `${text} (${note})`, mark }, paint)
  );
}

interface Painter {
  bold(text: string): string;
  dim(text: string): string;
  mark(mark: Mark): string;
  tint(mark: Mark, text: string): string;
}

const CODES: Readonly<Record<Mark, number>> = { good: 32, bad: 31, warning: 33, added: 32, removed: 31, changed: 33 };

function painter(colors: boolean): Painter {
  const code = (on: number, off: number) => (text: string) =>
    colors && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  const tint = (mark: Mark, text: string): string => code(CODES[mark], 39)(text);
  return { bold: code(1, 22), dim: code(2, 22), tint, mark: (mark) => tint(mark, GLYPHS[mark]) };
}

/** A column of a {@linkcode textTable}. */
export interface TextColumn {
  /** Heading. */
  readonly title: string;
  /** Numbers go right. */
  readonly align?: "left" | "right";
}

/**
 * A plain table: padded columns two spaces apart, a rule under the head, no trailing blanks. Control characters in
 * cells (names come from untrusted files) are drawn as `\u{…}`.
 */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => columns.map((_, index) => visible(row[index] ?? "")));
  const widths = columns.map((column, index) =>
    cells.reduce((width, row) => Math.max(width, displayWidth(row[index] ?? "")), displayWidth(column.title))
  );
  const line = (row: readonly string[]): string =>
    columns.map((column, index) => pad(row[index] ?? "", widths[index] ?? 0, column.align ?? "left"))
      .join("  ").trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ").trimEnd();
  return [line(columns.map((column) => column.title)), rule, ...cells.map(line)].join("\n");
}

function pad(text: string, width: number, align: "left" | "right"): string {
  const blanks = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + blanks : blanks + text;
}

/** Code points, which is what a terminal shows for everything but wide and combining characters. */
function displayWidth(text: string): number {
  return [...text].length;
}

const BLOCKS = "▁▂▃▄▅▆▇█";

/** A chart in block characters; a meter has none. */
export function chartText(chart: Chart, width = 12): string {
  if (chart.kind === "meter") return "";
  const values = chart.kind === "bars" ? mergeBars(chart.values, width) : chart.values.slice(-width);
  const top = Math.max(...values);
  const scale = chart.kind === "bars" ? Math.sqrt : (x: number) => x;
  return values.map((value) => {
    if (!(value > 0)) return chart.kind === "bars" ? " " : BLOCKS[0];
    return BLOCKS[Math.min(7, Math.floor(scale(value / top) * 7.99))];
  }).join("");
}

/** At most `most` bars; neighbours are summed, evenly. */
export function mergeBars(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values];
  const bars = new Array<number>(most).fill(0);
  values.forEach((value, index) => {
    const bar = Math.floor(index * most / values.length);
    bars[bar] = (bars[bar] ?? 0) + value;
  });
  return bars;
}
