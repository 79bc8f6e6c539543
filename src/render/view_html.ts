import { CHART_WIDTH, chartHtml } from "./chart.ts";
import { type Html, html, type HtmlPart } from "./html.ts";
import { formatCount } from "./number_text.ts";
import {
  type Block,
  type Cell,
  cellOf,
  type Chip,
  type Column,
  type Fact,
  factOf,
  GLYPHS,
  type Group,
  type Mark,
  type PictureBlock,
  type Row,
  type TableBlock,
  type View,
} from "./view.ts";

// What notebooks leave of HTML that they do not trust decides these rules: no style tag, no script, no inline svg, no
// `var()`, no `currentColor`, no aria. Text inherits its colour; tints are translucent, so that one set serves light and
// dark; accents are mid-tones, and only on signs, bars and borders. Without any style it is still plain tables.

/** As a notebook may be opened again and again, what is drawn into it has an end. */
const MAX_BYTES = 200 * 1024;
/** Rows, halved until the rest fits. */
const MAX_ROWS = 120;

const LINE_END = html`
`;
const LINE = "1px solid rgba(128,128,128,.3)";
const MUTED = "opacity:.72";
const MONO = "font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace";
/** Read by screen readers, and again visible where styles are dropped. */
const HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0)";
const COLOURS: Readonly<Record<Mark, string>> = {
  good: "#218a4b",
  bad: "#e5484d",
  warning: "#b06d00",
  added: "#218a4b",
  removed: "#e5484d",
  changed: "#b06d00",
};
const TINTS: Readonly<Record<Mark, string>> = {
  good: "rgba(33,138,75,.12)",
  bad: "rgba(229,72,77,.14)",
  warning: "rgba(176,109,0,.14)",
  added: "rgba(33,138,75,.14)",
  removed: "rgba(229,72,77,.13)",
  changed: "rgba(176,109,0,.12)",
};

/** A view as HTML of at most 200 KiB that needs nothing from outside: rows beyond that are counted and left out. */
export function viewHtml(view: View): string {
  for (let rows = MAX_ROWS; rows >= 1; rows = Math.floor(rows / 2)) {
    const source = cardHtml({ ...view, blocks: view.blocks.map((block) => limitBlock(block, rows)) }).source;
    if (source.length * 3 <= MAX_BYTES || new TextEncoder().encode(source).length <= MAX_BYTES) return source;
  }
  return cardHtml({ ...view, blocks: [{ kind: "note", text: "Too large to be shown", mark: "warning" }] }).source;
}

function cardHtml(view: View): Html {
  const facts = view.facts.map((fact) => html`<span style="${MUTED}"> · </span>${factHtml(factOf(fact), "span")}`);
  const place = view.place &&
    html`<div style="${MONO};font-size:11px;${MUTED};overflow-wrap:break-word">${view.place}</div>`;
  const head = html`
    <div
      style="padding:8px 12px;background-color:rgba(128,128,128,.1)"><div><b style="font-size:14px">${view
        .title}</b>${facts}</div>${place}</div>
  `;
  const body = view.blocks.map(blockHtml);
  const inside = body.length === 0
    ? undefined
    : html`<div style="padding:4px 12px 10px;overflow-x:auto;border-top:${LINE}">${body}</div>`;
  return html`
    <div
      style="max-width:860px;box-sizing:border-box;border:${LINE};border-radius:8px;overflow:hidden;font-size:13px;line-height:1.45;margin:4px 0;text-align:left">${head}${inside}</div>
  `;
}

function factHtml(fact: Fact, element: "span" | "b"): Html {
  const sign = fact.mark === undefined ? undefined : html`
    ${signHtml(fact.mark)}
  `;
  if (element === "b") return html`${sign}<b>${fact.text}</b>`;
  const style = fact.code ? `${MONO};font-size:12px` : "display:inline-block";
  return html`<span style="${style}">${sign}${fact.code ? nameHtml(fact.text) : fact.text}</span>`;
}

function signHtml(mark: Mark): Html {
  return html`<span style="color:${COLOURS[mark]};font-weight:700">${GLYPHS[mark]}</span>`;
}

function blockHtml(block: Block): Html {
  switch (block.kind) {
    case "table":
      return tableHtml(block);
    case "chips":
      return html`<div style="padding:6px 0 2px">${block.chips.map(chipHtml)}</div>`;
    case "note":
      return html`<p style="margin:6px 0 2px;font-size:12px">${factHtml(block, "span")}</p>`;
    case "text":
      return html`
        <pre
          style="${MONO};line-height:1.4;margin:6px 0 2px;padding:0;border:0;background:none;overflow-x:auto;white-space:pre">${block
            .text}</pre>
      `;
    case "picture":
      return pictureHtml(block);
  }
}

