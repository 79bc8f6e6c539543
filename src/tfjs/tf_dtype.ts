import { ShapeError } from "../errors.ts";
import type { DType } from "../tensor/mod.ts";

/** The dtypes that tfjs and a checkpoint have in common. */
const DTYPES: ReadonlyMap<string, DType> = new Map([["float32", "Float32"], ["int32", "Int32"], ["bool", "Bool"]]);

/** The dtype of a checkpoint for one of tfjs; `path` is for the error. */
export function dtypeOfTf(dtype: string, path: string): DType {
  const found = DTYPES.get(dtype);
  if (found !== undefined) return found;
  throw new ShapeError(
    `Cannot track "${path}": tfjs dtype "${dtype}" found, wanted one of ${[...DTYPES.keys()].join(", ")}`,
    { entry: path },
  );
}
