/**
 * `deno task bench:growth`: how time and memory grow with the bytes and with the number of variables; writes
 * bench/GROWTH.md and bench/growth.svg.
 *
 * - `--rounds=N`: how often; 3 unless given; the fastest counts
 * - `--quick`: up to 16 MiB and 1,000 variables; prints the report
 */

import { fromFileUrl, join } from "@std/path";
import { formatMarkdown } from "./format_markdown.ts";
import { growthSvg, type Plot, type Series } from "./growth_plot.ts";
import { loadText, machineText } from "./machine.ts";
import { measure } from "./measure.ts";
import { optionsOf } from "./options.ts";
import type { DataSet, Row } from "./plan.ts";
import { type Samples, section, summaryOf } from "./report.ts";
import { bytesOf } from "./work.ts";

const HERE = fromFileUrl(new URL(".", import.meta.url));
const MIB = 2 ** 20;
/** Elements of each variable where their number grows. */
const ELEMENTS = 64;
/** Variables where the bytes grow. */
const VARIABLES = 100;
const OPERATIONS = [["save", "durable save"], ["loadAll", "load all"], ["openAndReadFirst", "open + first"]] as const;
/** Below this many seconds a step says nothing: it is what every process pays once. */
const NOTICEABLE = 0.05;
/** The exponent of linear growth is 1; noise stays below this. */
const STEEP = 1.25;

/** What grows. */
interface Axis {
  readonly title: string;
  readonly unit: string;
  readonly data: readonly DataSet[];
  readonly xOf: (data: DataSet) => number;
  readonly xText: (x: number) => string;
}

/** One operation along an axis. */
interface Curve {
  readonly name: string;
  readonly axis: Axis;
  readonly rows: readonly Row[];
}

if (import.meta.main) await growth(Deno.args);

async function growth(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, { flags: ["--quick"], values: ["--rounds"] });
  const quick = options.has("--quick");
  const rounds = Number(options.get("--rounds") ?? (quick ? 1 : 3));
  const curves = axesOf(quick).flatMap((axis) =>
    OPERATIONS.map(([operation, name]): Curve => ({
      name,
      axis,
      rows: axis.data.map((data) => rowOf(operation, data)),
    }))
  );
  const root = await Deno.makeTempDir({ prefix: "cairn-growth-" });
  try {
    const before = loadText();
    const { samples } = await measure(curves.flatMap(({ rows }) => rows), rounds, root);
    const report = await formatMarkdown([
      "# Growth",
      "",
      "Written by `deno task bench:growth`: the fastest of all rounds, each operation in a process of its own. The exponent",
      "is that of the step from the row above; 1 is linear, less is what is paid once. In the plot, dotted is linear.",
      "",
      `- ${new Date().toISOString().slice(0, 10)}, ${rounds} rounds, Deno ${Deno.version.deno}`,
      `- ${await machineText(root)}`,
      `- load average (1, 5, 15 minutes): ${before} before, ${loadText()} after`,
      "",
      "![time and memory](growth.svg)",
      "",
      ...curves.flatMap((curve) => curveText(curve, samples)),
    ].join("\n"));
    if (quick) return console.log(report);
    await Deno.writeTextFile(join(HERE, "GROWTH.md"), report);
    await Deno.writeTextFile(join(HERE, "growth.svg"), growthSvg(plotsOf(curves, samples)));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function axesOf(quick: boolean): Axis[] {
  const mebibytes = [1, 4, 16, 64, 256, 1024, 4096].filter((each) => !quick || each <= 16);
  const counts = [1, 10, 100, 1000, 10_000, 100_000].filter((each) => !quick || each <= 1000);
  return [
    {
      title: `${VARIABLES} variables, more and more bytes`,
      unit: "MiB",
      data: mebibytes.map((each) => dataSet(`${each}-mib`, VARIABLES, Math.floor(each * MIB / 4 / VARIABLES))),
      xOf: (data) => bytesOf(data) / MIB,
      xText: (x) => x < 1000 ? `${x.toFixed(0)} MiB` : `${(x / 1024).toFixed(0)} GiB`,
    },
    {
      title: `More and more variables of ${ELEMENTS} float32`,
      unit: "variable",
      data: counts.map((each) => dataSet(`${each}-variables`, each, ELEMENTS)),
      xOf: (data) => data.variables,
      xText: (x) => x.toLocaleString("en"),
    },
  ];
}

function curveText({ name, axis, rows }: Curve, samples: Samples): string[] {
  const points = rows.map((row) => ({ x: axis.xOf(row.data), ...summaryOf(row, samples) }));
  const exponents = points.map((point, index) => exponentOf(points[index - 1], point));
  const steep = points.filter(({ min }, index) => min > NOTICEABLE && (exponents[index] ?? 0) > STEEP);
  const { once, perUnit } = fitLine(points.map(({ x, min }) => [x, min]));
  return [
    ...section(
      `${name}: ${axis.title}`,
      ["size", "seconds", "peak MiB", "exponent"],
      points.map(({ x, min, peak }, index) => [
        axis.xText(x),
        min.toPrecision(3),
        (peak / MIB).toFixed(0),
        exponents[index]?.toFixed(2) ?? "–",
      ]),
    ),
    `Fitted: ${(once * 1000).toFixed(1)} ms, and ${Number((perUnit * 1e6).toPrecision(3))} µs per ${axis.unit}. ${
      steep.length === 0
        ? "Nowhere steeper than linear."
        : `**Steeper than linear at ${steep.map(({ x }) => axis.xText(x)).join(", ")}.**`
    }`,
    "",
  ];
}

function exponentOf(
  from: { readonly x: number; readonly min: number } | undefined,
  to: { readonly x: number; readonly min: number },
): number | undefined {
  return from === undefined ? undefined : Math.log(to.min / from.min) / Math.log(to.x / from.x);
}

/** The line with the least squares of relative errors: else the largest point alone would decide. */
function fitLine(points: readonly (readonly [x: number, y: number])[]): { once: number; perUnit: number } {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / y ** 2;
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  const perUnit = (w * wxy - wx * wy) / (w * wxx - wx ** 2);
  return { once: (wy - perUnit * wx) / w, perUnit };
}

function plotsOf(curves: readonly Curve[], samples: Samples): Plot[] {
  const axes = [...new Set(curves.map(({ axis }) => axis))];
  const quantities = [
    {
      title: "time",
      yText: (y: number) => y < 1 ? `${y * 1000} ms` : `${y} s`,
      of: (row: Row) => summaryOf(row, samples).min,
    },
    { title: "peak memory", yText: (y: number) => `${y} MiB`, of: (row: Row) => summaryOf(row, samples).peak / MIB },
  ];
  return quantities.flatMap(({ title, yText, of }) =>
    axes.map((axis): Plot => ({
      title: `${title}: ${axis.title}`,
      xText: axis.xText,
      yText,
      series: curves.filter((curve) => curve.axis === axis).map(({ name, rows }): Series => ({
        name,
        points: rows.map((row) => [axis.xOf(row.data), of(row)]),
      })),
    }))
  );
}

function dataSet(name: string, variables: number, elements: number): DataSet {
  return { name, variables, elements, dtype: "Float32", checkpoints: 1 };
}

function rowOf(operation: string, data: DataSet): Row {
  const title = `${operation}, ${data.name}`;
  return { title, operation, data, cache: "warm", peer: undefined, bytes: bytesOf(data), beside: undefined };
}
