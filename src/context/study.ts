import type { OnProgress } from "../render/mod.ts";
import { sizeOf } from "../tensor/shape.ts";
import { glance, type Measurable, measureAll, type Measured } from "./measure.ts";
import { joinScope } from "./scope.ts";
import { selectVariables, type VariableLine, type VariablesOptions } from "./variables_view.ts";

/** A variable that is to be shown, with what its values are taken from. */
export interface VariableSource extends Omit<VariableLine, "statistics" | "damage"> {
  /** Where its values are. */
  readonly value: Measurable;
}

/** How closely to look at variables. */
export interface StudyOptions extends VariablesOptions {
  /** Read all that is needed, however much it is. */
  readonly stats?: boolean | undefined;
  /** Is told how far it has come, in bytes. */
  readonly progress?: OnProgress | boolean | undefined;
}

/** Rows that are shown if nobody says how many. */
export const DEFAULT_LIMIT = 120;

/** The wanted variables with statistics of those that will be shown, as far as that goes at a glance. */
export function studySync(sources: readonly VariableSource[], options: StudyOptions = {}): VariableLine[] {
  const { first, rest } = split(sources, options);
  return merge(first, rest, glance(first.map(({ value }) => value)));
}

/** The same, with as much as `options.stats` asks for, also from stores that have to be waited for. */
export async function study(sources: readonly VariableSource[], options: StudyOptions = {}): Promise<VariableLine[]> {
  if (options.stats !== true) return studySync(sources, options);
  const selected = selectVariables(sources, options);
  return merge(selected, [], await measureAll(selected.map(({ value }) => value), { progress: options.progress }));
}

function split(
  sources: readonly VariableSource[],
  options: StudyOptions,
): { readonly first: readonly VariableSource[]; readonly rest: readonly VariableSource[] } {
  const { sortBy, limit = DEFAULT_LIMIT } = options;
  const selected = selectVariables(sources, options);
  // To be sorted by their values, all have to be looked at.
  if (sortBy !== undefined && ["min", "mean", "std", "max"].includes(sortBy)) return { first: selected, rest: [] };
  if (sortBy === "elements") selected.sort((a, b) => sizeOf(b.dimensions) - sizeOf(a.dimensions));
  if (sortBy === "bytes") selected.sort((a, b) => b.byteLength - a.byteLength);
  if (sortBy === "name") selected.sort((a, b) => joinScope(a.scope, a.name) < joinScope(b.scope, b.name) ? -1 : 1);
  return { first: selected.slice(0, limit), rest: selected.slice(limit) };
}

function merge(
  first: readonly VariableSource[],
  rest: readonly VariableSource[],
  measured: readonly Measured[],
): VariableLine[] {
  return [
    ...first.map((source, index) => ({
      ...source,
      statistics: measured[index]?.statistics,
      damage: measured[index]?.damage,
    })),
    ...rest.map((source) => ({ ...source, statistics: undefined })),
  ];
}
