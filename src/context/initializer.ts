import { ShapeError, VariableError } from "../errors.ts";
import type { OptionNames } from "../options.ts";
import { toBFloat16Bits } from "../tensor/bfloat16.ts";
import { bitsOf, type DType, kindOf } from "../tensor/dtype.ts";
import { sameDimensions, shapeText } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type Random, randomOf } from "./random.ts";
import type { Variable } from "./variable.ts";

/** Makes a variable's first value, of exactly the given dtype and dimensions. */
export type Initializer = (dtype: DType, dimensions: readonly number[], random: Random) => Tensor;

/**
 * What a new Context uses: uniform in [-0.05, 0.05) for float and complex dtypes, zeros for others.
 * Source: GoMLX `context.DefaultInitializer`, which cannot be seeded.
 */
export function defaultInitializer(dtype: DType, dimensions: readonly number[], random: Random): Tensor {
  const kind = kindOf(dtype);
  return kind === "float" || kind === "complex" ? uniform(dtype, dimensions, random) : Tensor.zeros(dtype, dimensions);
}

const uniform = uniformInitializer(-0.05, 0.05);

/**
 * Uniform in [low, high), rounded to the dtype afterwards; both parts of complex elements. For float and complex dtypes.
 *
 * @example
 * ```ts
 * import { Context, uniformInitializer } from "@cairn/checkpoints";
 * import { assert } from "@std/assert";
 *
 * const ctx = new Context().withInitializer(uniformInitializer(0, 1));
 * const weights = ctx.variableWithShape("weights", "Float32", [2, 3]);
 * ctx.initializeVariables({ seed: 42 });
 * assert(weights.value().statistics().min >= 0);
 * ```
 */
export function uniformInitializer(low: number, high: number): Initializer {
  return (dtype, dimensions, random) => {
    const tensor = Tensor.zeros(dtype, dimensions);
    const data = tensor.data();
    const next = (): number => low + (high - low) * random.nextFloat();
    if (dtype === "BFloat16") {
      for (let i = 0; i < data.length; i++) data[i] = toBFloat16Bits(next());
    } else if (data instanceof Float32Array || data instanceof Float64Array || data instanceof Float16Array) {
      for (let i = 0; i < data.length; i++) data[i] = next();
    } else {
      const shape = shapeText(dtype, dimensions);
      throw new ShapeError(`Cannot initialize ${shape} with uniform numbers: wanted a float or complex dtype`);
    }
    return tensor;
  };
}

/** Zeros of any dtype. */
export function zerosInitializer(dtype: DType, dimensions: readonly number[]): Tensor {
  return Tensor.zeros(dtype, dimensions);
}

/** Ones of any dtype; true for Bool. */
export function onesInitializer(dtype: DType, dimensions: readonly number[]): Tensor {
  const tensor = Tensor.zeros(dtype, dimensions);
  const bytes = tensor.bytes;
  const bits = bitsOf(dtype);
  if (bits < 8) {
    // Packed: the same bit pattern in every byte, and zeros behind the last element.
    bytes.fill(255 / (2 ** bits - 1));
    const used = (tensor.size * bits) % 8;
    if (used > 0) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & (2 ** used - 1);
    return tensor;
  }
  const one = Tensor.from(kindOf(dtype) === "bool" ? true : kindOf(dtype) === "complex" ? { re: 1, im: 0 } : 1, dtype);
  for (let at = 0; at < bytes.length; at += one.bytes.length) bytes.set(one.bytes, at);
  return tensor;
}

/** Options of {@linkcode Context.initializeVariables}. */
export interface InitializeOptions {
  /** Makes the values reproducible. Without it the param `initializers_seed` counts, if it is not 0; else it is random. */
  readonly seed?: number | bigint | undefined;
}

export const INITIALIZE_OPTIONS: OptionNames<InitializeOptions> = { seed: true };

/** Gives a first value to each of the variables; if one fails, none gets one. */
export function initializeAll(variables: readonly Variable[], seed: bigint): void {
  const values = variables.map((variable) => [variable, firstValue(variable, seed)] as const);
  for (const [variable, value] of values) variable.setValue(value);
}

function firstValue({ scopeAndName: path, dtype, dimensions, initializer }: Variable, seed: bigint): Tensor {
  const place = { entry: path };
  if (initializer === undefined) {
    const advice = "ask for it with ctx.checked(false).variableWithShape(), which gives it one";
    throw new VariableError(`Cannot initialize variable "${path}": it has no initializer; ${advice}`, place);
  }
  const value = initializer(dtype, dimensions, randomOf(seed, path));
  if (value.dtype === dtype && sameDimensions(value.dimensions, dimensions)) return value;
  const wanted = shapeText(dtype, dimensions);
  throw new ShapeError(`Cannot initialize variable "${path}": its initializer made ${value}; wanted ${wanted}`, place);
}
