/** Imports the package in a process that has nothing else; prints as operation.ts does. */

import { peakMemory } from "./peak_memory.ts";

// Deno would load what a literal names before the first line runs.
const entry = new URL("../mod.ts", import.meta.url).href;
const start = performance.now();
await import(entry);
console.log((performance.now() - start) / 1000, peakMemory() ?? 0);
