import type { ErrorPlace } from "../errors.ts";
import { checkJsonBounds } from "./json_bounds.ts";
import type { JsonReader } from "./json_reader.ts";
import { MAX_ROWS } from "./limits.ts";
import type { Entry } from "./manifest.ts";
import { RowScanner } from "./row_scanner.ts";
import { type EntryRow, readEntryRow } from "./rows.ts";

/** `Variables` as they are written. */
export interface Variables {
  /** All rows; none if there are `plain` ones. */
  readonly rows: readonly EntryRow[];
  /** All entries, if every row is plain and they lie one behind the other: there is nothing left to check. */
  readonly plain: { readonly entries: readonly Entry[]; readonly payloadSize: number } | undefined;
}

/** Reads `Variables`: with `scan` what is plain by the {@linkcode RowScanner}, the rest row by row; `bytes` are the reader's. */
export function readVariables(reader: JsonReader, bytes: Uint8Array, scan: boolean, place: ErrorPlace): Variables {
  if (reader.tryNull()) return { rows: [], plain: undefined };
  const scanner = scan ? new RowScanner(bytes) : undefined;
  let plain: Entry[] = [];
  let rows: EntryRow[] | undefined;
  for (let more = reader.firstElement("variables: a list"); more; more = reader.nextElement()) {
    reader.peek();
    const end = scanner?.read(reader.at, plain) ?? reader.at;
    const isPlain = end > reader.at;
    reader.skipTo(end);
    if (isPlain && rows === undefined) checkCount(plain.length, reader);
    else {
      // Whatever is odd about one row, all are placed and compared by the careful rules.
      if (rows === undefined) checkJsonBounds(bytes, place);
      rows ??= [];
      for (const entry of plain) rows.push(rowOf(entry));
      plain = [];
      checkCount(rows.length + (isPlain ? 0 : 1), reader);
      if (!isPlain) rows.push(readEntryRow(reader, place));
    }
  }
  if (rows !== undefined) return { rows, plain: undefined };
  if (scanner?.isRegular) return { rows: [], plain: { entries: plain, payloadSize: scanner.payloadEnd } };
  return { rows: plain.map(rowOf), plain: undefined };
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
