import { paramPath, paramsTable } from "../context/params_view.ts";
import {
  type Block,
  type Column,
  type Fact,
  flatTable,
  formatBytes,
  formatCount,
  formatItems,
  type Mark,
  type Row,
  shorten,
  type View,
} from "../render/mod.ts";
import { shapeText } from "../tensor/mod.ts";
import type { LoadReport, LoadReportParam, LoadReportVariable } from "./load_report.ts";

const COLUMNS: readonly Column[] = [
  { title: "variable" },
  { title: "shape", under: true },
  { title: "size", align: "right", width: 70, drop: 1 },
  { title: "what became of it", width: 240 },
];
const STATES: Readonly<Record<LoadReportVariable["state"], readonly [word: string, mark: Mark | undefined]>> = {
  loaded: ["loaded", undefined],
  replaced: ["replaced the Context's value", undefined],
  pending: ["pending: not asked for yet", undefined],
  created: ["created: nothing was loaded for it", "added"],
  kept: ["left as it was: nothing was loaded for it", "warning"],
  dropped: ["deleted since", "removed"],
};
/** So many rows need not be folded. */
const FEW = 12;
const MAX_ROWS = 200;
const MAX_NOTES = 5;

/** What a load did, as a view: what is not as expected first, the rest folded. */
export function loadReportView(report: LoadReport): View {
  const { baseName, place, variables, params } = report;
  const remarkable = variables.filter((each) => STATES[each.state][1] !== undefined || each.formerShape !== undefined);
  const asUsual = variables.filter((each) => !remarkable.includes(each));
  const excluded = params.filter(({ loaded }) => !loaded);
  const loaded = params.filter((each) => each.loaded);
  const blocks: Block[] = [
    ...notes(report),
    ...remarkable.length === 0 ? [] : [variablesTable(remarkable)],
    ...asUsual.length === 0 ? [] : [{
      ...variablesTable(asUsual),
      ...remarkable.length + asUsual.length > FEW && { folded: tally(asUsual).map(({ text }) => text).join(", ") },
    }],
    ...excluded.length === 0 ? [] : [excludedTable(excluded)],
    ...loaded.length === 0 ? [] : [{
      ...paramsTable(loaded, MAX_ROWS),
      ...loaded.length > FEW && { folded: `${formatItems(loaded.length, "param")} loaded` },
    }],
  ];
  const facts: (string | Fact)[] = [
    { text: `"${baseName}"`, code: true },
    ...report.mean === undefined ? [] : [`mean of ${formatItems(report.mean.baseNames.length, "checkpoint")}`],
    ...tally(variables),
    ...report.notLoaded > 0 ? [`${formatItems(report.notLoaded, "variable")} not to be loaded`] : [],
    `${formatItems(loaded.length, "param")} loaded`,
    ...excluded.length > 0 ? [`${formatCount(excluded.length)} excluded`] : [],
  ];
  return { title: "Load report", facts, place, blocks };
}

function tally(variables: readonly LoadReportVariable[]): Fact[] {
  const words = {
    loaded: "loaded",
    replaced: "replaced",
    pending: "pending",
    created: "created",
    kept: "left as they were",
    dropped: "deleted since",
  } as const;
  const states = ["loaded", "replaced", "pending", "created", "kept", "dropped"] as const;
  return states.flatMap((state) => {
    const count = variables.filter((each) => each.state === state).length;
    return count === 0 ? [] : [{ text: `${formatCount(count)} ${words[state]}`, mark: STATES[state][1] }];
  });
}

function notes({ skipped, warnings }: LoadReport): Block[] {
  const texts = [...skipped.map(({ baseName, reason }) => `skipped "${baseName}": ${reason}`), ...warnings];
  const rest = texts.length - MAX_NOTES;
  return [
    ...texts.slice(0, MAX_NOTES).map((text): Block => ({ kind: "note", mark: "warning", text: shorten(text, 300) })),
    ...rest > 0 ? [{ kind: "note" as const, text: `… and ${formatItems(rest, "more warning")}` }] : [],
  ];
}

function variablesTable(variables: readonly LoadReportVariable[]): ReturnType<typeof flatTable> {
  const rest = variables.length - MAX_ROWS;
  return flatTable(
    COLUMNS,
    variables.slice(0, MAX_ROWS).map(rowOf),
    rest > 0 ? `… and ${formatItems(rest, "more variable")}` : undefined,
  );
}

function rowOf({ path, dtype, dimensions, byteLength, state, formerShape }: LoadReportVariable): Row {
  const [word, mark] = STATES[state];
  const shown = shorten(path, 100);
  const wasOther = formerShape === undefined ? word : `${word}, which was ${formerShape}`;
  const sign = mark ?? (formerShape === undefined ? undefined : "changed");
  return {
    path: shown,
    label: shown.slice(Math.max(0, shown.lastIndexOf("/"))),
    ...sign && { mark: sign },
    cells: [shapeText(dtype, dimensions), formatBytes(byteLength), {
      text: wasOther,
      tone: sign ? undefined : "muted",
    }],
  };
}

function excludedTable(params: readonly LoadReportParam[]): Block {
  const columns: readonly Column[] = [{ title: "param" }, { title: "", width: 240 }];
  const rows = params.slice(0, MAX_ROWS).map((each): Row => ({
    ...paramPath(each),
    cells: [{ text: "excluded: not loaded", tone: "muted" }],
  }));
  return flatTable(columns, rows);
}
