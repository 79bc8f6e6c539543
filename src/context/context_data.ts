import { VariableError } from "../errors.ts";
import type { LiveGroup } from "./live_value.ts";
import type { Loader } from "./loader.ts";
import { Params } from "./params.ts";
import { joinScope } from "./scope.ts";
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
    if (this.variable(scope, name) !== undefined) {
      const path = joinScope(scope, name);
      throw new VariableError(`Cannot create variable "${path}": this Context has one already`, { entry: path });
    }
    const variable = new Variable({ ...init, onReset: () => this.needsInitialization = true });
    const inScope = this.#byScope.get(scope) ?? new Map<string, Variable>();
    this.#byScope.set(scope, inScope.set(name, variable));
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
