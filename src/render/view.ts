/**
 * What is shown, apart from how: rows of text, marks and small pictures. A view model is made once for an object and
 * then drawn as HTML ({@linkcode viewHtml}) and as text ({@linkcode viewText}), which therefore never disagree.
 */
export interface View {
  /** What it is: `Checkpoint`. */
  readonly title: string;
  /** What is to be known of it, in one line. */
  readonly facts: readonly (string | Fact)[];
  /** Where it is, in small letters. */
  readonly place?: string | undefined;
  /** What follows. */
  readonly blocks: readonly Block[];
}

/** A thing worth knowing. */
export interface Fact {
  /** Its text. */
  readonly text: string;
  /** A sign before it. */
  readonly mark?: Mark | undefined;
  /** Whether it is a name. */
  readonly code?: boolean | undefined;
}

/** Signs; each has a glyph and a colour, and stands beside a word that says the same. */
export type Mark = "good" | "bad" | "warning" | "added" | "removed" | "changed";

/** A part of a view. */
export type Block = TableBlock | ChipsBlock | NoteBlock | PictureBlock | TextBlock;

/** A table, of which groups may be folded. */
export interface TableBlock {
  readonly kind: "table";
  /** The first one heads the rows. */
  readonly columns: readonly Column[];
  /** The rows; its label is not shown, its note only where the table is folded. */
  readonly root: Group;
  /** A line that stands for the table where it is folded; undefined: it is not. */
  readonly folded?: string | undefined;
}

/** A column of a {@linkcode TableBlock}. */
export interface Column {
  /** Heading. */
  readonly title: string;
  /** Numbers go right. */
  readonly align?: "left" | "right" | undefined;
  /** Width in HTML, in pixels; the first column takes the rest. */
  readonly width?: number | undefined;
  /** In HTML its cells stand in small letters below the first one's. */
  readonly under?: boolean | undefined;
  /** In text, whether its cells stand in lines of their own below the row where there is no room beside it. */
  readonly below?: boolean | undefined;
  /** In text, whether its cells are never cut: columns go instead. Of the first one only. */
  readonly whole?: boolean | undefined;
  /** In text, the columns with the smallest numbers go first where there is no room; without a number it stays. */
  readonly drop?: number | undefined;
}

/** Rows that belong together. */
export interface Group {
  /** Its name. */
  readonly label: string;
  /** What it sums up to. */
  readonly note: string;
  /** Whether it starts unfolded. */
  readonly open: boolean;
  /** Its own rows. */
  readonly rows: readonly Row[];
  /** Groups below. */
  readonly groups: readonly Group[];
  /** What was left out of it. */
  readonly rest?: string | undefined;
}

/** One row. */
export interface Row {
  /** Its whole name, where groups are not shown. */
  readonly path: string;
  /** The end of `path` that is its name within its group. */
  readonly label: string;
  /** What kind of row it is; tints it. */
  readonly mark?: Mark | undefined;
  /** What is remarkable about it. */
  readonly flags?: readonly Fact[] | undefined;
  /** The other columns. */
  readonly cells: readonly (string | Cell)[];
}

/** A cell that is more than text. */
export interface Cell {
  /** Its text, also where pictures cannot be shown. */
  readonly text: string;
  /** How it is set. */
  readonly tone?: "muted" | "strong" | "before" | "after" | undefined;
  /** A picture that stands for the text. */
  readonly chart?: Chart | undefined;
}

/** A small picture of numbers. */
export type Chart = BarsChart | LineChart | MeterChart;

/** A histogram: heights, drawn by their square root so that small ones can be seen. */
export interface BarsChart {
  readonly kind: "bars";
  readonly values: readonly number[];
  /** Where zero lies, from 0 to 1 across the width; outside of that it is not drawn. */
  readonly zero: number;
}

/** A course of numbers from 0 up. */
export interface LineChart {
  readonly kind: "line";
  readonly values: readonly number[];
}

/** A share from 0 to 1. */
export interface MeterChart {
  readonly kind: "meter";
  readonly value: number;
}

/** Small labels in a row. */
export interface ChipsBlock {
  readonly kind: "chips";
  readonly chips: readonly Chip[];
}

/** A label. */
export interface Chip {
  readonly text: string;
  readonly note?: string | undefined;
  readonly mark?: Mark | undefined;
}

/** A sentence. */
export interface NoteBlock {
  readonly kind: "note";
  readonly text: string;
  readonly mark?: Mark | undefined;
}

/** Text with its own lines and columns. */
export interface TextBlock {
  readonly kind: "text";
  readonly text: string;
}

/** A picture of pixels; in text only its caption. */
export interface PictureBlock {
  readonly kind: "picture";
  /** Red, green, blue and alpha of each, row by row. */
  readonly pixels: Uint8Array;
  /** How many there are in a row, and how many rows. */
  readonly columns: number;
  readonly rows: number;
  /** Shown width and height in pixels. */
  readonly width: number;
  readonly height: number;
  /** What it shows. */
  readonly caption: string;
}

/** What {@linkcode viewHtml} draws for a mark, and the text forms as well. */
export const GLYPHS: Readonly<Record<Mark, string>> = {
  good: "✓",
  bad: "✗",
  warning: "⚠",
  added: "+",
  removed: "−",
  changed: "~",
};

/** A fact or cell as it may be written short. */
export function factOf(fact: string | Fact): Fact {
  return typeof fact === "string" ? { text: fact } : fact;
}

/** As {@linkcode factOf}, for cells. */
export function cellOf(cell: string | Cell | undefined): Cell {
  return typeof cell === "object" ? cell : { text: cell ?? "" };
}

/** All rows of a group and those below, in the order in which they are shown. */
export function rowsOf(group: Group): Row[] {
  return [...group.rows, ...group.groups.flatMap(rowsOf)];
}

/** A table without groups. */
export function flatTable(columns: readonly Column[], rows: readonly Row[], rest?: string): TableBlock {
  return { kind: "table", columns, root: { label: "", note: "", open: true, rows, groups: [], rest } };
}
