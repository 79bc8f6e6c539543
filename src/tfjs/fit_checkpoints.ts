import { best, type Handler } from "../checkpoint/mod.ts";
import { modeOf } from "../checkpoint/best.ts";
import { escapeScopeName } from "../context/mod.ts";
import { ConfigError, type OnWarning } from "../errors.ts";
import { formatItems } from "../render/mod.ts";
import { type OptionNames, textOf } from "../options.ts";
import { BestMetric } from "../train/best_metric.ts";
import { TrainerNumber } from "../train/trainer_number.ts";
import { numbersOf } from "./fit_logs.ts";
import type { TfModel } from "./tfjs_types.ts";

/** When {@linkcode checkpointCallback} saves, and what it does with the best. */
export interface FitOptions {
  /** Saves after every so many batches, counted over all runs. Default: not. */
  readonly everyNSteps?: number | undefined;
  /** Saves at the end of every so many epochs, counted over all runs. Default 1. */
  readonly everyNEpochs?: number | undefined;
  /**
   * A metric of `fit`, such as `val_loss`: an epoch that improves it is saved in any case, and the best one is never
   * removed (with a Handler of your own, say `keep(anyOf(keepLast(3), keepBest(1, { metric: "val_loss" })))`).
   * `handler.restore("best")` and `load(ctx).at("best")` load it.
   */
  readonly saveBest?: string | undefined;
  /** Which values of {@linkcode saveBest} are good. Default: as its name says; a ConfigError if that says nothing. */
  readonly mode?: "min" | "max" | undefined;
  /** When `fit` ends, loads the best checkpoint into model and optimizer. Needs {@linkcode saveBest}. Default false. */
  readonly restoreBestWeights?: boolean | undefined;
  /**
   * Stops when {@linkcode saveBest} has not improved for so many epochs, counted also over restarts. Default: never.
   */
  readonly patience?: number | undefined;
}

export const FIT_OPTIONS: OptionNames<FitOptions> = {
  everyNSteps: true,
  everyNEpochs: true,
  saveBest: true,
  mode: true,
  restoreBestWeights: "boolean",
  patience: true,
};

/** What a fit goes through, with checkpoints. */
export class FitCheckpoints {
  readonly handler: Handler;
  readonly #model: TfModel;
  readonly #options: FitOptions;
  readonly #onWarning: OnWarning;
  readonly #epoch: TrainerNumber;
  readonly #epochStep: TrainerNumber;
  readonly #best: { readonly name: string; readonly mode: "min" | "max"; readonly metric: BestMetric } | undefined;
  readonly #bestEpoch: TrainerNumber | undefined;
  /** Whether the first fit goes on with a run of another process. */
  #isResumed: boolean;
  #isFirstEpoch = true;
  /** Whether fit numbers its epochs from 0 although some are done. */
  #isRenumbered = false;
  /** Whether all epochs are done, and what fit does is undone. */
  #isIdle = false;
  /** Whether the last loss that is known was not finite. */
  #isLost = false;
  #savedStep: number;
  readonly #warned = new Set<string>();

  constructor(handler: Handler, model: TfModel, options: FitOptions, onWarning: OnWarning) {
    const { saveBest, mode } = options;
    checkOptions(options);
    this.handler = handler;
    this.#model = model;
    this.#options = options;
    this.#onWarning = onWarning;
    const { context } = handler;
    this.#epoch = new TrainerNumber(context, [], "epoch");
    this.#epochStep = new TrainerNumber(context, [], "epoch_step");
    if (saveBest !== undefined) {
      const better = mode ?? modeOfMetric(saveBest);
      this.#best = { name: saveBest, mode: better, metric: new BestMetric(context, saveBest, { better }) };
      this.#bestEpoch = new TrainerNumber(context, ["best"], `${escapeScopeName(saveBest)}_epoch`);
    }
    this.#isResumed = handler.loadedBase !== undefined;
    this.#savedStep = this.#step;
  }

  /** Whole epochs that are done. */
  get epoch(): number {
    return this.#epoch.value;
  }

  /** `epoch` is fit's number, `epochs` where it means to end. */
  beginEpoch(epoch: number, epochs: number | undefined): void {
    const isFirst = this.#isFirstEpoch;
    this.#isFirstEpoch = false;
    if (!isFirst) return;
    this.#isRenumbered = this.#isResumed && epoch === 0 && this.epoch > 0;
    const end = this.#isResumed ? this.#endOf(this.#isRenumbered ? epochs : undefined) : undefined;
    this.#isIdle = end !== undefined;
    if (end !== undefined) return this.#onWarning(`"${this.handler.dir()}": fit() has nothing to train: ${end}`);
    if (this.#isResumed || this.#epochStep.value > 0) this.#tellResumed();
    this.#epochStep.value = 0;
  }

  /** Whoever meant to train anew is to know at once, and not by the losses. */
  #tellResumed(): void {
    const { loadedBase } = this.handler;
    const from = loadedBase === undefined ? "" : ` from "${loadedBase}"`;
    const batches = this.#epochStep.value;
    const where = batches === 0
      ? `after ${formatItems(this.epoch, "epoch")}`
      : `in the middle of epoch ${this.epoch + 1}, after ${batches} of its batches: it starts that epoch again`;
    this.#onWarning(`"${this.handler.dir()}": fit() goes on${from} at step ${this.#step}, ${where}`);
  }

