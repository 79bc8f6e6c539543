// @ts-nocheck: this is AssemblyScript
// Reads rows of "Variables" that look exactly as Go's encoder and Cairn write the plain ones. src/format/row_scanner.ts
// lays out the memory: the texts that rows are made of, the dtypes, a set of hashes, the records, and the text.

const TEXT_BYTES: u32 = 64; // the first one is its length, it begins at 16, and zeros follow
const DTYPES: u32 = 4096;
const DTYPE_BYTES: u32 = 16; // bytes of an element, length of the name, the name
const RECORD_BYTES: u32 = 64;
const MAX_DIGITS: u32 = 15; // fewer than 2^53
const MAX_RANK: u32 = 32;
const MAX_NAME_BYTES: u32 = 65536;
const MAX_SAFE: f64 = 9007199254740991;
const MAX_PROBES = 64;

/** In the order of row_scanner.ts. */
enum Text {
  Name,
  Dimensions,
  None,
  First,
  Next,
  Last,
  DType,
  Position,
  Length,
  Crc,
  True,
  False,
  ExtrasEnd,
  RowEnd,
  RowNext,
}

let at: u32 = 0;
let lastDType: u32 = 0;
/** Behind the last row that was read. */
export let end: u32 = 0;
/** Where the bytes of the last row end in the payload. */
export let payloadEnd: f64 = 0;
/**
 * Whether every row so far begins where the one before it ends, and is as long as its shape says, and no two names have
 * one hash.
 */
export let isRegular: bool = true;

let hashes: u32 = 0;
let hashMask: u32 = 0;
let seed: u64 = 0;

/** Forgets all rows. The set of hashes is all zeros, from `address` on, with a power of two of `slots`. */
export function start(address: u32, slots: u32, secret: u64): void {
  hashes = address;
  hashMask = slots - 1;
  seed = secret;
  payloadEnd = 0;
  isRegular = true;
}

/** Reads rows from `from` on, up to `limit` records at `records`; gives their number. */
export function scan(from: u32, records: u32, limit: u32): u32 {
  at = from;
  let count: u32 = 0;
  while (count < limit && readRow(records + count * RECORD_BYTES)) {
    end = at;
    count++;
    if (!has(Text.RowNext)) break;
  }
  return count;
}

function readRow(record: u32): bool {
  if (!has(Text.Name)) return false;
  if (!readName(record)) return false;
  if (!has(Text.Dimensions)) return false;
  const size = readDimensions(record);
  if (size < 0 || !has(Text.DType)) return false;
  const elementBytes = readDType(record);
  if (elementBytes == 0 || !has(Text.Position)) return false;
  const position = readNumber();
  if (position < 0 || !has(Text.Length)) return false;
  const length = readNumber();
  if (length < 0) return false;
  let crc: f64 = -1;
  let trainable: u32 = 0;
  if (has(Text.Crc)) {
    crc = readNumber();
    if (crc < 0) return false;
    trainable = has(Text.True) ? 2 : has(Text.False) ? 1 : 0;
    if (!has(Text.ExtrasEnd)) return false;
  }
  if (!has(Text.RowEnd)) return false;
  const byteLength = size * <f64> elementBytes;
  if (byteLength > MAX_SAFE) return false;
  store<u32>(record, trainable, 24);
  store<f64>(record, position, 32);
  store<f64>(record, length, 40);
  store<f64>(record, byteLength, 48);
  store<f64>(record, crc, 56);
  if (position != payloadEnd || length != byteLength) isRegular = false;
  payloadEnd = position + length;
  remember(load<u32>(record), load<u32>(record, 4));
  return true;
}

/** Goes behind a text if it is next. */
function has(text: u32): bool {
  const template = text * TEXT_BYTES;
  const length: u32 = load<u8>(template);
  let i: u32 = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(template + i, 16) != load<u64>(at + i)) return false;
  if (((load<u64>(template + i, 16) ^ load<u64>(at + i)) & maskOf(length - i)) != 0) return false;
  at += length;
  return true;
}

/** All ones in the first `bytes` of eight. */

function maskOf(bytes: u32): u64 {
  return (<u64> 1 << (<u64> bytes << 3)) - 1;
}

