import { VariableError, visible } from "../errors.ts";
import { checkOptions } from "../options.ts";
import {
  drawable,
  formatItems,
  type InspectOptions,
  type JupyterBundle,
  type View,
  viewBundle,
  viewInspected,
} from "../render/mod.ts";
import type { DType } from "../tensor/dtype.ts";
import type { NestedArray, Tensor, TensorData } from "../tensor/tensor.ts";
import { ContextData, type ParamRow, type ParamsInput } from "./context_data.ts";
import { type ContextParts, contextView, studyContext } from "./context_view.ts";
import { formatScope } from "./format_scope.ts";
import { checkedStep, GLOBAL_STEP_NAME, stepOf, stepTensor } from "./global_step.ts";
import type { GoParam, ParamValue } from "./go_param.ts";
import {
  defaultInitializer,
  INITIALIZE_OPTIONS,
  initializeAll,
  type InitializeOptions,
  type Initializer,
} from "./initializer.ts";
import type { LiveGroup } from "./live_value.ts";
import type { LoadedValue, Loader } from "./loader.ts";
import { paramAs } from "./param_as.ts";
import { paramsView } from "./params_view.ts";
import { seedOf } from "./random.ts";
import { isInScope, joinScope, ROOT_SCOPE } from "./scope.ts";
import type { StudyOptions } from "./study.ts";
import type { Variable, VariableInit } from "./variable.ts";
import { checkExistence, checkName, checkShape, tensorFor } from "./variable_rules.ts";

/** What differs between references of one Context. */
interface Reference {
  readonly scope: string;
  readonly isReuse: boolean;
  readonly isChecked: boolean;
  readonly initializer: Initializer;
}

/** Makes a variable without value in a Context, whatever its rules; not for users. */
export let createIn: (context: Context, init: VariableInit) => Variable;

/** Makes a variable of a value that a checkpoint has, which is not asked for it; not for users. */
export let createLoaded: (context: Context, scope: string, name: string, value: LoadedValue) => Variable;

/** The groups of live values that a checkpoint must fit before it is put into the Context; not for users. */
export let liveGroupsOf: (context: Context) => Set<LiveGroup>;

/**
 * A model's variables and params (hyperparameters), by scope.
 *
 * A Context is a small reference (scope, reuse, checked, initializer) to shared data (params, variables, loader): `in`,
 * `reuse`, `checked` … return another reference to the same data. All synchronous; needs no permission.
 * Source: GoMLX `context.Context`.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * const ctx = new Context();
 * ctx.setParam("learning_rate", 0.001);
 * const layer = ctx.in("layer_0");
 * layer.variableWithValue("weights", [[1, 2], [3, 4]]);
 * assertEquals(layer.getParam("learning_rate"), 0.001);
 * assertEquals([...ctx.iterVariables()].map((v) => v.scopeAndName), ["/layer_0/weights"]);
 * ```
 */
export class Context {
  #shared = new ContextData();
  #reference: Reference = { scope: ROOT_SCOPE, isReuse: false, isChecked: true, initializer: defaultInitializer };

  static {
    createIn = (context, init) => context.#data.createVariable(init);
    createLoaded = (context, scope, name, value) => {
      checkPath(scope);
      const { dtype, dimensions } = value;
      return context.#data.createVariable({ scope, name, dtype, dimensions }).setLoaded(value);
    };
    liveGroupsOf = (context) => context.#data.liveGroups;
  }

  /** The current scope: `/`, `/layer_0` … */
  get scope(): string {
    return this.#reference.scope;
  }

  /** Whether variables must exist already. */
  get isReuse(): boolean {
    return this.#reference.isReuse;
  }

  /** Whether {@linkcode isReuse} is enforced; if not, variables are taken or created, whichever is possible. */
  get isChecked(): boolean {
    return this.#reference.isChecked;
  }

  /**
   * A reference to the scope `name` below the current one.
   *
   * @throws {VariableError} if the name is empty or has a `/`.
   */
  in(name: string): Context {
    if (name === "") throw new VariableError('Cannot enter scope "": wanted a name');
    if (name.includes("/")) {
      throw new VariableError(
        `Cannot enter scope "${name}": wanted a name without "/"; use ctx.inAbsPath() for a path, or escapeScopeName()`,
      );
    }
    return this.#with({ scope: joinScope(this.scope, name) });
  }

  /** As {@linkcode in}, with a name formatted as by Go's `Sprintf`: `ctx.inf("layer_%d", 3)`. */
  inf(format: string, ...args: readonly unknown[]): Context {
    return this.in(formatScope(format, args));
  }

