import { anyOf, build, type Config, Handler, keepBest, keepLast, type RetentionPolicy } from "../checkpoint/mod.ts";
import { Context, liveGroupsOf } from "../context/mod.ts";
import { ConfigError, type OnWarning, warnOnConsole } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import type { Store } from "../store/mod.ts";
import { FIT_OPTIONS, FitCheckpoints, type FitOptions, modeOfMetric } from "./fit_checkpoints.ts";
import { isTfModel } from "./tfjs_kinds.ts";
import type { TfModel } from "./tfjs_types.ts";
import { track } from "./track.ts";
import { TrackedVariables } from "./tracked_variables.ts";

/** Options of {@linkcode checkpointCallback} for a Handler. */
export interface HandlerCallbackOptions extends FitOptions {
  /** Takes what is reported and not thrown. Default: `console.warn`. */
  readonly onWarning?: OnWarning | undefined;
}

const HANDLER_CALLBACK_OPTIONS: OptionNames<HandlerCallbackOptions> = { onWarning: "function", ...FIT_OPTIONS };

/** Options of {@linkcode checkpointCallback} for a model. */
export interface CheckpointCallbackOptions extends HandlerCallbackOptions {
  /** How many checkpoints stay, beside the best; negative: all. Or a policy of your own. Default 1. */
  readonly keep?: number | RetentionPolicy | undefined;
  /** See `track()`: whether model and checkpoint must have the same variables. Default true. */
  readonly strict?: boolean | undefined;
}

const CHECKPOINT_CALLBACK_OPTIONS: OptionNames<CheckpointCallbackOptions> = {
  keep: true,
  strict: "boolean",
  ...HANDLER_CALLBACK_OPTIONS,
};

/** A callback for `model.fit` and `model.fitDataset`; made by {@linkcode checkpointCallback}. */
export interface CheckpointCallback extends AsyncDisposable {
  /** What it saves with. */
  readonly handler: Handler;
  /** How many epochs are done, in all processes: `fit(x, y, { initialEpoch: callback.initialEpoch, … })`. */
  readonly initialEpoch: number;
  /** Called by tfjs, as are the others. */
  onTrainBegin(): Promise<void>;
  /** Called by tfjs. */
  onEpochBegin(epoch: number): Promise<void>;
  /** Called by tfjs. */
  onBatchBegin(): Promise<void>;
  /** Called by tfjs. */
  onBatchEnd(batch: number, logs?: object): Promise<void>;
  /** Called by tfjs. */
  onEpochEnd(epoch: number, logs?: object): Promise<void>;
  /** Called by tfjs. */
  onTrainEnd(): Promise<void>;
  /** Called by tfjs, if a callback of its own class comes first. */
  setParams(params: object): void;
  /** Called by tfjs, if a callback of its own class comes first. */
  setModel(): void;
}

/**
 * A callback of `model.fit` that saves checkpoints, and has resumed the run already: if the directory has a checkpoint,
 * model and optimizer have its values when this returns, to the bit; `fit` says so in one line when it begins, by
 * `onWarning`.
 *
 * Restarted with the same arguments, `fit` goes on until `epochs` are done in all; with `initialEpoch:
 * callback.initialEpoch` it numbers them right too. It resumes at the start of an epoch: where the newest checkpoint is
 * from the middle of one ({@linkcode FitOptions.everyNSteps}), that epoch starts again, which is said too. A run that was
 * interrupted ends like one that was not if it was resumed from the end of an epoch, and `fit` was told
 * `shuffle: false`: tfjs shuffles by itself, by random numbers that nobody can save. For the exact batch, own step
 * functions and `Rng`, use a `Loop` with {@linkcode tfjsTrainer}.
 *
 * The model must be built and compiled. Its variables are at `/model`, epochs, steps and the best metric at `/trainer`.
 * Metrics of an epoch are kept with its checkpoint. A model whose loss is not finite is not saved. tfjs wants callbacks
 * of its own class first: `callbacks: [tf.callbacks.earlyStopping(…), callback]`; see also {@linkcode
 * FitOptions.patience}.
 *
 * Needs `--allow-read=<dir> --allow-write=<dir>`.
 *
 * @throws {ConfigError} if options contradict each other, or the model is not compiled.
 * @throws {ShapeError} and VariableError if the checkpoint is of another model, see {@linkcode track}.
 *
 * @example
 * ```ts
 * import * as tf from "npm:@tensorflow/tfjs@4.22.0";
 * import { MemoryStore } from "@cairn/checkpoints";
 * import { checkpointCallback } from "@cairn/checkpoints/tfjs";
 *
 * await tf.setBackend("cpu");
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
 * model.compile({ optimizer: "adam", loss: "meanSquaredError" });
 * const [x, y] = [tf.tensor2d([[1], [2], [3], [4]]), tf.tensor2d([[2], [4], [6], [8]])];
 * const store = new MemoryStore(); // or the path of a directory
 * await model.fit(x, y, {
 *   epochs: 5,
 *   shuffle: false,
 *   validationSplit: 0.25,
 *   verbose: 0,
 *   callbacks: await checkpointCallback(model, store, { keep: 3, saveBest: "val_loss", restoreBestWeights: true }),
 * });
 * ```
 */
