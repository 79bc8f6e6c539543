import {
  type Context,
  createIn,
  isInScope,
  type LiveGroup,
  liveGroupsOf,
  type LoadedEntry,
  type LoadedList,
  type Variable,
} from "../context/mod.ts";
import { VariableError } from "../errors.ts";
import { Tensor } from "../tensor/mod.ts";
import { fitLoaded, type LoadReport, pathOf } from "./load_report.ts";
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

/** A group of tfjs variables that is being bound to a Context. */
export interface Tracking extends LiveGroup {
  /** Binds the group; what the Context has for it is in memory and fits. */
  bind(): void;
}

/** Variables of tfjs that stand behind variables of a Context. */
export class TrackedVariables implements Tracking {
  readonly #context: Context;
  readonly #what: string;
  readonly #values: readonly { readonly scope: string; readonly name: string; readonly value: TfValue }[];
  readonly #owns: (entry: LoadedEntry) => boolean;
  readonly #strict: boolean;
  #variables: readonly Variable[] = [];
  #report: LoadReport = { missing: [], unexpected: [] };
  #nextReport: LoadReport | undefined;

  /** `what` is for errors; `owns` says which entries of a checkpoint belong to it and to nothing else. */
  constructor(
    context: Context,
    what: string,
    members: readonly Member[],
    owns: (entry: LoadedEntry) => boolean,
    strict: boolean,
  ) {
    this.#context = context;
    this.#what = what;
    this.#owns = owns;
    this.#strict = strict;
    const known = new Set(
      Array.from(context.iterVariables(), ({ live }) => live instanceof TfValue && live.tfVariable),
    );
    this.#values = members.filter(({ variable }) => !known.has(variable))
      .map(({ scope, name, variable }) => ({ scope, name, value: new TfValue(variable, pathOf({ scope, name })) }));
    this.#values.forEach(expectFree(context));
  }

  /** The Context's variables, in the order of the model's. */
  get variables(): readonly Variable[] {
    return this.#variables;
  }

  /** How the checkpoint that was loaded last fitted. */
  get report(): LoadReport {
    return this.#report;
  }

  expect<Entry extends LoadedEntry>(loaded: LoadedList<Entry>): readonly Entry[] {
    const wanted = this.#values.map(({ scope, name, value: { dtype, dimensions } }) => {
      return { scope, name, dtype, dimensions };
    });
    const isUnexpected = (entry: LoadedEntry): boolean =>
      this.#owns(entry) && !isOfTheRun(entry) &&
      this.#context.inspectVariableIfLoaded(entry.scope, entry.name) === undefined;
    const { entries, report } = fitLoaded(this.#what, wanted, loaded, isUnexpected, this.#strict);
    this.#nextReport = report;
    return entries;
  }

  finish(): void {
    this.#report = this.#nextReport ?? this.#report;
  }

  bind(): void {
    this.#variables = this.#values.map(({ scope, name, value }) => {
      const { dtype, dimensions } = value;
      const variable = this.#context.getVariableByScopeAndName(scope, name) ??
        createIn(this.#context, { scope, name, dtype, dimensions });
      const tensor = variable.hasValue ? variable.value() : undefined;
      variable.setLive(value);
      if (tensor !== undefined) value.assign(tensor);
      return variable;
    });
    this.finish();
    liveGroupsOf(this.#context).add(this);
  }
}

/**
 * Binds groups to the Context: checks all that the Context has for them, reads all of it, and only then changes
 * anything.
 */
export function bindAll(context: Context, groups: readonly Tracking[]): void {
  const loaded = listLoaded(context);
  const wanted = groups.flatMap((group) => group.expect(loaded));
  const tensors = wanted.map(({ value }) => value.loaded ?? value.readSync());
  groups.forEach((group) => group.bind());
  void tensors; // They are held until here, so that bind() need not read.
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

/** Refuses a variable of the Context that stands for another tfjs variable already. */
function expectFree(context: Context): (place: { readonly scope: string; readonly name: string }) => void {
  return ({ scope, name }) => {
    const existing = context.inspectVariableIfLoaded(scope, name);
    if (existing?.live === undefined) return;
    if (existing.live instanceof TfValue && existing.live.tfVariable.isDisposed) return;
    const path = pathOf({ scope, name });
    throw new VariableError(
      `Cannot track "${path}": another tf.variable is tracked there already; use another scope, such as ` +
        `track(ctx.in("model_b"), …), or for a new model a new Context`,
      { entry: path },
    );
  };
}

/** The global step, the state of random numbers and of trainers, metrics, and optimizers are no part of a model. */
export function isOfTheRun({ scope, name }: { readonly scope: string; readonly name: string }): boolean {
  if (name === "global_step" || name === "#rngState") return true;
  const first = scope.split("/")[1] ?? "";
  return first === "trainer" || first === "metrics" || /optimizer/i.test(first);
}

/** For {@linkcode TrackedVariables}: everything at or below a scope. */
export function ownsScope(scope: string): (entry: LoadedEntry) => boolean {
  return (entry) => isInScope(entry.scope, scope);
}