/** A name of printable ASCII without escapes, "var:/" before it, and at least one more slash in it. */
function readName(record: u32): bool {
  const from = at;
  let slash: u32 = 0;
  let stops: u32 = 0;
  while (stops == 0) {
    const bytes = v128.load(at);
    const controls = v128.or(i8x16.lt_s(bytes, i8x16.splat(0x20)), i8x16.gt_s(bytes, i8x16.splat(0x7e)));
    const marks = v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c)));
    stops = i8x16.bitmask(v128.or(controls, marks));
    // Of the bytes before the first that stops it: all sixteen if none does.
    const before: u32 = stops == 0 ? 0xffff : (stops & (0 - stops)) - 1;
    const slashes: u32 = <u32> i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0x2f))) & before;
    if (slashes != 0) slash = at + 31 - clz(slashes);
    at += popcnt(before);
  }
  if (load<u8>(at) != 0x22) return false;
  if (slash == 0 || at - from > MAX_NAME_BYTES - 5) return false;
  store<u32>(record, from - 5);
  store<u32>(record, at, 4);
  store<u32>(record, slash, 8);
  return true;
}

/** The number of elements; -1 if it is not plain. */
function readDimensions(record: u32): f64 {
  store<u32>(record, at, 12);
  store<u32>(record, 0, 16);
  if (has(Text.None)) return 1;
  if (!has(Text.First)) return -1;
  store<u32>(record, at, 12);
  let size: f64 = 1;
  let rank: u32 = 0;
  do {
    const dimension = readNumber();
    if (dimension < 0 || ++rank > MAX_RANK) return -1;
    size *= dimension;
    if (size > MAX_SAFE) return -1;
  } while (has(Text.Next));
  store<u32>(record, rank, 16);
  return has(Text.Last) ? size : -1;
}

/** Bytes of an element; 0 if the name is not one of the table's. */
function readDType(record: u32): u32 {
  // Most have the same as the one before.
  if (!isDType(lastDType)) {
    lastDType = 0;
    while (!isDType(lastDType)) if (load<u8>(DTYPES + ++lastDType * DTYPE_BYTES) == 0) return 0;
  }
  const dtype = DTYPES + lastDType * DTYPE_BYTES;
  at += load<u8>(dtype, 1);
  store<u32>(record, lastDType, 20);
  return load<u8>(dtype);
}

/** Whether a name of the table is next, and nothing else in the quotes. */
function isDType(index: u32): bool {
  const dtype = DTYPES + index * DTYPE_BYTES;
  const length: u32 = load<u8>(dtype, 1);
  for (let i: u32 = 0; i < length; i++) if (load<u8>(dtype + i, 2) != load<u8>(at + i)) return false;
  return load<u8>(at + length) == 0x22;
}

/** A whole number below 2^53 as JSON writes it; -1 if there is none. */
function readNumber(): f64 {
  const from = at;
  let value: u64 = 0;
  for (;; at++) {
    const digit: u32 = <u32> load<u8>(at) - 0x30;
    if (digit > 9) break;
    value = value * 10 + digit;
    if (at - from == MAX_DIGITS) return -1;
  }
  if (at == from || (load<u8>(from) == 0x30 && at - from > 1)) return -1;
  return <f64> value;
}

/** Puts the hash of a name into the set, or gives up; a hostile file does not know the secret. */
function remember(from: u32, to: u32): void {
  let hash = mix(seed ^ (to - from));
  for (; from + 8 <= to; from += 8) hash = mix(hash ^ load<u64>(from));
  hash = mix(hash ^ (load<u64>(from) & maskOf(to - from)));
  hash |= 1; // 0 is a free slot.
  let slot = <u32> (hash >> 32);
  for (let probes = 0; probes < MAX_PROBES; probes++) {
    const address = hashes + ((slot++ & hashMask) << 3);
    const other = load<u64>(address);
    if (other == hash) break;
    if (other != 0) continue;
    store<u64>(address, hash);
    return;
  }
  isRegular = false;
}

function mix(word: u64): u64 {
  const product = word * 0x9e3779b97f4a7c15;
  return product ^ (product >> 32);
}
