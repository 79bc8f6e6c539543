import { CorruptError, type ErrorPlace, FormatError } from "../errors.ts";
import { MAX_INFLATION } from "./limits.ts";
import type { Manifest } from "./manifest.ts";
import type { Profile } from "./profile.ts";
import type { Compression } from "./segment_codec.ts";

/** Bytes that {@linkcode detectPayload} wants to see: the longest header. */
export const PAYLOAD_HEAD_BYTES = 23;

/** What the first bytes of a payload say. */
export interface PayloadHead {
  readonly compression: Compression;
  /** Where the raw or compressed bytes begin. */
  readonly dataOffset: number;
  /** Which profile writes such a header; undefined where every profile does. */
  readonly profile: Profile | undefined;
  /** Whether it is taken for raw bytes, but begins nearly as a header does: that may be damaged. */
  readonly resemblesHeader?: boolean;
}

/** v0.25 – v0.27: magic, length of the codec's name, its name. v0.28 has a second "s". */
const MAGIC = "gomlx_checkpoints";
const CODEC = "\x04gzip";
/** Behind v0.28's magic: v0.25 and later find a codec that they do not have, and say so. */
const ZSTD_HEADER = `${MAGIC}s\x04zstd`;
const GZIP_MAGIC = "\x1f\x8b";
/** Development versions of October 2025: magic, then gzip at once. */
const DEVELOPMENT_MAGICS = ["gomlx_00", "gomlx_gzip"];
/** Header and trailer of gzip, and an empty deflate stream between them. */
const MIN_GZIP_BYTES = 20;

/** What a payload of `profile` begins with. Source: GoMLX `checkpoints.Handler.Save`. */
export function payloadHeader(profile: Profile, compression: Compression): Uint8Array {
  if (compression === "none") return new Uint8Array(0);
  if (compression === "zstd") return new TextEncoder().encode(ZSTD_HEADER);
  return new TextEncoder().encode(profile === "gomlx-0.28" ? `${MAGIC}s${CODEC}` : MAGIC + CODEC);
}

/**
 * Tells the form of a payload by its first {@linkcode PAYLOAD_HEAD_BYTES} bytes (or all, if it has fewer). What has no
 * header is raw. Source: GoMLX `checkpoints.Handler.loadCheckpoint`.
 *
 * @throws {FormatError} There is a header, but of something else than gzip and Cairn's own zstd.
 */
export function detectPayload(head: Uint8Array, place: ErrorPlace): PayloadHead {
  const text = String.fromCharCode(...head.subarray(0, PAYLOAD_HEAD_BYTES));
  const development = DEVELOPMENT_MAGICS.find((magic) => text.startsWith(magic + GZIP_MAGIC));
  if (development !== undefined) return gzipHead(development.length, "gomlx-0.25");
  if (!text.startsWith(MAGIC)) {
    const resemblesHeader = [...MAGIC].filter((char, index) => text[index] === char).length > MAGIC.length / 2;
    return { compression: "none", dataOffset: 0, profile: undefined, resemblesHeader };
  }
  if (text === ZSTD_HEADER) return { compression: "zstd", dataOffset: PAYLOAD_HEAD_BYTES, profile: undefined };
  const isDoubled = text.charAt(MAGIC.length) === "s";
  const codec = text.slice(MAGIC.length + (isDoubled ? 1 : 0));
  if (!codec.startsWith(CODEC)) {
    throw new FormatError(
      `Cannot read payload "${place.path}": after "${MAGIC}" found codec ${JSON.stringify(codec)}, ` +
        `wanted ${JSON.stringify(CODEC)}`,
      { ...place, offset: MAGIC.length },
    );
  }
  return isDoubled ? gzipHead(PAYLOAD_HEAD_BYTES, "gomlx-0.28") : gzipHead(PAYLOAD_HEAD_BYTES - 1, "gomlx-0.25");
}

