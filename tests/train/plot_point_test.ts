import { assert, assertEquals } from "@std/assert";
import { parsePlotPoints, type PlotPoint, plotPointLine } from "../../src/train/plot_point.ts";

const GOLDEN = ["v0.19.4", "v0.27"] as const;
const LOSS: PlotPoint = { metricName: "Train: Loss", short: "T/loss", metricType: "loss", step: 1, value: 0.5 };

Deno.test("plotPointLine() writes GoMLX's bytes: files of two real runs come back as they were", async () => {
  for (const version of GOLDEN) {
    const text = await Deno.readTextFile(
      new URL(`../golden/${version}/train/training_plot_points.json`, import.meta.url),
    );
    const { points, badLines, end, torn } = parsePlotPoints(text);
    assertEquals([points.length, badLines, end, torn], [35, [], text.length - 1, false]);
    assertEquals(points.map(plotPointLine).join(""), text);
  }
});

Deno.test("plotPointLine() escapes and writes numbers as Go does", () => {
  const line = plotPointLine({ metricName: 'a<b>&"\u2028\b', short: "é", metricType: "", step: 1e21, value: -0 });
  assertEquals(
    line,
    '{"MetricName":"a\\u003cb\\u003e\\u0026\\"\\u2028\\b","Short":"é","MetricType":"","Step":1e+21,"Value":-0}\n',
  );
  assert(plotPointLine({ ...LOSS, step: 1e7, value: 1e-7 }).endsWith('"Step":10000000,"Value":1e-7}\n'));
});

Deno.test("parsePlotPoints() takes any white space, keys in any case, and unknown keys", () => {
  const text =
    ' {\n\t"metricname": "a",\r\n"SHORT":"s","MetricType":"loss","step":1,"Value":2,"x":"}{"}{"Step":2}\n\n{"Step":3}';
  const { points, badLines, end, torn } = parsePlotPoints(text);
  assertEquals(points.map(({ step }) => step), [1, 2, 3]);
  assertEquals([points[0], badLines, end, torn], [
    { metricName: "a", short: "s", metricType: "loss", step: 1, value: 2 },
    [],
    text.length,
    false,
  ]);
});

Deno.test("parsePlotPoints() lets a missing or null key keep the value of the point before, as Go's decoder does", () => {
  const { points } = parsePlotPoints(
    `{"MetricName":"a","Step":1,"Value":2}\n${plotPointLine(LOSS)}{"Short":null,"Value":7}\n`,
  );
  assertEquals(points, [
    { metricName: "a", short: "", metricType: "", step: 1, value: 2 },
    LOSS,
    { ...LOSS, value: 7 },
  ]);
});

Deno.test("parsePlotPoints() tolerates a line torn at every byte", () => {
  const first = plotPointLine(LOSS);
  const second = plotPointLine({ ...LOSS, metricName: 'Train: {a} "b"', step: 2 });
  for (let length = 1; length < second.length - 1; length++) {
    const { points, badLines, end, torn } = parsePlotPoints(first + second.slice(0, length));
    assertEquals([points, badLines, end, torn], [[LOSS], [], first.length - 1, true], second.slice(0, length));
  }
  assertEquals(parsePlotPoints(first + second.slice(0, -1)).points.length, 2, "only the line feed is missing");
  assertEquals(parsePlotPoints(`${first}\0\0\0`), { points: [LOSS], badLines: [], end: first.length - 1, torn: true });
});

Deno.test("parsePlotPoints() finds what GoMLX has appended to a torn line", () => {
  const line = plotPointLine(LOSS);
  for (let length = 1; length < line.length - 1; length++) {
    const { points, badLines, torn } = parsePlotPoints(line + line.slice(0, length) + line + line);
    assertEquals([points, badLines, torn], [[LOSS, LOSS, LOSS], [2], false], line.slice(0, length));
  }
});

Deno.test("parsePlotPoints() leaves out what is no point, and names the lines", () => {
  const line = plotPointLine(LOSS);
  const bad = ['{"Step":"1"}', '{"Value":1e999}', '{"MetricName":3}', "[]", "nonsense", '{"a":{}}', "3", "\ufeff"];
  const { points, badLines, torn } = parsePlotPoints(line + bad.join("\n") + "\n" + line);
  assertEquals([points, badLines, torn], [[LOSS, LOSS], [2, 3, 4, 5, 6, 7, 8, 9], false]);
  assertEquals(parsePlotPoints(""), { points: [], badLines: [], end: 0, torn: false });
});

Deno.test("parsePlotPoints() needs no long time for hostile text", () => {
  const started = performance.now();
  for (const part of ["{", '{"', '{"a":', '{"a"\n', "\\", '"']) parsePlotPoints(part.repeat(200_000));
  assert(performance.now() - started < 2000, `${performance.now() - started} ms`);
});
