import { formatParameterName } from "../format/mod.ts";
import type { DType, Tensor } from "../tensor/mod.ts";
import type { Pending } from "./snapshot.ts";

/** A variable of a checkpoint that the Context has not asked for yet. */
export interface PendingVariable {
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first; `[]` is a scalar. */
  readonly dimensions: readonly number[];
  /** Size in bytes. */
  readonly byteLength: number;
  /** Reads it; it stays pending. */
  read(): Promise<Tensor>;
}

/** What is pending, by parameter name. */
export function pendingVariables(pending: readonly Pending[]): ReadonlyMap<string, PendingVariable> {
  return new Map(
    pending.map(({ scope, name, value }) => [formatParameterName("gomlx-0.10", scope, name), {
      dtype: value.dtype,
      dimensions: value.dimensions,
      byteLength: value.byteLength,
      read: () => value.peek(),
    }]),
  );
}
