import { CorruptError, type ErrorPlace, FormatError } from "../errors.ts";
import { crc32 } from "./crc32.ts";
import type { JsonReader } from "./json_reader.ts";
import { EXTRAS_KEY } from "./extras_key.ts";
import { MAX_NAME_BYTES } from "./limits.ts";
import { type Metrics, NO_METRICS, readMetrics } from "./metrics.ts";
import { readSegments, type Segment } from "./segments.ts";

/** Version of what is under {@linkcode EXTRAS_KEY}. */
export const FORMAT_VERSION = 1;

const WANTED = "an object written by Cairn";

/** The manifest is of a version that this Cairn does not know. */
export class NewerVersionError extends FormatError {}

/** `Cairn` of the top level. */
export interface TopExtras {
  /** {@linkcode FORMAT_VERSION}, or a newer one, of which only the checksum is read. */
  readonly version: number;
  readonly writer: string | undefined;
  /** Exact size of the uncompressed payload. */
  readonly payloadSize: number | undefined;
  /** The parts of a compressed payload. */
  readonly segments: readonly Segment[] | undefined;
  /** When it was saved. */
  readonly saved: Date | undefined;
  /** What was measured then. */
  readonly metrics: Metrics;
  /** CRC-32 of the manifest without this member, and where the member stands. */
  readonly crc: { readonly value: number; readonly from: number; readonly to: number } | undefined;
}

/** `Cairn` of a variable. */
export interface EntryExtras {
  /** CRC-32 of the variable's bytes. */
  readonly crc32: number | undefined;
  readonly trainable: boolean | undefined;
  /** The exact scope and name, where the profile's ParameterName loses them. */
  readonly scope: string | undefined;
  readonly name: string | undefined;
}

/** Reads `Cairn` of the top level. */
export function readTopExtras(reader: JsonReader, place: ErrorPlace): TopExtras {
  let version = FORMAT_VERSION;
  let writer: string | undefined;
  let payloadSize: number | undefined;
  let segments: readonly Segment[] | undefined;
  let saved: Date | undefined;
  let metrics = NO_METRICS;
  let crc: TopExtras["crc"];
  let previousEnd = -1;
  for (let key = reader.firstKey(WANTED); key !== undefined; key = reader.nextKey()) {
    const keyAt = reader.keyAt;
    switch (version > FORMAT_VERSION && key !== "ManifestCRC32" ? "" : key) {
      case "FormatVersion":
        version = reader.readInteger("a format version");
        if (version < FORMAT_VERSION) throw new FormatError(versionText(version, place), place);
        break;
      case "Writer":
        writer = reader.readString("a string", MAX_NAME_BYTES);
        break;
      case "PayloadSize":
        payloadSize = reader.readInteger("a size in bytes");
        break;
      case "Segments":
        segments = readSegments(reader, place);
        break;
      case "Saved":
        saved = instantOf(reader.readString("a time", MAX_NAME_BYTES), place);
        break;
      case "Metrics":
        metrics = readMetrics(reader, place);
        break;
      case "ManifestCRC32": {
        const value = reader.readInteger("a CRC-32");
        // From the end of the member before, so that the comma goes too.
        crc = { value, from: previousEnd < 0 ? keyAt : previousEnd, to: reader.at };
        break;
      }
      default:
        reader.readNode();
    }
    previousEnd = reader.at;
  }
  return { version, writer, payloadSize, segments, saved, metrics, crc };
}

/** `2026-01-31T12:00:00.000Z` */
function instantOf(text: string, place: ErrorPlace): Date {
  const instant = new Date(text);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(instant.getTime())) return instant;
  throw new FormatError(
    `Cannot read manifest "${place.path}": its "${EXTRAS_KEY}" was saved at "${text.slice(0, 40)}", ` +
      'wanted a time such as "2026-01-31T12:00:00.000Z"',
    place,
  );
}

/** Throws a NewerVersionError for what a newer Cairn wrote. Call it once the checksum has been compared. */
export function expectVersion({ version }: TopExtras, place: ErrorPlace): void {
  if (version === FORMAT_VERSION) return;
  throw new NewerVersionError(`${versionText(version, place)}; it was written by a newer Cairn`, place);
}

function versionText(found: number, place: ErrorPlace): string {
  return `Cannot read manifest "${place.path}": its "${EXTRAS_KEY}" format version is ${found}, wanted ${FORMAT_VERSION}`;
}

/** Reads `Cairn` of a variable. */
export function readEntryExtras(reader: JsonReader): EntryExtras {
  let crc: number | undefined;
  let trainable: boolean | undefined;
  let scope: string | undefined;
  let name: string | undefined;
  for (let key = reader.firstKey(WANTED); key !== undefined; key = reader.nextKey()) {
    switch (key) {
      case "CRC32":
        crc = reader.readInteger("a CRC-32");
        break;
      case "Trainable":
        trainable = reader.readBoolean("true or false");
        break;
      case "Scope":
        scope = reader.readString("a scope", MAX_NAME_BYTES);
        break;
      case "Name":
        name = reader.readString("a name", MAX_NAME_BYTES);
        break;
      default:
        reader.readNode();
    }
  }
  return { crc32: crc, trainable, scope, name };
}

/** Reads `Cairn` of a param: the exact text of its value. */
export function readParamExtras(reader: JsonReader): string | undefined {
  let exact: string | undefined;
  for (let key = reader.firstKey(WANTED); key !== undefined; key = reader.nextKey()) {
    if (key === "Exact") exact = reader.readJsonText("a string");
    else reader.readNode();
  }
  return exact;
}

/** Bytes at the end of a manifest that are searched for a checksum that is not in its place. */
const TAIL_BYTES = 64 * 2 ** 10;

/**
 * Compares the manifest with the CRC-32 in it. Where none was found in its place there must be none at all: a brace
 * too many, and all that follows would be ignored.
 *
 * @throws {CorruptError} They differ.
 */
export function checkManifestCrc(bytes: Uint8Array, crc: TopExtras["crc"], place: ErrorPlace): void {
  if (crc === undefined) return expectNoCrc(bytes, place);
  const found = crc32(bytes.subarray(crc.to), crc32(bytes.subarray(0, crc.from)));
  if (found === crc.value) return;
  throw new CorruptError(
    `Cannot read manifest "${place.path}": its bytes have CRC-32 ${found}, its "ManifestCRC32" says ${crc.value}: it was ` +
      `damaged or edited; if it was edited on purpose, remove the last key "${EXTRAS_KEY}" and it loads unverified`,
    { ...place, offset: crc.from },
  );
}

function expectNoCrc(bytes: Uint8Array, place: ErrorPlace): void {
  const tail = new TextDecoder("latin1").decode(bytes.subarray(-TAIL_BYTES));
  // Within a JSON string the quotes would have backslashes.
  if (!tail.includes('"ManifestCRC32":')) return;
  throw new CorruptError(
    `Cannot read manifest "${place.path}": its "ManifestCRC32" is not in the key "${EXTRAS_KEY}" of the top level: ` +
      "it was damaged",
    place,
  );
}
