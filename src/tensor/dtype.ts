import { ShapeError } from "../errors.ts";

/** The element types that a {@linkcode Tensor} can hold; names as in GoMLX v0.28 (`dtypes.DType`). */
export type DType =
  | "Bool"
  | "Int8"
  | "Int16"
  | "Int32"
  | "Int64"
  | "Uint8"
  | "Uint16"
  | "Uint32"
  | "Uint64"
  | "Float16"
  | "BFloat16"
  | "Float32"
  | "Float64"
  | "Complex64"
  | "Complex128"
  | "Int4"
  | "Uint4"
  | "Int2"
  | "Uint2"
  | "Int1"
  | "Uint1";

/** What a {@linkcode DType} counts with, apart from its width. */
export type DTypeKind = "bool" | "int" | "uint" | "float" | "complex";

const TABLE: Readonly<Record<DType, { readonly kind: DTypeKind; readonly bits: number }>> = {
  Bool: { kind: "bool", bits: 8 },
  Int8: { kind: "int", bits: 8 },
  Int16: { kind: "int", bits: 16 },
  Int32: { kind: "int", bits: 32 },
  Int64: { kind: "int", bits: 64 },
  Uint8: { kind: "uint", bits: 8 },
  Uint16: { kind: "uint", bits: 16 },
  Uint32: { kind: "uint", bits: 32 },
  Uint64: { kind: "uint", bits: 64 },
  Float16: { kind: "float", bits: 16 },
  BFloat16: { kind: "float", bits: 16 },
  Float32: { kind: "float", bits: 32 },
  Float64: { kind: "float", bits: 64 },
  Complex64: { kind: "complex", bits: 64 },
  Complex128: { kind: "complex", bits: 128 },
  Int4: { kind: "int", bits: 4 },
  Uint4: { kind: "uint", bits: 4 },
  Int2: { kind: "int", bits: 2 },
  Uint2: { kind: "uint", bits: 2 },
  Int1: { kind: "int", bits: 1 },
  Uint1: { kind: "uint", bits: 1 },
};

/** Every {@linkcode DType}, the packed ones last. */
export const DTYPES: readonly DType[] = Object.freeze(Object.keys(TABLE).filter(isDType));

/**
 * Whether `x` is the exact name of a {@linkcode DType}.
 *
 * @example
 * ```ts
 * import { isDType } from "@cairn/checkpoints";
 *
 * console.assert(isDType("Float32"));
 * console.assert(!isDType("float32"));
 * ```
 */
export function isDType(x: unknown): x is DType {
  return typeof x === "string" && Object.hasOwn(TABLE, x);
}

/**
 * What `dtype` counts with: `"bool"`, `"int"`, `"uint"`, `"float"` or `"complex"`.
 *
 * @example
 * ```ts
 * import { kindOf } from "@cairn/checkpoints";
 *
 * console.assert(kindOf("BFloat16") === "float");
 * ```
 */
export function kindOf(dtype: DType): DTypeKind {
  return TABLE[dtype].kind;
}

/**
 * Bits per element of `dtype`: 1, 2 or 4 for the packed ones, 128 for Complex128.
 *
 * @example
 * ```ts
 * import { bitsOf } from "@cairn/checkpoints";
 *
 * console.assert(bitsOf("Int4") === 4);
 * ```
 */
export function bitsOf(dtype: DType): number {
  return TABLE[dtype].bits;
}

/**
 * Bytes that `size` elements of `dtype` take. Packed elements run on without a gap, so that only the last byte may
 * have unused bits.
 *
 * @throws {ShapeError} `size` is not a whole number of elements, or the bytes are more than 2^53 - 1.
 *
 * @example
 * ```ts
 * import { byteLengthOf } from "@cairn/checkpoints";
 *
 * console.assert(byteLengthOf("Float32", 6) === 24);
 * console.assert(byteLengthOf("Int4", 3) === 2);
 * ```
 */
export function byteLengthOf(dtype: DType, size: number): number {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new ShapeError(`Cannot size a tensor: "${size}" elements found, wanted a whole number from 0 to 2^53 - 1`);
  }
  const bits = bitsOf(dtype);
  const bytes = bits < 8 ? Math.ceil(size / (8 / bits)) : size * (bits / 8);
  if (!Number.isSafeInteger(bytes)) {
    throw new ShapeError(`Cannot size a tensor: ${size} elements of ${dtype} take more than 2^53 - 1 bytes`);
  }
  return bytes;
}
