import type { View } from "../render/mod.ts";
import { Tensor } from "../tensor/tensor.ts";
import { tensorView } from "../tensor/tensor_view.ts";
import { variableSource } from "./context_view.ts";
import { study, type StudyOptions, studySync } from "./study.ts";
import type { Variable } from "./variable.ts";
import { type VariableLine, variablesFacts, variablesTable } from "./variables_view.ts";

/** A Variable as a view: its row, and its values if they are in memory; reads no more than a glance. */
export function variableView(variable: Variable): View {
  return draw(variable, studySync([variableSource(variable)]));
}

/** The same, as closely as the options want. */
export async function studyVariable(variable: Variable, options: StudyOptions): Promise<View> {
  const { stats, progress } = options;
  return draw(variable, await study([variableSource(variable)], { stats, progress }));
}

function draw({ scopeAndName, source }: Variable, lines: readonly VariableLine[]): View {
  const tensor = source instanceof Tensor ? source : source?.loaded;
  // The statistics stand in the row already.
  const values = tensor === undefined ? [] : tensorView(tensor).blocks.filter(({ kind }) => kind !== "table");
  const table = variablesTable(lines, { sortBy: "name" });
  return { title: `Variable "${scopeAndName}"`, facts: variablesFacts(lines).slice(1), blocks: [table, ...values] };
}
