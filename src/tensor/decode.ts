import { bitsOf, byteLengthOf, type DType, kindOf } from "./dtype.ts";
import { fromBFloat16Bits } from "./bfloat16.ts";
import { alignmentOf, type TensorData, type TensorElement, viewOf } from "./tensor_data.ts";

/** Elements per block: 32 KiB of float64 stay in the first-level cache. A multiple of 8, so packed blocks end on a byte. */
export const BLOCK_SIZE = 4096;

/**
 * Decodes the first `size` elements of `bytes`, block by block, to float64 and hands each block, and the position of its
 * first element, to `visit`, which may change the block but not keep it. Booleans become 0 and 1, complex numbers their magnitude, 64-bit integers the nearest float64; `bytes`
 * need not be aligned.
 */
export function forEachBlock(
  dtype: DType,
  bytes: Uint8Array,
  size: number,
  visit: (numbers: Float64Array, from: number) => void,
): void {
  const scratch = new Float64Array(Math.min(size, BLOCK_SIZE));
  const misaligned = bytes.byteOffset % alignmentOf(dtype) !== 0;
  const blockBytes = byteLengthOf(dtype, BLOCK_SIZE);
  const aligned = new Uint8Array(misaligned ? Math.min(blockBytes, bytes.byteLength) : 0);
  for (let from = 0, at = 0; from < size; from += BLOCK_SIZE, at += blockBytes) {
    const count = Math.min(BLOCK_SIZE, size - from);
    const numbers = count === scratch.length ? scratch : scratch.subarray(0, count);
    let block = bytes.subarray(at, at + byteLengthOf(dtype, count));
    if (misaligned) {
      aligned.set(block);
      block = aligned.subarray(0, block.length);
    }
    decodeBlock(dtype, block, numbers);
    visit(numbers, from);
  }
}

/** The element at flat position `index` of a view made by `viewOf(dtype, …)`; the caller checks the range. */
export function elementAt(dtype: DType, data: TensorData, index: number): TensorElement {
  const bits = bitsOf(dtype);
  if (bits < 8) return unpacked(dtype, Number(data[Math.floor(index * bits / 8)]), index);
  if (kindOf(dtype) === "complex") return { re: Number(data[2 * index]), im: Number(data[2 * index + 1]) };
  const stored = data[index] ?? 0;
  if (dtype === "Bool") return stored !== 0;
  return dtype === "BFloat16" ? fromBFloat16Bits(Number(stored)) : stored;
}

/** The element at flat position `index`, given the byte that it is packed in: lowest bits first, two's complement. */
function unpacked(dtype: DType, byte: number, index: number): number {
  const bits = bitsOf(dtype);
  const left = byte << (32 - bits - (index * bits) % 8);
  return kindOf(dtype) === "int" ? left >> (32 - bits) : left >>> (32 - bits);
}

function decodeBlock(dtype: DType, block: Uint8Array, out: Float64Array): void {
  if (bitsOf(dtype) < 8) return decodePacked(dtype, block, out);
  switch (dtype) {
    case "Bool":
      return decodeBooleans(block, out);
    case "BFloat16":
      return decodeBFloat16(new Uint16Array(block.buffer, block.byteOffset, out.length), out);
    case "Int64":
    case "Uint64":
      return decodeInt64(dtype, new Int32Array(block.buffer, block.byteOffset, 2 * out.length), out);
    case "Complex64":
      return decodeComplex64(new Float32Array(block.buffer, block.byteOffset, 2 * out.length), out);
    case "Complex128":
      return decodeComplex128(new Float64Array(block.buffer, block.byteOffset, 2 * out.length), out);
  }
  const view = viewOf(dtype, block);
  if (view instanceof BigInt64Array || view instanceof BigUint64Array) return;
  out.set(view);
}

function decodePacked(dtype: DType, block: Uint8Array, out: Float64Array): void {
  const bits = bitsOf(dtype);
  const perByte = 8 / bits;
  const signed = kindOf(dtype) === "int";
  const unused = 32 - bits;
  for (let i = 0; i < out.length; i++) {
    const left = (block[Math.floor(i / perByte)] ?? 0) << (unused - (i % perByte) * bits);
    out[i] = signed ? left >> unused : left >>> unused;
  }
}

function decodeBooleans(block: Uint8Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = block[i] === 0 ? 0 : 1;
}

function decodeBFloat16(halves: Uint16Array, out: Float64Array): void {
  const floats = new Float32Array(out.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] ?? 0) << 16;
  out.set(floats);
}

/** By halves, since a bigint per element costs ten times as much; the one addition rounds to the nearest float64. */
function decodeInt64(dtype: "Int64" | "Uint64", words: Int32Array, out: Float64Array): void {
  // What a high word's sign bit is worth beyond int32; that of a low word is worth one more in the high one. Without a
  // branch on random signs, and without uint32 values, which V8 would box until it optimises fully.
  const wrap = dtype === "Int64" ? 0 : 0x1_0000_0000;
  for (let i = 0; i < out.length; i++) {
    const low = words[2 * i] ?? 0;
    const high = words[2 * i + 1] ?? 0;
    out[i] = (wrap * (high >>> 31) + high + (low >>> 31)) * 0x1_0000_0000 + low;
  }
}

/** Squares of float32 neither overflow nor vanish in float64. */
function decodeComplex64(parts: Float32Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    const re = parts[2 * i] ?? 0;
    const im = parts[2 * i + 1] ?? 0;
    const magnitude = Math.sqrt(re * re + im * im);
    out[i] = magnitude === magnitude ? magnitude : Math.hypot(re, im);
  }
}

function decodeComplex128(parts: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = Math.hypot(parts[2 * i] ?? 0, parts[2 * i + 1] ?? 0);
}