function gzipHead(dataOffset: number, profile: Profile): PayloadHead {
  return { compression: "gzip", dataOffset, profile };
}

/**
 * Compares what the manifest claims with the payload's real size, before anything is read. Returns what was odd.
 *
 * @throws {CorruptError} The payload is too short, or not as long as the manifest says.
 */
export function checkPayload(
  manifest: Manifest,
  head: PayloadHead,
  fileSize: number,
  place: ErrorPlace,
): readonly string[] {
  const available = fileSize - head.dataOffset;
  checkCodec(manifest, head, place);
  if (head.compression === "zstd") return checkSegments(manifest, available, place);
  if (head.compression === "gzip") {
    checkCompressed(manifest.payloadSize, available, place);
    return manifest.segments === undefined ? [] : checkSegments(manifest, available, place);
  }
  const extra = available - manifest.payloadSize;
  if (extra < 0) throw tooShort(manifest, head, available, place);
  if (extra === 0) return [];
  const essence = `${extra} bytes follow the last variable, which ends at ${manifest.payloadSize}${headerHint(head)}`;
  if (!manifest.exactPayload) return [`payload "${place.path}": ${essence}; they are ignored`];
  throw new CorruptError(`Cannot read payload "${place.path}": ${essence}; wanted none`, {
    ...place,
    offset: manifest.payloadSize,
  });
}

/** A manifest that seals its first position goes with zstd, which needs its segments. */
function checkCodec({ binFormat, segments }: Manifest, { compression }: PayloadHead, place: ErrorPlace): void {
  const isZstd = compression === "zstd";
  if (isZstd === (binFormat === "zstd") && !(isZstd && segments === undefined)) return;
  throw new CorruptError(
    `Cannot read payload "${place.path}": it is ${
      compression === "none" ? "raw" : compression
    }, while its manifest says ` +
      `"${binFormat ?? "uncompressed"}"${segments === undefined ? " without segments" : ""}: one of them is another's`,
    place,
  );
}

/** Nothing may lie between or behind the segments. */
function checkSegments({ segments = [] }: Manifest, available: number, place: ErrorPlace): readonly string[] {
  const stored = segments.reduce((sum, each) => sum + each.stored, 0);
  if (stored === available) return [];
  throw new CorruptError(
    `Cannot read payload "${place.path}": ${available} bytes follow its header, wanted the ${stored} of its ` +
      `${segments.length} segments${available < stored ? ": it was cut short" : ""}`,
    place,
  );
}

function checkCompressed(payloadSize: number, available: number, place: ErrorPlace): void {
  if (available < MIN_GZIP_BYTES) {
    throw new CorruptError(
      `Cannot read payload "${place.path}": ${available} bytes follow the header, wanted a gzip stream`,
      place,
    );
  }
  if (payloadSize <= available * MAX_INFLATION) return;
  throw new CorruptError(
    `Cannot read payload "${place.path}": its ${available} compressed bytes cannot hold the ${payloadSize} bytes that ` +
      `the manifest wants`,
    place,
  );
}

/** Without it somebody would look for the wrong damage. */
function headerHint({ resemblesHeader }: PayloadHead): string {
  return resemblesHeader ? `; it begins nearly with "${MAGIC}": its header may be damaged` : "";
}

function tooShort(manifest: Manifest, head: PayloadHead, available: number, place: ErrorPlace): CorruptError {
  const entry = manifest.entries.find((each) => each.byteLength > 0 && each.position + each.byteLength > available);
  const what = entry === undefined
    ? `the last variable ends at ${manifest.payloadSize}`
    : `variable "${entry.parameterName}" takes bytes ${entry.position} to ${entry.position + entry.byteLength}`;
  return new CorruptError(
    `Cannot read payload "${place.path}": it has ${available} bytes, but ${what}${headerHint(head)}`,
    {
      ...place,
      entry: entry?.parameterName,
      offset: available,
    },
  );
}
