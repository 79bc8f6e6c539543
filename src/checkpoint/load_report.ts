import type { Context, ParamValue } from "../context/mod.ts";
import type { Entry } from "../format/mod.ts";
import { drawable } from "../render/mod.ts";
import { type DType, shapeText } from "../tensor/mod.ts";
import type { HandlerSettings } from "./handler_settings.ts";
import { isExcludedParam, type LoadPlan, misspelt, reportsOf } from "./load_plan.ts";
import { loadReportView } from "./load_report_view.ts";
import type { MeanReport } from "./mean.ts";
import { entryLabel } from "./entry_label.ts";
import { type Pending, variableKey } from "./snapshot.ts";
import type { SkippedCheckpoint } from "./with_intact.ts";

/** What a load did; draws itself in a notebook. */
export interface LoadReport {
  /** File name, without suffix, of the checkpoint that was taken. */
  readonly baseName: string;
  /** Where it is. */
  readonly place: string;
  /** Newer ones that were passed over, since they are damaged. */
  readonly skipped: readonly SkippedCheckpoint[];
  /** How the values came about, if they are a mean. */
  readonly mean: MeanReport | undefined;
  /** The checkpoint's variables, in file order, then those that only the Context has. */
  readonly variables: readonly LoadReportVariable[];
  /** How many of the checkpoint's variables were not to be loaded: see `Config.scope` and `Config.onlyScopes`. */
  readonly notLoaded: number;
  /** The checkpoint's params. */
  readonly params: readonly LoadReportParam[];
  /** What is odd about the checkpoint, or was done differently from what one might expect. */
  readonly warnings: readonly string[];
}

/** What became of a variable. */
export interface LoadReportVariable {
  /** `/scope/name`. */
  readonly path: string;
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first; `[]` is a scalar. */
  readonly dimensions: readonly number[];
  /** Size in bytes. */
  readonly byteLength: number;
  /**
   * - `loaded`: the Context has it, with the checkpoint's value (and whatever was done to it since).
   * - `replaced`: the same, and the Context had it before, with another value.
   * - `pending`: the Context has not asked for it yet.
   * - `created`: nothing was loaded for it; the Context has created it since the load.
   * - `kept`: nothing was loaded for it; the Context had it before, and it was left as it was.
   * - `dropped`: it was loaded, and has been deleted since.
   */
  readonly state: "loaded" | "replaced" | "pending" | "created" | "kept" | "dropped";
  /** The shape that the Context's variable had, if it was another one: `(Float32)[2 3]`. */
  readonly formerShape?: string | undefined;
}

/** What became of a param. */
export interface LoadReportParam {
  /** Absolute scope. */
  readonly scope: string;
  /** Its key. */
  readonly key: string;
  /** Its type in Go. */
  readonly goType: string;
  /** The checkpoint's value. */
  readonly value: ParamValue;
  /** Whether it was put into the Context; if not, it was excluded. */
  readonly loaded: boolean;
}

/** What a Handler remembers of a load: facts and no values, which would stay in memory when the Context replaces them. */
export interface LoadRecord {
  readonly baseName: string;
  readonly place: string;
  /** The checkpoint's variables, in file order. */
  rows(): readonly LoadedRow[];
  readonly notLoaded: number;
  /** Shapes of the variables that the Context had, by key. */
  readonly had: ReadonlyMap<string, string>;
  readonly params: readonly LoadReportParam[];
  readonly warnings: readonly string[];
}

/** A variable that was loaded, under its names in the Context. */
type LoadedRow = Pick<Entry, "scope" | "name" | "dtype" | "dimensions" | "byteLength">;

/** Takes down what is about to be loaded, and what the Context has before. */
export function recordLoad(plan: LoadPlan, context: Context, settings: HandlerSettings): LoadRecord {
  const params = plan.params.map(({ row, scope, name: key }) => ({
    scope,
    key,
    goType: row.param.goType,
    value: row.param.value,
    loaded: !isExcludedParam(settings, scope, key),
  }));
  const had = new Map(
    Array.from(context.iterVariables(), (each) => [variableKey(each), shapeText(each.dtype, each.dimensions)]),
  );
  const { base, store, manifest } = plan.source;
  return {
    baseName: base,
    place: store.label,
    rows: rowsOf(plan),
    notLoaded: manifest.count - plan.values.count,
    had,
    params,
    warnings: [...reportsOf(plan.source, settings), ...misspelt(plan.params, context, settings)],
  };
}

function rowsOf({ values, source: { manifest } }: LoadPlan): () => readonly LoadedRow[] {
  // Few ask for it.
  if (values.isWhole) return () => manifest.entries;
  const rows = values.all().map(({ scope, name, value: { dtype, dimensions, byteLength } }) => {
    return { scope, name, dtype, dimensions, byteLength };
  });
  return () => rows;
}

/** What has become of a load by now. */
export function loadReport(
  { baseName, place, rows, notLoaded, had, params, warnings }: LoadRecord,
  context: Context,
  pending: readonly Pending[],
  { skipped, mean }: Pick<LoadReport, "skipped" | "mean">,
): LoadReport {
  const waiting = new Set(pending.map(variableKey));
  const inContext = new Map(Array.from(context.iterVariables(), (each) => [variableKey(each), each]));
  const fromFile = rows().map((each): LoadReportVariable => {
    const key = variableKey(each);
    const { dtype, dimensions, byteLength } = each;
    const former = had.get(key);
    const hadOther = former !== undefined && former !== shapeText(dtype, dimensions);
    const state = waiting.has(key)
      ? "pending"
      : !inContext.has(key)
      ? "dropped"
      : former === undefined
      ? "loaded"
      : "replaced";
    return { path: entryLabel(each), dtype, dimensions, byteLength, state, ...hadOther && { formerShape: former } };
  });
  const inFile = new Set(rows().map(variableKey));
  const others = [...inContext].filter(([key]) => !inFile.has(key)).map(([key, variable]): LoadReportVariable => {
    const { dtype, dimensions, byteLength } = variable;
    return { path: entryLabel(variable), dtype, dimensions, byteLength, state: had.has(key) ? "kept" : "created" };
  });
  return drawable({
    baseName,
    place,
    skipped,
    mean,
    variables: [...fromFile, ...others],
    notLoaded,
    params,
    warnings,
  }, loadReportView);
}
