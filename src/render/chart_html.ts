import { mergeBars } from "./view_text.ts";
import { element, type Html } from "./html.ts";
import type { Chart } from "./view.ts";

/** Mid-tones, at least 3:1 on white and on #111. */
const ACCENT = "#3b82f6";
const AXIS = "#8a8a8a";

/** The size of a chart in a table, in pixels. */
export const CHART_WIDTH = 88;
const CHART_HEIGHT = 22;
/** More bars than that cannot be told apart. */
const MAX_BARS = 32;

/**
 * A chart as an `<img>` of SVG: the one form of drawing that notebooks keep when they do not trust. `alt` remains where
 * images or styles are dropped, so its size is set by style only.
 */
export function chartHtml(chart: Chart, alt: string, width = CHART_WIDTH): Html {
  if (chart.kind === "meter") return meterHtml(chart.value, alt);
  const source = chart.kind === "bars" ? barsSvg(chart.values, chart.zero) : lineSvg(chart.values);
  const style =
    `display:block;margin:0 0 0 auto;width:${width}px;height:${CHART_HEIGHT}px;max-width:100%;border:0;padding:0;background:none`;
  return element("img", { alt, title: alt, style, src: `data:image/svg+xml;base64,${btoa(source)}` });
}

function barsSvg(values: readonly number[], zero: number): string {
  const bars = mergeBars(values, MAX_BARS);
  const top = Math.max(...bars);
  // Bars are 3 wide and 1 apart; 20 is the base line.
  const path = bars.map((value, index) => {
    if (!(value > 0)) return "";
    const height = Math.max(1, Math.round(Math.sqrt(value / top) * 190) / 10);
    return `M${index * 4} 20v-${height}h3v${height}z`;
  }).join("");
  const width = bars.length * 4 - 1;
  const tick = zero > 0 && zero < 1
    ? `<path d="M${Math.round(zero * width)} 0v22" stroke="${AXIS}" stroke-dasharray="2 2"/>`
    : "";
  return svg(width, `<path d="${path}" fill="${ACCENT}"/><path d="M0 20.5h${width}" stroke="${AXIS}"/>${tick}`);
}

function lineSvg(values: readonly number[]): string {
  const top = Math.max(...values, Number.MIN_VALUE);
  const step = 84 / Math.max(1, values.length - 1);
  const points = values.map((value, index) => [
    Math.round(20 + index * step * 10) / 10,
    Math.round(190 - (value >= 0 ? value / top : 0) * 160) / 10,
  ]);
  const line = points.map(([x, y]) => `${x} ${y}`).join("L");
  const dots = points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="1.8"/>`).join("");
  return svg(
    CHART_WIDTH,
    `<path d="M0 20.5h88" stroke="${AXIS}"/><path d="M${line}" fill="none" stroke="${ACCENT}" stroke-width="1.5"/>` +
      `<g fill="${ACCENT}">${values.length > 20 ? "" : dots}</g>`,
  );
}

function svg(width: number, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 22" preserveAspectRatio="none">${content}</svg>`;
}

function meterHtml(value: number, alt: string): Html {
  const percent = (Math.max(0, Math.min(1, value)) * 100).toFixed(1);
  const track =
    "display:inline-block;vertical-align:middle;width:64px;height:8px;margin-left:8px;border-radius:4px;overflow:hidden;background-color:rgba(128,128,128,.25)";
  const fill = element("span", { style: `display:block;width:${percent}%;height:8px;background-color:${ACCENT}` });
  return element("span", { style: "white-space:nowrap" }, alt, element("span", { style: track }, fill));
}
