import { CheckpointError } from "../errors.ts";
import { type OnProgress, watched, watchWork } from "../render/mod.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Statistics } from "../tensor/statistics.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { LoadedValue } from "./loader.ts";
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

/** What is read, in all, of what nobody has asked to be read: 64 MiB. */
export const GLANCE_BYTES = 64 * 1024 * 1024;

/** What is known of a variable's values. */
export interface Measured {
  /** Undefined: not read. */
  readonly statistics: Statistics | undefined;
  /** Why it could not be read, if it is damaged. */
  readonly damage?: string | undefined;
}

/** A value that can be looked at. */
export type Measurable = Tensor | LoadedValue | undefined;

const UNKNOWN: Measured = { statistics: undefined };

/** Measures values in turn without waiting, as far as {@linkcode GLANCE_BYTES} reach; keeps and consumes nothing. */
export function glance(values: readonly Measurable[]): Measured[] {
  let room = GLANCE_BYTES;
  return values.map((value) => {
    if (value === undefined) return UNKNOWN;
    const known = value instanceof Tensor ? undefined : value.measured;
    if (known !== undefined) return { statistics: known };
    const cost = value instanceof Tensor
      ? value.byteLength
      : value.loaded?.byteLength ?? value.measureBytes ?? Infinity;
    if (cost > room) return UNKNOWN;
    room -= cost;
    return guarded(() => {
      const tensor = value instanceof Tensor ? value : value.loaded;
      return tensor?.statistics() ?? (value instanceof Tensor ? undefined : value.measureSync?.());
    });
  });
}

/** Measures values in turn, all of them, or as far as `room` bytes reach. */
export async function measureAll(
  values: readonly Measurable[],
  options: { readonly progress?: OnProgress | boolean | undefined; readonly room?: number | undefined } = {},
): Promise<Measured[]> {
  const { progress, room = Infinity } = options;
  const total = values.reduce((sum, value) => sum + (value?.byteLength ?? 0), 0);
  const watch = watchWork(progress, "statistics", total);
  const measured: Measured[] = [];
  let done = 0;
  await watched(watch, async () => {
    for (const value of values) {
      const size = value?.byteLength ?? 0;
      measured.push(value !== undefined && size <= room - done ? await measureOne(value) : UNKNOWN);
      done += size;
      await watch.update({ phase: "statistics", done, total });
    }
  });
  return measured;
}

async function measureOne(value: Tensor | LoadedValue): Promise<Measured> {
  try {
    if (value instanceof Tensor) return { statistics: value.statistics() };
    if (value.measured !== undefined) return { statistics: value.measured };
    return { statistics: value.loaded?.statistics() ?? await value.measure?.() };
  } catch (error) {
    return failed(error);
  }
}

function guarded(measure: () => Statistics | undefined): Measured {
  try {
    return { statistics: measure() };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): Measured {
  const damaged = error instanceof CheckpointError && error.code === "corrupt";
  return damaged ? { statistics: undefined, damage: "damaged" } : UNKNOWN;
}
