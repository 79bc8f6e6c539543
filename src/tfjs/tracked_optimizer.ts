import {
  type Context,
  isInScope,
  joinScope,
  liveGroupsOf,
  type LiveValue,
  type LoadedEntry,
  type LoadedList,
  type Variable,
} from "../context/mod.ts";
import { VariableError } from "../errors.ts";
import { fitLoaded, pathOf, type TrackReport, type WantedVariable } from "./track_report.ts";
import {
  kindOfOptimizer,
  type OptimizerKind,
  type OptimizerSlot,
  scalarOf,
  slotEntries,
  type SlotEntry,
} from "./optimizer_kinds.ts";
import { IterationsValue, MomentValue } from "./optimizer_values.ts";
import { TfValue } from "./tf_value.ts";
import type { TfOptimizer, TfVariable } from "./tfjs_types.ts";
import { bindVariable, expectFree, type Member, type Tracking } from "./tracked_variables.ts";

/** What an optimizer keeps for one variable, as a variable of the Context. */
interface Moment extends WantedVariable {
  readonly slot: OptimizerSlot;
}

/** What a load is about to do. */
interface Plan {
  readonly report: TrackReport;
  readonly moments: ReadonlyMap<string, Moment>;
  /** Whether the moments that the file lacks did not exist when it was written. */
  readonly isWhole: boolean;
}

/**
 * An optimizer's state behind variables of a Context. It is kept under the names of the variables that it belongs to:
 * tfjs has it by their places in the last step, which may be others in another process. So steps are listened to: before
 * one that makes new state, what was loaded is put in its place; after it, what is new becomes a variable.
 */
export class TrackedOptimizer implements Tracking {
  readonly target: TfOptimizer;
  readonly scope: string;
  readonly #context: Context;
  readonly #kind: OptimizerKind;
  readonly #companions: readonly Member[];
  readonly #order: readonly TfVariable[];
  readonly #strict: boolean;
  /** Scope of what is kept once. */
  readonly #ownScope: string;
  readonly #scalars: readonly { readonly scope: string; readonly name: string; readonly value: LiveValue }[];
  readonly #variables = new Map<string, Variable>();
  readonly #moments = new Map<string, MomentValue>();
  #places = new Map<string, Member>();
  #lastNames: readonly string[] = [];
  #report: TrackReport = { missing: [], unexpected: [] };
  #plan: Plan | undefined;
  #stopListening = (): void => {};

