import type { ErrorPlace } from "../errors.ts";
import { checkJsonBounds } from "./parse_json.ts";
import type { JsonReader } from "./json_reader.ts";
import { MAX_ROWS } from "./limits.ts";
import type { Entry } from "./manifest.ts";
import { type PlainRows, RowScanner } from "./row_scanner.ts";
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
  const batches: PlainRows[] = [];
  let end = start;
  for (let at = start;; at = end + NEXT_ROW.length) {
    const rows = scanner.read(at);
    if (rows === undefined) return undefined;
    batches.push(rows);
    end = rows.end;
    checkCount(scanner.count, reader);
    if (!hasAt(NEXT_ROW, end)) break;
  }
  if (!hasAt(LIST_END, end) || !scanner.isRegular) return undefined;
  reader.skipTo(end + LIST_END.length);
  return new PlainEntries(batches, scanner.count, scanner.payloadEnd);
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
    const plain = scanner?.read(reader.at);
    if (plain === undefined) {
      rows.push(readEntryRow(reader, place));
    } else {
      reader.skipTo(plain.end);
      for (const entry of plain.all()) rows.push(rowOf(entry));
    }
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

/** So often the text is searched for a name; who asks for more gets a Map. */
const MAX_SEARCHES = 16;

/**
 * The entries of a manifest whose rows are all plain: known to be right, but made only when somebody asks. Whoever opens
 * ten thousand to take one does not wait for the rest.
 */
export class PlainEntries {
  /** How many there are. */
  readonly count: number;
  /** Where the last one ends in the payload. */
  readonly payloadSize: number;
  #batches: readonly PlainRows[];
  readonly #made: Entry[] = [];
  #all: readonly Entry[] | undefined;
  #byName: ReadonlyMap<string, Entry> | undefined;

  /** Of `count` rows. */
  constructor(batches: readonly PlainRows[], count: number, payloadSize: number) {
    this.#batches = batches;
    this.count = count;
    this.payloadSize = payloadSize;
  }

  /** All of them, in file order. */
  all(): readonly Entry[] {
    return this.#all ??= this.#makeAll();
  }

  /** The one of that scope and name. */
  find(scope: string, name: string): Entry | undefined {
    const parameterName = `var:${scope}/${name}`;
    const made = this.#made.find((each) => each.parameterName === parameterName);
    if (made !== undefined) return made;
    if (this.#all === undefined && this.#made.length < MAX_SEARCHES) return this.#search(parameterName);
    this.#byName ??= new Map(this.all().map((entry) => [entry.parameterName, entry]));
    return this.#byName.get(parameterName);
  }

  #search(parameterName: string): Entry | undefined {
    for (const batch of this.#batches) {
      const entry = batch.find(parameterName);
      if (entry === undefined) continue;
      this.#made.push(entry);
      return entry;
    }
    return undefined;
  }

  #makeAll(): readonly Entry[] {
    const entries = this.#batches.flatMap((batch) => batch.all());
    for (const entry of this.#made) {
      entries[entries.findIndex(({ parameterName }) => parameterName === entry.parameterName)] = entry;
    }
    this.#batches = [];
    return entries;
  }
}
