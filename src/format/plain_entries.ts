import type { Entry } from "./manifest.ts";
import { RowScanner } from "./row_scanner.ts";

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
