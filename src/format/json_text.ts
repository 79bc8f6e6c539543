import { type JsonNode, JsonNumber, JsonObject } from "./json.ts";

/**
 * The text that Go's `json.Encoder` with `SetIndent("", "\t")` writes for `node`, with the line feed at the end.
 * Source: GoMLX `checkpoints.Handler.Save`, Go `encoding/json`.
 */
export function stringifyGo(node: JsonNode): string {
  return `${jsonText(node, "\n")}\n`;
}

/** The same without the line feed; `newline` is a line feed and the tabs of the line that the value stands in. */
export function jsonText(node: JsonNode, newline: string): string {
  if (node === null || typeof node === "boolean") return String(node);
  if (typeof node === "string") return quoteGo(node);
  if (node instanceof JsonNumber) return node.text;
  const inner = `${newline}\t`;
  if (node instanceof JsonObject) {
    if (node.members.length === 0) return "{}";
    const members = node.members.map(([key, value]) => `${inner}${quoteGo(key)}: ${jsonText(value, inner)}`);
    return `{${members.join(",")}${newline}}`;
  }
  if (node.length === 0) return "[]";
  return `[${node.map((element) => inner + jsonText(element, inner)).join(",")}${newline}]`;
}

/** What Go escapes: controls, quotes, and for the sake of HTML `<`, `>`, `&` and the two line separators. */
// deno-lint-ignore no-control-regex
const ESCAPED = /[\u0000-\u001f"\\<>&\u2028\u2029]/g;
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** Printable ASCII of which nothing is escaped: nearly all there is. */
const PLAIN = /^[ !#-%'-;=?-[\]-~]*$/;

/** A JSON string as Go (1.22 or newer) writes it; a lone surrogate, which Go cannot have, as Go writes invalid UTF-8. */
export function quoteGo(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  const escaped = text.replace(
    ESCAPED,
    (unit) => SHORT_ESCAPES.get(unit) ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return escaped.isWellFormed() ? `"${escaped}"` : `"${escaped.replace(/\p{Surrogate}/gu, "\\ufffd")}"`;
}
