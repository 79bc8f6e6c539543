import { type Block, formatBytes, formatCount, type View } from "../render/mod.ts";
import { byteLengthOf, sizeOf } from "../tensor/mod.ts";
import { Tensor } from "../tensor/tensor.ts";
import { tensorView } from "../tensor/tensor_view.ts";
import type { ParamRow } from "./context_data.ts";
import { GLOBAL_STEP_NAME } from "./global_step.ts";
import type { LoadedList } from "./live_value.ts";
import { paramsFacts, paramsTable } from "./params_view.ts";
import { DEFAULT_LIMIT, study, type StudyOptions, studySync, type VariableSource } from "./study.ts";
import type { Variable } from "./variable.ts";
import { type VariableLine, variablesBlocks, variablesFacts, variablesTable } from "./variables_view.ts";

/** What a Context shows of itself. */
export interface ContextParts {
  /** Its current scope. */
  readonly scope: string;
  /** All variables, in order of creation. */
  readonly variables: readonly Variable[];
  /** All params. */
  readonly params: readonly ParamRow[];
  /** What its Loader still has. */
  readonly loaded: LoadedList | undefined;
}

/** A Context as a view; reads no more than a glance, and keeps nothing. */
export function contextView(context: ContextParts): View {
  return drawContext(context, studySync(context.variables.map(variableSource)), {});
}

/** The same, as closely as the options want. */
export async function studyContext(context: ContextParts, options: StudyOptions): Promise<View> {
  return drawContext(context, await study(context.variables.map(variableSource), options), options);
}

/** A variable of a Context, for a table. */
export function variableSource(variable: Variable): VariableSource {
  const { scope, name, dtype, dimensions, byteLength, trainable, hasValue, source } = variable;
  const absent = hasValue ? undefined : "no value yet";
  return { scope, name, dtype, dimensions, byteLength, trainable, absent, value: source };
}

function drawContext(
  { scope, params, loaded }: ContextParts,
  lines: readonly VariableLine[],
  options: StudyOptions,
): View {
  const blocks: Block[] = [
    ...variablesBlocks(lines, { ...options, limit: options.limit ?? DEFAULT_LIMIT }),
    ...params.length === 0 ? [] : [paramsTable(params, DEFAULT_LIMIT)],
  ];
  const facts = [...stepFacts(lines), ...variablesFacts(lines), ...pendingFacts(loaded), ...paramsFacts(params)];
  return { title: `Context "${scope}"`, facts, blocks };
}

/** The step, if it has been read. */
function stepFacts(lines: readonly VariableLine[]): string[] {
  const line = lines.find(({ name, scope }) => name === GLOBAL_STEP_NAME && scope === "/");
  const step = line?.statistics?.mean;
  return step === undefined || !Number.isSafeInteger(step) ? [] : [`step ${formatCount(step)}`];
}

/** A Context asks for what was loaded when the model does: until then it has less than the checkpoint. */
function pendingFacts(loaded: LoadedList | undefined): string[] {
  if (loaded === undefined || loaded.entries.length === 0) return [];
  const bytes = loaded.entries.reduce((sum, { value }) => sum + byteLengthOf(value.dtype, sizeOf(value.dimensions)), 0);
  return [`${formatCount(loaded.entries.length)} more loaded, not asked for yet (${formatBytes(bytes)})`];
}

/** A Variable as a view: its row, and its values if they are in memory; reads no more than a glance. */
export function variableView(variable: Variable): View {
  return drawVariable(variable, studySync([variableSource(variable)]));
}

/** A Variable as a view, as closely as the options want. */
export async function studyVariable(variable: Variable, options: StudyOptions): Promise<View> {
  const { stats, progress } = options;
  return drawVariable(variable, await study([variableSource(variable)], { stats, progress }));
}

function drawVariable({ scopeAndName, source }: Variable, lines: readonly VariableLine[]): View {
  const tensor = source instanceof Tensor ? source : source?.loaded;
  // The statistics stand in the row already.
  const values = tensor === undefined ? [] : tensorView(tensor).blocks.filter(({ kind }) => kind !== "table");
  const table = variablesTable(lines, { sortBy: "name" });
  return { title: `Variable "${scopeAndName}"`, facts: variablesFacts(lines).slice(1), blocks: [table, ...values] };
}
