import type { DType } from "./dtype.ts";
import { ShapeError } from "../errors.ts";

/**
 * Number of elements of a tensor with the given dimensions: their product, 1 for a scalar (`[]`).
 *
 * @throws {ShapeError} A dimension is negative or not a whole number, or the product is more than 2^53 - 1.
 *
 * @example
 * ```ts
 * import { sizeOf } from "@cairn/checkpoints";
 *
 * console.assert(sizeOf([2, 3]) === 6);
 * console.assert(sizeOf([]) === 1);
 * ```
 */
export function sizeOf(dimensions: readonly number[]): number {
  let size = 1;
  let isEmpty = false;
  for (let axis = 0; axis < dimensions.length; axis++) {
    const dimension = dimensions[axis] ?? NaN;
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw new ShapeError(
        `Cannot size a tensor: dimension "${dimension}" of axis ${axis} found, wanted a whole number from 0 to 2^53 - 1`,
      );
    }
    size *= dimension;
    isEmpty ||= dimension === 0;
  }
  // A zero anywhere makes an empty tensor, also where the other dimensions alone would overflow.
  if (isEmpty) return 0;
  if (Number.isSafeInteger(size)) return size;
  throw new ShapeError(`Cannot size a tensor: dimensions [${dimensions.join(" ")}] hold more than 2^53 - 1 elements`);
}

/** Dimensions that nobody can change: the same array if it is so already, else a copy. */
export function frozenDimensions(dimensions: readonly number[]): readonly number[] {
  return Object.isFrozen(dimensions) ? dimensions : Object.freeze([...dimensions]);
}

/**
 * A shape as GoMLX prints it up to v0.27: `(Float32)[2 3]`, a scalar as `(Int64)`.
 * Source: GoMLX `shapes.Shape.String`.
 *
 * @example
 * ```ts
 * import { shapeText } from "@cairn/checkpoints";
 *
 * console.assert(shapeText("Float32", [2, 3]) === "(Float32)[2 3]");
 * console.assert(shapeText("Int64", []) === "(Int64)");
 * ```
 */
export function shapeText(dtype: DType, dimensions: readonly number[]): string {
  return dimensions.length === 0 ? `(${dtype})` : `(${dtype})[${dimensions.join(" ")}]`;
}

/**
 * Whether two lists of dimensions are the same, axis by axis.
 *
 * @example
 * ```ts
 * import { sameDimensions } from "@cairn/checkpoints";
 *
 * console.assert(!sameDimensions([2, 3], [3, 2]));
 * ```
 */
export function sameDimensions(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}