/** Line ends stay; other control characters are made visible. */
function linesHtml(text: string): HtmlPart {
  return text.split("\n").map((line, index) => html`${index > 0 && LINE_END}${line}`);
}

function chipHtml({ text, note, mark }: Chip): Html {
  const colour = mark === undefined ? "rgba(128,128,128,.6)" : COLOURS[mark];
  const more = note && html`
    <span style="${MUTED}">${note}</span>
  `;
  const sign = mark && html`
    ${signHtml(mark)}
  `;
  return html`
    <span
      style="display:inline-block;margin:2px 6px 2px 0;padding:0 8px;border:1px solid ${colour};border-radius:10px;font-size:12px;${mark &&
        `background-color:${TINTS[mark]}`}">${sign}${text}${more}</span>
  `;
}

function pictureHtml({ png, width, height, caption }: PictureBlock): Html {
  const source = btoa(Array.from(png, (byte) => String.fromCharCode(byte)).join(""));
  return html`
    <figure
      style="margin:8px 0 2px"><img alt="${caption}" title="${caption}" style="display:block;width:${width}px;height:${height}px;max-width:100%;image-rendering:pixelated;border:${LINE};box-sizing:content-box" src="data:image/png;base64,${source}"><figcaption style="font-size:11px;${MUTED}">${caption}</figcaption></figure>
  `;
}

function tableHtml(table: TableBlock): Html {
  const { root } = table;
  const head = root.rows.length > 0 || root.groups.length > 0
    ? html`${rowsHtml(table, root.rows, true)}${root.groups.map((group) => groupHtml(table, group))}`
    : undefined;
  const content = html`${head}${restHtml(root)}`;
  if (table.folded === undefined) return content;
  return html`<details style="margin:6px 0 0">${summaryHtml(table.folded, "")}${content}</details>`;
}

function groupHtml(table: TableBlock, group: Group): Html {
  const rows = group.rows.length === 0 ? undefined : rowsHtml(table, group.rows, false);
  const below = group.groups.map((each) => groupHtml(table, each));
  return html`
    <details${group.open
      ? html`
        open
      `
      : undefined}
      style="margin:1px 0">${summaryHtml(
        group.label,
        group.note,
      )}<div style="margin-left:5px;padding-left:11px;border-left:${LINE}">${rows}${below}${restHtml(
        group,
      )}</div></details>
  `;
}

function summaryHtml(label: string, note: string): Html {
  const more = note === "" ? undefined : html`
    <span style="font-size:12px;${MUTED}">${note}</span>
  `;
  return html`
    <summary
      style="cursor:pointer;padding:2px 0;overflow-wrap:break-word"><b style="${MONO};font-size:12px">${nameHtml(
        label,
      )}</b>${more}</summary>
  `;
}

function restHtml({ rest }: Group): Html | undefined {
  return rest === undefined ? undefined : html`<div style="padding:3px 0;font-size:12px;${MUTED}">${rest}</div>`;
}

function rowsHtml(table: TableBlock, rows: readonly Row[], showHead: boolean): Html {
  const [first, ...others] = table.columns;
  const under = others.filter((column) => column.under);
  const beside = others.filter((column) => !column.under);
  const title = [first, ...under].map((column) => column?.title).filter(Boolean).join(", ");
  const columns = beside.map(({ width }) =>
    html`<col${
      width === undefined ? undefined : html`
        style="width:${width}px"
      `
    }>`
  );
  const heads = [{ title, align: "left" as const }, ...beside].map((column) => headHtml(column, showHead));
  const head = html`
    <thead${showHead ? undefined : html`
      style="${HIDDEN}"
    `}>
      <tr>${heads}</tr>
      </thead>
  `;
  const body = rows.map((row) => rowHtml(row, others));
  return html`
    <table
      style="table-layout:fixed;width:100%;border-collapse:collapse;margin:0;border:0;font-size:12px"><colgroup><col>${columns}</colgroup>${head}<tbody>${body}</tbody></table>
  `;
}

function headHtml({ title, align = "left" }: Column, styled: boolean): Html {
  if (!styled) return html`<th scope="col">${title}</th>`;
  return html`
    <th scope="col"
      style="text-align:${align};padding:3px 3px;font-weight:600;font-size:11px;border-bottom:${LINE}"><span style="${MUTED}">${title}</span></th>
  `;
}

