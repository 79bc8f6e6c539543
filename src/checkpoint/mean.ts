import type { Backend } from "../backend/mod.ts";
import { belongsToRun, type Context, joinScope } from "../context/mod.ts";
import { type OnWarning, ShapeError } from "../errors.ts";
import { checkedAs } from "../options.ts";
import type { Entry } from "../format/mod.ts";
import { drawable, formatItems } from "../render/mod.ts";
import { kindOf, sameDimensions, shapeText, type Tensor } from "../tensor/mod.ts";
import type { CheckpointVariable } from "./checkpoint.ts";
import { meanReportView } from "./mean_preview_view.ts";
import { MeanPipeline } from "./mean_pipeline.ts";
import { meansByWorkers } from "./mean_workers.ts";
import { entryLabel } from "./entry_label.ts";
import { ByteProgress } from "./byte_progress.ts";
import type { WorkOptions } from "./save.ts";
import type { Placed } from "./scope_rules.ts";
import { variableKey } from "./snapshot.ts";
import type { Source } from "./source.ts";
import { VariableMean } from "./variable_mean.ts";

/** Options of `Config.takeMean`. */
export interface MeanOptions {
  /**
   * Whether to average a variable, instead of "if it is trainable, and not below /trainer". Asked for float variables only; others always come
   * from the newest checkpoint.
   */
  readonly average?: (variable: CheckpointVariable) => boolean;
}

/** What `Config.takeMean` asks for. */
export interface MeanRequest extends MeanOptions {
  /** How many of the newest checkpoints; 0 or less: all. */
  readonly n: number;
  /** Who computes what it supports; the host does the rest. */
  readonly backend: Backend;
}

/** How one variable of a mean came about. */
export interface MeanVariable {
  /** `/scope/name` in the Context. */
  readonly path: string;
  /** Whether it is a mean; if not, it is the newest checkpoint's. */
  readonly averaged: boolean;
  /** Why. */
  readonly reason: string;
  /** The checkpoints that it comes from, oldest first, with equal weights. */
  readonly baseNames: readonly string[];
  /** Who computed it: `host`, `tfjs-node` …; undefined if it was not averaged. */
  readonly computedBy: string | undefined;
}

/** How a mean came about; draws itself in a notebook. */
export interface MeanReport {
  /** The checkpoints taken, oldest first; the newest decides which variables there are. */
  readonly baseNames: readonly string[];
  /** Their weights in a variable that all of them have; sums to 1. */
  readonly weights: readonly number[];
  /** All variables, in the newest one's order. */
  readonly variables: readonly MeanVariable[];
  /** Variables that only older checkpoints have, and which are therefore not loaded. */
  readonly onlyInOlder: readonly string[];
}

/** A mean in host memory. */
export interface Mean {
  /** How it came about. */
  readonly report: MeanReport;
  /** The tensors, by row of the newest manifest. */
  readonly tensors: ReadonlyMap<Entry, Tensor>;
}

/** One variable and the checkpoints that have it, oldest first. */
export interface Decision {
  readonly placed: Placed<Entry>;
  readonly averaged: boolean;
  readonly reason: string;
  readonly from: readonly { readonly source: Source; readonly entry: Entry }[];
}

/**
 * The mean of several checkpoints, oldest first; the newest decides which variables there are, and supplies those that
 * are not averaged. Read block by block: memory is one copy of the model and 64 MiB of blocks, or of workers.
 *
 * Source: GoMLX `checkpoints.Config.TakeMean` and `Handler.takeMean`, as documented there (only trainable variables).
 */
