import { visible } from "../errors.ts";

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
