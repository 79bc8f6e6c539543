import { ConfigError, NotFoundError } from "../errors.ts";
import type { Metrics } from "../format/mod.ts";
import { formatItems } from "../render/mod.ts";

/** Whether the smallest or the largest value of a metric is the best. */
export type MetricMode = "min" | "max";

/** The checkpoint whose metric is the best; made by {@linkcode best}. */
export interface BestChoice {
  /** The metric, `val_loss`; undefined: the one that all checkpoints together have, or their loss. */
  readonly metric: string | undefined;
  /** Which value is the best; undefined: as the metric's name says. */
  readonly mode: MetricMode | undefined;
}

/**
 * Chooses the checkpoint whose metric, as `save({ metrics })` recorded it, is the best: `at(best("val_loss"))`,
 * `handler.restore(best("f_score", "max"))`, `openCheckpoint(dir, { at: best() })`. Of equally good ones it is the
 * newest; NaN is never the best.
 *
 * Without `mode` the metric's name decides: the smallest value where it has `loss`, `error`, `err`, `mse`, `mae`,
 * `rmse`, `nll` or `perplexity` as a word, the largest where it has `accuracy`, `acc`, `auc`, `f1`, `precision`,
 * `recall`, `bleu`, `reward`, `score` or `iou`. Without `metric` (or as `"best"`) it is the only metric that there is,
 * else `val_loss`, else the only one whose name has `loss`. Where that does not decide, it is a ConfigError.
 *
 * @example
 * ```ts
 * import { best, build, Context, load, MemoryStore } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore();
 * const ctx = new Context();
 * ctx.variableWithValue("w", [0]);
 * const handler = await build(ctx).store(store).keep(-1).done();
 * for (const [step, loss] of [[1, 0.5], [2, 0.2], [3, 0.4]] as const) {
 *   ctx.setGlobalStep(step);
 *   await handler.save({ metrics: { loss } });
 * }
 * const again = new Context();
 * await load(again).store(store).at(best("loss")).done();
 * console.log(again.getGlobalStep()); // 2
 * ```
 */
export function best(metric?: string, mode?: MetricMode): BestChoice {
  if (metric !== undefined) checkMetric(metric, "choose");
  if (mode !== undefined) checkMode(mode, "choose");
  return { metric, mode };
}

/** ConfigError, which says what cannot be done, unless it can name a metric; a notebook has no types to prevent it. */
export function checkMetric(metric: unknown, what: string): void {
  if (typeof metric === "string" && metric !== "") return;
  const found = typeof metric === "object" && metric !== null ? "an object" : `"${String(metric)}"`;
  throw new ConfigError(`Cannot ${what} the best by metric ${found}: wanted a name, such as "val_loss"`);
}

/** The same of a mode. */
export function checkMode(mode: MetricMode, what: string): void {
  if (mode === "min" || mode === "max") return;
  throw new ConfigError(`Cannot ${what} the best by mode "${String(mode)}": wanted "min" or "max"`);
}

/** A checkpoint's metrics, for a choice among them. */
export interface Measured {
  /** What was measured when it was saved. */
  readonly metrics: Metrics;
}

/**
 * Those of `rows` that have the metric, the best first, of equally good ones the later first. `where` is for messages.
 *
 * @throws {NotFoundError} None has it.
 * @throws {ConfigError} It is not clear which metric, or which of its values is the best.
 */
export function rankBest<Row extends Measured>(
  choice: BestChoice,
  rows: readonly Row[],
  where: string,
): readonly Row[] {
  const metric = choice.metric ?? onlyMetric(rows, where);
  const mode = choice.mode ?? modeOf(metric);
  const ranked = rankByMetric(rows, metric, mode);
  if (ranked.length > 0) return ranked;
  const names = metricNames(rows);
  const isThere = names.includes(metric);
  throw new NotFoundError(
    `No best checkpoint by "${metric}" in "${where}": ` +
      (isThere
        ? "it is NaN in all of them"
        : `none of its ${formatItems(rows.length, "checkpoint")} has that metric; ` + whatThereIs(names)),
    { path: where },
  );
}

/** The same without errors: none if none has it. */
export function rankByMetric<Row extends Measured>(
  rows: readonly Row[],
  metric: string,
  mode: MetricMode,
): readonly Row[] {
  const valueOf = ({ metrics }: Row): number => Object.hasOwn(metrics, metric) ? metrics[metric] ?? NaN : NaN;
  const sign = mode === "min" ? 1 : -1;
  return rows.filter((row) => !Number.isNaN(valueOf(row))).toReversed()
    .sort((a, b) => valueOf(a) === valueOf(b) ? 0 : sign * (valueOf(a) < valueOf(b) ? -1 : 1));
}

const SMALL_IS_GOOD = new Set(["loss", "error", "err", "mse", "mae", "rmse", "nll", "perplexity"]);
const LARGE_IS_GOOD = new Set(
  ["accuracy", "acc", "auc", "f1", "precision", "recall", "bleu", "reward", "score", "iou"],
);

/** Which values of a metric are good, as its name says; ConfigError if it does not. */
export function modeOf(metric: string): MetricMode {
  // valLoss, val_loss, "Mean Loss", val/loss2: words without their numbers.
  const words = metric.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().split(/[^a-z0-9]+/);
  const has = (names: ReadonlySet<string>): boolean =>
    words.some((word) => names.has(word) || names.has(word.replace(/\d+$/, "")));
  const [small, large] = [has(SMALL_IS_GOOD), has(LARGE_IS_GOOD)];
  if (small !== large) return small ? "min" : "max";
  throw new ConfigError(
    `Cannot tell whether small or large values of metric "${metric}" are good; say it: ` +
      `best("${metric}", "max"), keepBest(1, { metric: "${metric}", mode: "max" }), or "min"`,
    { entry: metric },
  );
}

function onlyMetric(rows: readonly Measured[], where: string): string {
  const names = metricNames(rows);
  if (names.length === 0) {
    throw new NotFoundError(
      `No best checkpoint in "${where}": ` +
        (rows.length === 0 ? "it has none" : `none of its ${formatItems(rows.length, "checkpoint")} has metrics`) +
        "; save({ metrics: { val_loss } }) records them",
      { path: where },
    );
  }
  const losses = names.filter((name) => /loss/i.test(name));
  const only = names.length === 1 ? names[0] : losses.find((name) => name === "val_loss");
  const found = only ?? (losses.length === 1 ? losses[0] : undefined);
  if (found !== undefined) return found;
  throw new ConfigError(
    `Cannot choose the best checkpoint in "${where}": its checkpoints have ${names.length} metrics; name one: ` +
      names.slice(0, 10).map((name) => `best("${name}")`).join(", "),
    { path: where },
  );
}

function metricNames(rows: readonly Measured[]): string[] {
  return [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))];
}

function whatThereIs(names: readonly string[]): string {
  if (names.length === 0) return "they have none; save({ metrics }) records them";
  return `they have ${names.slice(0, 10).map((name) => `"${name}"`).join(", ")}`;
}