export async function computeMean(
  sources: readonly Source[],
  wanted: readonly Placed<Entry>[],
  request: MeanRequest,
  context: Context,
  onWarning: OnWarning,
  options: WorkOptions,
): Promise<Mean> {
  const decisions = decide(sources, wanted, request, context);
  const total = decisions.reduce((sum, { placed, from }) => sum + placed.row.byteLength * from.length, 0);
  const inOrder = decisions.toSorted((a, b) => a.placed.row.position - b.placed.row.position);
  const works = inOrder.map((decision) => new VariableMean(decision, request.backend));
  const tensors = new Map<Entry, Tensor>();
  const onFinished = (work: VariableMean): unknown => tensors.set(work.row, work.finish());
  const progress = new ByteProgress("mean", total, options);
  await progress.during(async () => {
    const left = await meansByWorkers(works, progress, onFinished);
    await new MeanPipeline(sources, left, onFinished, onWarning).run(progress);
  });
  const computedBy = new Map(works.map((work) => [work.row, work.computedBy]));
  const report: MeanReport = {
    baseNames: sources.map((source) => source.base),
    weights: sources.map(() => 1 / sources.length),
    variables: decisions.map(({ placed, averaged, reason, from }) => ({
      path: entryLabel(placed),
      averaged,
      reason,
      baseNames: from.map((each) => each.source.base),
      computedBy: averaged ? computedBy.get(placed.row) : undefined,
    })),
    onlyInOlder: onlyInOlder(sources),
  };
  if (report.onlyInOlder.length > 0) {
    const names = report.onlyInOlder.slice(0, 10).join(", ");
    onWarning(
      `mean: only older checkpoints have ${formatItems(report.onlyInOlder.length, "variable")}, not loaded: ${names}`,
    );
  }
  return { report: drawable(report, meanReportView), tensors };
}

/** Which of the wanted variables a mean averages, and why; reads nothing. */
export function decide(
  sources: readonly Source[],
  wanted: readonly Placed<Entry>[],
  request: MeanRequest,
  context: Context,
): Decision[] {
  const newest = sources.slice(-1);
  const older = sources.slice(0, -1).map((source) => ({
    source,
    rows: new Map(source.manifest.entries.map((entry) => [variableKey(entry), entry])),
  }));
  return wanted.map((placed) => {
    const { row } = placed;
    const own = newest.map((source) => ({ source, entry: row }));
    const why = reasonAgainst(placed, request, context);
    if (why !== undefined) return { placed, averaged: false, reason: why, from: own };
    const earlier = older.flatMap(({ source, rows }) => {
      const entry = rows.get(variableKey(row));
      return entry === undefined ? [] : [{ source, entry }];
    });
    for (const each of earlier) expectSameShape(row, newest[0], each);
    if (earlier.length === 0) return { placed, averaged: false, reason: "only the newest has it", from: own };
    const from = [...earlier, ...own];
    return { placed, averaged: true, reason: `mean of ${from.length}`, from };
  });
}

/** Why a variable is not averaged, undefined if it is. */
function reasonAgainst(
  { row, scope, name }: Placed<Entry>,
  request: MeanRequest,
  context: Context,
): string | undefined {
  if (kindOf(row.dtype) !== "float") return `${row.dtype} is not averaged`;
  if (request.average !== undefined) {
    return checkedAs("average()", "boolean", request.average(row)) ? undefined : "average() said no";
  }
  // GoMLX drops the flag that says so.
  if (belongsToRun(joinScope(scope, name))) return "of the run, not of the model";
  const trainable = row.trainable ?? context.inspectVariableIfLoaded(scope, name)?.trainable ?? true;
  return trainable ? undefined : "not trainable";
}

function expectSameShape(
  row: Entry,
  newest: Source | undefined,
  { source, entry }: { readonly source: Source; readonly entry: Entry },
): void {
  if (entry.dtype === row.dtype && sameDimensions(entry.dimensions, row.dimensions)) return;
  throw new ShapeError(
    `Cannot take the mean of "${entryLabel(row)}": it is ${shapeText(entry.dtype, entry.dimensions)} in ` +
      `"${source.base}" and ${shapeText(row.dtype, row.dimensions)} in "${newest?.base}"; ` +
      "take fewer checkpoints, or leave it out with { average }",
    { path: source.reader.path, entry: entryLabel(row) },
  );
}

/** Paths of the variables that a mean leaves out since the newest checkpoint has none of them. */
export function onlyInOlder(sources: readonly Source[]): string[] {
  const known = new Set(sources.at(-1)?.manifest.entries.map(variableKey));
  const older = sources.slice(0, -1).flatMap((source) => source.manifest.entries);
  return [...new Set(older.filter((entry) => !known.has(variableKey(entry))).map(entryLabel))];
}
