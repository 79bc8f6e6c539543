import {
  type Block,
  type Cell,
  type Column,
  flatTable,
  formatBytes,
  formatCount,
  formatItems,
  formatPercent,
  type Row,
  shorten,
  type View,
} from "../render/mod.ts";
import type { MeanReport } from "./mean.ts";
import type { MeanPreview, MeanPreviewVariable } from "./mean_preview.ts";

const PREVIEW_COLUMNS: readonly Column[] = [
  { title: "variable" },
  { title: "decision", under: true },
  { title: "size", under: true, drop: 1 },
  { title: "newest is off by", align: "right", width: 148 },
  { title: "spread", align: "right", width: 62, drop: 2 },
  { title: "oldest to newest", align: "right", width: 112, drop: 3 },
];
const KEPT_COLUMNS: readonly Column[] = [
  { title: "variable" },
  { title: "size", align: "right", width: 70, drop: 1 },
  { title: "why", width: 230 },
];
/** So many rows need not be folded. */
const FEW = 8;
const REPORT_COLUMNS: readonly Column[] = [
  { title: "variable" },
  { title: "decision", under: true },
  { title: "from", align: "right", width: 90 },
  { title: "computed by", align: "right", width: 130 },
];
const MAX_ROWS = 200;

/** What a mean would do, as a view. */
export function meanPreviewView(preview: MeanPreview): View {
  const { variables, readBytes, memoryBytes } = preview;
  const averaged = variables.filter((each) => each.averaged);
  const kept = variables.filter((each) => !each.averaged);
  const top = Math.max(0, ...averaged.map(({ distances }) => distances.at(-1) ?? 0).filter(Number.isFinite));
  const rows = averaged.slice(0, MAX_ROWS).map((each) => previewRow(each, top));
  const blocks: Block[] = [
    { kind: "chips", chips: preview.steps.map((step) => ({ text: `step ${formatCount(step)}`, mark: "good" })) },
    ...averaged.length === 0 ? [] : [
      flatTable(PREVIEW_COLUMNS, rows, moreRows(averaged.length)),
      {
        kind: "note",
        text: "off by = ‖x − mean‖ ÷ ‖mean‖; spread = its root mean square over the checkpoints",
      } as const,
    ],
    ...kept.length === 0 ? [] : [keptBlock(kept)],
    ...leftOut(preview.onlyInOlder),
  ];
  const facts = [
    "preview, nothing is changed",
    `${formatCount(averaged.length)} of ${formatItems(variables.length, "variable")} averaged`,
    `reads ${formatBytes(readBytes)}`,
    `takes ${formatBytes(memoryBytes)} of memory`,
  ];
  const place = `newest: ${preview.baseNames.at(-1)}`;
  return { title: `Mean of ${formatItems(preview.baseNames.length, "checkpoint")}`, facts, place, blocks };
}

/** What a mean has done, as a view. */
export function meanReportView(report: MeanReport): View {
  const { variables } = report;
  const averaged = variables.filter((each) => each.averaged);
  const rows = variables.slice(0, MAX_ROWS).map((each): Row => ({
    ...labelOf(each.path),
    cells: [decisionCell(each), formatItems(each.baseNames.length, "file"), each.computedBy ?? ""],
  }));
  const blocks: Block[] = [
    { kind: "chips", chips: report.baseNames.map((text) => ({ text, mark: "good" })) },
    ...variables.length === 0 ? [] : [flatTable(REPORT_COLUMNS, rows, moreRows(variables.length))],
    ...leftOut(report.onlyInOlder),
  ];
  const facts = [`${formatCount(averaged.length)} of ${formatItems(variables.length, "variable")} averaged`];
  return { title: `Mean of ${formatItems(report.baseNames.length, "checkpoint")}`, facts, blocks };
}

function previewRow(variable: MeanPreviewVariable, top: number): Row {
  const { path, byteLength, distances } = variable;
  const cells = [decisionCell(variable), formatBytes(byteLength)];
  const latest = distances.at(-1) ?? 0;
  const spread = Math.sqrt(distances.reduce((sum, each) => sum + each * each, 0) / distances.length);
  const course = `${formatPercent(distances[0] ?? 0)} to ${formatPercent(latest)}`;
  return {
    ...labelOf(path),
    cells: [
      ...cells,
      { text: formatPercent(latest), chart: { kind: "meter", value: top === 0 ? 0 : latest / top } },
      formatPercent(spread),
      { text: course, chart: { kind: "line", values: distances } },
    ],
  };
}

function keptRow({ path, byteLength, reason }: MeanPreviewVariable): Row {
  return { ...labelOf(path), cells: [formatBytes(byteLength), { text: reason, tone: "muted" }] };
}

function keptBlock(kept: readonly MeanPreviewVariable[]): Block {
  const table = flatTable(KEPT_COLUMNS, kept.slice(0, MAX_ROWS).map(keptRow), moreRows(kept.length));
  if (kept.length <= FEW) return table;
  const folded = `${formatCount(kept.length)} not averaged, the newest's are taken`;
  return { ...table, folded, root: { ...table.root, note: reasonsText(kept) } };
}

/** `3 not trainable, 1 Int64 is not averaged`. */
function reasonsText(kept: readonly MeanPreviewVariable[]): string {
  const reasons = Array.from(Map.groupBy(kept, ({ reason }) => reason), ([reason, { length }]) => ({ reason, length }))
    .toSorted((a, b) => b.length - a.length).slice(0, 4);
  return reasons.map(({ reason, length }) => `${formatCount(length)} ${reason}`).join(", ");
}

function decisionCell({ averaged, reason }: { readonly averaged: boolean; readonly reason: string }): Cell {
  return averaged ? { text: reason } : { text: `the newest's: ${reason}`, tone: "muted" };
}

function labelOf(text: string): Pick<Row, "path" | "label"> {
  const path = shorten(text, 100);
  const cut = path.lastIndexOf("/");
  return { path, label: path.slice(Math.max(0, cut)) };
}

function moreRows(count: number): string | undefined {
  return count > MAX_ROWS ? `… and ${formatItems(count - MAX_ROWS, "more variable")}` : undefined;
}

function leftOut(paths: readonly string[]): Block[] {
  if (paths.length === 0) return [];
  const names = paths.slice(0, 10).map((path) => shorten(path, 60)).join(", ");
  return [{
    kind: "note",
    mark: "warning",
    text: `only in older ones, not loaded: ${names}${paths.length > 10 ? ", …" : ""}`,
  }];
}
