import { toBFloat16Bits } from "./bfloat16.ts";
import { BLOCK_SIZE, forEachBlock } from "./decode.ts";
import { bitsOf, type DType, kindOf } from "./dtype.ts";
import { dtypeOf, type TensorData, type TensorElement } from "./tensor_data.ts";

type BigintData = BigInt64Array | BigUint64Array;
type NumberData = Exclude<TensorData, BigintData>;

/**
 * Writes `elements` into `target`, the view of a tensor of `dtype`.
 *
 * @returns The position of the first element that does not fit `dtype`, or -1 when all did.
 */
export function encodeElements(dtype: DType, elements: readonly TensorElement[], target: TensorData): number {
  if (isBigintArray(target)) return encodeIntegers(elements, target);
  const parts = kindOf(dtype) === "complex" ? 2 : 1;
  const numbers = new Float64Array(Math.min(elements.length, BLOCK_SIZE) * parts);
  for (let from = 0; from < elements.length; from += BLOCK_SIZE) {
    const count = Math.min(BLOCK_SIZE, elements.length - from);
    for (let i = 0; i < count; i++) {
      if (!toNumbers(dtype, elements[from + i], numbers, i * parts)) return from + i;
    }
    const misfit = encodeNumbers(dtype, numbers.subarray(0, count * parts), target, from * parts);
    if (misfit >= 0) return from + Math.floor(misfit / parts);
  }
  return -1;
}

/**
 * Converts the values of a typed array into `target`, the view of a tensor of the real dtype `dtype`.
 *
 * @returns The position of the first value that does not fit `dtype`, or -1 when all did.
 */
export function encodeTypedArray(dtype: DType, source: TensorData, target: TensorData): number {
  if (isBigintArray(source) && isBigintArray(target)) return encodeIntegers(source, target);
  const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  let misfit = -1;
  forEachBlock(dtypeOf(source), bytes, source.length, (numbers, from) => {
    if (misfit >= 0) return;
    const found = encodeNumbers(dtype, numbers, target, from);
    if (found >= 0) misfit = from + found;
  });
  return misfit;
}

/** What `dtype` can hold, for messages. */
export function rangeText(dtype: DType): string {
  const kind = kindOf(dtype);
  if (kind === "bool") return "true, false, 0 or 1";
  if (kind === "float") return `a number that ${dtype} does not round to infinity, or ±Infinity or NaN`;
  if (kind === "complex") return "a number or { re, im }";
  if (bitsOf(dtype) === 64) {
    const range = kind === "int" ? "-2^63 to 2^63 - 1" : "0 to 2^64 - 1";
    return `a whole number from ${range}, as a bigint beyond ±(2^53 - 1)`;
  }
  const [min, max] = limitsOf(dtype);
  return `a whole number from ${min} to ${max}`;
}

/** Writes the number or the two parts of `element` to `numbers`; false if it is none. */
function toNumbers(dtype: DType, element: TensorElement | undefined, numbers: Float64Array, at: number): boolean {
  if (typeof element === "number") {
    numbers[at] = element;
  } else if (typeof element === "bigint") {
    numbers[at] = Number(element);
    // Number() gives infinity from 2^1024 on.
    if (!Number.isFinite(numbers[at])) return false;
  } else if (typeof element === "boolean") {
    if (dtype !== "Bool") return false;
    numbers[at] = element ? 1 : 0;
  } else if (element === undefined || kindOf(dtype) !== "complex") {
    return false;
  } else {
    numbers[at] = element.re;
    numbers[at + 1] = element.im;
    return true;
  }
  if (kindOf(dtype) === "complex") numbers[at + 1] = 0;
  return true;
}

/** Numbers of at most 32 bits, floats and the parts of complex numbers; `at` counts what the target counts. */
function encodeNumbers(dtype: DType, numbers: Float64Array, target: TensorData, at: number): number {
  if (isBigintArray(target)) return encodeIntegerNumbers(numbers, target, at);
  const kind = kindOf(dtype);
  if (kind === "float" || kind === "complex") {
    const out = target.subarray(at, at + numbers.length);
    if (dtype === "BFloat16" && out instanceof Uint16Array) return encodeBFloat16(numbers, out);
    out.set(numbers);
    return dtype === "Float64" || dtype === "Complex128" ? -1 : firstOverflow(numbers, out);
  }
  const [min, max] = limitsOf(dtype);
  for (let i = 0; i < numbers.length; i++) {
    const x = numbers[i] ?? 0;
    if (!(x >= min && x <= max && Math.trunc(x) === x)) return i;
  }
  if (bitsOf(dtype) < 8) pack(bitsOf(dtype), numbers, target, at);
  else target.set(numbers, at);
  return -1;
}

/** Smallest and largest number of a dtype with at most 32 bits, or of Bool. */
function limitsOf(dtype: DType): readonly [number, number] {
  const bits = bitsOf(dtype);
  switch (kindOf(dtype)) {
    case "bool":
      return [0, 1];
    case "int":
      return [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
    default:
      return [0, 2 ** bits - 1];
  }
}

function encodeBFloat16(numbers: Float64Array, out: Uint16Array): number {
  for (let i = 0; i < numbers.length; i++) {
    const x = numbers[i] ?? 0;
    const bits = toBFloat16Bits(x);
    if ((bits & 0x7fff) === 0x7f80 && Number.isFinite(x)) return i;
    out[i] = bits;
  }
  return -1;
}

/** The first finite number that was rounded to infinity. */
function firstOverflow(numbers: Float64Array, rounded: NumberData): number {
  // One native search first: it is rare that there is an infinity at all.
  if (!rounded.includes(Infinity) && !rounded.includes(-Infinity)) return -1;
  return numbers.findIndex((x, i) => Number.isFinite(x) && !Number.isFinite(rounded[i]));
}

/** Packs lowest bits first; `at` is a multiple of 8 elements. Every byte is written whole, the padding is 0. */
function pack(bits: number, numbers: Float64Array, target: NumberData, at: number): void {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  for (let from = 0, byteAt = at / perByte; from < numbers.length; from += perByte, byteAt++) {
    let byte = 0;
    for (let i = 0; i < perByte; i++) byte |= ((numbers[from + i] ?? 0) & mask) << (i * bits);
    target[byteAt] = byte;
  }
}

function isBigintArray(data: TensorData): data is BigintData {
  return data instanceof BigInt64Array || data instanceof BigUint64Array;
}

function encodeIntegers(elements: ArrayLike<TensorElement>, target: BigintData): number {
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i];
    if (typeof element !== "bigint" && typeof element !== "number") return i;
    if (typeof element === "number" && !Number.isSafeInteger(element)) return i;
    const wanted = BigInt(element);
    target[i] = wanted;
    if (target[i] !== wanted) return i;
  }
  return -1;
}

/** By halves, without a bigint per element. */
function encodeIntegerNumbers(numbers: Float64Array, target: BigintData, at: number): number {
  const signed = target instanceof BigInt64Array;
  const words = new Uint32Array(target.buffer, target.byteOffset + at * 8, numbers.length * 2);
  for (let i = 0; i < numbers.length; i++) {
    const x = numbers[i] ?? 0;
    if (!Number.isSafeInteger(x) || (x < 0 && !signed)) return i;
    const high = Math.floor(x / 0x1_0000_0000);
    words[2 * i] = x - high * 0x1_0000_0000;
    words[2 * i + 1] = high;
  }
  return -1;
}
