import { ShapeError, VariableError } from "../errors.ts";
import type { DType } from "../tensor/dtype.ts";
import { sameDimensions, shapeText } from "../tensor/shape.ts";
import { type NestedArray, Tensor, type TensorData } from "../tensor/tensor.ts";
import type { Variable } from "./variable.ts";

/** Refuses names that no checkpoint could tell from a scope. */
export function checkName(name: string, scope: string): void {
  if (!name.includes("/")) return;
  throw new VariableError(
    `Cannot use variable "${name}" in scope "${scope}": wanted a name without "/"; a scope is entered by ctx.in() or ` +
      "ctx.inAbsPath()",
    { entry: name },
  );
}

/** The rules of reuse and unique: see `Context.variableWithShape`. */
export function checkExistence(path: string, exists: boolean, rules: { isChecked: boolean; isReuse: boolean }): void {
  if (!rules.isChecked || rules.isReuse === exists) return;
  throw new VariableError(
    exists
      ? `Cannot create variable "${path}": it already exists; wanted a new one. If a notebook cell ran again, or a ` +
        "checkpoint was loaded, use ctx.checked(false) to take or create it, or ctx.reuse() to take it"
      : `Cannot reuse variable "${path}": it does not exist; use ctx.checked(false) to take or create it`,
    { entry: path },
  );
}

/** Refuses an existing variable of another dtype or other dimensions. */
export function checkShape(existing: Variable, dtype: DType, dimensions: readonly number[]): void {
  if (existing.dtype === dtype && sameDimensions(existing.dimensions, dimensions)) return;
  const path = existing.scopeAndName;
  const found = shapeText(existing.dtype, existing.dimensions);
  throw new ShapeError(`Cannot reuse variable "${path}": found ${found}; wanted ${shapeText(dtype, dimensions)}`, {
    entry: path,
  });
}

/** The value as a tensor of that dtype; a tensor itself is not converted. */
export function tensorFor(path: string, value: Tensor | NestedArray | TensorData, dtype: DType | undefined): Tensor {
  if (!(value instanceof Tensor)) return dtype === undefined ? Tensor.from(value) : Tensor.from(value, dtype);
  if (dtype === undefined || dtype === value.dtype) return value;
  throw new ShapeError(`Cannot create variable "${path}": found a tensor ${value}; wanted ${dtype}`, { entry: path });
}