  /**
   * A reference to the scope of that path, wherever this one is. Trailing and double slashes are kept.
   *
   * @throws {VariableError} if the path does not start with `/`.
   */
  inAbsPath(path: string): Context {
    checkPath(path);
    return this.#with({ scope: path });
  }

  /** A reference in which variables must exist already. */
  reuse(): Context {
    return this.#with({ isReuse: true });
  }

  /** A reference in which variables must not exist yet, as in a new Context. */
  unique(): Context {
    return this.isReuse ? this.#with({ isReuse: false }) : this;
  }

  /** A reference that enforces reuse or unique; with `false` variables are taken or created, whichever is possible. */
  checked(checked: boolean): Context {
    return checked === this.isChecked ? this : this.#with({ isChecked: checked });
  }

  /** A reference whose new variables get their first value from `initializer`. */
  withInitializer(initializer: Initializer): Context {
    if (typeof initializer !== "function") {
      throw new VariableError(`Cannot use initializer ${String(initializer)}: wanted a function`);
    }
    return this.#with({ initializer });
  }

  /**
   * Sets a param in the current scope. A plain number set over a numeric param keeps that param's Go type if it fits,
   * else the type is inferred: see `inferGoParam`. `null` is Go's nil: it hides outer values.
   *
   * @throws {VariableError} if no checkpoint could hold the value, or a whole number is beyond 2^53-1.
   */
  setParam(key: string, value: ParamValue | GoParam): void {
    this.setParams(new Map([[key, value]]));
  }

  /** As {@linkcode setParam} for each entry; if one is refused, none is set. */
  setParams(params: ParamsInput): void {
    this.#data.params.setAll(this.scope, params);
  }

  /** The param in the current or the nearest outer scope that holds the key: undefined if none does, null for nil. */
  getParam(key: string): ParamValue | undefined {
    return this.getGoParam(key)?.value;
  }

  /** As {@linkcode getParam}, with the Go type. */
  getGoParam(key: string): GoParam | undefined {
    return this.#data.params.find(this.scope, key);
  }

  /**
   * As {@linkcode getParam}, or the default if there is none or it is nil. The type of the default is the wanted type;
   * a default made by `goParam` asks for that Go type, with Go's conversions (float64 7.9 to int is 7).
   *
   * @throws {VariableError} if the param does not convert.
   */
  getParamOr(key: string, defaultValue: number): number;
  /** For a bigint; a float is cut toward zero. */
  getParamOr(key: string, defaultValue: bigint): bigint;
  /** For a string. */
  getParamOr(key: string, defaultValue: string): string;
  /** For a boolean. */
  getParamOr(key: string, defaultValue: boolean): boolean;
  /** For a list of numbers. */
  getParamOr(key: string, defaultValue: readonly number[]): readonly number[];
  /** For a list of strings. */
  getParamOr(key: string, defaultValue: readonly string[]): readonly string[];
  /** For any other value, and for a Go type. */
  getParamOr(key: string, defaultValue: ParamValue | GoParam): ParamValue;
  getParamOr(key: string, defaultValue: ParamValue | GoParam): ParamValue {
    return paramAs(this.getGoParam(key), defaultValue, joinScope(this.scope, key));
  }

  /** Calls `visit` for every param of every scope, ordered by scope, then key, by their UTF-8 bytes. */
  enumerateParams(visit: (scope: string, key: string, value: ParamValue, goType: string) => void): void {
    for (const { scope, key, value, goType } of this.params) visit(scope, key, value, goType);
  }

