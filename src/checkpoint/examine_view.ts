import {
  type Fact,
  flatTable,
  formatBytes,
  formatCount,
  formatItems,
  type Mark,
  type Row,
  type View,
} from "../render/mod.ts";
import type { Examination, Examined, ExaminedKind } from "./examine.ts";

const MAX_ROWS = 200;

/** In the order of their urgency. */
const KINDS: readonly (readonly [kind: ExaminedKind, mark: Mark | undefined])[] = [
  ["torn", "bad"],
  ["orphaned", "warning"],
  ["temporary", "warning"],
  ["newer", "warning"],
  ["intact", "good"],
  ["quarantined", undefined],
  ["foreign", undefined],
];

/** An examination as a view: what is wrong first. */
export function examinationView({ place, ok, verified, found }: Examination): View {
  const ofKind = (kind: ExaminedKind): readonly Examined[] => found.filter((each) => each.kind === kind);
  const counts = KINDS.flatMap(([kind, mark]): Fact[] => {
    const count = ofKind(kind).length;
    return count === 0 ? [] : [{ text: `${formatCount(count)} ${kind}`, mark }];
  });
  const facts: (string | Fact)[] = [
    ...found.length === 0 ? ["nothing there"] : counts,
    formatBytes(found.reduce((sum, each) => sum + each.byteLength, 0)),
    verified ? "every byte read" : "manifests and sizes looked at",
    ...ok ? [] : ["repair() puts aside what is broken"],
  ];
  const ordered = KINDS.flatMap(([kind, mark]) => ofKind(kind).map((each) => rowOf(each, mark, place)));
  const rest = ordered.length > MAX_ROWS ? `… and ${formatItems(ordered.length - MAX_ROWS, "more")}` : undefined;
  const columns = [
    { title: "name" },
    { title: "is", width: 90 },
    { title: "size", align: "right" as const, width: 70 },
    { title: "problem", under: true, below: true },
  ];
  const blocks = ordered.length === 0 ? [] : [flatTable(columns, ordered.slice(0, MAX_ROWS), rest)];
  return { title: "Examination", facts, place, blocks };
}

/** The directory is in the head already: problems name files as they stand in it. */
function rowOf({ name, kind, byteLength, problem = "" }: Examined, mark: Mark | undefined, place: string): Row {
  return {
    path: name,
    label: name,
    mark: mark === "good" ? undefined : mark,
    cells: [kind, formatBytes(byteLength), problem.replaceAll(`"${place}/`, '"')],
  };
}
