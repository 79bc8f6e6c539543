/**
 * One operation in a process of its own: `operation.ts NAME WORK`, the work as JSON. Prints the seconds that it took and
 * the peak memory of the process in bytes (0: unknown), or `not set up:` and why.
 */

import * as cairn from "./cairn.ts";
import * as limits from "./limits.ts";
import * as mean from "./mean.ts";
import { peakMemory } from "./peak_memory.ts";
import { NotSetUp, type Operation } from "./work.ts";

const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>(
  [...Object.entries(limits), ...Object.entries(cairn), ...Object.entries(mean)],
);

const [name = "", work = ""] = Deno.args;
const operation = OPERATIONS.get(name);
if (operation === undefined) throw new Error(`no operation "${name}"`);
try {
  const seconds = await operation(JSON.parse(work));
  console.log(seconds, peakMemory() ?? 0);
} catch (error) {
  if (!(error instanceof NotSetUp)) throw error;
  console.log(`not set up: ${error.message}`);
}