  /** Every param of every scope, in the order of {@linkcode enumerateParams}. */
  get params(): ParamRow[] {
    return drawable(this.#data.params.rows(), paramsView);
  }

  /**
   * The variable of that name in the current scope, created without value where the rules allow it: in a new Context it
   * must not exist yet, after {@linkcode reuse} it must, after `checked(false)` either will do. A variable that the
   * loader has counts as existing.
   *
   * @throws {VariableError} if it exists and must not, or the reverse.
   * @throws {ShapeError} if it exists with another dtype or dimensions, or no tensor can have that shape.
   */
  variableWithShape(name: string, dtype: DType, dimensions: readonly number[]): Variable {
    const { initializer } = this.#reference;
    const existing = this.#existing(name);
    if (existing !== undefined) {
      checkShape(existing, dtype, dimensions);
      existing.initializer = initializer;
      return existing;
    }
    const created = this.#data.createVariable({ scope: this.scope, name, dtype, dimensions, initializer });
    this.#data.needsInitialization = true;
    return created;
  }

  /**
   * As {@linkcode variableWithShape}, created with this value; an existing variable keeps its own. A tensor is not
   * copied; numbers become Float32 unless `dtype` says otherwise, booleans Bool, bigints Int64.
   *
   * @throws {ShapeError} also if the value is no tensor of that dtype.
   */
  variableWithValue(name: string, value: Tensor | NestedArray | TensorData, dtype?: DType): Variable {
    const tensor = tensorFor(joinScope(this.scope, name), value, dtype);
    const existing = this.#existing(name);
    if (existing !== undefined) {
      checkShape(existing, tensor.dtype, tensor.dimensions);
      return existing;
    }
    const init = { scope: this.scope, name, dtype: tensor.dtype, dimensions: tensor.dimensions };
    return this.#data.createVariable(init).setValue(tensor);
  }

  /**
   * The variable of that name in the current scope, taken from the loader if need be.
   *
   * @throws {VariableError} if the name has a `/`.
   */
  getVariable(name: string): Variable | undefined {
    checkName(name, this.scope);
    return this.getVariableByScopeAndName(this.scope, name);
  }

  /**
   * The variable of that scope and name. If there is none, but the loader has it, it is registered as the newest
   * variable, trainable unless the checkpoint says otherwise.
   */
  getVariableByScopeAndName(scope: string, name: string): Variable | undefined {
    const data = this.#data;
    const existing = data.variable(scope, name);
    if (existing !== undefined) return existing;
    const loaded = data.loader?.loadVariable(this, scope, name);
    return loaded && createLoaded(this, scope, name, loaded);
  }

  /** The variable if it is registered already; never asks the loader. */
  inspectVariableIfLoaded(scope: string, name: string): Variable | undefined {
    return this.#data.variable(scope, name);
  }

  /** All registered variables of all scopes, in order of creation. */
  iterVariables(): IterableIterator<Variable> {
    return this.#data.variables.values();
  }

  /** The registered variables in the current scope and below, in order of creation. */
  iterVariablesInScope(): IterableIterator<Variable> {
    return this.#data.variables.values().filter((variable) => isInScope(variable.scope, this.scope));
  }

  /** Number of registered variables, all scopes. */
  numVariables(): number {
    return this.#data.variables.size;
  }

  /** Number of elements in all registered variables. */
  numParameters(): number {
    return this.#data.sum((variable) => variable.size);
  }

  /** Bytes of all registered variables, with those that have no value yet. */
  memory(): number {
    return this.#data.sum((variable) => variable.byteLength);
  }

  /** Deletes a variable, also from the loader; nothing happens if there is none. */
  deleteVariable(scope: string, name: string): void {
    const data = this.#data;
    data.loader?.deleteVariable(this, scope, name);
    const variable = data.variable(scope, name);
    if (variable !== undefined) data.deleteVariable(variable);
  }

  /** Deletes the variables in the current scope and below, also those that the loader still has (GoMLX keeps these). */
  deleteVariablesInScope(): void {
    const data = this.#data;
    data.loader?.deleteVariablesInScope(this, this.scope);
    for (const variable of [...this.iterVariablesInScope()]) data.deleteVariable(variable);
  }

  /** Where variables that are not registered are looked for. */
  get loader(): Loader | undefined {
    return this.#data.loader;
  }

  /** Replaces the loader of this Context's data. Chaining is the loader's own affair. */
  setLoader(loader: Loader | undefined): void {
    this.#data.loader = loader;
  }

  /** Whether variables were created without value, or reset, since the last {@linkcode initializeVariables}. */
  get needsInitialization(): boolean {
    return this.#data.needsInitialization;
  }

  /**
   * Gives a value to every registered variable without one, in order of creation; if one fails, none gets a value. With
   * a seed, a variable's value depends on the seed, its path and its shape only.
   *
   * @throws {VariableError} if a variable has no initializer: it was loaded, and then reset.
   * @throws {ShapeError} if an initializer returns another shape.
   */
  initializeVariables(options: InitializeOptions = {}): void {
    checkOptions("initializeVariables()", options, INITIALIZE_OPTIONS);
    const todo = [...this.iterVariables()].filter((variable) => !variable.hasValue);
    if (todo.length === 0) return;
    initializeAll(todo, seedOf(options.seed, this.getParamOr("initializers_seed", 0n)));
    this.#data.needsInitialization = false;
  }

  /**
   * A Context with own data: params, and copies of all registered variables in their order. The loader stays behind,
   * and with it what it still has.
   */
  clone(): Context {
    const clone = new Context().#with(this.#reference);
    for (const { scope, key, param } of this.params) clone.#data.params.setAll(scope, new Map([[key, param]]));
    for (const variable of this.iterVariables()) variable.cloneTo(clone);
    clone.#data.needsInitialization = this.needsInitialization;
    return clone;
  }

  /** Releases all variables and params; every reference to this data throws from then on. */
  finalize(): void {
    this.#data.finalize();
  }

  /**
   * The variable `global_step` in the current scope, created as Int64 scalar 0 if missing; never trainable.
   *
   * @throws {VariableError} if it exists and is no Int64 scalar.
   */
  getGlobalStepVar(): Variable {
    const step = this.getVariable(GLOBAL_STEP_NAME) ??
      this.checked(false).variableWithValue(GLOBAL_STEP_NAME, stepTensor(0));
    return checkedStep(step).setTrainable(false);
  }

  /** The global step, a number if that is exact; creates it as 0 if missing. */
  getGlobalStep(): number | bigint {
    return stepOf(this.getGlobalStepVar());
  }

  /**
   * Sets the global step, creating it if missing.
   *
   * @throws {VariableError} for a number that is not a safe integer, and beyond int64.
   */
  setGlobalStep(step: number | bigint): void {
    const value = stepTensor(step);
    this.getGlobalStepVar().setValue(value);
  }

  /** Deletes the global step, also from the loader. */
  deleteGlobalStep(): void {
    this.deleteVariable(this.scope, GLOBAL_STEP_NAME);
  }

  /** One line: scope and counts. */
  toString(): string {
    if (this.#shared.finalized) return `Context "${this.scope}" (finalized)`;
    return `Context "${this.scope}" (${formatItems(this.numVariables(), "variable")}, ${
      formatItems(this.#data.params.count, "param")
    })`;
  }

  /** What `JSON.stringify` gives: the scope, and what there is; no values of variables. */
  toJSON(): unknown {
    const variables = Array.from(this.iterVariables(), ({ scope, name, dtype, dimensions, trainable }) => {
      return { scope, name, dtype, dimensions, trainable };
    });
    const params = this.params.map(({ scope, key, goType, value }) => ({ scope, key, goType, value: plain(value) }));
    return { scope: this.scope, variables, params };
  }

  /** What a notebook shows: variables with their statistics, and params. Reads 64 MiB at most and keeps nothing. */
  [Symbol.for("Jupyter.display")](): Promise<JupyterBundle> {
    return viewBundle(() => this.#view());
  }

  /** What `console.log` shows: the same as text, or one line inside another value. */
  [Symbol.for("Deno.customInspect")](_inspect?: unknown, options?: InspectOptions): string {
    if ((options?.currentDepth ?? 0) > 0) return visible(this.toString());
    return viewInspected(() => this.#view(), options);
  }

  /** What `display()` shows. */
  async [Symbol.for("cairn.view")](options: StudyOptions = {}): Promise<View> {
    return this.#shared.finalized ? this.#view() : await studyContext(this.#parts, options);
  }

  #view(): View {
    if (this.#shared.finalized) return { title: this.toString(), facts: [], blocks: [] };
    return contextView(this.#parts);
  }

  get #parts(): ContextParts {
    const loaded = this.#shared.loader?.listLoaded?.();
    return { scope: this.scope, variables: [...this.iterVariables()], params: this.params, loaded };
  }

  get #data(): ContextData {
    if (this.#shared.finalized) throw new VariableError("Cannot use this Context: it was finalized");
    return this.#shared;
  }

  #with(change: Partial<Reference>): Context {
    const context = new Context();
    context.#shared = this.#shared;
    context.#reference = { ...this.#reference, ...change };
    return context;
  }

  /** The variable if it exists or can be loaded, after the checks of reuse and unique. */
  #existing(name: string): Variable | undefined {
    const existing = this.getVariable(name);
    checkExistence(joinScope(this.scope, name), existing !== undefined, this);
    return existing;
  }
}

/** JSON has no large integers. */
function plain(value: ParamValue): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

function checkPath(path: string): void {
  if (path.startsWith("/")) return;
  throw new VariableError(`Cannot enter scope "${path}": wanted a path that starts with "/"`);
}
