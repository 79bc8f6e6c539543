/**
 * One operation in a process of its own: `operation.ts NAME VARIABLES ELEMENTS MODEL SCRATCH`. Prints the seconds that
 * it took and the peak memory of the process in bytes (0: unknown).
 */

import * as cairn from "./cairn.ts";
import * as limits from "./limits.ts";
import { peakMemory } from "./peak_memory.ts";
import type { Operation } from "./work.ts";

const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>(
  [...Object.entries(limits), ...Object.entries(cairn)],
);

const [name = "", variables, elements, model = "", scratch = ""] = Deno.args;
const operation = OPERATIONS.get(name);
if (operation === undefined) throw new Error(`no operation "${name}"`);
const seconds = await operation({ variables: Number(variables), elements: Number(elements), model, scratch });
console.log(seconds, peakMemory() ?? 0);
