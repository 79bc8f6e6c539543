import * as Plot from "npm:@observablehq/plot@0.6.17";
import { DOMParser } from "npm:linkedom@0.18.12";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { History, plotHistory } from "../../src/train/mod.ts";

const document = new DOMParser().parseFromString("<html></html>", "text/html");

Deno.test("plotHistory() draws a real run of GoMLX by Observable Plot: a chart for each type, a line for each metric", async () => {
  const history = await History.open(fromFileUrl(new URL("../golden/v0.27/train", import.meta.url)));
  const figure = plotHistory(history, Plot, { document });
  const { html } = figure;
  const charts = html.split("<figure").slice(1);
  assertEquals(charts.length, 2);
  assertEquals(charts.map(countLines), [5, 2]);
  assertStringIncludes(charts[0] ?? "", "Train: Moving Average Loss");
  assertMatch(charts[1] ?? "", /aria-label="y-axis label"[^]*mae/);
  const show: unknown = Reflect.get(figure, Symbol.for("Jupyter.display"));
  assert(typeof show === "function");
  assertEquals(show.call(figure)["text/html"], html);

  const one = plotHistory(history, Plot, {
    document,
    metrics: ["Mean Loss on train-eval"],
    plot: { width: 900, y: { type: "log" } },
  });
  assertMatch(one.html, /width="900"/);
  assertEquals(countLines(one.html), 1);
});

function countLines(chart: string): number {
  return chart.slice(chart.indexOf('aria-label="line"')).split("<path ").length - 1;
}

Deno.test("plotHistory() thins long series, keeps their end, and lets no name be markup", async () => {
  const history = new History();
  const points = Array.from({ length: 20_001 }, (_, step) => ({ step, value: Math.sin(step / 1000) }));
  const name = "<script>alert(1)</script>";
  await history.add(points.map((point) => ({ metricName: name, short: "l", metricType: "l", ...point })));
  const { html } = plotHistory(history, Plot, { document });
  assert(html.length < 40_000, String(html.length));
  assert(!html.includes("<script>"));
  const drawn = /d="M([^"]*)"/.exec(html.slice(html.indexOf('aria-label="line"')))?.[1]?.split("L") ?? [];
  assert(drawn.length > 450 && drawn.length <= 500, String(drawn.length));
  assertMatch(drawn.at(-1) ?? "", /^620,/, "at the right margin");
  assertEquals(plotHistory(new History(), Plot, { document }).html, "");
});