function rowHtml(row: Row, columns: readonly Column[]): Html {
  const tint = row.mark === undefined ? "rgba(0,0,0,0)" : TINTS[row.mark];
  const edge = row.mark === undefined ? "0" : `0;border-left:3px solid ${COLOURS[row.mark]}`;
  const sign = row.mark && html`
    ${signHtml(row.mark)}
  `;
  const pairs = columns.map((column, index) => ({ column, cell: cellOf(row.cells[index]) }));
  const under = pairs.filter(({ column, cell }) => column.under && cell.text !== "").map(({ cell }) => cell.text).join(
    " · ",
  );
  const more = under === "" ? undefined : html`<br><small style="font-size:11px;${MUTED}">${under}</small>`;
  const name = html`
    <th scope="row" title="${row.path}"
      style="${MONO};text-align:left;padding:2px 3px;font-weight:400;vertical-align:middle;border:${edge};overflow-wrap:break-word">${sign}${pathHtml(
        row,
      )}${row.flags?.map(flagHtml)}${more}</th>
  `;
  const cells = pairs.filter(({ column }) => !column.under).map(({ column, cell }) => cellHtml(cell, column));
  return html`<tr style="background-color:${tint}">${name}${cells}</tr>`;
}

/** A name that may break where a person would break it. */
function nameHtml(name: string): Html {
  return html`${name.split(/(?<=[._/])/).map((part, index) => html`${index > 0 && html`<wbr>`}${part}`)}`;
}

function pathHtml({ path, label }: Row): Html {
  // The scope before the name in a list without groups.
  const before = label.startsWith("/") && path !== label ? path.slice(0, -label.length) : "";
  return html`${before && html`<span style="${MUTED}">${nameHtml(before)}</span>`}${nameHtml(label)}`;
}

function flagHtml(flag: Fact): Html {
  const colour = COLOURS[flag.mark ?? "warning"];
  return html`
    <span
      style="display:inline-block;white-space:nowrap;font-size:11px;padding:0 5px;border-radius:8px;border:1px solid ${colour};background-color:${TINTS[
        flag.mark ?? "warning"
      ]}">${factHtml(flag, "span")}</span>
  `;
}

function cellHtml(cell: Cell, { align = "left", width }: Column): Html {
  const style = `text-align:${align};padding:2px 3px;vertical-align:middle;border:0;`;
  const number = align === "right";
  const text = number ? cell.text.replaceAll(/(^|e|\s)-(?=[\d.])/g, "$1−") : cell.text;
  if (cell.chart !== undefined) {
    const room = Math.min(CHART_WIDTH, (width ?? CHART_WIDTH) - 8);
    return html`<td style="${style}${cell.chart.kind === "meter" ? MONO : ""}">${
      chartHtml(cell.chart, text, room)
    }</td>`;
  }
  const wrap = number ? "white-space:nowrap" : "overflow-wrap:break-word";
  return html`<td style="${style}${MONO};${wrap}">${tonedHtml(text, cell.tone)}</td>`;
}

function tonedHtml(text: string, tone: Cell["tone"]): Html {
  switch (tone) {
    case "muted":
      return html`<span style="${MUTED}">${text}</span>`;
    case "strong":
      return html`<b>${text}</b>`;
    case "before":
      return html`<del style="${MUTED}">${text}</del>`;
    case "after":
      return html`<ins style="text-decoration:none;font-weight:600">${text}</ins>`;
    default:
      return html`${text}`;
  }
}

/** The same with at most that many rows, chips, and groups; what is left out is counted. */
function limitBlock(block: Block, most: number): Block {
  if (block.kind === "chips" && block.chips.length > most) {
    const rest = { text: `… and ${formatCount(block.chips.length - most)} more` };
    return { ...block, chips: [...block.chips.slice(0, most), rest] };
  }
  if (block.kind !== "table") return block;
  const room = { rows: most };
  return { ...block, root: limitGroup(block.root, room) };
}

function limitGroup(group: Group, room: { rows: number }): Group {
  const rows = group.rows.slice(0, room.rows);
  room.rows -= rows.length;
  const groups: Group[] = [];
  for (const each of group.groups) {
    if (room.rows <= 0) break;
    // A group costs about as much as a row.
    room.rows -= 0.5;
    groups.push(limitGroup(each, room));
  }
  const left = [
    ...left1(group.rows.length - rows.length, "row"),
    ...left1(group.groups.length - groups.length, "group"),
    ...group.rest === undefined ? [] : [group.rest],
  ];
  const { rest: _, ...same } = group;
  return { ...same, rows, groups, ...left.length > 0 && { rest: left.join("; ") } };
}

function left1(count: number, what: string): string[] {
  return count > 0 ? [`… and ${formatCount(count)} more ${what}${count === 1 ? "" : "s"}`] : [];
}
