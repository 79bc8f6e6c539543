import { VariableError } from "../errors.ts";
import { GoParam, goParamOver, type ParamValue } from "./go_param.ts";
import type { LiveGroup } from "./live_value.ts";
import type { Loader } from "./loader.ts";
import { compareUtf8, joinScope, parentScope } from "./scope.ts";
import { dropValue, Variable, type VariableInit } from "./variable.ts";

/** What all references of one Context share. */
export class ContextData {
  readonly params: Params = new Params();
  loader: Loader | undefined;
  /** What must fit a checkpoint that is put into the Context. */
  readonly liveGroups: Set<LiveGroup> = new Set();
  /** Set by creation without value and by `reset()`, cleared by `initializeVariables()`. */
  needsInitialization = false;
  finalized = false;
  readonly #onReset = (): void => void (this.needsInitialization = true);
  readonly #byScope = new Map<string, Map<string, Variable>>();
  /** In order of creation. */
  readonly #inOrder = new Set<Variable>();

  get variables(): ReadonlySet<Variable> {
    return this.#inOrder;
  }

  sum(amount: (variable: Variable) => number): number {
    return this.#inOrder.values().reduce((sum, variable) => sum + amount(variable), 0);
  }

  variable(scope: string, name: string): Variable | undefined {
    return this.#byScope.get(scope)?.get(name);
  }

  createVariable(init: VariableInit): Variable {
    const { scope, name } = init;
    let inScope = this.#byScope.get(scope);
    if (inScope?.has(name)) {
      const path = joinScope(scope, name);
      throw new VariableError(`Cannot create variable "${path}": this Context has one already`, { entry: path });
    }
    const variable = new Variable(init, this.#onReset);
    if (inScope === undefined) this.#byScope.set(scope, inScope = new Map());
    inScope.set(name, variable);
    this.#inOrder.add(variable);
    return variable;
  }

  deleteVariable(variable: Variable): void {
    this.#inOrder.delete(variable);
    this.#byScope.get(variable.scope)?.delete(variable.name);
    dropValue(variable);
  }

  finalize(): void {
    for (const variable of this.#inOrder) variable.finalize();
    this.#inOrder.clear();
    this.#byScope.clear();
    this.params.clear();
    this.liveGroups.clear();
    this.loader = undefined;
    this.finalized = true;
  }
}

/** One param as `Context.params` lists it. */
export interface ParamRow {
  /** Absolute scope that holds the param. */
  readonly scope: string;
  /** Its key. */
  readonly key: string;
  /** Go type as `%T` prints it. */
  readonly goType: string;
  /** The value. */
  readonly value: ParamValue;
  /** Type and value as one object, to be set elsewhere. */
  readonly param: GoParam;
}

/** What `Context.setParams` takes. */
export type ParamsInput =
  | ReadonlyMap<string, ParamValue | GoParam>
  | { readonly [key: string]: ParamValue | GoParam };

/** The params of all scopes. */
export class Params {
  readonly #byScope = new Map<string, Map<string, GoParam>>();

  /** Sets all of them, or none if one is refused. */
  setAll(scope: string, params: ParamsInput): void {
    const entries = params instanceof Map ? [...params] : Object.entries(params);
    const inScope = this.#byScope.get(scope) ?? new Map<string, GoParam>();
    const checked = entries.map(([key, value]) => [key, toParam(scope, key, value, inScope.get(key))] as const);
    for (const [key, param] of checked) inScope.set(key, param);
    this.#byScope.set(scope, inScope);
  }

  /** The param of the innermost scope that holds the key, nil included. */
  find(scope: string, key: string): GoParam | undefined {
    for (let at: string | undefined = scope; at !== undefined; at = parentScope(at)) {
      const param = this.#byScope.get(at)?.get(key);
      if (param !== undefined) return param;
    }
    return undefined;
  }

  get count(): number {
    return this.#byScope.values().reduce((sum, inScope) => sum + inScope.size, 0);
  }

  /** All params, ordered by scope, then key, by their UTF-8 bytes. */
  rows(): ParamRow[] {
    return sorted(this.#byScope).flatMap(([scope, inScope]) =>
      sorted(inScope).map(([key, param]) => ({ scope, key, goType: param.goType, value: param.value, param }))
    );
  }

  clear(): void {
    this.#byScope.clear();
  }
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => compareUtf8(a, b));
}

function toParam(scope: string, key: string, value: ParamValue | GoParam, existing: GoParam | undefined): GoParam {
  if (value instanceof GoParam) return value;
  try {
    return goParamOver(existing, value);
  } catch (error) {
    if (!(error instanceof VariableError)) throw error;
    const path = joinScope(scope, key);
    throw new VariableError(`Cannot set param "${path}": ${error.message}`, { entry: path, cause: error });
  }
}
