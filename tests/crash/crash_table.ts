import { type FaultGroup, type FaultReport, pointsOf } from "../../src/testing/mod.ts";

/** Processes that `kill_test.ts` kills. */
export const KILLS = 200;
/** Size of the file system that `full_disk_test.ts` fills, in MiB. */
export const SMALL_DISK_MIB = 4;

const GROUPS: readonly (readonly [FaultGroup, string])[] = [
  ["process killed", "process killed before or after an operation"],
  ["power lost", "power lost there: unsynced bytes and names dropped, cut, zeroed, reordered"],
  ["torn write", "power lost within a write"],
  ["second crash, while recovering", "power lost once more, while the next process recovers"],
  ["disk full (ENOSPC)", "disk full (ENOSPC), once or lasting"],
  ["I/O error (EIO)", "I/O error (EIO) of a read, write or sync"],
  ["access refused (EACCES)", "access refused (EACCES)"],
];

/** Which tests the last two rows are from; all others are from the run that wrote the table. */
const SOURCES =
  "The last two rows: [kill_test.ts](tests/crash/kill_test.ts), [full_disk_test.ts](tests/crash/full_disk_test.ts).";

/** All points of some reports together. */
export function totalPoints(reports: readonly FaultReport[]): number {
  return reports.reduce((sum, each) => sum + pointsOf(each), 0);
}

/** What the README shows between its markers: faults tried, how often, and what was lost. */
export function crashTable(reports: readonly FaultReport[]): string {
  const rows: string[][] = [["fault", "tried", "lost"]];
  for (const [group, text] of GROUPS) {
    const points = reports.reduce((sum, each) => sum + (each.points.get(group) ?? 0), 0);
    rows.push([text, points.toLocaleString("en-US"), brokenText(reports)]);
  }
  rows.push([`real process killed (SIGKILL) while it saves`, String(KILLS), "0"]);
  rows.push([`real file system of ${SMALL_DISK_MIB} MB that fills up, again and again`, "yes", "0"]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`);
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  const operations = reports.reduce((sum, each) => sum + each.operations, 0);
  const disks = reports.reduce((sum, each) => sum + each.disks, 0);
  const headline = `**${totalPoints(reports).toLocaleString("en-US")} faults in ${operations} file operations, ` +
    `${disks.toLocaleString("en-US")} different disks left behind, no checkpoint lost.**`;
  return `${headline}\n\n${lines.join("\n")}\n\n${SOURCES}`;
}

const START = "<!-- crash table: written by `deno task crash --write` -->";
const END = "<!-- end of crash table -->";

/** The text with the block between the markers replaced; throws if there are none. */
export function withCrashTable(readme: string, table: string): string {
  const [start, end] = [readme.indexOf(START), readme.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`Cannot write the crash table: README.md lacks "${START}" or its end`);
  return `${readme.slice(0, start)}${START}\n\n${table}\n\n${readme.slice(end)}`;
}

function brokenText(reports: readonly FaultReport[]): string {
  return String(reports.reduce((sum, each) => sum + each.broken.length, 0));
}
