import {
  type Block,
  type Cell,
  type Column,
  type Fact,
  flatTable,
  formatCount,
  formatItems,
  formatNumber,
  formatPercent,
  type Group,
  type Mark,
  type Row,
  shorten,
  type View,
} from "../render/mod.ts";
import { isOptimizerOrMetrics } from "../context/mod.ts";
import { kindOf, shapeText, sizeOf } from "../tensor/mod.ts";
import { route } from "./params_diff_view.ts";
import { entryLabel } from "./entry_label.ts";
import type { VariableChange, VariablesDiff, VariableShape } from "./variables_diff.ts";

const COLUMNS: readonly Column[] = [
  { title: "variable" },
  { title: "shape", under: true },
  { title: "moved by", align: "right", width: 150 },
  { title: "cosine", align: "right", width: 68, drop: 1 },
  { title: "max |Δ|", align: "right", width: 80 },
];
const MARKS: Readonly<Record<VariableChange["kind"], Mark | undefined>> = {
  changed: undefined,
  shape: "changed",
  new: "added",
  gone: "removed",
  unchanged: undefined,
  unknown: "warning",
};
const MAX_ROWS = 200;

/** What differs as a view: how far each variable moved, what is new or gone, the rest folded. */
export function variablesDiffView({ labels, changes, unchanged }: VariablesDiff): View {
  const main = changes.filter(({ scope }) => !isOptimizerOrMetrics(scope));
  const others = changes.filter(({ scope }) => isOptimizerOrMetrics(scope));
  const top = farthest(main) || farthest(others) || 1;
  const rows = main.slice(0, MAX_ROWS).map((change) => changeRow(change, top));
  const otherRows = others.slice(0, MAX_ROWS - rows.length).map((change) => changeRow(change, farthest(others) || 1));
  const rest = changes.length - rows.length - otherRows.length;
  const root: Group = {
    label: "",
    note: "",
    open: true,
    rows,
    groups: others.length === 0 ? [] : [{
      label: "optimizer state and metrics",
      note: formatItems(others.length, "variable"),
      open: main.length === 0,
      rows: otherRows,
      groups: [],
    }],
    rest: rest > 0 ? `… and ${formatCount(rest)} more` : undefined,
  };
  const blocks: Block[] = [
    ...changes.length === 0 ? [] : [{ kind: "table", columns: COLUMNS, root } as const],
    ...changes.some((each) => each.distance)
      ? [{ kind: "note" as const, text: "moved by = ‖after − before‖ ÷ ‖before‖" }]
      : [],
    ...unchanged.length === 0 ? [] : [{
      ...flatTable([{ title: "variable" }, { title: "shape", width: 220 }], unchanged.map(sameRow)),
      folded: `${formatCount(unchanged.length)} unchanged`,
    }],
  ];
  return { title: "Variables", facts: [{ text: route(labels), code: true }, ...tally(changes)], blocks };
}

/** A counter moves farther than any weight, which says nothing. */
function farthest(changes: readonly VariableChange[]): number {
  const floats = changes.filter(({ after }) => after !== undefined && kindOf(after.dtype) === "float");
  return Math.max(...floats.map(({ distance }) => distance?.relative ?? 0).filter(Number.isFinite), 0);
}

function tally(changes: readonly VariableChange[]): Fact[] {
  const kinds = [["new", "new", "added"], ["gone", "gone", "removed"], ["changed", "changed", "changed"]] as const;
  const others = [["shape", "changed shape", "changed"], ["unknown", "without value", "warning"]] as const;
  const facts = [...kinds, ...others].flatMap(([kind, word, mark]) => {
    const count = changes.filter((each) => each.kind === kind).length;
    return count === 0 ? [] : [{ text: `${formatCount(count)} ${word}`, mark }];
  });
  return facts.length === 0 ? [{ text: "no difference", mark: "good" }] : facts;
}

function changeRow(change: VariableChange, top: number): Row {
  const mark = MARKS[change.kind];
  const { distance } = change;
  const flags = distance !== undefined && distance.notFinite > 0
    ? [{ text: `${formatCount(distance.notFinite)} not finite`, mark: "warning" as const }]
    : [];
  return { ...pathOf(change), ...mark && { mark }, flags, cells: [shapesText(change), ...cellsOf(change, top)] };
}

function cellsOf({ kind, distance, after }: VariableChange, top: number): (string | Cell)[] {
  if (distance === undefined) {
    const words = { new: "new", gone: "gone", shape: "other shape", unknown: "no value", changed: "", unchanged: "" };
    return [{ text: words[kind], tone: "strong" }, "", ""];
  }
  const { relative, cosine, maxAbsolute } = distance;
  const meter: Cell = Number.isFinite(relative)
    ? { text: formatPercent(relative), chart: { kind: "meter", value: relative / top } }
    : { text: "was all 0" };
  // Of a scalar it is its sign.
  const isVector = after !== undefined && sizeOf(after.dimensions) > 1;
  return [meter, isVector && !Number.isNaN(cosine) ? cosineText(cosine) : "—", formatNumber(maxAbsolute)];
}

/** What rounds to 1 and is not differs a little, and that matters. */
function cosineText(cosine: number): string {
  const text = Math.max(-1, Math.min(1, cosine)).toFixed(4);
  return text === "1.0000" && cosine < 1 ? ">0.9999" : text;
}

function shapesText({ before, after }: VariableChange): string {
  const [from, to] = [before && shape(before), after && shape(after)];
  return from !== undefined && to !== undefined && from !== to ? `${from} → ${to}` : to ?? from ?? "";
}

function shape({ dtype, dimensions }: VariableShape): string {
  return shapeText(dtype, dimensions);
}

function sameRow(change: VariableChange): Row {
  return { ...pathOf(change), cells: [{ text: shapesText(change), tone: "muted" }] };
}

function pathOf(change: VariableChange): Pick<Row, "path" | "label"> {
  const path = shorten(entryLabel(change), 100);
  const label = `/${shorten(change.name, 100)}`;
  return { path, label: path.endsWith(label) ? label : path };
}
