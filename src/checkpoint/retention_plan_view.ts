import { type Fact, flatTable, formatBytes, formatCount, formatItems, type Row, type View } from "../render/mod.ts";
import type { RetentionPlan, RetentionVerdict } from "./retention_plan.ts";

const MAX_ROWS = 100;

/** A plan as a view, the newest checkpoint first. */
export function retentionPlanView({ place, policy, trash, checkpoints }: RetentionPlan): View {
  const going = checkpoints.filter(({ stays }) => !stays);
  const bytes = going.reduce((sum, each) => sum + each.byteLength, 0);
  const where = trash ? "go to the trash" : "are removed";
  const facts: (string | Fact)[] = [
    `keeps ${policy}`,
    formatItems(checkpoints.length, "checkpoint"),
    going.length === 0
      ? "none goes"
      : { text: `${formatCount(going.length)} ${where}, ${formatBytes(bytes)}`, mark: "removed" },
  ];
  const rows = checkpoints.toReversed().map(rowOf);
  const rest = rows.length > MAX_ROWS ? `… and ${formatItems(rows.length - MAX_ROWS, "older checkpoint")}` : undefined;
  const columns = [
    { title: "checkpoint" },
    { title: "step", align: "right" as const, width: 66 },
    { title: "stays as", under: true },
    { title: "size", align: "right" as const, width: 70 },
  ];
  const blocks = rows.length === 0 ? [] : [flatTable(columns, rows.slice(0, MAX_ROWS), rest)];
  return { title: "Retention", facts, place, blocks };
}

function rowOf({ baseName, step, intact, stays, reasons, byteLength }: RetentionVerdict): Row {
  const flags: Fact[] = [
    ...intact ? [] : [{ text: "damaged", mark: "bad" as const }],
    ...stays ? [] : [{ text: "goes", mark: "removed" as const }],
  ];
  return {
    path: baseName,
    label: baseName,
    ...!stays && { mark: "removed" as const },
    flags,
    cells: [formatCount(step), reasons.join(", "), formatBytes(byteLength)],
  };
}
