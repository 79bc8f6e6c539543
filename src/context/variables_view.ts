import {
  type Block,
  type Column,
  type Fact,
  flatTable,
  formatBytes,
  formatCount,
  formatItems,
  GLYPHS,
  type Group,
  type Row,
  shorten,
  type TableBlock,
} from "../render/mod.ts";
import type { DType } from "../tensor/dtype.ts";
import { shapeText, sizeOf } from "../tensor/shape.ts";
import type { Statistics } from "../tensor/statistics.ts";
import { elementsText, STATISTICS_COLUMNS, statisticsCells, statisticsFlags } from "../tensor/statistics_view.ts";
import { isAtOrBelow, isOptimizerOrMetrics, joinScope } from "./scope.ts";

/** A variable as a table shows it. */
export interface VariableLine {
  /** Absolute scope. */
  readonly scope: string;
  /** Name in the scope. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first. */
  readonly dimensions: readonly number[];
  /** Size in bytes. */
  readonly byteLength: number;
  /** Whether an optimizer may change it, if that is known. */
  readonly trainable: boolean | undefined;
  /** Said instead of values that there are none of; default `—`. */
  readonly absent?: string | undefined;
  /** Statistics of its values; undefined: they were not read. */
  readonly statistics: Statistics | undefined;
  /** Why they could not be read. */
  readonly damage?: string | undefined;
}

/** Which variables a table shows, and in which order. */
export interface VariablesOptions {
  /** Only those in this scope and below. */
  readonly scope?: string | undefined;
  /** Only those whose path contains this text, or matches. */
  readonly match?: string | RegExp | undefined;
  /** Largest first (names: A first); without it in their own order, by scope. */
  readonly sortBy?: VariablesOrder | undefined;
  /** How many rows at most. */
  readonly limit?: number | undefined;
}

/** What a table of variables can be sorted by. */
export type VariablesOrder = "name" | "elements" | "bytes" | "min" | "mean" | "std" | "max";

/** Scopes below that depth share one line. */
const MAX_DEPTH = 4;
/** Larger scopes start folded. */
const OPEN_ROWS = 32;
const MAX_NAME = 100;

const COLUMNS: readonly Column[] = [
  { title: "variable" },
  { title: "shape", under: true },
  { title: "elements", align: "right", width: 60, drop: 3 },
  { title: "size", align: "right", width: 64, drop: 7 },
  ...STATISTICS_COLUMNS,
];

/** Those that the options want, in the order that they want, before any limit. */
export function selectVariables<T extends Pick<VariableLine, "scope" | "name">>(
  lines: readonly T[],
  { scope = "/", match }: VariablesOptions,
): T[] {
  return lines.filter((line) => {
    const path = joinScope(line.scope, line.name);
    return isAtOrBelow(path, scope) &&
      (match === undefined || (typeof match === "string" ? path.includes(match) : path.search(match) >= 0));
  });
}

/** What a table of variables sums up to: `3 variables · 100 482 elements · 393 KiB`, and what is alarming. */
export function variablesFacts(lines: readonly VariableLine[]): (string | Fact)[] {
  const sum = (of: (line: VariableLine) => number): number => lines.reduce((total, line) => total + of(line), 0);
  const damaged = lines.filter((line) => line.damage !== undefined).length;
  return [
    formatItems(lines.length, "variable"),
    ...lines.length === 0 ? [] : [elementsText(sum(elementsOf)), formatBytes(sum((line) => line.byteLength))],
    ...statisticsFlags({
      nan: sum((line) => line.statistics?.nan ?? 0),
      inf: sum((line) => line.statistics?.inf ?? 0),
    }),
    ...damaged > 0 ? [{ text: `${formatItems(damaged, "variable")} cannot be read`, mark: "bad" as const }] : [],
  ];
}

/** The table of variables, and how to see what it does not show. */
export function variablesBlocks(lines: readonly VariableLine[], options: VariablesOptions = {}): Block[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, options.limit);
  const unread = shown.some((line) => line.statistics === undefined && line.damage === undefined && !line.absent);
  const text = "— was not read; to read it: await display(value, { stats: true })";
  return [variablesTable(lines, options), ...unread ? [{ kind: "note" as const, text }] : []];
}

