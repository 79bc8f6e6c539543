import { Context, type LoadedValue } from "../context/mod.ts";
import { drawable } from "../render/mod.ts";
import { type DType, sameDimensions, type Tensor } from "../tensor/mod.ts";
import { type Checkpoint, storedValues } from "./checkpoint.ts";
import { blockReader, forEachSideBySide } from "./compare.ts";
import { labelsOf } from "./params_diff.ts";
import { ByteProgress, type WorkOptions } from "./save.ts";
import { variableKey } from "./snapshot.ts";
import { variablesDiffView } from "./variables_diff_view.ts";

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

interface Side {
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
  const before = new Map(sidesOf(a).map((side) => [variableKey(side), side]));
  const after = sidesOf(b);
  const pairs = after.map((side) => ({ side, other: before.get(variableKey(side)) }));
  const total = pairs.reduce(
    (sum, { side, other }) => sum + (comparable(other, side) ? 2 * side.shape.byteLength : 0),
    0,
  );
  const progress = new ByteProgress("compare", total, options);
  const rows: VariableChange[] = [];
  await progress.during(async () => {
    for (const { side, other } of pairs) rows.push(await compare(other, side, progress));
  });
  const known = new Set(after.map(variableKey));
  for (const [key, side] of before) if (!known.has(key)) rows.push(await compare(side, undefined, progress));
  const diff: VariablesDiff = {
    labels: labelsOf([a, b].map((each) => each instanceof Context ? {} : each)),
    changes: rows.filter(({ kind }) => kind !== "unchanged"),
    unchanged: rows.filter(({ kind }) => kind === "unchanged"),
  };
  return drawable(diff, variablesDiffView);
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

function comparable(a: Side | undefined, b: Side | undefined): boolean {
  return a?.value !== undefined && b?.value !== undefined && a.shape.dtype === b.shape.dtype &&
    sameDimensions(a.shape.dimensions, b.shape.dimensions);
}

async function compare(a: Side | undefined, b: Side | undefined, progress: ByteProgress): Promise<VariableChange> {
  const { scope, name } = b ?? a ?? { scope: "/", name: "" };
  const row = { scope, name, before: a?.shape, after: b?.shape, distance: undefined };
  if (a === undefined) return { ...row, kind: "new" };
  if (b === undefined) return { ...row, kind: "gone" };
  if (a.value === undefined || b.value === undefined) return { ...row, kind: "unknown" };
  if (!comparable(a, b)) return { ...row, kind: "shape" };
  const { dtype, dimensions, byteLength } = b.shape;
  const sums = new Sums();
  const readers = [blockReader(a.value), blockReader(b.value)];
  await forEachSideBySide(
    dtype,
    dimensions,
    byteLength,
    readers,
    ([x, y], [p, q]) => {
      if (x !== undefined && y !== undefined && p !== undefined && q !== undefined) sums.add(x, y, p, q);
    },
    (bytes) => progress.add(bytes),
  );
  return sums.same ? { ...row, kind: "unchanged" } : { ...row, kind: "changed", distance: sums.distance() };
}

class Sums {
  same = true;
  #xx = 0;
  #yy = 0;
  #xy = 0;
  #dd = 0;
  #max = 0;
  #notFinite = 0;

  add(x: Float64Array, y: Float64Array, p: Uint8Array, q: Uint8Array): void {
    this.same &&= p.every((byte, index) => byte === q[index]);
    for (let i = 0; i < x.length; i++) {
      const [a, b] = [x[i] ?? 0, y[i] ?? 0];
      const d = b - a;
      if (!Number.isFinite(d)) {
        this.#notFinite++;
        continue;
      }
      this.#xx += a * a;
      this.#yy += b * b;
      this.#xy += a * b;
      this.#dd += d * d;
      if (Math.abs(d) > this.#max) this.#max = Math.abs(d);
    }
  }

  distance(): VariableDistance {
    const relative = this.#dd === 0 ? 0 : Math.sqrt(this.#dd / this.#xx);
    const cosine = this.#xy / Math.sqrt(this.#xx * this.#yy);
    return { relative, cosine, maxAbsolute: this.#max, notFinite: this.#notFinite };
  }
}
