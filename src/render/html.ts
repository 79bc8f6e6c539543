import { visible } from "../errors.ts";

/** Text that is HTML already; only this file makes it, so that whatever else is put into HTML gets escaped. */
export class Html {
  /** The source text. */
  readonly source: string;

  /** Takes source text as it is. */
  constructor(source: string) {
    this.source = source;
  }
}

/** What may stand in HTML: text, which gets escaped, and HTML; lists are joined, undefined is nothing. */
export type HtmlPart = Html | string | undefined | readonly HtmlPart[];

/** Attributes of an element; true is one without value, undefined none. */
export type HtmlAttributes = { readonly [name: string]: string | true | undefined };

const VOID: ReadonlySet<string> = new Set(["br", "col", "img", "wbr"]);

/** An element with whatever is in it. */
export function element(name: string, attributes: HtmlAttributes, ...children: readonly HtmlPart[]): Html {
  const start = `<${name}${Object.entries(attributes).map(attributeText).join("")}>`;
  return new Html(VOID.has(name) ? start : `${start}${sourceOf(children)}</${name}>`);
}

/** Things side by side. */
export function fragment(...parts: readonly HtmlPart[]): Html {
  return new Html(sourceOf(parts));
}

/** Text with line ends, for `<pre>`. */
export function lines(text: string): Html {
  return new Html(text.split("\n").map(escapeHtml).join("\n"));
}

function attributeText([name, value]: readonly [string, string | true | undefined]): string {
  if (value === undefined) return "";
  return value === true ? ` ${name}` : ` ${name}="${escapeHtml(value)}"`;
}

function sourceOf(part: HtmlPart): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.source;
  return typeof part === "string" ? noMath(escapeHtml(part)) : part.map(sourceOf).join("");
}

/** Notebooks typeset `$…$` and `\\(…\\)` wherever a text has them, but not across elements. */
function noMath(escaped: string): string {
  return escaped.replace(/[$\\]/g, (char) => `<span>${char}</span>`);
}

/**
 * Text as it may stand in an element or in a quoted attribute. Control characters, and those that turn the direction
 * of text, are drawn as `\u{…}`: a name must not look like another one.
 */
function escapeHtml(text: string): string {
  return visible(text.toWellFormed()).replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}
