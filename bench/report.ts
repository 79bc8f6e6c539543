import type { Plan, Row } from "./plan.ts";

/** What one run of an operation gave. */
export interface Sample {
  readonly seconds: number;
  /** Most memory of the process, in bytes; 0 if unknown. */
  readonly peak: number;
}

/** The samples of every row. */
export type Samples = ReadonlyMap<Row, readonly Sample[]>;

/** The rows that could not run here, and why. */
export type Skipped = ReadonlyMap<Row, string>;

/** The report in Markdown; `circumstances` are lines about the machine. */
export function reportText(
  plan: Plan,
  samples: Samples,
  skipped: Skipped,
  circumstances: readonly string[],
): string {
  return [
    "# Results",
    "",
    "Written by `deno task bench`. Every operation ran in a process of its own, all operations in turn, several times;",
    "ratios compare with the limit that was measured in the same run, minimum with minimum and median with median.",
    "",
    ...circumstances.map((line) => `- ${line}`),
    "",
    "## The machine's limits",
    "",
    ...table(["operation", "min s", "median s", "GiB/s", "peak MiB"], plan.limits.map((row) => cells(row, samples))),
    "",
    "## Cairn",
    "",
    ...table(
      ["operation", "min s", "median s", "GiB/s", "peak MiB", "data MiB", "beside", "× min", "× median"],
      plan.cairn.map((row) => [...cells(row, samples), dataCell(row), ...ratioCells(row, samples)]),
    ),
    "",
    "GiB/s is of the minimum. The peak is of the whole process (VmHWM); an idle process that has imported Cairn is among",
    "the limits. Import means: sources to evaluated module, compiled code cached. Means: GiB/s of source, with the",
    "checkpoints opened and their checksums compared, and the backend started before.",
    "",
    ...[...skipped].flatMap(([row, why]) => [`Not run: ${row.title}: ${why}`, ""]),
  ].join("\n");
}

function cells(row: Row, samples: Samples): string[] {
  const { min, median, peak } = summaryOf(row, samples);
  return [
    row.title,
    secondsText(min),
    secondsText(median),
    row.bytes === undefined || isNaN(min) ? "–" : (row.bytes / 2 ** 30 / min).toPrecision(3),
    peak === 0 ? "–" : (peak / 2 ** 20).toFixed(0),
  ];
}

function dataCell({ bytes }: Row): string {
  return bytes === undefined ? "–" : (bytes / 2 ** 20).toFixed(0);
}

function ratioCells(row: Row, samples: Samples): string[] {
  const { beside } = row;
  if (beside === undefined) return ["–", "–", "–"];
  const ours = summaryOf(row, samples);
  const limit = summaryOf(beside, samples);
  return [
    beside.title.replace(/, (\d+ × )?[\d.]+ [MG]iB .*$/, ""),
    ...isNaN(ours.min) ? ["–", "–"] : [(ours.min / limit.min).toFixed(2), (ours.median / limit.median).toFixed(2)],
  ];
}

/** Without samples seconds are NaN. */
interface Summary {
  readonly min: number;
  readonly median: number;
  readonly peak: number;
}

function summaryOf(row: Row, samples: Samples): Summary {
  const all = samples.get(row) ?? [];
  const seconds = all.map((sample) => sample.seconds).sort((a, b) => a - b);
  return {
    min: seconds[0] ?? NaN,
    median: seconds[Math.floor(seconds.length / 2)] ?? NaN,
    peak: Math.max(0, ...all.map((sample) => sample.peak)),
  };
}

function secondsText(seconds: number): string {
  if (isNaN(seconds)) return "–";
  return seconds < 0.1 ? seconds.toFixed(4) : seconds.toFixed(3);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const rule = titles.map((title) => title === "operation" || title === "beside" ? "---" : "---:");
  return [titles, rule, ...rows].map((row) => `| ${row.join(" | ")} |`);
}
