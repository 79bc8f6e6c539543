import { type Fact, flatTable, formatItems, type View } from "../render/mod.ts";
import type { Repair } from "./repair.ts";

const MAX_ROWS = 200;

/** What a repair did as a view. */
export function repairView({ place, dryRun, moved, left, intact }: Repair): View {
  const files = formatItems(moved.length, "file");
  const facts: (string | Fact)[] = [
    moved.length === 0
      ? { text: "nothing to put aside", mark: "good" }
      : { text: dryRun ? `${files} would be put aside` : `${files} put aside`, mark: "changed" },
    ...dryRun ? ["dry run, nothing was changed"] : [],
    formatItems(intact.length, "intact checkpoint"),
    ...left.length === 0 ? [] : [`${formatItems(left.length, "thing")} left where it is`],
  ];
  // The directory is in the head already.
  const within = (problem: string): string => problem.replaceAll(`"${place}/`, '"');
  const rows = [
    ...moved.map(({ from, to, problem }, i) => ({
      path: from,
      label: from,
      cells: [`→ ${to}`, isSecondOfPair(from, moved[i - 1]?.from) ? "" : within(problem)],
    })),
    ...left.map(({ name, kind, problem }) => ({
      path: name,
      label: name,
      cells: [`${kind}, left`, within(problem ?? "")],
    })),
  ];
  const rest = rows.length > MAX_ROWS ? `… and ${formatItems(rows.length - MAX_ROWS, "more file")}` : undefined;
  const columns = [
    { title: "file" },
    { title: "now", below: true },
    { title: "problem", under: true, below: true },
  ];
  return {
    title: "Repair",
    facts,
    place,
    blocks: rows.length === 0 ? [] : [flatTable(columns, rows.slice(0, MAX_ROWS), rest)],
  };
}

/** What is wrong with a checkpoint is said at the first of its two files. */
function isSecondOfPair(file: string, before = ""): boolean {
  const stem = (name: string): string => name.slice(0, name.lastIndexOf("."));
  return before !== "" && stem(file) === stem(before);
}
