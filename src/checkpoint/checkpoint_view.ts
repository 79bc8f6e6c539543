import type { LoadedValue } from "../context/mod.ts";
import { paramsFacts, paramsTable } from "../context/params_view.ts";
import { DEFAULT_LIMIT, type StudyOptions, type VariableSource } from "../context/study.ts";
import { type VariableLine, variablesBlocks, variablesFacts } from "../context/variables_view.ts";
import { visible } from "../errors.ts";
import type { Metrics } from "../format/mod.ts";
import { type Block, formatBytes, formatCount, formatItems, formatNumber, type View } from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import type { CheckpointParam, CheckpointVariable } from "./checkpoint.ts";

/** What a Checkpoint shows of itself. */
export interface CheckpointParts {
  /** File name without suffix. */
  readonly baseName: string;
  /** Where it is. */
  readonly store: Store;
  /** Global step, if the name tells. */
  readonly step: number | bigint | undefined;
  /** What was measured when it was saved. */
  readonly metrics: Metrics;
  /** Its variables. */
  readonly variables: readonly CheckpointVariable[];
  /** Its params. */
  readonly params: readonly CheckpointParam[];
  /** What is odd about it. */
  readonly reports: readonly string[];
}

/** A Checkpoint in one line, for where it stands inside another value. */
export function checkpointLine({ baseName, step, metrics, variables, params }: CheckpointParts): string {
  const bytes = variables.reduce((sum, each) => sum + each.byteLength, 0);
  return ["Checkpoint", `"${visible(baseName)}"`, ...stepFacts(step), ...metricFacts(metrics)]
    .concat(formatItems(variables.length, "variable"), formatBytes(bytes), formatItems(params.length, "param")).join(
      " · ",
    );
}

/** A Checkpoint as a view: its variables and its params. */
export function checkpointView(
  { baseName, store, step, metrics, params, reports }: CheckpointParts,
  lines: readonly VariableLine[],
  options: StudyOptions = {},
): View {
  const blocks: Block[] = [
    ...reports.slice(0, 5).map((text): Block => ({ kind: "note", text, mark: "warning" })),
    ...variablesBlocks(lines, { ...options, limit: options.limit ?? DEFAULT_LIMIT }),
    ...params.length === 0 ? [] : [paramsTable(params, DEFAULT_LIMIT)],
  ];
  const facts = [
    { text: `"${baseName}"`, code: true },
    ...stepFacts(step),
    ...metricFacts(metrics),
    ...variablesFacts(lines),
    ...paramsFacts(params),
  ];
  return { title: "Checkpoint", facts, place: store.label, blocks };
}

/** A stored variable, for a table. */
export function storedSource(
  entry: { readonly scope: string; readonly name: string },
  value: LoadedValue,
): VariableSource {
  const { dtype, dimensions, byteLength, trainable } = value;
  return { scope: entry.scope, name: entry.name, dtype, dimensions, byteLength, trainable, value };
}

function stepFacts(step: number | bigint | undefined): string[] {
  return step === undefined ? [] : [`step ${formatCount(step)}`];
}

/** Metrics in one line of facts. */
const MAX_FACTS = 4;
const MAX_NAME = 40;

/** A metric's name for a heading; it comes from a file, which may be anybody's. */
export function metricLabel(name: string): string {
  return visible(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name);
}

/** A metric's value as a table shows it; nothing if it was not measured. */
export function metricText(metrics: Metrics, name: string): string {
  if (!Object.hasOwn(metrics, name)) return "";
  const value = metrics[name] ?? NaN;
  return Number.isNaN(value) ? "NaN" : formatNumber(value);
}

/** Metrics as facts: `val_loss 0.213`; the first few of many. */
export function metricFacts(metrics: Metrics): string[] {
  const names = Object.keys(metrics);
  const facts = names.slice(0, MAX_FACTS).map((name) => `${metricLabel(name)} ${metricText(metrics, name)}`);
  return names.length > MAX_FACTS ? [...facts, `${names.length - MAX_FACTS} more metrics`] : facts;
}
