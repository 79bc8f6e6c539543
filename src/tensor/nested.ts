import { ShapeError } from "../errors.ts";
import type { DType } from "./dtype.ts";
import type { Complex, NestedArray, TensorElement } from "./tensor_data.ts";

/** Deeper than any tensor: stops arrays that contain themselves. */
const MAX_RANK = 64;

/** A tenth of what the language allows: beyond it an array takes more memory than there is. */
const MAX_ARRAY_LENGTH = 2 ** 28;

/** The elements of nested arrays in row-major order, and their shape. */
export interface FlatElements {
  readonly dimensions: readonly number[];
  readonly elements: readonly TensorElement[];
}

/**
 * Flattens nested arrays.
 *
 * @throws {ShapeError} The arrays are ragged (naming where), nested too deep, or hold something that is no element.
 */
export function flattenNested(value: NestedArray): FlatElements {
  const dimensions: number[] = [];
  for (let inner: NestedArray | undefined = value; isList(inner); inner = inner[0]) {
    if (dimensions.length === MAX_RANK) {
      throw new ShapeError(`Cannot make a tensor: arrays are nested more than ${MAX_RANK} deep`);
    }
    dimensions.push(inner.length);
  }
  const elements: TensorElement[] = [];
  const position: number[] = [];
  append(value);
  return { dimensions, elements };

  function append(part: NestedArray): void {
    const axis = position.length;
    const wanted = dimensions[axis];
    if (wanted === undefined) {
      if (!isElement(part)) throw noElement(part, position);
      elements.push(part);
      return;
    }
    if (!isList(part) || part.length !== wanted) throw ragged(part, position, wanted);
    for (let i = 0; i < wanted; i++) {
      position.push(i);
      const inner = part[i];
      if (inner === undefined) throw noElement(inner, position);
      append(inner);
      position.pop();
    }
  }
}

/**
 * The dtype of elements without a stated one: numbers are Float32, bigints Int64, booleans Bool, `{ re, im }` Complex64.
 *
 * @throws {ShapeError} The elements are not all of one kind.
 */
export function inferDType(elements: readonly TensorElement[]): DType {
  const first = elements[0] ?? 0;
  const other = elements.find((element) => typeof element !== typeof first);
  if (other !== undefined) {
    throw new ShapeError(
      `Cannot make a tensor: both ${kindText(first)} and ${kindText(other)} found; wanted one kind, or a stated dtype`,
    );
  }
  switch (typeof first) {
    case "bigint":
      return "Int64";
    case "boolean":
      return "Bool";
    case "object":
      return "Complex64";
    default:
      return "Float32";
  }
}

/**
 * Nests elements by `dimensions`; `row(from, to)` gives those of the last axis.
 *
 * @throws {ShapeError} The arrays would be more than fit in memory: an empty tensor may have a huge axis.
 */
export function nest(dimensions: readonly number[], row: (from: number, to: number) => NestedArray[]): NestedArray {
  let arrays = 1;
  for (const dimension of dimensions) {
    arrays *= dimension;
    if (arrays > MAX_ARRAY_LENGTH) {
      throw new ShapeError(`Cannot nest a tensor of dimensions [${dimensions.join(" ")}]: it is too large for arrays`);
    }
  }
  let at = 0;
  return nestFrom(0);

  function nestFrom(axis: number): NestedArray {
    const dimension = dimensions[axis] ?? 0;
    if (axis < dimensions.length - 1) return Array.from({ length: dimension }, () => nestFrom(axis + 1));
    at += dimension;
    return row(at - dimension, at);
  }
}

/** A flat position as one index per axis. */
export function positionOf(index: number, dimensions: readonly number[]): string {
  const position: number[] = [];
  let rest = index;
  for (const dimension of dimensions.toReversed()) {
    position.unshift(rest % dimension);
    rest = Math.floor(rest / dimension);
  }
  return `[${position.join(" ")}]`;
}

function isList(value: NestedArray | undefined): value is readonly NestedArray[] {
  return Array.isArray(value);
}

/** Callers without a type checker (notebooks) hand over anything. */
function isElement(value: NestedArray): value is TensorElement {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return true;
  return isComplex(value);
}

function isComplex(value: unknown): value is Complex {
  return typeof value === "object" && value !== null && "re" in value && typeof value.re === "number" &&
    "im" in value && typeof value.im === "number";
}

function ragged(part: NestedArray, position: readonly number[], wanted: number): ShapeError {
  const found = isList(part) ? `has length ${part.length}` : `is ${kindText(part)}`;
  return new ShapeError(
    `Cannot make a tensor: the arrays are ragged; [${
      position.join(" ")
    }] ${found}, wanted an array of length ${wanted}`,
  );
}

function noElement(value: unknown, position: readonly number[]): ShapeError {
  return new ShapeError(
    `Cannot make a tensor: element [${position.join(" ")}] is ${kindText(value)}, ` +
      "wanted a number, bigint, boolean or { re, im }",
  );
}

function kindText(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (isComplex(value)) return "{ re, im }";
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") return value.constructor?.name ?? "an object";
  return typeof value === "string" ? JSON.stringify(value) : `a ${typeof value}`;
}
