import { joinHome } from "../checkpoint/directory_path.ts";
import { ConfigError, type OnWarning, warnOnConsole } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import { type InspectOptions, type JupyterBundle, type View, viewBundle, viewInspected } from "../render/mod.ts";
import { AppendFile } from "./append_file.ts";
import { historyView } from "./history_view.ts";
import type { Loop } from "./loop.ts";
import { parsePlotPoints, type PlotPoint, plotPointLine } from "./plot_point.ts";
import { LOSS_ONLY, type MetricDescription, type Metrics } from "./trainer.ts";

/** The file's name in a directory of checkpoints. Source: GoMLX `plots.TrainingPlotFileName`. */
export const TRAINING_PLOT_FILE_NAME = "training_plot_points.json";

/** Options of {@linkcode History.open}. */
export interface HistoryOptions {
  /** Takes what is reported and not thrown. Default: `console.warn`. */
  readonly onWarning?: OnWarning | undefined;
}

const HISTORY_OPTIONS: OptionNames<HistoryOptions> = { onWarning: "function" };

/** What a dataset for evaluation is called in the names of metrics. */
export interface EvalDataset {
  /** `valid` makes the metric `Mean Loss on valid`. */
  readonly name: string;
  /** For short names. Default: the first three bytes of the name. */
  readonly shortName?: string | undefined;
}

/**
 * What was measured in training, over all processes that have trained a run: metrics by step. With a file it is GoMLX's
 * `training_plot_points.json` beside the checkpoints, which GoMLX reads and appends to as well.
 *
 * A resumed run measures again what the interrupted one had measured after its last checkpoint: with its first
 * {@linkcode History.onStepFn} the points of that lost part go, whatever steps they were of. For each metric and step the
 * last value counts, and an equal one is not written again. Not both of two processes may append.
 *
 * Shown in a notebook and by `console.log` as a table with a curve for each metric.
 *
 * Source: GoMLX `plots.Points`, `plots.CreatePointsWriter`, `plots.AddTrainAndEvalMetrics`.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { everyNSteps, History, Loop } from "@cairn/checkpoints/train";
 *
 * const dir = await Deno.makeTempDir(); // where the checkpoints are
 * const history = await History.open(dir);
 * const loop = new Loop({ context: new Context(), trainStep: (batch: number) => 1 / batch });
 * everyNSteps(loop, 2, "history", 50, history.onStepFn);
 * await loop.runSteps([1, 2, 3, 4], 4);
 * console.log(history);
 * if ((await History.open(dir)).series("Train: Loss").length !== 2) throw new Error("not kept");
 * await Deno.remove(dir, { recursive: true });
 * ```
 */
export class History {
  /**
   * A hook that keeps the train metrics of a step, under its global step:
   * `everyNSteps(loop, 10, "history", 50, history.onStepFn)`.
   */
  readonly onStepFn: (loop: Loop, metrics: Metrics) => Promise<void> = async (loop, metrics) => {
    const { context, trainMetrics = LOSS_ONLY, countsGlobalStep } = loop.trainer;
    const step = Number(context.getGlobalStep());
    if (this.#run?.loop !== loop || this.#run.startStep !== loop.startStep) {
      await this.#dropLost(countsGlobalStep ? step : loop.startStep, step);
      this.#run = { loop, startStep: loop.startStep };
    }
    await this.add(trainPoints(trainMetrics, metrics, step));
    this.#fresh.clear();
  };

  #file: AppendFile | undefined;
  readonly #points = new Map<string, PlotPoint>();
  /** The run of which train metrics were kept last. */
  #run: { readonly loop: Loop; readonly startStep: number } | undefined;
  /** Keys of what was added since: it may be of the next run already. */
  readonly #fresh = new Set<string>();

  /** Makes one that lives in memory only. */
  constructor() {}

  /**
   * The history in a directory of checkpoints (`~` is the home directory), empty if there is none yet: then the first
   * append makes the file. Of a damaged file what can be read counts, and the rest is reported; a torn end is cut off
   * by the next append.
   *
   * Needs `--allow-read=<dir>`, and `--allow-write=<dir>` to append. LimitError above 256 MiB.
   *
   * Source: GoMLX `plots.LoadPointsFromCheckpoint`.
   */
  static async open(directory: string, options: HistoryOptions = {}): Promise<History> {
    checkOptions("History.open()", options, HISTORY_OPTIONS);
    if (typeof directory !== "string" || directory === "") {
      throw new ConfigError(`Cannot open the history in "${directory}": wanted the path of a directory`);
    }
    const file = new AppendFile(joinHome("", directory), TRAINING_PLOT_FILE_NAME, wholeEnd);
    const history = new History();
    history.#file = file;
    const { points, badLines, torn } = parsePlotPoints(decode(await file.read() ?? new Uint8Array()));
    for (const point of points) history.#points.set(keyOf(point), point);
    const { onWarning = warnOnConsole } = options;
    if (badLines.length > 0) {
      const lines = badLines.slice(0, 5).join(", ") + (badLines.length > 5 ? ", …" : "");
      onWarning(`"${file.path}": what is no plot point was left out, in line ${lines}; GoMLX cannot read this file`);
    }
    if (torn) onWarning(`"${file.path}": the last line was torn, and is left out`);
    return history;
  }

  /** Absolute path of the file; undefined for one in memory. */
  get path(): string | undefined {
    return this.#file?.path;
  }

