const BLOCK_BYTES = 512;
/** Offsets and lengths of the header fields of POSIX ustar, which GNU tar shares. */
const NAME = [0, 100] as const;
const SIZE = [124, 12] as const;
const CHECKSUM = [148, 8] as const;
const TYPE = [156, 1] as const;
const PREFIX = [345, 155] as const;

/** The regular files of a `.tar.gz` by path; anything else in it (links, folders, long names) is an error. */
export async function readTarball(gzipped: Uint8Array<ArrayBuffer>): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const inflated = new Blob([gzipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  const tar = await new Response(inflated).bytes();
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let at = 0; at + BLOCK_BYTES <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) break;
    const path = pathOf(header);
    const [type, size] = [textAt(header, TYPE), octalAt(header, SIZE)];
    if (octalAt(header, CHECKSUM) !== checksumOf(header)) {
      throw new Error(`Cannot read "${path}": its header is damaged`);
    }
    if (type !== "0" && type !== "") throw new Error(`Cannot read "${path}": it is of tar type "${type}", no file`);
    if (files.has(path)) throw new Error(`Cannot read "${path}": it is there twice`);
    at += BLOCK_BYTES;
    if (at + size > tar.length) throw new Error(`Cannot read "${path}": the tarball ends in it`);
    files.set(path, tar.slice(at, at + size));
    at += Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}

/** Without a leading `./`. */
function pathOf(header: Uint8Array): string {
  // GNU tar puts times where POSIX has the prefix
  const isPosix = textAt(header, [257, 8]).startsWith("ustar") && header[263] === 0x30;
  const prefix = isPosix ? textAt(header, PREFIX) : "";
  const path = (prefix === "" ? "" : `${prefix}/`) + textAt(header, NAME);
  return path.replace(/^\.\//, "");
}

function checksumOf(header: Uint8Array): number {
  const [start, length] = CHECKSUM;
  return header.reduce((sum, byte, at) => sum + (at >= start && at < start + length ? 0x20 : byte), 0);
}

function octalAt(header: Uint8Array, field: readonly [start: number, length: number]): number {
  return parseInt(textAt(header, field).trim() || "0", 8);
}

function textAt(header: Uint8Array, [start, length]: readonly [start: number, length: number]): string {
  const bytes = header.subarray(start, start + length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