  async endBatch(logs: unknown): Promise<void> {
    if (this.#isIdle) return this.#stop();
    const { context } = this.handler;
    const step = this.#step + 1;
    context.setGlobalStep(step);
    this.#epochStep.value++;
    const { everyNSteps } = this.#options;
    if (everyNSteps !== undefined && step % everyNSteps === 0) await this.#save({}, await numbersOf(logs));
  }

  async endEpoch(logs: unknown, epochs: number | undefined): Promise<void> {
    if (this.#isIdle) return;
    this.#epoch.value++;
    this.#epochStep.value = 0;
    const metrics = await numbersOf(logs);
    const isBest = this.#judge(metrics);
    if (isBest || this.epoch % (this.#options.everyNEpochs ?? 1) === 0) await this.#save(metrics, metrics);
    if (this.#endOf(this.#isRenumbered ? epochs : undefined) !== undefined) this.#stop();
  }

  /** Why no epoch is to follow, if so. */
  #endOf(epochs: number | undefined): string | undefined {
    if (epochs !== undefined && this.epoch >= epochs) {
      return `${this.epoch} epochs are done, of ${epochs} wanted in all; say more epochs to train on`;
    }
    const { patience, saveBest } = this.#options;
    const waited = this.epoch - (this.#bestEpoch?.value ?? this.epoch);
    if (patience === undefined || waited < patience) return undefined;
    return `${saveBest} has not improved for ${waited} epochs; say more patience to train on`;
  }

  async endFit(): Promise<void> {
    this.#isResumed = false;
    this.#isFirstEpoch = true;
    if (!this.#isIdle && this.#step > this.#savedStep) await this.#save({}, {});
    if (this.#options.restoreBestWeights && this.#best?.metric.value !== undefined) {
      await this.handler.restore(best(this.#best.name, this.#best.mode));
    } else if (this.#isIdle) {
      await this.handler.restore((await this.handler.listCheckpoints()).at(-1) ?? this.#step);
    }
    this.#isIdle = false;
    this.#savedStep = this.#step;
  }

  get #step(): number {
    return Number(this.handler.context.getGlobalStep());
  }

  /** Whether the epoch is the best so far. */
  #judge(metrics: Readonly<Record<string, number>>): boolean {
    if (this.#best === undefined || this.#bestEpoch === undefined) return false;
    const value = metrics[this.#best.name];
    if (value === undefined) {
      const names = Object.keys(metrics).join(", ");
      this.#warnOnce(`fit() has no metric "${this.#best.name}" to save the best by; it has ${names}`);
      return false;
    }
    if (!this.#best.metric.update(value)) return false;
    this.#bestEpoch.value = this.epoch;
    return true;
  }

  /** Saves, unless the loss says that the model is lost: then the last good checkpoint must not be the next to go. */
  async #save(metrics: Readonly<Record<string, number>>, { loss }: Readonly<Record<string, number>>): Promise<void> {
    this.#isLost = loss === undefined ? this.#isLost : !Number.isFinite(loss);
    if (this.#isLost) return this.#warnOnce("the loss is not finite: the model is not saved as long as that is so");
    await this.handler.save({ metrics });
    this.#savedStep = this.#step;
  }

  #stop(): void {
    // tfjs has a setter that a Sequential hands on to the model inside, which is the one that fits.
    Reflect.set(this.#model, "stopTraining", true);
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#onWarning(text);
  }
}

/** Which values are good, as the metric's name says. */
export function modeOfMetric(metric: string): "min" | "max" {
  try {
    return modeOf(metric);
  } catch (cause) {
    throw new ConfigError(
      `Cannot save the best by "${metric}": its name does not say whether small or large values are good; say mode: ` +
        '"min" or "max"',
      { cause },
    );
  }
}

function checkOptions(options: FitOptions): void {
  for (const name of ["everyNSteps", "everyNEpochs", "patience"] as const) {
    const value = options[name];
    if (value === undefined || Number.isSafeInteger(value) && value >= 1) continue;
    throw new ConfigError(
      `Cannot make a checkpointCallback with ${name} ${textOf(value)}: wanted a whole number from 1`,
    );
  }
  const needing = options.restoreBestWeights ? "restoreBestWeights" : options.patience ? "patience" : undefined;
  if (needing === undefined || options.saveBest !== undefined) return;
  throw new ConfigError(
    `Cannot make a checkpointCallback with ${needing}: say by which metric, as in saveBest: "val_loss"`,
  );
}
