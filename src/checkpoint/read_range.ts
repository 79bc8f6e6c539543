import { ShapeError } from "../errors.ts";
import type { Entry } from "../format/mod.ts";
import { bitsOf, shapeText, sizeOf, Tensor } from "../tensor/mod.ts";
import { entryLabel } from "./entry_label.ts";
import { allocateFor, type PayloadReader } from "./payload_reader.ts";

/** Part of a variable. */
export interface ReadRange {
  /** First element (flat, row-major), default 0. */
  readonly start?: number;
  /** One past the last element, default the end. */
  readonly end?: number;
}

/** Reads elements of an entry as a tensor of rank 1. Throws a ShapeError for a range outside of it. */
export async function readRange(reader: PayloadReader, entry: Entry, range: ReadRange): Promise<Tensor> {
  const size = sizeOf(entry.dimensions);
  const { start = 0, end = size } = range;
  const bits = bitsOf(entry.dtype);
  const whole = Number.isInteger(start) && Number.isInteger(end) && start * bits % 8 === 0;
  if (!whole || start < 0 || end < start || end > size) {
    throw new ShapeError(
      `Cannot read elements ${start} to ${end} of "${entryLabel(entry)}" ${
        shapeText(entry.dtype, entry.dimensions)
      }: ` +
        `wanted whole numbers with 0 <= start <= end <= ${size}` +
        (bits < 8 ? ", and a start at a whole byte" : ""),
      { path: reader.path, entry: entryLabel(entry) },
    );
  }
  const [from, length] = [start * bits / 8, Math.ceil((end - start) * bits / 8)];
  const view = reader.view(entry, from, length);
  const bytes = view ?? allocateFor(entry, reader.path, length);
  if (view === undefined) await reader.read(entry, bytes, from);
  return new Tensor(entry.dtype, [end - start], bytes);
}
