import type { ErrorPlace } from "../errors.ts";
import { checkJsonBounds } from "./json_bounds.ts";
import type { JsonReader } from "./json_reader.ts";
import { MAX_ROWS } from "./limits.ts";
import type { Entry } from "./manifest.ts";
import { PlainEntries } from "./plain_entries.ts";
import { RowScanner } from "./row_scanner.ts";
import { type EntryRow, readEntryRow } from "./rows.ts";

const LIST_START = "[\n\t\t";
const NEXT_ROW = ",\n\t\t";
const LIST_END = "\n\t]";

/** `Variables` as they are written. */
export interface Variables {
  /** All rows; none if there are `plain` ones. */
  readonly rows: readonly EntryRow[];
  /** All entries, if every row is plain and they lie one behind the other: there is nothing left to check. */
  readonly plain: PlainEntries | undefined;
}

/** Reads `Variables`: with `scan` what is plain by the {@linkcode RowScanner}, the rest row by row; `bytes` are the reader's. */
export function readVariables(reader: JsonReader, bytes: Uint8Array, scan: boolean, place: ErrorPlace): Variables {
  if (reader.tryNull()) return { rows: [], plain: undefined };
  const plain = scan ? readPlain(reader, bytes) : undefined;
  return plain === undefined
    ? { rows: readRows(reader, bytes, scan ? new RowScanner(bytes) : undefined, place), plain }
    : { rows: [], plain };
}

/** All rows, if they are plain, lie one behind the other and have different names; else nothing was read. */
function readPlain(reader: JsonReader, bytes: Uint8Array): PlainEntries | undefined {
  const hasAt = (text: string, at: number): boolean => {
    for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
    return true;
  };
  reader.peek();
  if (!hasAt(LIST_START, reader.at)) return undefined;
  const scanner = new RowScanner(bytes);
  const start = reader.at + LIST_START.length;
  let end = start;
  for (let at = start;; at = end + NEXT_ROW.length) {
    end = scanner.read(at);
    if (end === at) return undefined;
    checkCount(scanner.count, reader);
    if (!hasAt(NEXT_ROW, end)) break;
  }
  if (!hasAt(LIST_END, end) || !scanner.isRegular) return undefined;
  reader.skipTo(end + LIST_END.length);
  return new PlainEntries(bytes.subarray(start, end), scanner.count, scanner.payloadEnd);
}

/** Whatever is odd about one row, all are placed and compared by the careful rules. */
function readRows(
  reader: JsonReader,
  bytes: Uint8Array,
  scanner: RowScanner | undefined,
  place: ErrorPlace,
): readonly EntryRow[] {
  checkJsonBounds(bytes, place);
  const rows: EntryRow[] = [];
  for (let more = reader.firstElement("variables: a list"); more; more = reader.nextElement()) {
    reader.peek();
    const plain: Entry[] = [];
    const end = scanner?.read(reader.at, plain) ?? reader.at;
    if (end === reader.at) rows.push(readEntryRow(reader, place));
    else reader.skipTo(end);
    for (const entry of plain) rows.push(rowOf(entry));
    checkCount(rows.length, reader);
  }
  return rows;
}

function checkCount(count: number, reader: JsonReader): void {
  if (count > MAX_ROWS) throw reader.limit(`more than ${MAX_ROWS} variables`);
}

function rowOf(entry: Entry): EntryRow {
  const { crc32, trainable } = entry;
  const hasExtras = crc32 !== undefined;
  return {
    ...entry,
    isCode: false,
    extras: hasExtras ? { crc32, trainable, scope: undefined, name: undefined } : undefined,
  };
}
