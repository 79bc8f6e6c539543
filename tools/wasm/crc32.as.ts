// @ts-nocheck: this is AssemblyScript
// CRC-32 as gzip uses it, sixteen bytes at a time ("slicing by 16"). AssemblyScript; see build.ts.
// Memory: 16 tables of 256 words from 0 on, then the caller's bytes.

/** Fills the tables; once. */
export function fillTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
    store<u32>(byte << 2, crc);
  }
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = load<u32>(byte << 2);
    for (let table: u32 = 1; table < 16; table++) {
      crc = load<u32>((crc & 0xff) << 2) ^ (crc >>> 8);
      store<u32>((table << 10) + (byte << 2), crc);
    }
  }
}

function four(word: u32, table: u32): u32 {
  return load<u32>(((table + 3) << 10) + ((word & 0xff) << 2)) ^
    load<u32>(((table + 2) << 10) + (((word >>> 8) & 0xff) << 2)) ^
    load<u32>(((table + 1) << 10) + (((word >>> 16) & 0xff) << 2)) ^
    load<u32>((table << 10) + ((word >>> 24) << 2));
}

/** CRC-32 of the bytes from `at` to `end`; `running` is that of the bytes before. */
export function crc32(at: u32, end: u32, running: u32): u32 {
  let crc = ~running;
  for (; at + 16 <= end; at += 16) {
    crc = four(load<u32>(at) ^ crc, 12) ^ four(load<u32>(at, 4), 8) ^ four(load<u32>(at, 8), 4) ^
      four(load<u32>(at, 12), 0);
  }
  for (; at < end; at++) crc = load<u32>(((crc ^ load<u8>(at)) & 0xff) << 2) ^ (crc >>> 8);
  return ~crc;
}