export function checkpointCallback(
  model: TfModel,
  place: string | Store,
  options?: CheckpointCallbackOptions,
): Promise<CheckpointCallback>;
/** For a Handler, in whose Context the model is tracked. */
export function checkpointCallback(
  handler: Handler,
  options?: HandlerCallbackOptions,
): Promise<CheckpointCallback>;
export function checkpointCallback(
  target: TfModel | Handler,
  second: string | Store | HandlerCallbackOptions = {},
  options: CheckpointCallbackOptions = {},
): Promise<CheckpointCallback> {
  // To tfjs any object is a callback: one that nobody awaited would save nothing, and nobody would know.
  return Object.assign(makeCallback(target, second, options), { onTrainBegin: refuseUnawaited });
}

function refuseUnawaited(): never {
  throw new ConfigError(
    "Cannot train: checkpointCallback() was not awaited; write callbacks: await checkpointCallback(…)",
  );
}

async function makeCallback(
  target: TfModel | Handler,
  second: string | Store | HandlerCallbackOptions,
  options: CheckpointCallbackOptions,
): Promise<CheckpointCallback> {
  if (target instanceof Handler) {
    const own = isPlace(second) ? options : second;
    checkOptions("checkpointCallback()", own, HANDLER_CALLBACK_OPTIONS);
    const { onWarning = warnOnConsole } = own;
    return callbackOf(new FitCheckpoints(target, modelOf(target.context), own, onWarning));
  }
  if (!isPlace(second) || !isTfModel(target)) {
    throw new ConfigError(
      "Cannot make a checkpointCallback: wanted a LayersModel and a directory or Store, or a Handler",
    );
  }
  checkOptions("checkpointCallback()", options, CHECKPOINT_CALLBACK_OPTIONS);
  if (target.optimizer === undefined) {
    throw new ConfigError(`Cannot make a checkpointCallback: compile() model "${target.name}" first`);
  }
  const context = new Context();
  track(context.in("model"), target, { strict: options.strict });
  const { onWarning = warnOnConsole } = options;
  const config = keeping(build(context), options).onWarning(onWarning);
  const handler = await (typeof second === "string" ? config.dir(second) : config.store(second)).done();
  return callbackOf(new FitCheckpoints(handler, target, options, onWarning));
}

/** The best stays whatever else does. */
function keeping(config: Config, { keep = 1, saveBest: metric, mode }: CheckpointCallbackOptions): Config {
  if (metric === undefined || typeof keep === "number" && !(keep > 0)) return config.keep(keep);
  const policy = typeof keep === "number" ? keepLast(keep) : keep;
  return config.keep(anyOf(policy, keepBest(1, { metric, mode: mode ?? modeOfMetric(metric) })));
}

function isPlace(x: string | Store | HandlerCallbackOptions): x is string | Store {
  return typeof x === "string" || typeof x === "object" && x !== null && "publish" in x;
}

function modelOf(context: Context): TfModel {
  for (const group of liveGroupsOf(context)) {
    if (group instanceof TrackedVariables && isTfModel(group.target)) return group.target;
  }
  throw new ConfigError(
    "Cannot make a checkpointCallback: no model is tracked in the Handler's Context; track() it first",
  );
}

/**
 * tfjs calls the functions of a plain object as methods of an object of its own, which has the params of the fit; those
 * of an object that comes after a callback of its own class, as methods of that object.
 */
function callbackOf(fit: FitCheckpoints): CheckpointCallback {
  let ownParams: object = {};
  const epochsOf = (caller: unknown): number | undefined => {
    const params: unknown = typeof caller === "object" && caller !== null ? Reflect.get(caller, "params") : undefined;
    const epochs: unknown = Reflect.get(typeof params === "object" && params !== null ? params : ownParams, "epochs");
    return typeof epochs === "number" ? epochs : undefined;
  };
  const nothing = () => Promise.resolve();
  return {
    handler: fit.handler,
    get initialEpoch() {
      return fit.epoch;
    },
    onTrainBegin: () => fit.handler.lock(),
    onEpochBegin(epoch) {
      fit.beginEpoch(epoch, epochsOf(this));
      return Promise.resolve();
    },
    onBatchBegin: nothing,
    onBatchEnd: (_, logs) => fit.endBatch(logs),
    onEpochEnd(_, logs) {
      return fit.endEpoch(logs, epochsOf(this));
    },
    onTrainEnd: () => fit.endFit(),
    setParams: (params) => void (ownParams = params),
    setModel: () => {},
    [Symbol.asyncDispose]: () => fit.handler[Symbol.asyncDispose](),
  };
}
