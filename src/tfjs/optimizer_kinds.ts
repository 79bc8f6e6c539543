import { ConfigError } from "../errors.ts";
import { isTfVariable } from "./tfjs_kinds.ts";
import type { TfOptimizer, TfVariable } from "./tfjs_types.ts";

/** What an optimizer keeps for each variable that it changes. */
export interface OptimizerSlot {
  /** The optimizer's list, one entry for each variable of its last step, in that order. */
  readonly field: string;
  /** What tfjs puts behind the variable's name. */
  readonly tfSuffix: string;
  /** What a checkpoint has behind the variable's name. */
  readonly suffix: string;
}

/** What an optimizer keeps once. */
export interface OptimizerScalar {
  /** The optimizer's variable. */
  readonly field: string;
  /** Its name in a checkpoint. */
  readonly name: string;
}

/** The state of a class of optimizers, as of tfjs 4.22. */
export interface OptimizerKind {
  /** The outermost scope of its state: GoMLX's, where it has such an optimizer. */
  readonly scope: string;
  /** By variable. */
  readonly slots: readonly OptimizerSlot[];
  /** Products and counters that run on from step to step, beside `iterations`. */
  readonly scalars: readonly OptimizerScalar[];
}

/** Where tfjs's optimizers keep their state. Not by `getWeights()`, which leaves out the running products. */
const KINDS: ReadonlyMap<string, OptimizerKind> = new Map<string, OptimizerKind>([
  ["SGD", { scope: "/SGDOptimizer", slots: [], scalars: [] }],
  ["Momentum", {
    scope: "/MomentumOptimizer",
    slots: [{ field: "accumulations", tfSuffix: "/momentum", suffix: "_momentum" }],
    scalars: [],
  }],
  ["Adagrad", {
    scope: "/AdagradOptimizer",
    slots: [{ field: "accumulatedGrads", tfSuffix: "/accumulator", suffix: "_accumulator" }],
    scalars: [],
  }],
  ["Adadelta", {
    scope: "/AdadeltaOptimizer",
    slots: [
      { field: "accumulatedGrads", tfSuffix: "/accum_grad", suffix: "_accumulated_gradient" },
      { field: "accumulatedUpdates", tfSuffix: "/accum_var", suffix: "_accumulated_update" },
    ],
    scalars: [],
  }],
  ["Adam", {
    scope: "/AdamOptimizer",
    slots: [
      { field: "accumulatedFirstMoment", tfSuffix: "/m", suffix: "_1st_moment" },
      { field: "accumulatedSecondMoment", tfSuffix: "/v", suffix: "_2nd_moment" },
    ],
    scalars: [
      { field: "accBeta1", name: "accumulated_beta1" },
      { field: "accBeta2", name: "accumulated_beta2" },
    ],
  }],
  ["Adamax", {
    scope: "/AdamaxOptimizer",
    slots: [
      { field: "accumulatedFirstMoment", tfSuffix: "/m", suffix: "_1st_moment" },
      { field: "accumulatedWeightedInfNorm", tfSuffix: "/v", suffix: "_2nd_moment" },
    ],
    scalars: [
      { field: "accBeta1", name: "accumulated_beta1" },
      { field: "iteration", name: "decay_steps" },
    ],
  }],
  ["RMSProp", {
    scope: "/RMSPropOptimizer",
    slots: [
      { field: "accumulatedMeanSquares", tfSuffix: "/rms", suffix: "_mean_square" },
      { field: "accumulatedMoments", tfSuffix: "/momentum", suffix: "_momentum" },
      { field: "accumulatedMeanGrads", tfSuffix: "/mg", suffix: "_mean_gradient" },
    ],
    scalars: [],
  }],
]);

/** The kind of an optimizer. Throws a ConfigError for one that is none of tfjs's own. */
export function kindOfOptimizer(optimizer: TfOptimizer): OptimizerKind {
  const kind = KINDS.get(optimizer.getClassName());
  const isWhole = kind !== undefined && kind.slots.every(({ field }) => Array.isArray(Reflect.get(optimizer, field))) &&
    kind.scalars.every(({ field }) => isTfVariable(Reflect.get(optimizer, field)));
  if (isWhole) return { ...kind, slots: kind.slots.filter((slot) => isUsed(optimizer, slot)) };
  throw new ConfigError(
    `Cannot track optimizer "${optimizer.getClassName()}": wanted one of tfjs 4.22's ${[...KINDS.keys()].join(", ")}`,
  );
}

/** RMSProp keeps mean gradients only if it is centered. */
function isUsed(optimizer: TfOptimizer, { field }: OptimizerSlot): boolean {
  return field !== "accumulatedMeanGrads" || Reflect.get(optimizer, "centered") === true;
}

/** The variable of a scalar. */
export function scalarOf(optimizer: TfOptimizer, { field }: OptimizerScalar): TfVariable {
  const variable: unknown = Reflect.get(optimizer, field);
  if (isTfVariable(variable)) return variable;
  throw new ConfigError(`Cannot read "${field}" of optimizer "${optimizer.getClassName()}": it is no tf.variable`);
}

/** An entry of a slot. */
export interface SlotEntry {
  /** The variable's name when the entry was made, and {@linkcode OptimizerSlot.tfSuffix}. */
  readonly originalName: string;
  /** What is kept. */
  readonly variable: TfVariable;
}

/** The optimizer's list itself: entries are missing until a step has made them. */
export function slotEntries(optimizer: TfOptimizer, { field }: OptimizerSlot): (SlotEntry | undefined)[] {
  const entries: unknown = Reflect.get(optimizer, field);
  return Array.isArray(entries) ? entries : [];
}
