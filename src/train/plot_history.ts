import { type JupyterBundle, jupyterBundle } from "../render/mod.ts";
import type { History } from "./history.ts";
import type { PlotPoint } from "./plot_point.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** What {@linkcode plotHistory} needs of Observable Plot: pass the module `npm:@observablehq/plot`. */
export interface PlotLike {
  /** Draws. */
  plot(options: Record<string, unknown>): { readonly outerHTML: string };
  /** A line. */
  lineY(data: readonly unknown[], options: Record<string, unknown>): unknown;
}

/** Options of {@linkcode plotHistory}. */
export interface PlotHistoryOptions {
  /** What makes the elements; Deno has none of its own: linkedom's `new DOMParser().parseFromString("<html></html>", "text/html")`. */
  readonly document: unknown;
  /** Names of the metrics to draw. Default: all. */
  readonly metrics?: readonly string[] | undefined;
  /** For `Plot.plot()`, beside or instead of what is chosen here: `{ width: 900, y: { type: "log" } }`. */
  readonly plot?: Readonly<Record<string, unknown>> | undefined;
}

const PLOT_HISTORY_OPTIONS: OptionNames<PlotHistoryOptions> = { document: true, metrics: true, plot: true };

/** A figure. In a notebook it is drawn. */
export class HistoryFigure {
  /** One `<figure>` for each type of metric. */
  readonly html: string;

  /** Takes what was drawn. */
  constructor(html: string) {
    this.html = html;
  }

  /** What a notebook shows. */
  [Symbol.for("Jupyter.display")](): JupyterBundle {
    return jupyterBundle("a figure of a History", this.html);
  }
}

/** A chart is not wider in pixels; and a notebook keeps every output. */
const MOST_POINTS = 500;

/**
 * Draws a {@linkcode History} as a figure, by Observable Plot, which you import: a chart for each type of metric, with a
 * line for each metric, of 500 points at most. For a quick look, the History shows itself without it.
 *
 * ```ts ignore
 * import * as Plot from "npm:@observablehq/plot@0.6.17";
 * import { DOMParser } from "npm:linkedom@0.18.12";
 *
 * const document = new DOMParser().parseFromString("<html></html>", "text/html");
 * const figure = plotHistory(await History.open("run"), Plot, { document, plot: { y: { type: "log" } } });
 * await Deno.writeTextFile("loss.html", figure.html); // in a notebook cell just `figure`
 * ```
 *
 * @example
 * ```ts
 * import { History, plotHistory } from "@cairn/checkpoints/train";
 *
 * const history = new History();
 * await history.addEval({ name: "valid" }, [{ name: "Loss", shortName: "loss", metricType: "loss" }], [0.5], 100);
 * const Plot = { plot: () => ({ outerHTML: "<svg></svg>" }), lineY: () => {} }; // really: npm:@observablehq/plot
 * if (plotHistory(history, Plot, { document: undefined }).html !== "<svg></svg>") throw new Error("one type of metric");
 * ```
 */
export function plotHistory(history: History, plot: PlotLike, options: PlotHistoryOptions): HistoryFigure {
  checkOptions("plotHistory()", options, PLOT_HISTORY_OPTIONS);
  const names = new Set(options.metrics ?? history.metricNames);
  const points = history.metricNames.filter((name) => names.has(name)).flatMap((name) => thinned(history.series(name)));
  const html = [...Map.groupBy(points, (point) => point.metricType)]
    .map(([metricType, ofType]) => chartOf(metricType, ofType, plot, options))
    .join("\n");
  return {
    html,
    [Symbol.for("Jupyter.display")]: () => ({ "text/html": html, "text/plain": "a figure of a History" }),
  };
}

function chartOf(
  metricType: string,
  points: readonly PlotPoint[],
  Plot: PlotLike,
  { document, plot = {} }: PlotHistoryOptions,
): string {
  const chart = Plot.plot({
    document,
    grid: true,
    x: { label: "step" },
    color: { legend: true },
    ...plot,
    // The type of the axis is the caller's, its label is ours.
    y: { label: metricType, ...asObject(plot.y) },
    marks: [Plot.lineY(points, { x: "step", y: "value", stroke: "metricName" })],
  });
  return chart.outerHTML;
}

/** At most {@linkcode MOST_POINTS}, the last one among them. */
function thinned(points: readonly PlotPoint[]): PlotPoint[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, index) => (points.length - 1 - index) % every === 0);
}

function asObject(options: unknown): object {
  return typeof options === "object" && options !== null ? options : {};
}
