import type { ErrorPlace } from "../errors.ts";
import type { JsonNode } from "./json.ts";
import { JsonReader } from "./json_reader.ts";
import { MAX_DEPTH } from "./limits.ts";

/** Options of {@linkcode parseJson}. */
export interface ParseJsonOptions extends ErrorPlace {
  /** Nesting that is accepted. */
  readonly maxDepth?: number;
  /** Accept the number texts `NaN`, `+Inf` and `-Inf`. */
  readonly nonFinite?: boolean;
}

/**
 * Parses one JSON value. A string with an escaped U+FFFD or half of a surrogate pair is ill-formed, so that it is written
 * back as `\ufffd`.
 *
 * @throws {FormatError} The text is not JSON, or not UTF-8; with the byte offset.
 * @throws {LimitError} It nests too deep or is too large.
 */
export function parseJson(text: string | Uint8Array, options: ParseJsonOptions = {}): JsonNode {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const { maxDepth = MAX_DEPTH, nonFinite = false, ...place } = options;
  const reader = new JsonReader(bytes, { what: "JSON", place, maxDepth, nonFinite });
  const node = reader.readNode();
  if (reader.peek() !== -1) throw reader.unexpected("the end of the text");
  return node;
}
