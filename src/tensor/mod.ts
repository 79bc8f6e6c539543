/**
 * Tensors in host memory: element types, shapes, values and their statistics.
 *
 * A tensor is a dtype, dimensions and little-endian bytes, exactly as a checkpoint stores them.
 *
 * @module
 */

export { bitsOf, byteLengthOf, type DType, type DTypeKind, DTYPES, isDType, kindOf } from "./dtype.ts";
export type { Histogram } from "./histogram.ts";
export { sameDimensions, shapeText, sizeOf } from "./shape.ts";
export { Statistics } from "./statistics.ts";
export { Tensor, type TensorFromOptions } from "./tensor.ts";
export type { Complex, NestedArray, TensorData, TensorElement } from "./tensor_data.ts";
export { fromBFloat16Bits, toBFloat16Bits } from "./bfloat16.ts";
export { alignmentOf } from "./tensor_data.ts";
