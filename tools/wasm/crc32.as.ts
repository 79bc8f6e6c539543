// @ts-nocheck: this is AssemblyScript
// CRC-32 as gzip uses it. AssemblyScript; see build.ts.
// Memory: 16 tables of 256 words from 0 on; then what is carried into the next bytes; then the bytes.
//
// Few bytes go through the tables, sixteen at a time ("slicing by 16"). Of more, a byte is as good as the same byte added
// (without carries, as all here) at certain places behind it, since with y = x^8 and modulo the polynomial
//   y^4800 = y^(4800-2320) + y^(4800-2928) + y^(4800-3376) + 1 and
//   y^2192 = y^(2192-848) + y^(2192-912) + y^(2192-1072) + y^(2192-1728) + y^(2192-2064) + 1.
// So sixteen at a time are carried ahead: of many by the first, which has fewer places; the last 4800 by the second; and the
// last 2192 go through the tables. (The shortest such sums whose places are multiples of sixteen and some way off, so that
// no load waits for a store; found by trying.)

const FAR: u32 = 4800;
const NEAR: u32 = 2192;
/** Bytes carried ahead at once. */
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

// @ts-ignore: AssemblyScript's own
@inline
function four(word: u32, table: u32): u32 {
  return load<u32>(((table + 3) << 10) + ((word & 0xff) << 2)) ^
    load<u32>(((table + 2) << 10) + (((word >>> 8) & 0xff) << 2)) ^
    load<u32>(((table + 1) << 10) + (((word >>> 16) & 0xff) << 2)) ^
    load<u32>((table << 10) + ((word >>> 24) << 2));
}

/** CRC-32 of the bytes from `at` to `end`, which it changes; `running` is that of the bytes before. */
export function crc32(at: u32, end: u32, running: u32): u32 {
  if (end - at < NEAR + STEP) return crc32OfFew(at, end, running);
  startWith(running, NEAR);
  const length = (end - at - NEAR) & ~(STEP - 1);
  for (let done: u32 = 0; done < length; done += 32) {
    carryNear(at + done, CARRIED + done);
    carryNear(at + done + 16, CARRIED + done + 16);
  }
  add(at + length, CARRIED + length, NEAR);
  return crc32OfFew(at + length, end, 0xffffffff);
}

function crc32OfFew(at: u32, end: u32, running: u32): u32 {
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
  startWith(running, FAR);
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
  add(at + length, CARRIED + length, FAR);
  return crc32(at + length, end, 0xffffffff);
}

function startWith(running: u32, places: u32): void {
  memory.fill(CARRIED, 0, places);
  store<u32>(CARRIED, ~running);
}

function carryAhead(at: u32, length: u32): void {
  for (let to = CARRIED; to < CARRIED + length; to += STEP, at += STEP) {
    carryFar(at, to);
    carryFar(at + 16, to + 16);
    carryFar(at + 32, to + 32);
    carryFar(at + 48, to + 48);
  }
}

// @ts-ignore: AssemblyScript's own
@inline
function carryFar(at: u32, to: u32): void {
  const bytes = v128.xor(v128.load(at), v128.load(to));
  addTo(to + 2320, bytes);
  addTo(to + 2928, bytes);
  addTo(to + 3376, bytes);
  v128.store(to + FAR, bytes); // The first that comes there.
}

// @ts-ignore: AssemblyScript's own
@inline
function carryNear(at: u32, to: u32): void {
  const bytes = v128.xor(v128.load(at), v128.load(to));
  addTo(to + 848, bytes);
  addTo(to + 912, bytes);
  addTo(to + 1072, bytes);
  addTo(to + 1728, bytes);
  addTo(to + 2064, bytes);
  v128.store(to + NEAR, bytes);
}

// @ts-ignore: AssemblyScript's own
@inline
function addTo(to: u32, bytes: v128): void {
  v128.store(to, v128.xor(v128.load(to), bytes));
}

/** Adds what is carried from `carried` on to the bytes from `at` on; `length` is a multiple of sixteen. */
function add(at: u32, carried: u32, length: u32): void {
  for (let i: u32 = 0; i < length; i += 16) addTo(at + i, v128.load(carried + i));
}
