import {
  belongsToRun,
  type Context,
  createIn,
  GLOBAL_STEP_NAME,
  isInScope,
  isOptimizerOrMetrics,
  type LiveGroup,
  liveGroupsOf,
  type LiveValue,
  type LoadedEntry,
  type LoadedList,
  type Variable,
} from "../context/mod.ts";
import { VariableError } from "../errors.ts";
import { Tensor } from "../tensor/mod.ts";
import { fitLoaded, pathOf, type TrackReport } from "./track_report.ts";
import { TfValue } from "./tf_value.ts";
import type { TfVariable } from "./tfjs_types.ts";

/** A variable of tfjs and where in the Context it belongs. */
export interface Member {
  /** Absolute scope. */
  readonly scope: string;
  /** Name in the scope. */
  readonly name: string;
  /** The variable. */
  readonly variable: TfVariable;
}

/** A group of tfjs variables, bound to a Context or about to be. */
export interface Tracking extends LiveGroup {
  /** What was tracked. */
  readonly target: unknown;
  /** Scope of the Context that it was tracked in. */
  readonly scope: string;
  /** The variables of the Context. */
  readonly variables: readonly Variable[];
  /** How the checkpoint that was loaded last fitted. */
  readonly report: TrackReport;
  /** Binds the group; what the Context has for it is in memory and fits. */
  bind(): void;
  /** Lets go of it: the Context's variables are deleted, those of tfjs stay. */
  unbind(): void;
}

/** Variables of tfjs that stand behind variables of a Context. */
export class TrackedVariables implements Tracking {
  readonly target: unknown;
  readonly scope: string;
  readonly #context: Context;
  readonly #what: string;
  readonly #values: readonly { readonly scope: string; readonly name: string; readonly value: TfValue }[];
  readonly #owns: (entry: LoadedEntry) => boolean;
  readonly #strict: boolean;
  #variables: readonly Variable[] = [];
  #report: TrackReport = { missing: [], unexpected: [] };
  #nextReport: TrackReport | undefined;

  /** `what` is for errors; `owns` says which entries of a checkpoint belong to it and to nothing else. */
  constructor(
    context: Context,
    target: unknown,
    what: string,
    members: readonly Member[],
    owns: (entry: LoadedEntry) => boolean,
    strict: boolean,
  ) {
    this.target = target;
    this.scope = context.scope;
    this.#context = context;
    this.#what = what;
    this.#owns = owns;
    this.#strict = strict;
    const known = new Set(
      Array.from(context.iterVariables(), ({ live }) => live instanceof TfValue && live.tfVariable),
    );
    this.#values = members.filter(({ variable }) => !known.has(variable))
      .map(({ scope, name, variable }) => ({ scope, name, value: new TfValue(variable, pathOf({ scope, name })) }));
    this.#values.forEach((each) => expectFree(context, each, "another tf.variable is tracked there"));
  }

  get variables(): readonly Variable[] {
    return this.#variables;
  }

  get report(): TrackReport {
    return this.#report;
  }

  /** Whether all of it is tracked already. */
  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  expect<Entry extends LoadedEntry>(loaded: LoadedList<Entry>): readonly Entry[] {
    const wanted = this.#values.map(({ scope, name, value: { dtype, dimensions } }) => {
      return { scope, name, dtype, dimensions };
    });
    const isUnexpected = (entry: LoadedEntry): boolean =>
      this.#owns(entry) && !isBesideModel(entry) &&
      this.#context.inspectVariableIfLoaded(entry.scope, entry.name) === undefined;
    const { entries, report } = fitLoaded(this.#what, wanted, loaded, isUnexpected, this.#strict);
    this.#nextReport = report;
    return entries;
  }

  finish(): void {
    this.#report = this.#nextReport ?? this.#report;
  }

  bind(): void {
    this.#variables = this.#values.map((each) => bindVariable(this.#context, each));
    this.finish();
    liveGroupsOf(this.#context).add(this);
  }

  unbind(): void {
    liveGroupsOf(this.#context).delete(this);
    for (const { scope, name } of this.#variables) this.#context.deleteVariable(scope, name);
    this.#variables = [];
  }
}

/**
 * Binds groups to the Context: checks all that the Context has for them, reads all of it, and only then changes
 * anything.
 */
export function bindAll(context: Context, groups: readonly Tracking[]): void {
  const unbound = groups.filter((group) => !liveGroupsOf(context).has(group));
  const loaded = listLoaded(context);
  const wanted = unbound.flatMap((group) => group.expect(loaded));
  const tensors = wanted.map(({ value }) => value.loaded ?? value.readSync());
  unbound.forEach((group) => group.bind());
  void tensors; // They are held until here, so that bind() need not read.
  wanted.forEach(({ value }) => value.release?.());
}

/** What the Context has, or can have of its loader, that is not a live value. */
function listLoaded(context: Context): LoadedList {
  const listed = context.loader?.listLoaded?.();
  const registered = Array.from(context.iterVariables()).filter(({ live, hasValue }) => !live && hasValue);
  const isFresh = listed === undefined && registered.every(({ origin }) => origin === undefined);
  return {
    entries: [...registered.map(entryOf), ...listed?.entries ?? []],
    isPartial: isFresh || listed?.isPartial === true,
  };
}

function entryOf(variable: Variable): LoadedEntry {
  const { scope, name, dtype, dimensions, source } = variable;
  const loaded = source instanceof Tensor ? source : undefined;
  return { scope, name, value: { dtype, dimensions, loaded, readSync: () => variable.value() } };
}

/** A variable of the Context that stands for `value` from now on; what it had is assigned to it. */
export function bindVariable(
  context: Context,
  { scope, name, value }: { readonly scope: string; readonly name: string; readonly value: LiveValue },
): Variable {
  const { dtype, dimensions } = value;
  const variable = context.getVariableByScopeAndName(scope, name) ??
    createIn(context, { scope, name, dtype, dimensions });
  const tensor = variable.hasValue ? variable.value() : undefined;
  variable.setLive(value);
  if (tensor !== undefined) value.assign(tensor);
  return variable;
}

/** Refuses a place where something else is tracked already; `why` says what. */
export function expectFree(
  context: Context,
  { scope, name }: { readonly scope: string; readonly name: string },
  why: string,
): void {
  const live = context.inspectVariableIfLoaded(scope, name)?.live;
  if (live === undefined || live instanceof TfValue && live.tfVariable.isDisposed) return;
  const path = pathOf({ scope, name });
  throw new VariableError(
    `Cannot track "${path}": ${why} already; use another scope, such as track(ctx.in("b"), …), a new Context for a new ` +
      "model, or let go of what is there by its untrack()",
    { entry: path },
  );
}

/** A file may have it in a model's scope though no model has it; a Context in a scope has its global step there. */
function isBesideModel(entry: { readonly scope: string; readonly name: string }): boolean {
  return entry.name === GLOBAL_STEP_NAME || belongsToRun(pathOf(entry)) || isOptimizerOrMetrics(entry.scope);
}

/** For {@linkcode TrackedVariables}: everything at or below a scope. */
export function ownsScope(scope: string): (entry: LoadedEntry) => boolean {
  return (entry) => isInScope(entry.scope, scope);
}
