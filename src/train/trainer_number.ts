import { type Context, TRAINER_SCOPE, type Variable } from "../context/mod.ts";
import { ConfigError } from "../errors.ts";
import { Tensor } from "../tensor/mod.ts";

/**
 * A whole number in a variable `/trainer/<scopes>/<name>`, an (Int64) scalar that is never trainable: the state of a run
 * that is no part of the model. GoMLX carries it through, and a partial load leaves it behind.
 */
export class TrainerNumber {
  readonly #variable: Variable;

  /** Takes it from the Context, or creates it there. ShapeError if it has another shape. */
  constructor(context: Context, scopes: readonly string[], name: string, initial = 0) {
    const scope = scopes.reduce((scope, each) => scope.in(each), context.inAbsPath(TRAINER_SCOPE)).checked(false);
    this.#variable = scope.variableWithValue(name, BigInt(initial), "Int64").setTrainable(false);
  }

  /** The number now, whoever has set it: a checkpoint may have been restored. */
  get value(): number {
    const value = Number(this.#variable.value().item());
    if (Number.isSafeInteger(value)) return value;
    throw new ConfigError(`Cannot use "${this.#variable.scopeAndName}": it is ${value}, wanted less than 2^53`);
  }

  set value(value: number) {
    this.#variable.setValue(Tensor.from(BigInt(value), "Int64"));
  }
}
