import { CorruptError, type ErrorPlace, FormatError } from "../errors.ts";
import { bitsOf } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Reports } from "./reports.ts";
import type { EntryRow } from "./rows.ts";

/** Where the bytes of a row are in the uncompressed payload. */
export interface RowPlace {
  readonly position: number;
  /** As in the file; at least the bytes of the shape. */
  readonly length: number;
}

/** The places of all rows, and where the last one's bytes end. */
export interface RowPlaces {
  readonly places: readonly RowPlace[];
  readonly payloadSize: number;
}

/**
 * Finds the bytes of each row by its `Pos`, where GoMLX reads one after the other by their shapes; in a file that GoMLX
 * wrote it is the same. Rows without any `Pos` and `Length` follow each other.
 *
 * @throws {CorruptError} A length is below the shape's bytes, or variables overlap.
 */
export function placeRows(rows: readonly EntryRow[], place: ErrorPlace, reports: Reports): RowPlaces {
  const given = rows.some((row) => row.position !== undefined || row.length !== undefined);
  let next = 0;
  const places = rows.map((row): RowPlace => {
    const position = row.position ?? next;
    const length = row.length ?? row.byteLength;
    checkPlace(row, position, length, place);
    if (given && (row.position === undefined || row.length === undefined)) {
      reports.add(
        "no Pos or Length",
        () => `variable "${row.parameterName}" has no Pos or Length; read at ${position}`,
      );
    }
    if (length > row.byteLength) {
      reports.add(
        "Length too large",
        () =>
          `variable "${row.parameterName}": Length ${length} is more than the ${row.byteLength} bytes of its shape; ` +
          `read at its Pos (GoMLX would read the following variables too early)`,
      );
    }
    next = position + length;
    return { position, length };
  });
  return { places, payloadSize: checkOverlap(rows, places, place, reports) };
}

function checkPlace(row: EntryRow, position: number, length: number, place: ErrorPlace): void {
  const entry = row.parameterName;
  const what = `Cannot read variable "${entry}" in "${place.path}"`;
  if (position < 0 || length < 0 || !Number.isSafeInteger(position + length)) {
    throw new CorruptError(`${what}: Pos ${position} with Length ${length} found, wanted a place in the payload`, {
      ...place,
      entry,
    });
  }
  if (length < row.byteLength) {
    throw new CorruptError(`${what}: Length ${length} found, wanted the ${row.byteLength} bytes of its shape`, {
      ...place,
      entry,
    });
  }
  // Such a file comes only from v0.27.0 to v0.27.2, which left the rest of the bytes undefined.
  if (bitsOf(row.dtype) < 8 && length === sizeOf(row.dimensions) && length > row.byteLength) {
    throw new FormatError(
      `${what}: ${row.dtype} with one byte per element found (Length ${length}), wanted packed bytes ` +
        `(Length ${row.byteLength})`,
      { ...place, entry },
    );
  }
}

/** Returns the end of the last bytes. */
function checkOverlap(
  rows: readonly EntryRow[],
  places: readonly RowPlace[],
  place: ErrorPlace,
  reports: Reports,
): number {
  let end = 0;
  let previous: EntryRow | undefined;
  let claimed = 0;
  for (const index of inOrder(places, reports)) {
    const [row, at] = [rows[index], places[index]];
    if (row === undefined || at === undefined) continue;
    claimed = Math.max(claimed, end);
    // An empty variable has no bytes that could overlap.
    if (row.byteLength === 0) continue;
    const entry = row.parameterName;
    if (at.position < end) {
      throw new CorruptError(
        `Cannot read variable "${entry}" in "${place.path}": its bytes ${at.position} to ` +
          `${at.position + row.byteLength} overlap those of "${previous?.parameterName}", which end at ${end}`,
        { ...place, entry },
      );
    }
    if (at.position > claimed) {
      const from = claimed;
      reports.add("gap", () => `payload bytes ${from} to ${at.position} before "${entry}" belong to no variable`);
    }
    previous = row;
    end = at.position + row.byteLength;
    claimed = at.position + at.length;
  }
  return end;
}

/** Indexes of the rows by position. */
function inOrder(places: readonly RowPlace[], reports: Reports): Iterable<number> {
  const isSorted = places.every((each, index) => each.position >= (places[index - 1]?.position ?? 0));
  if (isSorted) return places.keys();
  reports.add("order", () => "variables are not in the order of their positions, which GoMLX refuses");
  return Array.from(places.keys()).sort((a, b) => (places[a]?.position ?? 0) - (places[b]?.position ?? 0));
}
