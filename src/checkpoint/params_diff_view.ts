import type { ParamValue } from "../context/mod.ts";
import { paramPath, paramText } from "../context/params_view.ts";
import {
  type Block,
  type Cell,
  type Column,
  type Fact,
  flatTable,
  formatCount,
  formatItems,
  formatNumber,
  type Mark,
  type Row,
  shorten,
  type View,
} from "../render/mod.ts";
import type { ParamChange, ParamsDiff } from "./params_diff.ts";

const MARKS: Readonly<Record<Exclude<ParamChange["kind"], "unchanged">, Mark>> = {
  added: "added",
  removed: "removed",
  changed: "changed",
  type: "changed",
};
const MAX_ROWS = 200;

/** What differs as a view: one row per change, the rest folded. */
export function paramsDiffView({ labels, changes, unchanged }: ParamsDiff): View {
  const [first = ""] = labels;
  const blocks: Block[] = [
    ...changes.length === 0 ? [] : [flatTable(
      columnsOf(labels),
      changes.slice(0, MAX_ROWS).map(changeRow),
      changes.length > MAX_ROWS ? `… and ${formatItems(changes.length - MAX_ROWS, "more change")}` : undefined,
    )],
    ...unchanged.length === 0 ? [] : [{
      ...flatTable(
        [{ title: "param" }, { title: "type", width: 130 }, { title: first, width: 220 }],
        unchanged.map(sameRow),
      ),
      folded: `${formatCount(unchanged.length)} unchanged`,
    }],
  ];
  return { title: "Params", facts: [{ text: route(labels), code: true }, ...tally(changes)], blocks };
}

/** `step 1 → step 2`. */
export function route(labels: readonly string[]): string {
  const short = labels.map((label) => shorten(label, 60));
  return (short.length > 5 ? [...short.slice(0, 2), "…", ...short.slice(-2)] : short).join(" → ");
}

function tally(changes: readonly ParamChange[]): Fact[] {
  const words = { added: "added", removed: "removed", changed: "changed", type: "changed type" } as const;
  const kinds = ["added", "removed", "changed", "type"] as const;
  const facts = kinds.flatMap((kind) => {
    const count = changes.filter((each) => each.kind === kind).length;
    return count === 0 ? [] : [{ text: `${formatCount(count)} ${words[kind]}`, mark: MARKS[kind] }];
  });
  return facts.length === 0 ? [{ text: "no difference", mark: "good" }] : facts;
}

function columnsOf(labels: readonly string[]): Column[] {
  const two = labels.length === 2;
  const places = labels.map((title, index): Column => ({
    title: shorten(title, 40),
    width: two ? 148 : Math.max(70, Math.floor(420 / labels.length)),
    ...two && index === 0 && { align: "right" as const },
  }));
  if (!two) return [{ title: "param" }, ...places];
  const arrow: Column = { title: "", width: 26 };
  return [{ title: "param" }, ...places.slice(0, 1), arrow, ...places.slice(1), { title: "", width: 96 }];
}

function changeRow(change: ParamChange): Row {
  const { values, kind } = change;
  const last = values.length - 1;
  const cells = values.map((value, index): Cell => {
    if (value === undefined) return { text: "—", tone: "muted" };
    const same = index > 0 && values[index - 1] !== undefined &&
      paramText(values[index - 1] ?? null) === paramText(value);
    if (index === last) return { text: paramText(value), tone: same && values.length > 2 ? "muted" : "after" };
    return { text: paramText(value), tone: values.length === 2 ? "before" : undefined };
  });
  if (cells.length === 2) {
    cells.splice(1, 0, { text: " →", tone: "muted" });
    cells.push({ text: noteOf(change), tone: "muted" });
  }
  return { ...paramPath(change), ...kind !== "unchanged" && { mark: MARKS[kind] }, cells };
}

function noteOf({ kind, goTypes, values: [before, after] }: ParamChange): string {
  if (kind === "type") return `${goTypes[0]} → ${goTypes[1]}`;
  return kind === "changed" ? ratioText(before, after) : "";
}

function ratioText(before: ParamValue | undefined, after: ParamValue | undefined): string {
  if (typeof before !== "number" || typeof after !== "number" || before === 0 || !Number.isFinite(after / before)) {
    return "";
  }
  return `×${formatNumber(after / before).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")}`;
}

function sameRow(change: ParamChange): Row {
  const goType = change.goTypes[0] ?? "";
  return {
    ...paramPath(change),
    cells: [{ text: shorten(goType, 40), tone: "muted" }, paramText(change.values[0] ?? null)],
  };
}
