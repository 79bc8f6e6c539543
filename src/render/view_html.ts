import { element, type Html, type HtmlPart, lines } from "./html.ts";
import { COLOURS, factHtml, LINE, MONO, MUTED, nameHtml, signHtml, TINTS } from "./html_style.ts";
import { formatCount } from "./short_text.ts";
import { encodePng } from "./png.ts";
import { tableHtml } from "./table_html.ts";
import { type Block, type Chip, factOf, type Group, type PictureBlock, type View } from "./view.ts";

/** As a notebook may be opened again and again, what is drawn into it has an end. */
const MAX_BYTES = 200_000;
/** Rows of a table, halved until the rest fits. */
const MAX_ROWS = 120;

/** A view as HTML of at most 200 KB that needs nothing from outside: rows beyond that are counted and left out. */
export function viewHtml(view: View): string {
  for (let rows = MAX_ROWS; rows >= 1; rows = Math.floor(rows / 2)) {
    const { source } = cardHtml({ ...view, blocks: view.blocks.map((block) => limitBlock(block, rows)) });
    if (new TextEncoder().encode(source).length <= MAX_BYTES) return source;
  }
  return cardHtml({ ...view, blocks: [{ kind: "note", text: "too large to be shown", mark: "warning" }] }).source;
}

function cardHtml(view: View): Html {
  const facts = view.facts.map((fact) => [element("span", { style: MUTED }, " · "), factHtml(factOf(fact))]);
  const head = element("div", {}, element("b", { style: "font-size:14px" }, view.title), facts);
  const place = view.place === undefined
    ? undefined
    : element("div", { style: `${MONO};font-size:11px;${MUTED};overflow-wrap:break-word` }, view.place);
  const card = `max-width:860px;box-sizing:border-box;border:${LINE};border-radius:8px;overflow:hidden;` +
    "font-size:13px;line-height:1.45;margin:4px 0;text-align:left";
  return element(
    "div",
    { style: card },
    element("div", { style: "padding:8px 12px;background-color:rgba(128,128,128,.1)" }, head, place),
    view.blocks.length === 0 ? undefined : element(
      "div",
      { style: `padding:4px 12px 10px;overflow-x:auto;border-top:${LINE}` },
      view.blocks.map(blockHtml),
    ),
  );
}

function blockHtml(block: Block): Html {
  switch (block.kind) {
    case "table":
      return tableHtml(block);
    case "chips":
      return element("div", { style: "padding:6px 0 2px" }, block.chips.map(chipHtml));
    case "note":
      return element("p", { style: "margin:6px 0 2px;font-size:12px" }, factHtml(block));
    case "text":
      return element("pre", { style: PRE }, lines(block.text));
    case "picture":
      return pictureHtml(block);
  }
}

const PRE = `${MONO};font-size:12px;line-height:1.4;margin:8px 0 2px;padding:0;border:0;background:none;` +
  "overflow-x:auto;white-space:pre";

function chipHtml({ text, note, mark }: Chip): HtmlPart {
  const colour = mark === undefined ? "rgba(128,128,128,.6)" : COLOURS[mark];
  const style = "display:inline-block;margin:2px 6px 2px 0;padding:0 8px;border-radius:10px;font-size:12px;" +
    `border:1px solid ${colour}${mark === undefined ? "" : `;background-color:${TINTS[mark]}`}`;
  const sign = mark === undefined ? undefined : [signHtml(mark), " "];
  const more = note === undefined ? undefined : [" ", element("span", { style: MUTED }, nameHtml(note))];
  return [element("span", { style }, sign, text, more), " "];
}

/** Inside of SVG, since notebooks that do not trust drop `image-rendering`, and large pixels would be a blur. */
function pictureHtml({ pixels, columns, rows, width, height, caption }: PictureBlock): Html {
  const png = encodePng(columns, rows, pixels);
  const data = btoa(Array.from(png, (byte) => String.fromCharCode(byte)).join(""));
  const size = `width="${width}" height="${height}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}><image ${size} preserveAspectRatio="none" ` +
    `style="image-rendering:pixelated" href="data:image/png;base64,${data}"/></svg>`;
  const style = `display:block;width:${width}px;height:auto;max-width:100%;border:${LINE};box-sizing:content-box`;
  const source = `data:image/svg+xml;base64,${btoa(svg)}`;
  const image = element("img", { alt: caption, title: caption, style, src: source });
  const below = element("figcaption", { style: `font-size:11px;${MUTED}` }, caption);
  return element("figure", { style: "margin:8px 0 2px" }, image, below);
}

/** The same with at most that many rows, chips, and groups; what is left out is counted. */
function limitBlock(block: Block, most: number): Block {
  if (block.kind === "chips" && block.chips.length > most) {
    const rest = { text: `… and ${formatCount(block.chips.length - most)} more` };
    return { ...block, chips: [...block.chips.slice(0, most), rest] };
  }
  if (block.kind !== "table") return block;
  return { ...block, root: limitGroup(block.root, { rows: most }) };
}

function limitGroup(group: Group, room: { rows: number }): Group {
  const rows = group.rows.slice(0, room.rows);
  room.rows -= rows.length;
  const groups: Group[] = [];
  for (const each of group.groups) {
    if (room.rows <= 0) break;
    // The line of a group costs about half as much as a row.
    room.rows -= 0.5;
    groups.push(limitGroup(each, room));
  }
  const rest = [
    ...moreText(group.rows.length - rows.length, "row"),
    ...moreText(group.groups.length - groups.length, "group"),
    ...group.rest === undefined ? [] : [group.rest],
  ];
  const { rest: _, ...same } = group;
  return { ...same, rows, groups, ...rest.length > 0 && { rest: rest.join("; ") } };
}

function moreText(count: number, what: string): string[] {
  return count > 0 ? [`… and ${formatCount(count)} more ${what}${count === 1 ? "" : "s"}`] : [];
}
