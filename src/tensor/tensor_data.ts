import type { DType } from "./dtype.ts";

/** A complex number. */
export type Complex = {
  /** Real part. */
  readonly re: number;
  /** Imaginary part. */
  readonly im: number;
};

/** One element of a tensor: a bigint for Int64 and Uint64, a boolean for Bool, a number for all other real dtypes. */
export type TensorElement = number | bigint | boolean | Complex;

/** A scalar, or arrays in arrays, outermost axis first. */
export type NestedArray = TensorElement | readonly NestedArray[];

/** The typed arrays that tensors are made of. */
export type TensorData =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float16Array
  | Float32Array
  | Float64Array;

/** The name of the class in {@linkcode TensorData} that holds `dtype`; several dtypes may share one. */
export type StorageName = TensorData[typeof Symbol.toStringTag];

const STORAGE: Readonly<Record<DType, StorageName>> = {
  Bool: "Uint8Array",
  Int8: "Int8Array",
  Int16: "Int16Array",
  Int32: "Int32Array",
  Int64: "BigInt64Array",
  Uint8: "Uint8Array",
  Uint16: "Uint16Array",
  Uint32: "Uint32Array",
  Uint64: "BigUint64Array",
  Float16: "Float16Array",
  BFloat16: "Uint16Array",
  Float32: "Float32Array",
  Float64: "Float64Array",
  Complex64: "Float32Array",
  Complex128: "Float64Array",
  Int4: "Uint8Array",
  Uint4: "Uint8Array",
  Int2: "Uint8Array",
  Uint2: "Uint8Array",
  Int1: "Uint8Array",
  Uint1: "Uint8Array",
};

/** The name of the typed array class that `Tensor.data()` gives for `dtype`. */
export function storageOf(dtype: DType): StorageName {
  return STORAGE[dtype];
}

/** Byte boundary on which the elements' view must start. */
export function alignmentOf(dtype: DType): number {
  switch (STORAGE[dtype]) {
    case "Int8Array":
    case "Uint8Array":
      return 1;
    case "Int16Array":
    case "Uint16Array":
    case "Float16Array":
      return 2;
    case "Int32Array":
    case "Uint32Array":
    case "Float32Array":
      return 4;
    default:
      return 8;
  }
}

/** The typed view of `bytes` for `dtype`, sharing their memory; they must be aligned. */
export function viewOf(dtype: DType, bytes: Uint8Array): TensorData {
  const { buffer, byteOffset: at, byteLength: length } = bytes;
  switch (STORAGE[dtype]) {
    case "Int8Array":
      return new Int8Array(buffer, at, length);
    case "Int16Array":
      return new Int16Array(buffer, at, length / 2);
    case "Int32Array":
      return new Int32Array(buffer, at, length / 4);
    case "BigInt64Array":
      return new BigInt64Array(buffer, at, length / 8);
    case "Uint8Array":
      return bytes;
    case "Uint16Array":
      return new Uint16Array(buffer, at, length / 2);
    case "Uint32Array":
      return new Uint32Array(buffer, at, length / 4);
    case "BigUint64Array":
      return new BigUint64Array(buffer, at, length / 8);
    case "Float16Array":
      return new Float16Array(buffer, at, length / 2);
    case "Float32Array":
      return new Float32Array(buffer, at, length / 4);
    case "Float64Array":
      return new Float64Array(buffer, at, length / 8);
  }
}

/** Whether the memory of a view was transferred away (to a worker, by `ArrayBuffer.transfer` …). */
export function isDetached(view: ArrayBufferView): boolean {
  return view.buffer instanceof ArrayBuffer && view.buffer.detached;
}

const PLAIN_DTYPE: Readonly<Record<StorageName, DType>> = {
  Int8Array: "Int8",
  Int16Array: "Int16",
  Int32Array: "Int32",
  BigInt64Array: "Int64",
  Uint8Array: "Uint8",
  Uint16Array: "Uint16",
  Uint32Array: "Uint32",
  BigUint64Array: "Uint64",
  Float16Array: "Float16",
  Float32Array: "Float32",
  Float64Array: "Float64",
};

/** The dtype of a typed array without a stated one. */
export function dtypeOf(data: TensorData): DType {
  return PLAIN_DTYPE[data[Symbol.toStringTag]];
}

/** Whether `x` is a typed array that a tensor can be made of; `Uint8ClampedArray` and `DataView` are not. */
export function isTensorData(x: unknown): x is TensorData {
  if (!ArrayBuffer.isView(x) || !(Symbol.toStringTag in x)) return false;
  const name = x[Symbol.toStringTag];
  return typeof name === "string" && Object.hasOwn(PLAIN_DTYPE, name);
}

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
