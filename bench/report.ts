import type { Contest, Plan, Row } from "./plan.ts";
import type { Figures, Target } from "./targets.ts";

/** What one run of an operation gave. */
export interface Sample {
  readonly seconds: number;
  /** Most memory of the process, in bytes; 0 if unknown. */
  readonly peak: number;
}

/** The samples of every row. */
export type Samples = ReadonlyMap<Row, readonly Sample[]>;

/** What was measured, and which rows could not be, and why. */
export interface Measured {
  readonly samples: Samples;
  readonly skipped: ReadonlyMap<Row, string>;
}

/**
 * The report in Markdown, of those rows of the plan that were measured; `introduction` says what wrote it, `circumstances`
 * are lines about the machine.
 */
export function reportText(
  plan: Plan,
  targets: readonly Target[],
  { samples, skipped }: Measured,
  introduction: string,
  circumstances: readonly string[],
): string {
  const measured = (rows: readonly Row[]): Row[] => rows.filter((row) => samples.has(row));
  return [
    "# Results",
    "",
    introduction,
    "Every operation ran in a process of its own, all operations in turn, several times; ratios compare with what was",
    "measured in the same run, minimum with minimum and median with median.",
    "",
    ...circumstances.map((line) => `- ${line}`),
    "",
    ...section("Targets", ["work", "reach", "by minimum", "by median", "reached"], targetRows(targets, samples)),
    ...section(
      "The machine's limits",
      ["operation", "min s", "median s", "GiB/s", "peak MiB"],
      measured(plan.limits).map((row) => cells(row, row.title, samples)),
    ),
    ...section(
      "Cairn",
      ["operation", "min s", "median s", "GiB/s", "peak MiB", "data MiB", "beside", "× min", "× median"],
      measured(plan.cairn).map((row) => [
        ...cells(row, row.title, samples),
        row.bytes === undefined ? "–" : mebibytes(row.bytes),
        row.beside === undefined ? "–" : operationText(row.beside),
        ...ratioCells(row, row.beside, samples),
      ]),
    ),
    "GiB/s is of the minimum. The peak is of the whole process (VmHWM); an idle process that has imported Cairn is among",
    "the limits. Import means: sources to evaluated module, compiled code cached. Means: GiB/s of source, with the",
    "checkpoints opened and their checksums compared, and the backend started before. Cold: the operating system was made",
    "to forget the files, and does not hold a page of them; a virtual machine's host may. Mapped: a byte of every page",
    "is touched, and nothing is compared with checksums.",
    "",
    ...plan.contests.flatMap((contest) => contestText(contest, samples)),
    ...section(
      "Peers' idle processes",
      ["operation", "min s", "median s", "GiB/s", "peak MiB"],
      measured(plan.idlePeers).map((row) => cells(row, row.title, samples)),
    ),
    ...[...skipped].flatMap(([row, why]) => [`Not run: ${row.title}: ${why}`, ""]),
  ].join("\n");
}

/** Fastest first; × is how often Cairn's time (that of its first row) goes into the peer's. */
function contestText({ title, cairn, peers }: Contest, samples: Samples): string[] {
  const rows = [...cairn, ...peers].filter((row) => samples.has(row))
    .sort((a, b) => summaryOf(a, samples).min - summaryOf(b, samples).min);
  if (!rows.some(({ peer }) => peer !== undefined)) return [];
  return section(
    title,
    ["tool", "min s", "median s", "GiB/s", "peak MiB", "× Cairn min", "× Cairn median"],
    rows.map((row) => [
      ...cells(row, row.peer?.name ?? `**Cairn**: ${operationText(row)}`, samples),
      ...ratioCells(row, cairn[0], samples),
    ]),
  );
}

/** The title without the data. */
function operationText({ title }: Row): string {
  return title.replace(/, (\d+ × )?[\d.]+ [MG]iB .*$/, "");
}

function targetRows(targets: readonly Target[], samples: Samples): string[][] {
  const figures = (by: "min" | "median"): Figures => ({
    seconds: (row) => row === undefined ? NaN : summaryOf(row, samples)[by],
    peak: (row) => row === undefined ? NaN : summaryOf(row, samples).peak || NaN,
  });
  return targets.map((target) => {
    const values = [target.value(figures("min")), target.value(figures("median"))];
    return [target.work, target.reach, ...values.map((value) => valueText(value, target)), verdict(target, values)];
  });
}

function valueText(value: number, { unit }: Target): string {
  return isFinite(value) ? `${value.toPrecision(3)} ${unit}` : "–";
}

function verdict({ bound, atLeast }: Target, values: readonly number[]): string {
  if (!values.every(isFinite)) return "not measured";
  const [min, median] = values.map((value) => atLeast ? value >= bound : value <= bound);
  if (min === median) return min ? "yes" : "**no**";
  return min ? "by minimum only" : "by median only";
}

function cells(row: Row, title: string, samples: Samples): string[] {
  const { min, median, peak } = summaryOf(row, samples);
  return [
    title,
    secondsText(min),
    secondsText(median),
    row.bytes === undefined || isNaN(min) ? "–" : (row.bytes / 2 ** 30 / min).toPrecision(3),
    peak === 0 ? "–" : mebibytes(peak),
  ];
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function ratioCells(row: Row, beside: Row | undefined, samples: Samples): string[] {
  if (beside === undefined) return ["–", "–"];
  const [ours, theirs] = [summaryOf(row, samples), summaryOf(beside, samples)];
  return [ours.min / theirs.min, ours.median / theirs.median].map((ratio) => isNaN(ratio) ? "–" : ratio.toFixed(2));
}

/** What all samples of a row say; without any, seconds are NaN. */
export interface Summary {
  readonly min: number;
  readonly median: number;
  /** The most memory, in bytes; 0 if unknown. */
  readonly peak: number;
}

/** The summary of a row. */
export function summaryOf(row: Row, samples: Samples): Summary {
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

/** A heading and a table; nothing if the table has no rows. */
export function section(heading: string, titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const words = ["operation", "beside", "work", "reach", "tool", "reached"];
  const rule = titles.map((title) => words.includes(title) ? "---" : "---:");
  return [`## ${heading}`, "", ...[titles, rule, ...rows].map((row) => `| ${row.join(" | ")} |`), ""];
}
