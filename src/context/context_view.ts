import type { Block, View } from "../render/mod.ts";
import { paramsFacts, paramsTable } from "./params_view.ts";
import type { ParamRow } from "./params.ts";
import { DEFAULT_LIMIT, study, type StudyOptions, studySync, type VariableSource } from "./study.ts";
import type { Variable } from "./variable.ts";
import { type VariableLine, variablesBlocks, variablesFacts } from "./variables_view.ts";

/** What a Context shows of itself. */
export interface ContextParts {
  /** Its current scope. */
  readonly scope: string;
  /** All variables, in order of creation. */
  readonly variables: readonly Variable[];
  /** All params. */
  readonly params: readonly ParamRow[];
}

/** A Context as a view; reads no more than a glance, and keeps nothing. */
export function contextView(context: ContextParts): View {
  return draw(context, studySync(context.variables.map(variableSource)), {});
}

/** The same, as closely as the options want. */
export async function studyContext(context: ContextParts, options: StudyOptions): Promise<View> {
  return draw(context, await study(context.variables.map(variableSource), options), options);
}

/** A variable of a Context, for a table. */
export function variableSource(variable: Variable): VariableSource {
  const { scope, name, dtype, dimensions, byteLength, trainable, hasValue, source } = variable;
  const absent = hasValue ? undefined : "no value yet";
  return { scope, name, dtype, dimensions, byteLength, trainable, absent, value: source };
}

function draw({ scope, params }: ContextParts, lines: readonly VariableLine[], options: StudyOptions): View {
  const blocks: Block[] = [
    ...variablesBlocks(lines, { ...options, limit: options.limit ?? DEFAULT_LIMIT }),
    ...params.length === 0 ? [] : [paramsTable(params, DEFAULT_LIMIT)],
  ];
  return { title: `Context "${scope}"`, facts: [...variablesFacts(lines), ...paramsFacts(params)], blocks };
}
