import { VariableError } from "../errors.ts";
import { textOf } from "../options.ts";
import { shapeText } from "../tensor/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { numberOrBigint } from "./go_type.ts";
import type { Variable } from "./variable.ts";

/** Name of the variable that counts training steps. Source: GoMLX `optimizers.GlobalStepVariableName`. */
export const GLOBAL_STEP_NAME = "global_step";

/** An Int64 scalar; refuses numbers that are not whole and exact, and what int64 cannot hold. */
export function stepTensor(step: number | bigint): Tensor {
  const exact = typeof step === "bigint" || Number.isSafeInteger(step);
  if (!exact) {
    throw new VariableError(`Cannot set the global step to ${textOf(step)}: wanted a safe integer or a bigint`);
  }
  const value = BigInt(step);
  if (BigInt.asIntN(64, value) !== value) {
    throw new VariableError(`Cannot set the global step to ${step}: wanted an int64`);
  }
  return Tensor.from(value, "Int64");
}

/** The value of a global step variable: a number if that is exact. */
export function stepOf(variable: Variable): number | bigint {
  const step = checkedStep(variable).value().item();
  return typeof step === "bigint" ? numberOrBigint(step) : Number(step);
}

/** Refuses a variable that cannot be a global step. */
export function checkedStep(variable: Variable): Variable {
  if (variable.dtype === "Int64" && variable.dimensions.length === 0) return variable;
  const path = variable.scopeAndName;
  const found = shapeText(variable.dtype, variable.dimensions);
  throw new VariableError(`Cannot use variable "${path}" as global step: found ${found}; wanted an (Int64) scalar`, {
    entry: path,
  });
}
