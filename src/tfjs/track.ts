import { type Context, expectContext, joinScope, liveGroupsOf, splitScope, type Variable } from "../context/mod.ts";
import { ConfigError, messageOf, VariableError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import type { TrackReport } from "./track_report.ts";
import { isTfModel, isTfOptimizer, isTfVariable } from "./tfjs_kinds.ts";
import type { TfModel, TfOptimizer, TfVariable } from "./tfjs_types.ts";
import { TrackedOptimizer } from "./tracked_optimizer.ts";
import { bindAll, type Member, ownsScope, TrackedVariables, type Tracking } from "./tracked_variables.ts";
import { type NamedWeight, nameWeights } from "./weight_names.ts";

/**
 * What {@linkcode track} binds: a `LayersModel`; an optimizer, `tf.train.adam()` …; variables by name (`{ w, "layer/b": b }`); variables that were given
 * names, `tf.variable(x, true, "w")`.
 */
export type Trackable =
  | TfModel
  | TfOptimizer
  | TfVariable
  | readonly TfVariable[]
  | Readonly<Record<string, TfVariable>>;

/** Options of {@linkcode track}. */
export interface TrackOptions {
  /**
   * Whether a checkpoint must have all that is tracked, and nothing else in its scopes. Default true; with false what
   * there is of both is loaded. Dtypes and shapes must fit in any case, and a partial load (`scope()`, `onlyScopes()`)
   * may always lack some.
   */
  readonly strict?: boolean | undefined;
  /** Whether the optimizer of a compiled model is tracked with it. Default true. */
  readonly optimizer?: boolean | undefined;
}

const TRACK_OPTIONS: OptionNames<TrackOptions> = { strict: "boolean", optimizer: "boolean" };

/** What {@linkcode track} has bound. */
export interface Tracked {
  /** The variables of the Context: of a model in the order of its layers, of an optimizer those that it has so far. */
  readonly variables: readonly Variable[];
  /** How the checkpoint that was loaded last fitted. */
  readonly report: TrackReport;
  /** The optimizer that was tracked with a model. */
  readonly optimizer?: Tracked | undefined;
  /** Lets go: the variables of the Context are deleted, those of tfjs stay as they are. */
  untrack(): void;
}

/**
 * Binds a tfjs model (with its optimizer, if it is compiled), an optimizer, or variables to the current scope of a Context, both ways: a save writes their values as they
 * are when it is called, and what is loaded is assigned to them, if the checkpoint was loaded before or will be later.
 * What the Context has already is assigned at once. Values stay where tfjs has them; `variable.value()`, `display(ctx)`
 * and a save read them. Float32, int32 and bool variables only.
 *
 * The names of a model's weights are the same in every process: layers that were given no name are called by their class
 * and their place among those of their class (`/dense/kernel`, `/dense_1/kernel`). The model must be built.
 *
 * Differing dtypes and shapes, missing and unexpected variables are found before any value is assigned. Values that are
 * still in a file are read at once, so the store must allow that (or call `handler.prefetch()` before).
 *
 * Of an optimizer all is kept that its next step depends on: the count of its steps, its running products, and what it
 * has for each variable, which must be tracked in the same scope or below: `/AdamOptimizer/model/dense/kernel_1st_moment`,
 * as in GoMLX. What is loaded before the first step is put in place by that step. Learning rates and the like are yours
 * to set. SGD, Momentum, Adagrad, Adadelta, Adam, Adamax and RMSProp of tfjs 4.22.
 *
 * Random numbers of tfjs, and states of stateful recurrent layers, are not part of it.
 *
 * @throws {ConfigError} if it is nothing that can be tracked, or a variable has no name; if there is no Context.
 * @throws {ShapeError} if a dtype or shape is not that of the checkpoint, or no checkpoint holds the dtype.
 * @throws {VariableError} if the checkpoint lacks variables or has others, see {@linkcode TrackOptions.strict}; if
 * another model is tracked in that scope; if the model was disposed.
 *
 * @example
 * ```ts
 * import * as tf from "npm:@tensorflow/tfjs@4.22.0";
 * import { build, Context, load, MemoryStore } from "@cairn/checkpoints";
 * import { track } from "@cairn/checkpoints/tfjs";
 *
 * await tf.setBackend("cpu");
 * const store = new MemoryStore(); // a directory: build(ctx).dir("run")
 * const newModel = () => tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3] })] });
 *
 * const ctx = new Context();
 * const model = newModel();
 * track(ctx.in("model"), model);
 * await using handler = await build(ctx).store(store).done();
 * await handler.save(); // the weights as they are now
 *
 * const again = new Context();
 * await using _ = await load(again).store(store).done();
 * const copy = newModel();
 * console.log(track(again.in("model"), copy).variables.map(String)); // ["/model/dense/kernel", "/model/dense/bias"]
 * console.assert(String(copy.getWeights()[0]) === String(model.getWeights()[0]));
 * ```
 */
export function track(context: Context, target: Trackable, options: TrackOptions = {}): Tracked {
  checkOptions("track()", options, TRACK_OPTIONS);
  const { strict = true, optimizer = true } = options;
  expectContext(context, "Cannot track", 'track(ctx.in("model"), model)');
  if (isTfModel(target)) return trackModel(context, target, strict, optimizer);
  const group = isTfOptimizer(target)
    ? optimizerGroup(context, target, [], [], strict)
    : plainGroup(context, target, strict);
  bindAll(context, [group]);
  return trackedOf(group);
}

function trackModel(context: Context, model: TfModel, strict: boolean, withOptimizer: boolean): Tracked {
  const members = weightsOf(model).map(({ scopes, name, variable }): Member => {
    return { scope: scopes.reduce(joinScope, context.scope), name, variable };
  });
  if (members.length === 0) {
    throw new ConfigError(
      `Cannot track model "${model.name}": it has no weights yet; give its first layer an inputShape, or call build()`,
    );
  }
  const what = `the tfjs model at "${context.scope}"`;
  const weights = new TrackedVariables(context, model, what, members, ownsScope(context.scope), strict);
  const known = weights.isEmpty ? groupOf(context, model, context.scope) : undefined;
  const order = model.trainableWeights.map((weight) => weight.read()).filter(isTfVariable);
  const state = withOptimizer && model.optimizer !== undefined
    ? optimizerGroup(context, model.optimizer, members, order, strict)
    : undefined;
  const groups = [known ?? weights, ...state === undefined ? [] : [state]];
  bindAll(context, groups);
  return trackedOf(known ?? weights, state);
}

function weightsOf(model: TfModel): NamedWeight[] {
  try {
    return nameWeights(model);
  } catch (cause) { // From tfjs, whose weights cannot be read when they were disposed.
    throw new VariableError(`Cannot track model "${model.name}": ${messageOf(cause)}`, { cause });
  }
}

/** A new group, or the one that it has already. */
function optimizerGroup(
  context: Context,
  optimizer: TfOptimizer,
  members: readonly Member[],
  order: readonly TfVariable[],
  strict: boolean,
): Tracking {
  return groupOf(context, optimizer) ?? new TrackedOptimizer(context, optimizer, members, order, strict);
}

function groupOf(context: Context, target: unknown, scope?: string): Tracking | undefined {
  return Array.from(liveGroupsOf(context)).filter((group) =>
    group instanceof TrackedVariables || group instanceof TrackedOptimizer
  ).find((group) => group.target === target && (scope === undefined || group.scope === scope));
}

function trackedOf(group: Tracking, state?: Tracking): Tracked {
  return {
    get variables() {
      return group.variables;
    },
    get report() {
      return group.report;
    },
    optimizer: state && trackedOf(state),
    untrack() {
      group.unbind();
      state?.unbind();
    },
  };
}

function plainGroup(context: Context, target: unknown, strict: boolean): Tracking {
  const members = namesOf(target).map(([path, variable]): Member => {
    if (isTfVariable(variable) && !path.split("/").includes("")) {
      return { ...splitScope(joinScope(context.scope, path)), variable };
    }
    throw new ConfigError(
      `Cannot track "${path}": wanted a LayersModel, an optimizer, a tf.variable, a list of named ones, or an object of ` +
        "names and tf.variables",
      { entry: path },
    );
  });
  if (members.length === 0) throw new ConfigError(`Cannot track at "${context.scope}": there is no variable`);
  const scopes = new Set(members.map(({ scope }) => scope));
  const owns = ({ scope }: { readonly scope: string }): boolean => scopes.has(scope);
  return new TrackedVariables(context, target, `the tfjs variables at "${context.scope}"`, members, owns, strict);
}

function namesOf(target: unknown): (readonly [path: string, variable: unknown])[] {
  if (isTfVariable(target)) return [[givenName(target), target]];
  if (Array.isArray(target)) return target.map((each) => [isTfVariable(each) ? givenName(each) : String(each), each]);
  if (typeof target === "object" && target !== null) return Object.entries(target);
  return [[String(target), target]];
}

/** tfjs numbers variables without a name as they are made, which another process may do in another order. */
function givenName({ name }: TfVariable): string {
  if (!/^\d+$/.test(name)) return name;
  throw new ConfigError(
    `Cannot track tf.variable "${name}": tfjs has made up its name, another process may give it another; name it by ` +
      'tf.variable(value, true, "w") or by track(ctx, { w: variable })',
    { entry: name },
  );
}
