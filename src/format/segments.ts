import { CorruptError, type ErrorPlace } from "../errors.ts";
import { bitsOf, type DType, kindOf } from "../tensor/dtype.ts";
import type { JsonReader } from "./json_reader.ts";
import { MAX_INFLATION, MAX_ROWS } from "./limits.ts";

/** A part of a compressed payload that can be inflated alone: a gzip member, or a zstd frame. */
export interface Segment {
  /** Bytes of the uncompressed payload. */
  readonly size: number;
  /** Bytes in the file. */
  readonly stored: number;
  /** Bytes per element; 1 unless byte planes were compressed. */
  readonly width: number;
}

/** A segment that is yet to be compressed. */
export type PlannedSegment = Omit<Segment, "stored">;

/** What Cairn writes at most: small enough that one small variable is read quickly. */
export const SEGMENT_BYTES: number = 2 ** 20;
/** What is read at most: each is inflated as a whole. */
export const MAX_SEGMENT_BYTES: number = 2 ** 24;
/**
 * What a zstd checkpoint has for its first variable's `Pos` of 0. No int64 holds it: every GoMLX refuses the manifest
 * when it parses it, also those that would take any payload for raw values.
 */
export const SEALED_POSITION = "9223372036854775808";
const WIDTHS: readonly number[] = [1, 2, 4, 8];

/**
 * Cuts a payload, in which the variables lie one behind the other. Small ones share a segment; one that does not fit
 * begins a new one, and with zstd also one whose elements have another width.
 */
export function planSegments(
  variables: readonly { readonly dtype: DType; readonly byteLength: number }[],
  codec: "gzip" | "zstd",
): PlannedSegment[] {
  const planned: PlannedSegment[] = [];
  let size = 0;
  let width = 1;
  const close = (): void => {
    if (size > 0) planned.push({ size, width });
    size = 0;
  };
  for (const { dtype, byteLength } of variables) {
    if (byteLength === 0) continue;
    const wanted = codec === "zstd" ? planeWidth(dtype) : 1;
    if (wanted !== width || size + byteLength > SEGMENT_BYTES) close();
    width = wanted;
    for (let left = byteLength; left > 0;) {
      const taken = Math.min(left, SEGMENT_BYTES - size);
      size += taken;
      left -= taken;
      if (size === SEGMENT_BYTES) close();
    }
  }
  close();
  // Go writes an empty stream for nothing.
  if (planned.length === 0) planned.push({ size: 0, width: 1 });
  return planned;
}

/** A complex number is two. */
function planeWidth(dtype: DType): number {
  const bits = bitsOf(dtype);
  return Math.max(1, (kindOf(dtype) === "complex" ? bits / 2 : bits) / 8);
}

/** The list of a manifest: size, stored bytes and width of each segment, one number after the other. */
export function segmentNumbers(segments: readonly Segment[]): number[] {
  return segments.flatMap(({ size, stored, width }) => [size, stored, width]);
}

/**
 * Reads that list, each segment checked by itself.
 *
 * @throws {CorruptError} A segment is not one that Cairn writes.
 */
export function readSegments(reader: JsonReader, place: ErrorPlace): readonly Segment[] {
  const segments: Segment[] = [];
  const next = (wanted: string): number => {
    if (!reader.nextElement()) throw reader.unexpected(wanted);
    return reader.readInteger(wanted);
  };
  for (let more = reader.firstElement("segments: a list"); more; more = reader.nextElement()) {
    if (segments.length === MAX_ROWS) throw reader.limit(`more than ${MAX_ROWS} segments`);
    const size = reader.readInteger("a segment's size");
    const segment = { size, stored: next("a segment's stored bytes"), width: next("a segment's width") };
    checkSegment(segment, segments.length, place);
    segments.push(segment);
  }
  return segments;
}

function checkSegment({ size, stored, width }: Segment, index: number, place: ErrorPlace): void {
  const isPlausible = size >= 0 && size <= MAX_SEGMENT_BYTES && stored > 0 && stored <= 2 * size + 1024 &&
    size <= stored * MAX_INFLATION && WIDTHS.includes(width);
  if (isPlausible) return;
  throw new CorruptError(
    `Cannot read manifest "${place.path}": segment ${index} has ${stored} bytes for ${size} of width ${width}; wanted at ` +
      `most ${MAX_SEGMENT_BYTES} bytes, compressed to a ${MAX_INFLATION}th or more, of width ${WIDTHS.join(", ")}`,
    place,
  );
}
