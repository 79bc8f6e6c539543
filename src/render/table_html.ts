import { CHART_WIDTH, chartHtml } from "./chart_html.ts";
import { element, fragment, type Html, type HtmlPart } from "./html.ts";
import { COLOURS, factHtml, HIDDEN, LINE, MONO, MUTED, nameHtml, signHtml, TINTS } from "./html_style.ts";
import { type Cell, cellOf, type Column, type Fact, type Group, type Row, type TableBlock } from "./view.ts";

/**
 * A table; groups are `<details>`, each with a table of its own. All have the same fixed columns on the right, so that
 * numbers stand below each other, and one visible head.
 */
export function tableHtml(table: TableBlock): Html {
  const { root, folded } = table;
  const content = fragment(
    root.rows.length + root.groups.length > 0 ? rowsHtml(table, root.rows, true) : undefined,
    root.groups.map((group) => groupHtml(table, group)),
    restHtml(root),
  );
  if (folded === undefined) return content;
  return element("details", { style: "margin:6px 0 0" }, summaryHtml(folded, root.note), content);
}

function groupHtml(table: TableBlock, group: Group): Html {
  return element(
    "details",
    { open: group.open ? true : undefined, style: "margin:1px 0" },
    summaryHtml(group.label, group.note),
    element(
      "div",
      { style: `margin-left:4px;padding-left:9px;border-left:${LINE}` },
      group.rows.length === 0 ? undefined : rowsHtml(table, group.rows, false),
      group.groups.map((each) => groupHtml(table, each)),
      restHtml(group),
    ),
  );
}

function summaryHtml(label: string, note: string): Html {
  return element(
    "summary",
    { style: "cursor:pointer;padding:2px 0;overflow-wrap:break-word" },
    element("b", { style: `${MONO};font-size:12px` }, nameHtml(label)),
    note === "" ? undefined : [" ", element("span", { style: `font-size:12px;${MUTED}` }, note)],
  );
}

function restHtml({ rest }: Group): Html | undefined {
  if (rest === undefined) return undefined;
  return element("div", { style: `padding:3px 0;font-size:12px;${MUTED}` }, rest);
}

function rowsHtml(table: TableBlock, rows: readonly Row[], isFirst: boolean): Html {
  const [first, ...others] = table.columns;
  const beside = others.filter((column) => !column.under);
  const under = others.filter((column) => column.under);
  const title = [first, ...under].map((column) => column?.title).filter(Boolean).join(", ");
  const widths = beside.map(({ width }) =>
    element("col", { style: width === undefined ? undefined : `width:${width}px` })
  );
  const heads = [{ title, align: "left" as const }, ...beside].map((column) => headHtml(column, isFirst));
  return element(
    "table",
    {
      style: "table-layout:fixed;width:100%;border-collapse:collapse;border:0;font-size:11.5px;" +
        `margin:${isFirst ? "6px 0 0" : "0"}`,
    },
    element("colgroup", {}, element("col", {}), widths),
    element("thead", { style: isFirst ? undefined : HIDDEN }, element("tr", {}, heads)),
    element("tbody", {}, rows.map((row) => rowHtml(row, others))),
  );
}

function headHtml({ title, align = "left" }: Column, styled: boolean): Html {
  // `align` is for where styles are dropped.
  if (!styled) return element("th", { scope: "col", align }, title);
  const style = `text-align:${align};padding:3px;font-weight:600;font-size:11px;border-bottom:${LINE}`;
  return element("th", { scope: "col", align, style }, element("span", { style: MUTED }, title));
}

function rowHtml(row: Row, columns: readonly Column[]): Html {
  const { mark, path, flags = [] } = row;
  const pairs = columns.map((column, index) => ({ column, cell: cellOf(row.cells[index]) }));
  const under = pairs.filter(({ column, cell }) => column.under && cell.text !== "").map(({ cell }) => cell.text);
  const chips = flags.map((flag) => [" ", flagHtml(flag)]);
  const isLong = row.label.length > SHORT_LABEL && under.length > 0;
  const style = `${MONO};font-size:12px;text-align:left;padding:2px 3px;font-weight:400;vertical-align:middle;` +
    `overflow-wrap:break-word;border:0${mark === undefined ? "" : `;border-left:3px solid ${COLOURS[mark]}`}`;
  return element(
    "tr",
    { style: `background-color:${mark === undefined ? "rgba(0,0,0,0)" : TINTS[mark]}` },
    element(
      "th",
      { scope: "row", align: "left", title: path, style },
      mark && [signHtml(mark), " "],
      labelHtml(row),
      isLong ? undefined : chips,
      under.length === 0
        ? undefined
        : [element("br", {}), element("small", { style: `font-size:11px;${MUTED}` }, under.map(unbroken).join(" · "))],
      isLong ? chips : undefined,
    ),
    pairs.filter(({ column }) => !column.under).map(({ column, cell }) => cellHtml(cell, column)),
  );
}

/** Beside a longer name there is no room for flags. */
const SHORT_LABEL = 16;

/** Short facts break between, not within: `(Float32)[784 128] ·` / `not trainable`. */
function unbroken(text: string): string {
  return text.length <= 24 ? text.replaceAll(" ", "\u00a0") : text;
}

/** In a list without groups the scope stands before the name. */
function labelHtml({ path, label }: Row): HtmlPart {
  if (path === label || !label.startsWith("/")) return nameHtml(label);
  return [element("span", { style: MUTED }, nameHtml(path.slice(0, -label.length))), nameHtml(label)];
}

function flagHtml(flag: Fact): Html {
  const mark = flag.mark ?? "warning";
  const style = "display:inline-block;white-space:nowrap;font-size:11px;padding:0 5px;border-radius:8px;" +
    `border:1px solid ${COLOURS[mark]};background-color:${TINTS[mark]}`;
  return element("span", { style }, factHtml(flag));
}

function cellHtml(cell: Cell, { align = "left", width = CHART_WIDTH + 6 }: Column): Html {
  const style = `text-align:${align};padding:2px 3px;vertical-align:middle;border:0;${MONO}`;
  const isNumber = align === "right";
  const text = isNumber ? cell.text.replaceAll(/(^|e|\s)-(?=[\d.])/g, "$1−") : cell.text;
  if (cell.chart !== undefined) {
    return element("td", { align, style }, chartHtml(cell.chart, text, Math.min(CHART_WIDTH, width - 6)));
  }
  const wrap = isNumber ? "white-space:nowrap" : "overflow-wrap:break-word";
  return element("td", { align, style: `${style};${wrap}` }, tonedHtml(text, cell.tone));
}

function tonedHtml(text: string, tone: Cell["tone"]): HtmlPart {
  switch (tone) {
    case "muted":
      return element("span", { style: MUTED }, text);
    case "strong":
      return element("b", {}, text);
    case "before":
      return element("del", { style: MUTED }, text);
    case "after":
      return element("ins", { style: "text-decoration:none;font-weight:600" }, text);
    default:
      return text;
  }
}