/** The table of variables: by scope, or flat if they are to be sorted; says what it leaves out. */
export function variablesTable(lines: readonly VariableLine[], options: VariablesOptions = {}): TableBlock {
  const { sortBy, limit = Infinity } = options;
  const sorted = sortBy === undefined ? lines : lines.toSorted((a, b) => compare(a, b, sortBy));
  const shown = sorted.slice(0, limit);
  const columns = lines.some((line) => line.trainable === false) ? [...COLUMNS, NOTES] : COLUMNS;
  const rest = restText(sorted.slice(limit));
  if (sortBy !== undefined) return flatTable(columns, shown.map((line) => rowOf(line, "flat")), rest);
  const root = groupOf("", shown.map((line) => ({ line, parts: partsOf(line.scope) })), 0);
  return { kind: "table", columns, root: rest === undefined ? root : { ...root, rest } };
}

const NOTES: Column = { title: "", under: true, drop: 3.5 };

interface Placed {
  readonly line: VariableLine;
  /** Names of the scopes below the group. */
  readonly parts: readonly string[];
}

function groupOf(label: string, placed: readonly Placed[], depth: number): Group {
  // What holds for the whole scope is said once.
  const allFixed = depth > 0 && placed.every(({ line }) => line.trainable === false);
  const own = placed.filter(({ parts }) => parts.length === 0)
    .map(({ line }) => rowOf(allFixed ? { ...line, trainable: undefined } : line, "group"));
  const below = Map.groupBy(
    placed.filter(({ parts }) => parts.length > 0),
    ({ parts }) => depth + 1 < MAX_DEPTH ? parts[0] ?? "" : parts.join("/"),
  );
  const groups = Array.from(below, ([name, inside]) => {
    const taken = depth + 1 < MAX_DEPTH ? 1 : Infinity;
    return groupOf(name, inside.map(({ line, parts }) => ({ line, parts: parts.slice(taken) })), depth + 1);
  });
  const [only] = groups;
  // A scope that holds nothing but one scope needs no line of its own.
  if (depth > 0 && own.length === 0 && groups.length === 1 && only !== undefined) {
    return {
      ...only,
      label: shorten(`${label}/${only.label}`, MAX_NAME),
      open: only.open && !isOptimizerOrMetrics(label),
    };
  }
  const lines = placed.map(({ line }) => line);
  return {
    label: shorten(label, MAX_NAME) || "(no name)",
    note: [
      ...variablesFacts(lines).map((fact) =>
        typeof fact === "string" ? fact : `${GLYPHS[fact.mark ?? "warning"]} ${fact.text}`
      ),
      ...lines.every((line) => line.trainable === false) ? ["not trainable"] : [],
    ].join(" · "),
    open: lines.length <= OPEN_ROWS && !isOptimizerOrMetrics(label),
    rows: own,
    groups,
  };
}

function rowOf(line: VariableLine, list: "flat" | "group"): Row {
  const { dtype, dimensions, statistics, damage } = line;
  const path = shorten(joinScope(line.scope, line.name), MAX_NAME);
  const flags = [
    ...damage === undefined ? [] : [{ text: damage, mark: "bad" as const }],
    ...statistics === undefined ? [] : statisticsFlags(statistics),
  ];
  return {
    path,
    label: list === "flat" ? path : shorten(line.name, MAX_NAME) || "(no name)",
    flags,
    cells: [
      shapeText(dtype, dimensions),
      formatCount(elementsOf(line)),
      formatBytes(line.byteLength),
      ...statisticsCells(dtype, dimensions, statistics, line.absent),
      line.trainable === false ? "not trainable" : "",
    ],
  };
}

function restText(lines: readonly VariableLine[]): string | undefined {
  if (lines.length === 0) return undefined;
  const bytes = lines.reduce((sum, line) => sum + line.byteLength, 0);
  return `… and ${formatCount(lines.length)} more ${lines.length === 1 ? "variable" : "variables"} · ${
    formatBytes(bytes)
  }; ` +
    "choose with display(value, { scope, match, sortBy, limit })";
}

function compare(a: VariableLine, b: VariableLine, by: VariablesOrder): number {
  if (by === "name") return joinScope(a.scope, a.name) < joinScope(b.scope, b.name) ? -1 : 1;
  const key = (line: VariableLine): number => {
    if (by === "elements") return elementsOf(line);
    if (by === "bytes") return line.byteLength;
    const value = line.statistics?.[by] ?? NaN;
    return Number.isNaN(value) ? -Infinity : value;
  };
  const [x, y] = [key(a), key(b)];
  return x === y ? 0 : y > x ? 1 : -1;
}

function elementsOf(line: { readonly dimensions: readonly number[] }): number {
  return sizeOf(line.dimensions);
}

function partsOf(scope: string): string[] {
  return scope === "/" || scope === "" ? [] : scope.replace(/^\//, "").split("/");
}
