import { type Context, escapeScopeName, TRAINER_SCOPE, type Variable } from "../context/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import { TrainerNumber } from "./trainer_number.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode BestMetric}. */
export interface BestMetricOptions {
  /** Which of two values is better. Default: `"min"`, as for a loss. */
  readonly better?: "min" | "max" | undefined;
}

const BEST_METRIC_OPTIONS: OptionNames<BestMetricOptions> = { better: true };

/**
 * The best value of a metric so far, over all processes that have trained a run: it lives in the Context, as a (Float64)
 * scalar `/trainer/best/<name>` and the global step it was measured at, `/trainer/best/<name>_step`, so every checkpoint
 * has it. NaN is never better.
 *
 * @throws {ShapeError} if one of the variables is there and has another shape.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { BestMetric } from "@cairn/checkpoints/train";
 *
 * const ctx = new Context();
 * const best = new BestMetric(ctx, "valid_accuracy", { better: "max" });
 * const kept = [0.7, 0.9, 0.8].filter((accuracy) => best.update(accuracy)); // save a copy of these
 * if (kept.join() !== "0.7,0.9" || best.value !== 0.9) throw new Error(kept.join());
 * ```
 */
export class BestMetric {
  readonly #context: Context;
  readonly #better: "min" | "max";
  readonly #value: Variable;
  readonly #step: TrainerNumber;

  /** Takes what is known from the Context, or starts there with nothing. */
  constructor(context: Context, name: string, options: BestMetricOptions = {}) {
    checkOptions("new BestMetric()", options, BEST_METRIC_OPTIONS);
    const key = escapeScopeName(name);
    const scope = context.inAbsPath(TRAINER_SCOPE).in("best").checked(false);
    this.#context = context;
    this.#better = options.better ?? "min";
    this.#value = scope.variableWithValue(key, Tensor.from(NaN, "Float64")).setTrainable(false);
    this.#step = new TrainerNumber(context, ["best"], `${key}_step`, -1);
  }

  /** The best value so far; undefined before the first. */
  get value(): number | undefined {
    const value = Number(this.#value.value().item());
    return Number.isNaN(value) ? undefined : value;
  }

  /** The global step of the best value; undefined before the first. */
  get step(): number | undefined {
    return this.#step.value < 0 ? undefined : this.#step.value;
  }

  /** Tells a value that was measured now; true if it is better than all before. */
  update(value: number): boolean {
    const { value: best } = this;
    if (Number.isNaN(value)) return false;
    if (best !== undefined && (this.#better === "min" ? value >= best : value <= best)) return false;
    this.#value.setValue(Tensor.from(value, "Float64"));
    this.#step.value = Number(this.#context.getGlobalStep());
    return true;
  }
}
