/**
 * Whether two byte arrays of one length hold the same bits. Of the last byte only the low `usedBits` bits count, if
 * that is not 0: the padding of packed dtypes is not part of the value.
 */
export function sameBits(a: Uint8Array, b: Uint8Array, usedBits: number): boolean {
  if (a.byteLength !== b.byteLength) return false;
  if (a.buffer === b.buffer && a.byteOffset === b.byteOffset) return true;
  const whole = usedBits === 0 ? a.byteLength : a.byteLength - 1;
  const byWords = a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0 ? Math.floor(whole / 4) : 0;
  if (
    !sameWords(
      new Int32Array(a.buffer, byWords && a.byteOffset, byWords),
      new Int32Array(b.buffer, byWords && b.byteOffset, byWords),
    )
  ) {
    return false;
  }
  for (let i = byWords * 4; i < whole; i++) {
    if (a[i] !== b[i]) return false;
  }
  const mask = 2 ** usedBits - 1;
  return ((a[whole] ?? 0) & mask) === ((b[whole] ?? 0) & mask);
}

/** Four bytes at a time: a float comparison would take NaN for different and -0 for 0. */
function sameWords(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
