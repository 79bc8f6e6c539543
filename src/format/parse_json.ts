import { type ErrorPlace, LimitError } from "../errors.ts";
import type { JsonNode } from "./json.ts";
import { JsonReader } from "./json_reader.ts";
import { MAX_DEPTH, MAX_ROWS } from "./limits.ts";

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

/** Texts below this cannot make much memory out of little. */
const CHECKED_BYTES = 2 ** 20;

/**
 * Counts the nesting and the rows of a large manifest before anything is built from it. What is not JSON is left to
 * the reader.
 *
 * @throws {LimitError} Too deep, or too many rows.
 */
export function checkJsonBounds(bytes: Uint8Array, place: ErrorPlace): void {
  if (bytes.length < CHECKED_BYTES) return;
  let depth = 0;
  let rows = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) inString = !inString;
    else if (inString) {
      if (byte === 0x5c) at++;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      // The top-level object, a list in it, and an object in that: a variable or a param.
      if (depth === 3 && byte === 0x7b) rows++;
      if (depth > MAX_DEPTH) throw tooMany(`${MAX_DEPTH} nested lists and objects`, at, place);
      if (rows > MAX_ROWS) throw tooMany(`${MAX_ROWS} variables and params`, at, place);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}

function tooMany(what: string, offset: number, place: ErrorPlace): LimitError {
  return new LimitError(`Cannot read manifest "${place.path}": more than ${what} at byte ${offset}`, {
    ...place,
    offset,
  });
}
