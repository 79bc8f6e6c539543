import {
  type Block,
  type Fact,
  flatTable,
  formatBytes,
  formatCount,
  formatItems,
  type Row,
  type View,
} from "../render/mod.ts";
import type { VerifiedVariable, VerifyReport } from "./verify.ts";

const MAX_ROWS = 100;

/** A report as a view: what is damaged, or that nothing is. */
export function verifyReportView({ baseName, place, ok, problems, variables }: VerifyReport): View {
  const count = (result: VerifiedVariable["result"]): number =>
    variables.filter((each) => each.result === result).length;
  const [damaged, unchecked] = [count("damaged"), count("unchecked")];
  const facts: (string | Fact)[] = [
    { text: `"${baseName}"`, code: true },
    ok ? { text: "intact", mark: "good" } : { text: "damaged", mark: "bad" },
    formatItems(variables.length, "variable"),
    formatBytes(variables.reduce((sum, each) => sum + each.byteLength, 0)),
    ...damaged === 0 ? [] : [{ text: `${formatCount(damaged)} damaged`, mark: "bad" as const }],
    ...unchecked === 0 ? [] : [{ text: `${formatCount(unchecked)} without a checksum in the file` }],
  ];
  const rows = variables.filter((each) => each.result === "damaged").map(rowOf);
  const rest = rows.length > MAX_ROWS ? `… and ${formatItems(rows.length - MAX_ROWS, "more variable")}` : undefined;
  const columns = [
    { title: "damaged" },
    { title: "size", align: "right" as const, width: 70 },
    { title: "problem", below: true },
  ];
  const blocks: Block[] = [
    ...problems.map((text): Block => ({ kind: "note", text, mark: "bad" })),
    ...rows.length === 0 ? [] : [flatTable(columns, rows.slice(0, MAX_ROWS), rest)],
  ];
  return { title: "Verification", facts, place, blocks };
}

function rowOf({ path, byteLength, problem }: VerifiedVariable): Row {
  return { path, label: path, mark: "removed", cells: [formatBytes(byteLength), problem ?? ""] };
}
