import { ShapeError } from "../errors.ts";
import { byteLengthOf, type DType } from "../tensor/mod.ts";
import type { Backend } from "./backend.ts";

/** Checks the arguments of {@linkcode Backend.mean}; throws a ShapeError. */
export function checkBlocks(backend: Backend, dtype: DType, blocks: readonly Uint8Array[], into: Uint8Array): void {
  const problem = findProblem(backend, dtype, blocks, into);
  if (problem !== undefined) throw new ShapeError(`Cannot compute a mean of ${dtype} on "${backend.name}": ${problem}`);
}

function findProblem(
  backend: Backend,
  dtype: DType,
  blocks: readonly Uint8Array[],
  into: Uint8Array,
): string | undefined {
  if (!backend.supports(dtype)) return "it has none of this dtype";
  if (blocks.length === 0) return "no blocks found, wanted at least one";
  const elementBytes = byteLengthOf(dtype, 1);
  if (into.length % elementBytes !== 0) {
    return `${into.length} bytes wanted, which is no multiple of the ${elementBytes} bytes of an element`;
  }
  const misfit = blocks.find((block) => block.length !== into.length);
  return misfit === undefined ? undefined : `a block of ${misfit.length} bytes found, wanted ${into.length}`;
}
