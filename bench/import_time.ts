/** Imports Cairn, as its first argument says, in a process that has nothing else; prints as operation.ts does. */

import { peakMemory } from "./peak_memory.ts";

const FILES = new Map([["importPackage", "../.cairn/package/dist/mod.js"], ["importSources", "../mod.ts"]]);

// Deno would load what a literal names before the first line runs.
const entry = new URL(FILES.get(Deno.args[0] ?? "") ?? "", import.meta.url).href;
const start = performance.now();
await import(entry);
console.log((performance.now() - start) / 1000, peakMemory() ?? 0);
