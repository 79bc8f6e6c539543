/** What came of an operation in a process of its own. */
export interface Outcome {
  readonly operation: string;
  readonly result?: unknown;
  readonly code?: string;
  readonly message?: string;
  readonly cause?: string;
}

/** Does the operations one by one, and prints a JSON line for each, with its result or its error. */
export async function printOutcomes(
  operations: readonly string[],
  run: (operation: string) => Promise<unknown>,
): Promise<void> {
  for (const operation of operations) console.log(JSON.stringify(await outcomeOf(operation, run)));
}

async function outcomeOf(operation: string, run: (operation: string) => Promise<unknown>): Promise<unknown> {
  try {
    return { operation, result: await run(operation) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = "code" in error ? error.code : undefined;
    return {
      operation,
      code,
      message: error.message,
      cause: error.cause instanceof Error ? error.cause.name : undefined,
    };
  }
}
