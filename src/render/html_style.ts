import { element, type Html, type HtmlPart } from "./html.ts";
import { type Fact, GLYPHS, type Mark } from "./view.ts";

// What notebooks leave of HTML that they do not trust decides these rules: no style tag, no script, no inline svg, no
// `var()`, no `currentColor`, no aria. Text inherits its colour; tints are translucent, so that one set serves light and
// dark; accents are mid-tones, and only on signs, bars and borders. Without any style it is still plain tables.

/** Borders. */
export const LINE = "1px solid rgba(128,128,128,.3)";
/** Secondary text: 6.4:1 on white, 9.9:1 on #111; never one in another. */
export const MUTED = "opacity:.72";
/** Names and numbers. */
export const MONO = "font-family:ui-monospace,Menlo,Consolas,monospace";
/** Not seen, but read aloud, and seen again where styles are dropped. */
export const HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0)";

/** Signs and borders: at least 3:1 on white and on #111, also on two tints of their own. */
export const COLOURS: Readonly<Record<Mark, string>> = {
  good: "#218a4b",
  bad: "#dc3d43",
  warning: "#b06d00",
  added: "#218a4b",
  removed: "#dc3d43",
  changed: "#b06d00",
};

/** Grounds. */
export const TINTS: Readonly<Record<Mark, string>> = {
  good: "rgba(33,138,75,.12)",
  bad: "rgba(229,72,77,.14)",
  warning: "rgba(176,109,0,.14)",
  added: "rgba(33,138,75,.14)",
  removed: "rgba(229,72,77,.13)",
  changed: "rgba(176,109,0,.12)",
};

/** A sign; the word beside it says the same. */
export function signHtml(mark: Mark): Html {
  return element("span", { style: `color:${COLOURS[mark]};font-weight:700` }, GLYPHS[mark]);
}

/** A fact, kept on one line unless it is a name. */
export function factHtml({ text, mark, code }: Fact): Html {
  const style = code ? `${MONO};font-size:12px` : "display:inline-block";
  return element("span", { style }, mark && [signHtml(mark), " "], code ? nameHtml(text) : text);
}

/** A name that may break where a person would break it. */
export function nameHtml(name: string): HtmlPart {
  const parts = name.split(/(?<=[._/])/).slice(0, 32);
  const rest = name.slice(parts.join("").length);
  return [...parts, rest].map((part, index) => index > 0 && part !== "" ? [element("wbr", {}), part] : part);
}
