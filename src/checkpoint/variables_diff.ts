import { Context, type LoadedValue } from "../context/mod.ts";
import type { DType, Tensor } from "../tensor/mod.ts";
import { type Checkpoint, storedValues } from "./checkpoint.ts";
import { labelsOf, notComparable } from "./params_diff.ts";
import type { WorkOptions } from "./save.ts";
import { checkOptions } from "../options.ts";
import { WORK_OPTIONS } from "./byte_progress.ts";

/** How far two values of one shape are apart; of the elements that are finite in both. */
export interface VariableDistance {
  /** ‖b − a‖ / ‖a‖; Infinity if only a is all zero. */
  readonly relative: number;
  /** Cosine of the angle between them; NaN if one is all zero. */
  readonly cosine: number;
  /** Largest |b − a|. */
  readonly maxAbsolute: number;
  /** Elements that are NaN or infinite in one of them. */
  readonly notFinite: number;
}

/** A variable in two places. */
export interface VariableChange {
  /** Absolute scope. */
  readonly scope: string;
  /** Name within the scope. */
  readonly name: string;
  /** What happened; `shape`: dtype or dimensions differ; `unknown`: one has no value. */
  readonly kind: "changed" | "shape" | "new" | "gone" | "unchanged" | "unknown";
  /** Dtype and dimensions in the first. */
  readonly before: VariableShape | undefined;
  /** Dtype and dimensions in the second. */
  readonly after: VariableShape | undefined;
  /** How far it moved, if it changed. */
  readonly distance: VariableDistance | undefined;
}

/** Dtype, dimensions and size. */
export interface VariableShape {
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first. */
  readonly dimensions: readonly number[];
  /** Size in bytes. */
  readonly byteLength: number;
}

/** What differs between the variables of two checkpoints; draws itself in a notebook. */
export interface VariablesDiff {
  /** What the two are called. */
  readonly labels: readonly string[];
  /** The variables that differ, in the second one's order; those that are gone at the end. */
  readonly changes: readonly VariableChange[];
  /** The variables with the same bytes. */
  readonly unchanged: readonly VariableChange[];
}

/** A variable as it is to be compared. */
export interface Side {
  readonly scope: string;
  readonly name: string;
  readonly shape: VariableShape;
  readonly value: Tensor | LoadedValue | undefined;
}

/**
 * Compares the variables of two checkpoints or Contexts: which changed and by how much, which are new or gone. Reads
 * all values that both have, block by block, and keeps and consumes nothing. Complex numbers are taken as pairs.
 *
 * @example
 * ```ts
 * import { Context, diffVariables, Tensor } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * const before = new Context();
 * before.variableWithValue("w", [3, 4]);
 * const after = before.clone();
 * after.getVariable("w")?.setValue(Tensor.from([3, 5]));
 * const diff = await diffVariables(before, after);
 * assertEquals(diff.changes[0]?.distance?.relative, 0.2);
 * ```
 */
export async function diffVariables(
  a: Checkpoint | Context,
  b: Checkpoint | Context,
  options: WorkOptions = {},
): Promise<VariablesDiff> {
  checkOptions("diffVariables()", options, WORK_OPTIONS);
  for (const owner of [a, b]) {
    if (owner instanceof Context || Array.isArray(owner?.variables)) continue;
    throw notComparable("variables", owner, "two");
  }
  // What the Contexts hold now is compared, whatever happens until the rest is loaded and has run.
  const sides = [sidesOf(a), sidesOf(b)] as const;
  const labels = labelsOf([a, b].map((each) => each instanceof Context ? {} : each));
  const { compareSides } = await import("./compare_sides.ts");
  return await compareSides(sides, labels, options);
}

function sidesOf(owner: Checkpoint | Context): Side[] {
  if (!(owner instanceof Context)) {
    return storedValues(owner).map((value) => {
      const { scope, name, dtype, dimensions, byteLength } = value.entry;
      return { scope, name, shape: { dtype, dimensions, byteLength }, value };
    });
  }
  return Array.from(owner.iterVariables(), ({ scope, name, dtype, dimensions, byteLength, source }) => {
    return { scope, name, shape: { dtype, dimensions, byteLength }, value: source };
  });
}
