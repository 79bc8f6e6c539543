import { drawable } from "../render/mod.ts";
import { sameDimensions } from "../tensor/mod.ts";
import { blockReader, forEachSideBySide } from "./compare.ts";
import { ByteProgress } from "./byte_progress.ts";
import type { WorkOptions } from "./save.ts";
import { areSameBytes } from "./same_bytes.ts";
import { variableKey } from "./snapshot.ts";
import type { Side, VariableChange, VariableDistance, VariablesDiff } from "./variables_diff.ts";
import { variablesDiffView } from "./variables_diff_view.ts";

/** Compares variables that have been captured, as `diffVariables` promises. */
export async function compareSides(
  [a, after]: readonly [readonly Side[], readonly Side[]],
  labels: readonly string[],
  options: WorkOptions,
): Promise<VariablesDiff> {
  const before = new Map(a.map((side) => [variableKey(side), side]));
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
    labels,
    changes: rows.filter(({ kind }) => kind !== "unchanged"),
    unchanged: rows.filter(({ kind }) => kind === "unchanged"),
  };
  return drawable(diff, variablesDiffView);
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
    this.same &&= areSameBytes(p, q);
    let [xx, yy, xy, dd, max, notFinite] = [0, 0, 0, 0, this.#max, 0];
    for (let i = 0; i < x.length; i++) {
      const a = x[i] ?? 0;
      const b = y[i] ?? 0;
      const d = b - a;
      if (!Number.isFinite(d)) {
        notFinite++;
        continue;
      }
      xx += a * a;
      yy += b * b;
      xy += a * b;
      dd += d * d;
      max = Math.max(max, Math.abs(d));
    }
    this.#xx += xx;
    this.#yy += yy;
    this.#xy += xy;
    this.#dd += dd;
    this.#max = max;
    this.#notFinite += notFinite;
  }

  distance(): VariableDistance {
    const relative = this.#dd === 0 ? 0 : Math.sqrt(this.#dd / this.#xx);
    const cosine = this.#xy / Math.sqrt(this.#xx * this.#yy);
    return { relative, cosine, maxAbsolute: this.#max, notFinite: this.#notFinite };
  }
}