  /**
   * `companions` are variables that are being tracked with it; `order` is that of the variables in its steps, if it is
   * known.
   */
  constructor(
    context: Context,
    optimizer: TfOptimizer,
    companions: readonly Member[],
    order: readonly TfVariable[],
    strict: boolean,
  ) {
    this.target = optimizer;
    this.scope = context.scope;
    this.#context = context;
    this.#kind = kindOfOptimizer(optimizer);
    this.#companions = companions;
    this.#order = order;
    this.#strict = strict;
    this.#ownScope = below(this.#kind.scope, context.scope);
    const scope = this.#ownScope;
    this.#scalars = [
      { scope, name: "iterations", value: new IterationsValue(optimizer) },
      ...this.#kind.scalars.map((scalar) => {
        const value = new TfValue(scalarOf(optimizer, scalar), joinScope(scope, scalar.name), "optimizer");
        return { scope, name: scalar.name, value };
      }),
    ];
    this.#scalars.forEach((each) =>
      expectFree(context, each, `another ${optimizer.getClassName()} optimizer is tracked there`)
    );
  }

  get variables(): readonly Variable[] {
    return [...this.#variables.values()];
  }

  get report(): TrackReport {
    return this.#report;
  }

  expect<Entry extends LoadedEntry>(loaded: LoadedList<Entry>): readonly Entry[] {
    const inFile = new Set(loaded.entries.map(pathOf));
    const required = this.#scalars.map(({ scope, name, value: { dtype, dimensions } }): WantedVariable => {
      return { scope, name, dtype, dimensions };
    });
    // Moments without their count would be taken for those of a first step.
    const isCounted = required.every((each) => inFile.has(pathOf(each)));
    const moments = isCounted ? this.#possibleMoments().filter((each) => inFile.has(pathOf(each))) : [];
    const what = `the tfjs optimizer "${this.target.getClassName()}" at "${this.scope}"`;
    const isUnexpected = (entry: LoadedEntry): boolean =>
      isInScope(entry.scope, this.#ownScope) &&
      this.#context.inspectVariableIfLoaded(entry.scope, entry.name)?.live === undefined;
    const { entries, report } = fitLoaded(what, [...required, ...moments], loaded, isUnexpected, this.#strict);
    this.#plan = {
      report,
      moments: new Map(moments.map((each) => [pathOf(each), each])),
      isWhole: isCounted && !loaded.isPartial,
    };
    return entries;
  }

  finish(): void {
    if (this.#plan === undefined) return;
    const { report, moments, isWhole } = this.#plan;
    this.#plan = undefined;
    this.#report = report;
    if (isWhole) { for (const path of this.#moments.keys()) if (!moments.has(path)) this.#drop(path); }
    for (const [path, moment] of moments) if (!this.#moments.has(path)) this.#take(path, moment);
    this.#lastNames = [];
  }

  bind(): void {
    for (const { scope, name, value } of this.#scalars) {
      this.#variables.set(joinScope(scope, name), bindVariable(this.#context, { scope, name, value }));
    }
    this.finish();
    for (const slot of this.#kind.slots) {
      slotEntries(this.target, slot).forEach((entry, index) => entry && this.#adopt(slot, entry, index));
    }
    if (this.#kind.slots.length > 0) this.#listen();
    liveGroupsOf(this.#context).add(this);
  }

  unbind(): void {
    this.#stopListening();
    liveGroupsOf(this.#context).delete(this);
    for (const { scope, name } of this.#variables.values()) this.#context.deleteVariable(scope, name);
    this.#variables.clear();
    this.#moments.clear();
  }

  #possibleMoments(): Moment[] {
    this.#places = this.#findPlaces();
    return [...this.#places.values()].flatMap((member) => this.#kind.slots.map((slot) => this.#momentOf(member, slot)));
  }

  /** `/AdamOptimizer/model/dense` and `kernel_1st_moment`: as in GoMLX. */
  #momentOf({ scope, name, variable }: Member, slot: OptimizerSlot): Moment {
    const path = joinScope(scope, name);
    const { dtype, dimensions } = new TfValue(variable, path);
    return { scope: below(this.#kind.scope, scope), name: name + slot.suffix, dtype, dimensions, slot };
  }

  /** Where the variables are that it may change, by their names in tfjs. */
  #findPlaces(): Map<string, Member> {
    const tracked = Array.from(this.#context.iterVariables()).flatMap(({ scope, name, live }): Member[] =>
      live instanceof TfValue && isInScope(scope, this.scope) ? [{ scope, name, variable: live.tfVariable }] : []
    );
    return new Map([...this.#companions, ...tracked].map((each) => [each.variable.name, each]));
  }

  #placeOf(name: string): Member {
    if (!this.#places.has(name)) this.#places = this.#findPlaces();
    const place = this.#places.get(name);
    if (place !== undefined) return place;
    throw new VariableError(
      `Cannot track optimizer "${this.target.getClassName()}": it changes tf.variable "${name}", which is not tracked ` +
        `at or below "${this.scope}"; track(ctx, …) it first`,
    );
  }

  #listen(): void {
    const { target } = this;
    const own = Object.getOwnPropertyDescriptor(target, "applyGradients");
    const original = target.applyGradients;
    const listening = (gradients: object): void => {
      const names = Array.isArray(gradients) ? gradients.map(({ name }) => String(name)) : Object.keys(gradients);
      const isKnown = names.length === this.#lastNames.length && names.every((name, i) => name === this.#lastNames[i]);
      if (!isKnown) this.#putWaiting(names);
      Reflect.apply(original, target, [gradients]);
      if (!isKnown) this.#register(names);
      this.#lastNames = names;
    };
    target.applyGradients = listening;
    this.#stopListening = () => {
      if (target.applyGradients !== listening) return;
      Reflect.deleteProperty(target, "applyGradients");
      if (own !== undefined) Object.defineProperty(target, "applyGradients", own);
    };
  }

  /** Puts what was loaded where tfjs will look for it in a step that changes the variables of these names. */
  #putWaiting(names: readonly string[]): void {
    for (const slot of this.#kind.slots) {
      const entries = slotEntries(this.target, slot);
      names.forEach((name, index) => {
        const place = this.#placeOf(name);
        if (entries[index] !== undefined) return;
        const variable = this.#moments.get(pathOf(this.#momentOf(place, slot)))?.makeVariable(place.variable);
        if (variable === undefined) return;
        entries[index] = { originalName: name + slot.tfSuffix, variable };
        this.#settle(place, slot, index);
      });
    }
  }

  /** What the step has made becomes variables of the Context. */
  #register(names: readonly string[]): void {
    for (const slot of this.#kind.slots) {
      const entries = slotEntries(this.target, slot);
      names.forEach((name, index) => entries[index] && this.#settle(this.#placeOf(name), slot, index));
    }
  }

  /** State that was there before it was tracked. */
  #adopt(slot: OptimizerSlot, { originalName }: SlotEntry, index: number): void {
    const name = originalName.slice(0, -slot.tfSuffix.length);
    // After tfjs's own setWeights() the names are those of another process.
    const known = this.#places.has(name) || this.#findPlaces().has(name) ? name : this.#order[index]?.name ?? name;
    this.#settle(this.#placeOf(known), slot, index);
  }

  #settle(place: Member, slot: OptimizerSlot, index: number): void {
    const moment = this.#momentOf(place, slot);
    const path = pathOf(moment);
    const value = this.#moments.get(path) ?? new MomentValue(path, moment.dtype, moment.dimensions);
    value.settle(() => slotEntries(this.target, slot)[index]?.variable);
    if (this.#moments.has(path)) return;
    this.#moments.set(path, value);
    this.#variables.set(path, bindVariable(this.#context, { ...moment, value }));
  }

  #take(path: string, moment: Moment): void {
    const value = new MomentValue(path, moment.dtype, moment.dimensions);
    this.#moments.set(path, value);
    this.#variables.set(path, bindVariable(this.#context, { ...moment, value }));
  }

  /** Forgets what was not there yet when the checkpoint was written: tfjs makes it anew. */
  #drop(path: string): void {
    const variable = this.#variables.get(path);
    const found = this.#moments.get(path)?.variable;
    this.#moments.delete(path);
    this.#variables.delete(path);
    if (variable !== undefined) this.#context.deleteVariable(variable.scope, variable.name);
    if (found === undefined) return;
    for (const slot of this.#kind.slots) {
      const entries = slotEntries(this.target, slot);
      const index = entries.findIndex((entry) => entry?.variable === found);
      if (index >= 0) delete entries[index];
      if (entries.every((entry) => entry === undefined)) entries.length = 0;
    }
    found.dispose();
  }
}

/** `/AdamOptimizer` and `/model` give `/AdamOptimizer/model`. */
function below(outer: string, scope: string): string {
  return scope === "/" ? outer : outer + scope;
}
