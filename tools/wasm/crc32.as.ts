// @ts-nocheck: this is AssemblyScript
// CRC-32 as gzip uses it. AssemblyScript; see build.ts.
// Memory: 16 tables of 256 words from 0 on; then what is carried into the next bytes; then the bytes.
//
// Small amounts go through the tables, sixteen bytes at a time ("slicing by 16"). Of large ones, a byte is as good as
// the same byte added (without carries, as all here) at each of four places behind it, since y^4800 = y^(4800-2320) +
// y^(4800-2928) + y^(4800-3376) + 1 with y = x^8 modulo the polynomial: so sixteen at a time are carried ahead, and only the
// last 4800 go through the tables. (The shortest such sum of four whose places are multiples of sixteen; found by trying.)

const NEAR: u32 = 2320;
const SECOND: u32 = 2928;
const THIRD: u32 = 3376;
const FAR: u32 = 4800;
/** Bytes carried ahead at once; fewer than the nearest place is away. */
const STEP: u32 = 64;
const CARRIED: u32 = 16 * 1024;

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

/** Begins with many bytes; `running` is the CRC-32 of those before. */
export function start(running: u32): void {
  memory.fill(CARRIED, 0, FAR);
  store<u32>(CARRIED, ~running);
}

/** Carries all bytes from `at` to `end`, a multiple of 64, into what follows. */
export function carry(at: u32, end: u32): void {
  const length = end - at;
  carryAhead(at, length);
  memory.copy(CARRIED, CARRIED + length, FAR);
}

/** CRC-32 of all bytes, of which the last ones are those from `at` to `end`, at least 4800. */
export function finish(at: u32, end: u32): u32 {
  const length = (end - at - FAR) & ~(STEP - 1);
  carryAhead(at, length);
  at += length;
  const carried = CARRIED + length;
  for (let i: u32 = 0; i < FAR; i += 16) v128.store(at + i, v128.xor(v128.load(at + i), v128.load(carried + i)));
  return crc32(at, end, 0xffffffff);
}

function carryAhead(at: u32, length: u32): void {
  for (let to = CARRIED; to < CARRIED + length; to += STEP, at += STEP) {
    carrySixteen(at, to);
    carrySixteen(at + 16, to + 16);
    carrySixteen(at + 32, to + 32);
    carrySixteen(at + 48, to + 48);
  }
}

// @ts-ignore: AssemblyScript's own
@inline
function carrySixteen(at: u32, to: u32): void {
  const bytes = v128.xor(v128.load(at), v128.load(to));
  v128.store(to, v128.xor(v128.load(to, NEAR), bytes), NEAR);
  v128.store(to, v128.xor(v128.load(to, SECOND), bytes), SECOND);
  v128.store(to, v128.xor(v128.load(to, THIRD), bytes), THIRD);
  v128.store(to, bytes, FAR); // The first that is carried there.
}
