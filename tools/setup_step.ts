/** How a step of `deno task setup` ended. */
export type SetupOutcome =
  | { readonly kind: "up to date" }
  | { readonly kind: "done"; readonly what: string }
  /** Nothing to be done here: `tool` is not on this machine, or did not do its work; the tests listed cannot run. */
  | { readonly kind: "missing"; readonly tool: string; readonly why: string; readonly testFiles: readonly string[] };

/** One thing that the demo or the tests need beyond Deno. */
export interface SetupStep {
  readonly name: string;
  /** Does what is left to do, quickly if that is nothing; `report` prints a line of progress. */
  run(report: (line: string) => void): Promise<SetupOutcome>;
}
