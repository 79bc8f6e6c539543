import { type Cell, type Column, type Fact, formatCount, formatItems, formatNumber, mergeBars } from "../render/mod.ts";
import { type DType, kindOf } from "./dtype.ts";
import type { Histogram } from "./histogram.ts";
import type { Statistics } from "./statistics.ts";

/** The columns that {@linkcode statisticsCells} fills. */
export const STATISTICS_COLUMNS: readonly Column[] = [
  { title: "min", align: "right", width: 53, drop: 2 },
  { title: "mean", align: "right", width: 53, drop: 5 },
  { title: "std", align: "right", width: 53, drop: 4 },
  { title: "max", align: "right", width: 53, drop: 1 },
  { title: "values", align: "right", width: 86, drop: 6 },
];

/** What is known of a variable's values; without statistics `absent` says so. */
export function statisticsCells(
  dtype: DType,
  dimensions: readonly number[],
  statistics: Statistics | undefined,
  absent = "—",
): readonly (string | Cell)[] {
  if (statistics === undefined) {
    const figure = dimensions.length === 0 ? "" : "—";
    return [figure, figure, figure, figure, absent].map((text) => ({ text, tone: "muted" as const }));
  }
  const { count, min, mean, std, max } = statistics;
  if (count === 0) return ["", "", "", "", { text: "empty", tone: "muted" }];
  const whole = ["int", "uint", "bool"].includes(kindOf(dtype));
  const one = (x: number): string => whole && Number.isSafeInteger(x) ? formatCount(x) : formatNumber(x);
  if (dimensions.length === 0) return ["", "", "", "", `= ${scalarText(dtype, statistics, one)}`];
  const figures = [one(min), formatNumber(mean), formatNumber(std), one(max)];
  return [...figures, min === max ? constantCell(one(min)) : histogramCell(statistics.histogram, one(min), one(max))];
}

/** What is alarming about values. */
export function statisticsFlags({ nan, inf }: { readonly nan: number; readonly inf: number }): Fact[] {
  return [[nan, "NaN"] as const, [inf, "Inf"] as const]
    .flatMap(([count, what]) => count > 0 ? [{ text: `${formatCount(count)} ${what}`, mark: "warning" as const }] : []);
}

/** A sentence for those who cannot see the picture. */
export function histogramCell(histogram: Histogram, min: string, max: string): Cell {
  const { start, binWidth, counts } = histogram;
  const zero = -start / (binWidth * counts.length);
  const count = counts.reduce((sum, each) => sum + each, 0);
  // A few values in many bins would be a comb.
  const values = mergeBars(counts, Math.min(32, Math.max(6, Math.ceil(2 * Math.sqrt(count)))));
  return { text: `${min} to ${max}`, chart: { kind: "bars", values, zero } };
}

function constantCell(value: string): Cell {
  return { text: `all ${value}`, tone: "muted" };
}

function scalarText(dtype: DType, { nan, inf, mean }: Statistics, one: (x: number) => string): string {
  if (nan > 0) return "NaN";
  if (inf > 0) return "±Inf";
  return kindOf(dtype) === "bool" ? String(mean === 1) : one(mean);
}

/** `3 elements`. */
export function elementsText(count: number): string {
  return formatItems(count, "element");
}