  /** All points by step, one for each metric and step. */
  get points(): readonly PlotPoint[] {
    return [...this.#points.values()].sort((a, b) => a.step - b.step);
  }

  /** The metrics' names, by their type and then by name. Source: GoMLX `Points.MetricsNames`. */
  get metricNames(): readonly string[] {
    const types = new Map(this.points.map((point) => [point.metricName, point.metricType]));
    return [...types].sort(([a, typeA], [b, typeB]) => compare(typeA, typeB) || compare(a, b)).map(([name]) => name);
  }

  /** One metric by step. */
  series(metricName: string): readonly PlotPoint[] {
    return this.points.filter((point) => point.metricName === metricName);
  }

  /**
   * Keeps points, in one append. Those that are not finite are left out, as in GoMLX, and so are those that are kept
   * already with that value. If the append fails, none is kept. Source: GoMLX `plots.CreatePointsWriter`.
   */
  async add(points: readonly PlotPoint[]): Promise<void> {
    const fresh = points.filter((point) => {
      if (!Number.isFinite(point.value) || !Number.isFinite(point.step)) return false;
      return !Object.is(this.#points.get(keyOf(point))?.value, point.value);
    });
    if (fresh.length > 0) await this.#file?.append(new TextEncoder().encode(fresh.map(plotPointLine).join("")));
    for (const point of fresh) this.#points.set(keyOf(point), point);
    for (const point of points) this.#fresh.add(keyOf(point));
  }

  /**
   * Drops the points of steps after `step`, in the file too: for a run that goes back to a checkpoint of that step without
   * {@linkcode History.onStepFn}, which does it by itself. The file is replaced, atomically, by the points that are left.
   *
   * @example
   * ```ts
   * import { History } from "@cairn/checkpoints/train";
   *
   * const history = new History();
   * await history.addEval({ name: "valid" }, [{ name: "Loss", shortName: "loss", metricType: "loss" }], [0.5], 100);
   * await history.dropAfter(90);
   * if (history.points.length > 0) throw new Error("not dropped");
   * ```
   */
  async dropAfter(step: number): Promise<void> {
    await this.#drop((point) => point.step > step);
  }

  /** Drops what a run that starts after `start` steps, and is now at `now`, cannot have measured. */
  async #dropLost(start: number, now: number): Promise<void> {
    await this.#drop((point) => point.step > now || (point.step > start && !this.#fresh.has(keyOf(point))));
  }

  async #drop(isLost: (point: PlotPoint) => boolean): Promise<void> {
    const kept = [...this.#points].filter(([, point]) => !isLost(point));
    if (kept.length === this.#points.size) return;
    await this.#file?.replace(new TextEncoder().encode(kept.map(([, point]) => plotPointLine(point)).join("")));
    for (const [key, point] of this.#points) if (isLost(point)) this.#points.delete(key);
  }

  /**
   * Keeps what was measured on another dataset than the trained one: `Mean Loss on valid`, `#loss(val)`.
   *
   * Source: GoMLX v0.23 `plots.AddTrainAndEvalMetrics`.
   *
   * @example
   * ```ts
   * import { History } from "@cairn/checkpoints/train";
   *
   * const history = new History();
   * await history.addEval({ name: "valid" }, [{ name: "Mean Loss", shortName: "#loss", metricType: "loss" }], [0.5], 100);
   * console.log(history.series("Mean Loss on valid"));
   * ```
   */
  async addEval(
    dataset: EvalDataset,
    descriptions: readonly MetricDescription[],
    metrics: Metrics,
    step: number,
  ): Promise<void> {
    await this.add(evalPoints(dataset, descriptions, metrics, step));
  }

  /** What a notebook shows. */
  [Symbol.for("Jupyter.display")](): Promise<JupyterBundle> {
    return viewBundle(() => this.#view());
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](_: unknown, options?: InspectOptions): string {
    return viewInspected(() => this.#view(), options);
  }

  /** What `display()` shows. */
  [Symbol.for("cairn.view")](): View {
    return this.#view();
  }

  #view(): View {
    return historyView(this.path, this.metricNames.map((name) => this.series(name)));
  }
}

function trainPoints(descriptions: readonly MetricDescription[], metrics: Metrics, step: number): PlotPoint[] {
  return pair(descriptions, metrics).map(({ name, shortName, metricType, value }) => ({
    metricName: `Train: ${name}`,
    short: `T/${shortName}`,
    metricType,
    step,
    value,
  }));
}

function evalPoints(
  dataset: EvalDataset,
  descriptions: readonly MetricDescription[],
  metrics: Metrics,
  step: number,
): PlotPoint[] {
  const label = dataset.shortName ?? decode(new TextEncoder().encode(dataset.name).subarray(0, 3));
  return pair(descriptions, metrics).map(({ name, shortName, metricType, value }) => ({
    metricName: `${name} on ${dataset.name}`,
    short: `${shortName}(${label})`,
    metricType,
    step,
    value,
  }));
}

type Measured = MetricDescription & { readonly value: number };

function pair(descriptions: readonly MetricDescription[], metrics: Metrics): Measured[] {
  return descriptions.flatMap(({ name, shortName, metricType }, index) => {
    const value = metrics[index];
    return value === undefined ? [] : [{ name, shortName, metricType, value }];
  });
}

function keyOf({ metricName, step }: PlotPoint): string {
  return `${step} ${metricName}`;
}

/** How many bytes of a file's last line are whole points. In windows-1252 every byte is one character. */
function wholeEnd(tail: Uint8Array): number {
  return parsePlotPoints(new TextDecoder("windows-1252").decode(tail)).end;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
