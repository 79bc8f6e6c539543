import { type Context, TRAINER_SCOPE, type Variable } from "../context/mod.ts";
import { Tensor } from "../tensor/mod.ts";

/** Source: GoMLX `train.TrainLastStepVarName`. */
const NAME = "train_last_global_step";

/**
 * The variable `/trainer/train_last_global_step`: an Int64 scalar, the global step at which the current run is to end,
 * -1 if that is not known. Created if missing; never trainable.
 *
 * Source: GoMLX `train.GetTrainLastStepVar`.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { getTrainLastStepVar, Loop } from "@cairn/checkpoints/train";
 *
 * const context = new Context();
 * const loop = new Loop({ context, trainStep: () => 0.5 });
 * await loop.runSteps([1, 2], 2);
 * if (getTrainLastStepVar(context).value().item() !== 2n) throw new Error("not stored");
 * ```
 */
export function getTrainLastStepVar(context: Context): Variable {
  return context.inAbsPath(TRAINER_SCOPE).checked(false).variableWithValue(NAME, -1n, "Int64").setTrainable(false);
}

/** Stores it. */
export function setTrainLastStep(context: Context, step: number): void {
  getTrainLastStepVar(context).setValue(Tensor.from(BigInt(step), "Int64"));
}

/** Reads it. */
export function getTrainLastStep(context: Context): number {
  return Number(getTrainLastStepVar(context).value().item());
}
