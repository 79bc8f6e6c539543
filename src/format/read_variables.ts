import type { ErrorPlace } from "../errors.ts";
import { checkJsonBounds } from "./parse_json.ts";
import type { JsonReader } from "./json_reader.ts";
import { MAX_ROWS } from "./limits.ts";
import type { Entry } from "./manifest.ts";
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

/** So often the text is searched for a name; who asks for more gets a Map. */
const MAX_SEARCHES = 16;
const ROW_END = "\n\t\t}";

/**
 * The entries of a manifest whose rows are all plain: known to be right, but made only when somebody asks. Whoever opens
 * ten thousand to take one does not wait for the rest.
 */
export class PlainEntries {
  /** How many there are. */
  readonly count: number;
  /** Where the last one ends in the payload. */
  readonly payloadSize: number;
  #bytes: Uint8Array;
  readonly #made: Entry[] = [];
  #text: string | undefined;
  #all: readonly Entry[] | undefined;
  #byName: ReadonlyMap<string, Entry> | undefined;

  /** For the text of `count` rows, which must not change. */
  constructor(bytes: Uint8Array, count: number, payloadSize: number) {
    this.#bytes = bytes;
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
    // All of it is ASCII, so that places in the text are places in the bytes.
    this.#text ??= new TextDecoder().decode(this.#bytes);
    const at = this.#text.indexOf(`{\n\t\t\t"ParameterName": "${parameterName}",\n`);
    if (at < 0) return undefined;
    const end = this.#text.indexOf(ROW_END, at) + ROW_END.length;
    const [entry] = makeEntries(this.#bytes.subarray(at, end));
    if (entry?.parameterName !== parameterName) return undefined;
    this.#made.push(entry);
    return entry;
  }

  #makeAll(): readonly Entry[] {
    const entries = makeEntries(this.#bytes);
    for (const entry of this.#made) {
      entries[entries.findIndex(({ parameterName }) => parameterName === entry.parameterName)] = entry;
    }
    this.#text = undefined;
    this.#bytes = new Uint8Array();
    return entries;
  }
}

function makeEntries(bytes: Uint8Array): Entry[] {
  const scanner = new RowScanner(bytes);
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length; at += 4) at = scanner.read(at, entries); // A comma, a line feed and two tabs follow.
  return entries;
}
