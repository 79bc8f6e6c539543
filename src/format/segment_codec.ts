/** Which compression a payload has. */
export type Compression = "none" | "gzip" | "zstd";

/** What is to be done with one segment; it can be posted to a worker. */
export interface SegmentJob {
  readonly codec: "gzip" | "zstd";
  readonly action: "deflate" | "inflate";
  readonly bytes: Uint8Array;
  /** Bytes per element, whose planes are compressed one behind the other; 1 leaves them as they are. */
  readonly width: number;
  /** Uncompressed bytes, when inflating. */
  readonly size: number;
}

type Zlib = typeof import("node:zlib");

/** No segment is compressed to less than its size divided by this, so that a payload's size bounds what it inflates to. */
const MAX_RATIO = 1032;

/**
 * Compresses or inflates one segment. A damaged one throws whatever zlib throws, or a RangeError for a wrong size.
 * A gzip member is as Go writes it: the header, and the flush before the end. Source: Go `compress/gzip`.
 */
export function runSegmentJob(zlib: Zlib, { codec, action, bytes, width, size }: SegmentJob): Uint8Array {
  if (action === "deflate") return codec === "gzip" ? gzipMember(zlib, bytes) : zstdFrame(zlib, bytes, width);
  const limits = { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size, 64), info: true };
  const { buffer, engine }: { buffer: Uint8Array; engine: { bytesWritten: number } } = Object(
    codec === "gzip" ? zlib.gunzipSync(bytes, limits) : zlib.zstdDecompressSync(bytes, limits),
  );
  if (buffer.length !== size) throw new RangeError(`it inflates to ${buffer.length} bytes, wanted ${size}`);
  if (engine.bytesWritten !== bytes.length) throw new RangeError("bytes follow its end");
  return joinPlanes(buffer, width);
}

function gzipMember(zlib: Zlib, bytes: Uint8Array): Uint8Array {
  const deflated = zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  const member = new Uint8Array(10 + deflated.length + 13);
  // No time, no flags, unknown system.
  member.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  member.set(deflated, 10);
  // An empty stored block that is the last one.
  member.set([1, 0, 0, 0xff, 0xff], 10 + deflated.length);
  const trailer = new DataView(member.buffer, 15 + deflated.length);
  trailer.setUint32(0, zlib.crc32(bytes), true);
  trailer.setUint32(4, bytes.length, true);
  return member;
}

function zstdFrame(zlib: Zlib, bytes: Uint8Array, width: number): Uint8Array {
  const frame = zlib.zstdCompressSync(splitPlanes(bytes, width));
  const padding = Math.ceil(bytes.length / MAX_RATIO) - frame.length;
  if (padding <= 0) return new Uint8Array(frame);
  // A frame that zstd skips: its magic number, its length, zeros.
  const padded = new Uint8Array(frame.length + 8 + padding);
  padded.set(frame);
  const skipped = new DataView(padded.buffer, frame.length);
  skipped.setUint32(0, 0x184d2a50, true);
  skipped.setUint32(4, padding, true);
  return padded;
}

/** First the lowest byte of every element, then the second of every element, and so on; a rest stays at the end. */
export function splitPlanes(bytes: Uint8Array, width: number): Uint8Array {
  if (width === 1) return bytes;
  const count = Math.floor(bytes.length / width);
  const planes = new Uint8Array(bytes.length);
  planes.set(bytes.subarray(count * width), count * width);
  for (let plane = 0; plane < width; plane += 2) {
    const [low, high] = [planes.subarray(plane * count), planes.subarray((plane + 1) * count)];
    for (let index = 0, at = plane; index < count; index++, at += width) {
      low[index] = bytes[at] ?? 0;
      high[index] = bytes[at + 1] ?? 0;
    }
  }
  return planes;
}

/** Undoes {@linkcode splitPlanes}. */
export function joinPlanes(planes: Uint8Array, width: number): Uint8Array {
  if (width === 1) return new Uint8Array(planes.buffer, planes.byteOffset, planes.length);
  const count = Math.floor(planes.length / width);
  const bytes = new Uint8Array(planes.length);
  bytes.set(planes.subarray(count * width), count * width);
  if (width === 4) {
    // The most frequent one, written at once: more than twice as fast.
    const [a, b, c, d] = [0, 1, 2, 3].map((plane) => planes.subarray(plane * count));
    const words = new Uint32Array(bytes.buffer, 0, count);
    if (a === undefined || b === undefined || c === undefined || d === undefined) return bytes;
    for (let index = 0; index < count; index++) {
      words[index] = (a[index] ?? 0) | (b[index] ?? 0) << 8 | (c[index] ?? 0) << 16 | (d[index] ?? 0) << 24;
    }
    return bytes;
  }
  for (let plane = 0; plane < width; plane += 2) {
    const [low, high] = [planes.subarray(plane * count), planes.subarray((plane + 1) * count)];
    for (let index = 0, at = plane; index < count; index++, at += width) {
      bytes[at] = low[index] ?? 0;
      bytes[at + 1] = high[index] ?? 0;
    }
  }
  return bytes;
}

/**
 * A module for a web worker: the functions above as text, so that no file is read when it starts. It says `"ready"`
 * first, and answers each job `{ id, job }` with `{ id, bytes }` or `{ id, error }`.
 */
export function segmentWorkerSource(): string {
  const functions = [runSegmentJob, gzipMember, zstdFrame, splitPlanes, joinPlanes];
  return `
const MAX_RATIO = ${MAX_RATIO};
const zlib = process.getBuiltinModule("node:zlib");
${functions.join("\n")}
self.onmessage = ({ data: { id, job } }) => {
  try {
    const made = runSegmentJob(zlib, job);
    const bytes = made.byteLength === made.buffer.byteLength ? made : made.slice();
    self.postMessage({ id, bytes }, [bytes.buffer]);
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};
self.postMessage("ready");
`;
}
