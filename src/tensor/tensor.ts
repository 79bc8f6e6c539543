import { ShapeError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import { type JupyterBundle, type View, viewBundle } from "../render/mod.ts";
import { elementAt } from "./decode.ts";
import { bitsOf, byteLengthOf, type DType, DTYPES, isDType, kindOf } from "./dtype.ts";
import { encodeElements, encodeTypedArray, rangeText } from "./encode.ts";
import { flattenNested, inferDType, nest, positionOf } from "./nested.ts";
import { frozenDimensions, sameDimensions, shapeText, sizeOf } from "./shape.ts";
import { Statistics } from "./statistics.ts";
import {
  alignmentOf,
  dtypeOf,
  isDetached,
  isTensorData,
  type NestedArray,
  sameBits,
  storageOf,
  type TensorData,
  type TensorElement,
  viewOf,
} from "./tensor_data.ts";
import { tensorText } from "./tensor_text.ts";
import { tensorView } from "./tensor_view.ts";

export type { Complex, NestedArray, TensorData, TensorElement } from "./tensor_data.ts";

/** Options of {@linkcode Tensor.from}. */
export interface TensorFromOptions {
  /** Element type; inferred from the value by default. */
  readonly dtype?: DType | undefined;
  /** Outermost axis first; by default those of the nested arrays, or one axis for a typed array. */
  readonly dimensions?: readonly number[] | undefined;
  /** Copy a typed array instead of sharing its memory. Default: false. */
  readonly copy?: boolean | undefined;
}

const FROM_OPTIONS: OptionNames<TensorFromOptions> = { dtype: true, dimensions: true, copy: "boolean" };

/**
 * A tensor in host memory: a dtype, dimensions and bytes (little-endian, row-major, without gaps).
 *
 * `bytes` and `data()` always share memory. Nothing in this package writes into a tensor; who writes through `data()`
 * must not do it while a save runs. Source: GoMLX `tensors.Tensor`.
 *
 * @example
 * ```ts
 * import { Tensor } from "@cairn/checkpoints";
 *
 * const t = Tensor.from([[1, 2, 3], [4, 5, 6]]);
 * console.assert(t.toString() === "(Float32)[2 3]");
 * console.assert(t.byteLength === 24);
 * console.assert(t.data()[4] === 5);
 * ```
 */
export class Tensor {
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first; `[]` is a scalar. Frozen. */
  readonly dimensions: readonly number[];
  /** Number of elements. */
  readonly size: number;
  /** Size in bytes. */
  readonly byteLength: number;
  /** The elements: little-endian, row-major, packed dtypes lowest bits first. */
  readonly bytes: Uint8Array;
  #data: TensorData | undefined;

  /**
   * Makes a tensor of existing bytes, sharing their memory. Misaligned bytes are copied, here and once, so that
   * `data()` is always a view of `bytes`.
   *
   * @throws {ShapeError} The dtype or a dimension is no good, the length is not exactly that of the shape, or the
   * buffer is detached.
   */
  constructor(dtype: DType, dimensions: readonly number[], bytes: Uint8Array) {
    checkDType(dtype);
    this.dtype = dtype;
    this.size = sizeOf(dimensions);
    this.dimensions = frozenDimensions(dimensions);
    this.byteLength = byteLengthOf(dtype, this.size);
    if (!(bytes instanceof Uint8Array)) {
      throw new ShapeError(`Cannot make tensor ${this}: wanted its bytes as a Uint8Array`);
    }
    if (isDetached(bytes)) throw new ShapeError(`Cannot make tensor ${this}: the buffer of its bytes is detached`);
    if (bytes.byteLength !== this.byteLength) {
      throw new ShapeError(`Cannot make tensor ${this}: ${bytes.byteLength} bytes found, wanted ${this.byteLength}`);
    }
    this.bytes = ownBytes(bytes, alignmentOf(dtype));
  }

  /**
   * Makes a tensor of nested arrays, of a scalar, or of a typed array.
   *
   * Nested numbers become Float32, bigints Int64, booleans Bool and `{ re, im }` Complex64, unless a dtype is stated.
   * Floats are rounded to nearest even, from float64 at once.
   *
   * A typed array keeps its memory (unless `copy`) and its dtype, in one axis unless `dimensions` are given. With a
   * dtype that is stored in such an array, its items are taken as they are stored: `Uint16Array` holds the bits of
   * BFloat16, `Uint8Array` the bytes of Bool and of packed dtypes, `Float32Array` the `re, im` pairs of Complex64. With
   * any other dtype the values are converted into new memory. (Raw bytes of any dtype are for `new Tensor`.)
   *
   * @throws {ShapeError} Arrays are ragged, a value does not fit the dtype (300 as Int8, 1.5 as Int32, 1e300 as
   * Float32, a number beyond ±(2^53 - 1) as Int64), the dimensions do not fit, or the buffer is detached.
   *
   * @example
   * ```ts
   * import { Tensor } from "@cairn/checkpoints";
   *
   * Tensor.from(3); // (Float32)
   * Tensor.from([1, 2, 3], "Int64"); // (Int64)[3]
   * Tensor.from(new Float64Array(6), { dimensions: [2, 3] }); // (Float64)[2 3], shares memory
   * ```
   */
  static from(value: NestedArray | TensorData, options: DType | TensorFromOptions = {}): Tensor {
    if (typeof options !== "string") checkOptions("Tensor.from()", options, FROM_OPTIONS);
    const wanted = typeof options === "string" ? { dtype: options } : options;
    if (wanted.dtype !== undefined) checkDType(wanted.dtype);
    return isTensorData(value) ? fromTypedArray(value, wanted) : fromNested(value, wanted);
  }

  /**
   * A tensor of zeros.
   *
   * @throws {ShapeError} The dtype or a dimension is no good, or there is no memory for that many bytes.
   */
  static zeros(dtype: DType, dimensions: readonly number[]): Tensor {
    checkDType(dtype);
    return new Tensor(dtype, dimensions, allocate(dtype, dimensions));
  }

  /**
   * The typed view of `bytes`, sharing their memory: Bool and packed dtypes as `Uint8Array` (0 or 1; packed bytes),
   * BFloat16 as `Uint16Array` of raw bits, complex dtypes as interleaved `re, im`, 64-bit integers as bigint arrays.
   *
   * @throws {ShapeError} The buffer was detached or resized after the tensor was made.
   */
  data(): TensorData {
    if (this.bytes.byteLength === this.byteLength && !isDetached(this.bytes)) {
      return this.#data ??= viewOf(this.dtype, this.bytes);
    }
    throw new ShapeError(`Cannot read tensor ${this}: its buffer was detached or resized`);
  }

  /**
   * The elements as nested arrays, a scalar as its element: numbers, bigints for Int64 and Uint64, booleans for Bool,
   * `{ re, im }` for complex dtypes; BFloat16 and packed dtypes decoded.
   *
   * @throws {ShapeError} There are more than 2^28 elements, or the buffer was detached or resized.
   */
  toNested(): NestedArray {
    const data = this.data();
    const { dtype, dimensions } = this;
    if (dimensions.length === 0) return elementAt(dtype, data, 0);
    return nest(
      dimensions,
      (from, to) => Array.from({ length: to - from }, (_, i) => elementAt(dtype, data, from + i)),
    );
  }

  /**
   * The element at flat (row-major) position `index`.
   *
   * @throws {ShapeError} There is no such element, or the buffer was detached or resized.
   */
  at(index: number): TensorElement {
    const data = this.data();
    if (Number.isInteger(index) && index >= 0 && index < this.size) return elementAt(this.dtype, data, index);
    throw new ShapeError(`Cannot read tensor ${this}: no element at "${index}", it has ${this.size} elements`);
  }

  /**
   * The only element of a scalar or of a tensor of size 1.
   *
   * @throws {ShapeError} The tensor has another size.
   */
  item(): TensorElement {
    if (this.size === 1) return this.at(0);
    throw new ShapeError(`Cannot take the item of tensor ${this}: ${this.size} elements found, wanted 1`);
  }

  /** Whether `other` has the same dtype, dimensions and bits: NaN equals a NaN of the same bits, 0 is not -0. */
  equals(other: Tensor): boolean {
    if (this.dtype !== other.dtype || !sameDimensions(this.dimensions, other.dimensions)) return false;
    this.data();
    other.data();
    return sameBits(this.bytes, other.bytes, this.size * bitsOf(this.dtype) % 8);
  }

  /** Statistics of all elements, in one pass. */
  statistics(): Statistics {
    this.data();
    const statistics = Statistics.of(this.dtype);
    statistics.add(this.bytes, this.size);
    return statistics;
  }

  /** The shape, `(Float32)[2 2]`. */
  toString(): string {
    return shapeText(this.dtype, this.dimensions);
  }

  /** What a notebook shows: statistics, values, and a picture where there is one. */
  [Symbol.for("Jupyter.display")](): Promise<JupyterBundle> {
    return viewBundle(() => tensorView(this));
  }

  /** What `display()` shows. */
  [Symbol.for("cairn.view")](): View {
    return tensorView(this);
  }

  /** One short line for `console.log`: shape and first elements. */
  [Symbol.for("Deno.customInspect")](): string {
    const detached = this.bytes.byteLength !== this.byteLength || isDetached(this.bytes);
    return `Tensor ${this} ${detached ? "detached" : tensorText(this)}`;
  }
}

function fromNested(value: NestedArray, options: TensorFromOptions): Tensor {
  const flat = flattenNested(value);
  const dtype = options.dtype ?? inferDType(flat.elements);
  const dimensions = options.dimensions ?? flat.dimensions;
  if (sizeOf(dimensions) !== flat.elements.length) {
    throw new ShapeError(
      `Cannot make tensor ${shapeText(dtype, dimensions)}: ${flat.elements.length} elements found, wanted ${
        sizeOf(dimensions)
      }`,
    );
  }
  const tensor = Tensor.zeros(dtype, dimensions);
  const misfit = encodeElements(dtype, flat.elements, tensor.data());
  if (misfit >= 0) throw doesNotFit(dtype, flat.elements[misfit], positionOf(misfit, flat.dimensions));
  return tensor;
}

function fromTypedArray(value: TensorData, options: TensorFromOptions): Tensor {
  if (isDetached(value)) throw new ShapeError("Cannot make a tensor: the buffer of the typed array is detached");
  const dtype = options.dtype ?? dtypeOf(value);
  if (storageOf(dtype) !== value[Symbol.toStringTag]) return converted(value, dtype, options.dimensions);
  if (dtype === "Bool" && value instanceof Uint8Array) {
    const misfit = value.findIndex((byte) => byte > 1);
    if (misfit >= 0) throw doesNotFit(dtype, value[misfit], `[${misfit}]`);
  }
  const shared = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const dimensions = options.dimensions ?? [Math.floor(value.byteLength / bitsOf(dtype) * 8)];
  return new Tensor(dtype, dimensions, options.copy ? shared.slice() : shared);
}

function converted(value: TensorData, dtype: DType, dimensions: readonly number[] = [value.length]): Tensor {
  if (kindOf(dtype) === "complex") {
    throw new ShapeError(
      `Cannot make a tensor: ${value[Symbol.toStringTag]} found, wanted ${dtype} as a ${storageOf(dtype)} of re, im`,
    );
  }
  if (sizeOf(dimensions) !== value.length) {
    throw new ShapeError(
      `Cannot make tensor ${shapeText(dtype, dimensions)}: ${value.length} elements found, wanted ${
        sizeOf(dimensions)
      }`,
    );
  }
  const tensor = Tensor.zeros(dtype, dimensions);
  const misfit = encodeTypedArray(dtype, value, tensor.data());
  if (misfit >= 0) throw doesNotFit(dtype, value[misfit], `[${misfit}]`);
  return tensor;
}

/** Callers without a type checker (notebooks) hand over anything. */
function checkDType(dtype: DType): void {
  if (isDType(dtype)) return;
  throw new ShapeError(`Cannot make a tensor: dtype "${dtype}" is unknown; wanted one of ${DTYPES.join(", ")}`);
}

function allocate(dtype: DType, dimensions: readonly number[]): Uint8Array {
  const byteLength = byteLengthOf(dtype, sizeOf(dimensions));
  try {
    return new Uint8Array(byteLength);
  } catch (cause) {
    throw new ShapeError(
      `Cannot make tensor ${shapeText(dtype, dimensions)}: there is no memory for ${byteLength} bytes`,
      { cause },
    );
  }
}

/** The bytes as a plain, aligned Uint8Array: a Node `Buffer` would give other semantics to `slice()`. */
function ownBytes(bytes: Uint8Array, alignment: number): Uint8Array {
  if (bytes.byteOffset % alignment !== 0) return new Uint8Array(bytes);
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function doesNotFit(dtype: DType, value: TensorElement | undefined, position: string): ShapeError {
  const text = typeof value === "object" ? `${value.re}, ${value.im}i` : String(value);
  return new ShapeError(
    `Cannot make a tensor: element ${position} is "${text}", which does not fit ${dtype}; wanted ${rangeText(dtype)}`,
  );
}
