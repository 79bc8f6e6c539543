import type { Chart } from "./view.ts";

const BLOCKS = "▁▂▃▄▅▆▇█";

/** A chart in block characters; a meter has none. */
export function chartText(chart: Chart, width = 12): string {
  if (chart.kind === "meter") return "";
  const values = chart.kind === "bars" ? mergeBars(chart.values, width) : chart.values.slice(-width);
  const top = Math.max(...values);
  const scale = chart.kind === "bars" ? Math.sqrt : (x: number) => x;
  return values.map((value) => {
    if (!(value > 0)) return chart.kind === "bars" ? " " : BLOCKS[0];
    return BLOCKS[Math.min(7, Math.floor(scale(value / top) * 7.99))];
  }).join("");
}

/** At most `most` bars; neighbours are summed, evenly. */
export function mergeBars(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values];
  const bars = new Array<number>(most).fill(0);
  values.forEach((value, index) => {
    const bar = Math.floor(index * most / values.length);
    bars[bar] = (bars[bar] ?? 0) + value;
  });
  return bars;
}
