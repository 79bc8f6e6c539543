import { ShapeError, VariableError } from "../errors.ts";
import { sameDimensions, shapeText } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { randomOf } from "./random.ts";
import type { Variable } from "./variable.ts";

/** Options of {@linkcode Context.initializeVariables}. */
export interface InitializeOptions {
  /** Makes the values reproducible. Without it the param `initializers_seed` counts, if it is not 0; else it is random. */
  readonly seed?: number | bigint | undefined;
}

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
