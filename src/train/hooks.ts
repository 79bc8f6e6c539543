/** A function by name and priority. */
export interface Hook<Argument> {
  /** For errors. */
  readonly name: string;
  /** The lowest is called first; equal ones in the order of their registration. */
  readonly priority: number;
  /** Is awaited. */
  readonly call: (argument: Argument) => unknown;
}

/** The hooks of one kind, in the order of their calls. Source: GoMLX `train.priorityHooks`. */
export class Hooks<Argument> {
  #hooks: readonly Hook<Argument>[] = [];

  /** Adds one; a call of all that is under way does not see it. */
  add(hook: Hook<Argument>): void {
    this.#hooks = [...this.#hooks, hook].sort((a, b) => a.priority - b.priority);
  }

  /** Calls them one after the other; `onError` makes the error to throw, which stops the rest. */
  async callAll(argument: Argument, onError: (cause: unknown, hook: Hook<Argument>) => unknown): Promise<void> {
    for (const hook of this.#hooks) {
      try {
        await hook.call(argument);
      } catch (cause) {
        throw onError(cause, hook);
      }
    }
  }
}
