import { flatTable, formatItems, formatNumber, type Row, type View } from "../render/mod.ts";
import type { PlotPoint } from "./plot_point.ts";

/** More points than that cannot be told apart in a small picture. */
const CURVE_POINTS = 12;

/** A History as a view: a line for each metric, given as its points by step, with a curve. */
export function historyView(path: string | undefined, series: readonly (readonly PlotPoint[])[]): View {
  const steps = series.flatMap((points) => [points.at(0)?.step, points.at(-1)?.step]).filter((step) =>
    step !== undefined
  );
  const count = series.reduce((sum, points) => sum + points.length, 0);
  const facts = [formatItems(series.length, "metric"), formatItems(count, "point")];
  if (steps.length > 0) {
    const [first, last] = steps.reduce(([min, max], step) => [Math.min(min, step), Math.max(max, step)], [
      Infinity,
      -Infinity,
    ]);
    facts.push(`steps ${formatNumber(first)} to ${formatNumber(last)}`);
  }
  if (series.length === 0) return { title: "History", facts, place: path, blocks: [] };
  const columns = [
    { title: "metric" },
    { title: "type", under: true, drop: 2 },
    { title: "points", align: "right", width: 52, drop: 1 },
    { title: "first", align: "right", width: 60, drop: 3 },
    { title: "lowest", align: "right", width: 60, drop: 4 },
    { title: "highest", align: "right", width: 60, drop: 5 },
    { title: "last", align: "right", width: 60 },
    { title: "curve", align: "right", width: 94 },
  ] as const;
  return { title: "History", facts, place: path, blocks: [flatTable(columns, series.flatMap(rowOf))] };
}

function rowOf(points: readonly PlotPoint[]): Row[] {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return [];
  const values = points.map((point) => point.value);
  const [lowest, highest] = rangeOf(values);
  return [{
    path: first.metricName,
    label: first.metricName,
    cells: [
      first.metricType,
      String(points.length),
      formatNumber(first.value),
      formatNumber(lowest),
      formatNumber(highest),
      { text: formatNumber(last.value), tone: "strong" },
      {
        text: `${formatNumber(first.value)} to ${formatNumber(last.value)}`,
        chart: { kind: "line", values: curveOf(values, Math.min(0, lowest)) },
      },
    ],
  }];
}

/** The means of neighbours, above `floor`. */
function curveOf(values: readonly number[], floor: number): number[] {
  const count = Math.min(CURVE_POINTS, values.length);
  return Array.from({ length: count }, (_, index) => {
    const part = values.slice(
      Math.floor(index * values.length / count),
      Math.floor((index + 1) * values.length / count),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length - floor;
  });
}

function rangeOf(values: readonly number[]): readonly [lowest: number, highest: number] {
  return values.reduce(([min, max], value) => [Math.min(min, value), Math.max(max, value)], [Infinity, -Infinity]);
}
