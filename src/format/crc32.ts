import { crc32 as zlibCrc32 } from "node:zlib";

/** CRC-32 as gzip uses it; `running` is the result for the bytes before. */
export function crc32(bytes: Uint8Array, running = 0): number {
  return zlibCrc32(bytes, running);
}
