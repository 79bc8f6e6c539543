/**
 * `deno task setup`: makes what the demo and the tests need beyond Deno, under `.cairn/`. A second run has nothing to do.
 *
 * A tool that is not on this machine is no error: the tests that need it are reported as not run. On CI it is one.
 */

import { gomlxPrograms } from "./gomlx_programs.ts";
import type { SetupOutcome, SetupStep } from "./setup_step.ts";
import { tfjsNode } from "./tfjs_node.ts";

const STEPS: readonly SetupStep[] = [gomlxPrograms, tfjsNode];

if (import.meta.main) Deno.exit(await setUp(STEPS));

/** Takes the steps in turn, and tells how each ended; gives the exit code. */
export async function setUp(steps: readonly SetupStep[]): Promise<number> {
  let missing = 0;
  for (const step of steps) {
    const outcome = await step.run((line) => console.log(`setup: ${step.name}: ${line}`));
    for (const line of describe(outcome)) console.log(`setup: ${step.name}: ${line}`);
    if (outcome.kind === "missing") missing++;
  }
  return missing > 0 && Deno.env.get("CI") === "true" ? 1 : 0;
}

function describe(outcome: SetupOutcome): string[] {
  switch (outcome.kind) {
    case "up to date":
      return ["up to date"];
    case "done":
      return [outcome.what];
    case "missing":
      return [
        `${outcome.tool} ${outcome.why}; tests that need it will be reported as not run, those in:`,
        ...outcome.testFiles.map((file) => `  ${file}`),
      ];
  }
}
