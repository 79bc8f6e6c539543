/** That of CRC-32, its highest power left out; the highest bit is the lowest power, as everywhere here. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;
/** x^8: a byte further. */
const BYTE = 0x00800000;

/** A part of some bytes. */
export interface Crc32Part {
  /** Of its bytes alone. */
  readonly crc32: number;
  readonly byteLength: number;
}

/**
 * CRC-32 of parts that follow each other, of those of each: much less work than to compute it of few bytes anew, since
 * bytes before others count as their CRC-32 times x^8 for each of the others.
 */
export function combineCrc32(parts: Iterable<Crc32Part>): number {
  const powers = new Map<number, number>();
  let crc = 0;
  for (const { crc32, byteLength } of parts) {
    const power = powers.get(byteLength) ?? powerOf(byteLength);
    powers.set(byteLength, power);
    crc = multiply(crc, power) ^ crc32;
  }
  return crc >>> 0;
}

/** x^8 to the power of `byteLength`. */
function powerOf(byteLength: number): number {
  let power = ONE;
  let square = BYTE;
  for (let left = byteLength; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return power;
}

function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= b;
    b = (b & 1) === 0 ? b >>> 1 : (b >>> 1) ^ POLYNOMIAL;
  }
  return product;
}
