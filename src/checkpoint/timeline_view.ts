import {
  type Column,
  type Fact,
  flatTable,
  formatBytes,
  formatCount,
  formatItems,
  type Row,
  type View,
} from "../render/mod.ts";
import { metricLabel, metricText } from "./checkpoint_view.ts";
import type { Timeline, TimelineCheckpoint } from "./timeline.ts";

const FIRST_COLUMNS: readonly Column[] = [
  { title: "checkpoint", whole: true },
  { title: "step", align: "right", width: 66 },
];
const LAST_COLUMNS: readonly Column[] = [
  { title: "saved", under: true, drop: 1 },
  { title: "age", align: "right", width: 60, drop: 2 },
  { title: "size", align: "right", width: 70 },
];
const MAX_ROWS = 100;
const MAX_METRICS = 4;

/** A directory's checkpoints as a view, the newest first. */
export function timelineView({ place, checkpoints, keeps, now }: Timeline): View {
  const bytes = checkpoints.reduce((sum, each) => sum + each.byteLength, 0);
  const going = checkpoints.filter((each) => each.removedNext);
  const facts: (string | Fact)[] = [
    formatItems(checkpoints.length, "checkpoint"),
    ...checkpoints.length === 0 ? [] : [formatBytes(bytes)],
    ...keeps === undefined ? [] : [`keeps ${keeps}`],
    ...going.length === 0 ? [] : [{
      text: `the next save removes ${formatCount(going.length)}, ${
        formatBytes(going.reduce((sum, each) => sum + each.byteLength, 0))
      }`,
      mark: "removed" as const,
    }],
  ];
  const newestFirst = checkpoints.toReversed();
  const metrics = [...new Set(newestFirst.flatMap((each) => Object.keys(each.metrics)))].slice(0, MAX_METRICS);
  const columns = [
    ...FIRST_COLUMNS,
    ...metrics.map((name): Column => ({ title: metricLabel(name), align: "right", width: 80 })),
    ...LAST_COLUMNS,
  ];
  const rows = newestFirst.slice(0, MAX_ROWS).map((each, index) => rowOf(each, metrics, index === 0, now));
  const rest = newestFirst.length > MAX_ROWS
    ? `… and ${formatItems(newestFirst.length - MAX_ROWS, "older checkpoint")}`
    : undefined;
  return { title: "Timeline", facts, place, blocks: rows.length === 0 ? [] : [flatTable(columns, rows, rest)] };
}

function rowOf(checkpoint: TimelineCheckpoint, metrics: readonly string[], newest: boolean, now: Date): Row {
  const { baseName, step, saved, byteLength, backedUp, pinned, complete, damage, removedNext, keptBy } = checkpoint;
  const flags: Fact[] = [
    ...newest ? [{ text: "newest", mark: "good" as const }] : [],
    ...backedUp ? [{ text: "backed up", mark: "good" as const }] : [],
    ...pinned ? [{ text: "pinned", mark: "good" as const }] : [],
    ...keptBy.filter((each) => each !== "pinned" && !each.startsWith("the last ")).map((text) => ({ text })),
    ...damage === undefined ? [] : [{ text: complete ? "damaged" : "no payload", mark: "bad" as const }],
    ...removedNext ? [{ text: "goes next", mark: "removed" as const }] : [],
  ];
  return {
    path: baseName,
    label: baseName,
    ...removedNext && { mark: "removed" as const },
    flags,
    cells: [
      formatCount(step),
      ...metrics.map((name) => metricText(checkpoint.metrics, name)),
      dateText(saved),
      ageText(now.getTime() - saved.getTime()),
      formatBytes(byteLength),
    ],
  };
}

/** `2026-11-23 20:41:00`, local. */
function dateText(date: Date): string {
  const pad = (value: number, digits = 2): string => String(value).padStart(digits, "0");
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

const UNITS = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1000, "s"]] as const;

/** Milliseconds as `3 d`, `5 h`, `12 min`, `0 s`. */
export function ageText(age: number): string {
  const [size, unit] = UNITS.find(([size]) => Math.abs(age) >= size) ?? [1000, "s"];
  return `${String(Math.trunc(age / size))} ${unit}`;
}
