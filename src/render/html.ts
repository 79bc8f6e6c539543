import { visible } from "../errors.ts";

/** Text that is HTML already. Made by {@linkcode html} only, so that whatever else is put into HTML gets escaped. */
export class Html {
  /** The source text. */
  readonly source: string;

  private constructor(source: string) {
    this.source = source;
  }

  /** Takes source text as it is; for the template below and for text that this room has made itself. */
  static trusted(source: string): Html {
    return new Html(source);
  }

  toString(): string {
    return this.source;
  }
}

/** What may stand in an {@linkcode html} template. */
export type HtmlPart = Html | string | number | false | undefined | readonly HtmlPart[];

/** A template whose values are escaped unless they are Html; lists are joined, undefined and false are nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return Html.trusted(strings.reduce((source, text, index) => source + sourceOf(parts[index - 1]) + text));
}

function sourceOf(part: HtmlPart): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.source;
  return typeof part === "object" ? part.map(sourceOf).join("") : escapeHtml(String(part));
}

/**
 * Text as it may stand in an element or in a quoted attribute. Control characters, and those that turn the direction
 * of text, are drawn as `\u{…}`: a name must not look like another one.
 */
export function escapeHtml(text: string): string {
  return visible(text.toWellFormed()).replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** At most `length` characters, the middle left out; names in files may have 64 KiB. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const chars = [...text];
  if (chars.length <= length) return text;
  const tail = Math.floor((length - 1) / 2);
  return `${chars.slice(0, length - 1 - tail).join("")}…${chars.slice(chars.length - tail).join("")}`;
}
