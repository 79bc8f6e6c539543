/**
 * Run by hostile_test.ts: `hostile_process.ts GOOD_DIRECTORY`, with `{ directory, ways }` as lines of JSON on standard
 * input. Loads each and prints what came of it as a line of JSON. Needs `--v8-flags=--expose-gc` and, for its peak
 * memory (Linux only), `--allow-all`.
 */

import { peakMemory } from "../../bench/peak_memory.ts";
import { CheckpointError, Context, load, openCheckpoint, type ParamValue, type Tensor } from "../../mod.ts";
import process from "node:process";
import type { Way } from "./hostile_case.ts";

/** What one way of loading came to. */
export interface Outcome {
  readonly way: Way;
  /** The error's code, `untyped` for what is no CheckpointError; undefined if it loaded. */
  readonly code: string | undefined;
  /** Of the error. */
  readonly message: string | undefined;
  /** Where it loaded: variables and params by path. */
  readonly values: Readonly<Record<string, string>>;
  /** Control characters that `console.log` would have sent to a terminal. */
  readonly rawControls: string;
  /** What is new in the prototypes that everything shares. */
  readonly pollution: readonly string[];
  /** Files below the directory that stayed open. */
  readonly leaks: number;
  /** Of the clock, and of the processor for all threads. */
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  /** Peak memory above the baseline, in MiB; 0 where it is not known. */
  readonly mebibytes: number;
  /** The same, while it was printed. */
  readonly printMebibytes: number;
}

interface Work {
  readonly target: string;
  readonly ways: readonly Way[];
}

/** What was loaded, still open. */
interface Loaded {
  /** What `console.log` would print. */
  print(): string;
  describe(): Record<string, string>;
  close(): Promise<void>;
}

/** Garbage that is not worth collecting, in bytes: it takes longer than most cases. */
const LITTLE = 2 ** 23;
/** Resident memory after the last collection. */
let residentAfter = 0;
const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, Map.prototype, Uint8Array.prototype];

if (import.meta.main) await main();

async function main(): Promise<void> {
  const [good = ""] = Deno.args;
  for (const way of ["readAll", "immediate", "open"] as const) await attempt(way, good);
  collectGarbage();
  const baseline = residentMemory();
  const before = prototypeKeys();
  const works: Work[] = JSON.parse(await new Response(Deno.stdin.readable).text());
  for (const { target, ways } of works) {
    for (const way of ways) console.log(JSON.stringify(await measure(way, target, baseline, before)));
  }
}

async function measure(way: Way, target: string, baseline: number, before: readonly string[]): Promise<Outcome> {
  collectGarbage(residentMemory() > residentAfter + LITTLE);
  const start = Math.max(baseline, residentMemory());
  resetPeak();
  const [clock, cpu] = [performance.now(), process.cpuUsage()];
  const { error, loaded } = await attempt(way, target);
  const used = process.cpuUsage(cpu);
  const milliseconds = performance.now() - clock;
  const peak = peakMemory() ?? 0;
  collectGarbage(peak > start + LITTLE);
  const startOfPrint = Math.max(start, residentMemory());
  resetPeak();
  const printed = loaded?.print() ?? "";
  const peakOfPrint = peakMemory() ?? 0;
  const values = loaded?.describe() ?? {};
  await loaded?.close();
  const isTyped = error instanceof CheckpointError;
  return {
    way,
    code: error === undefined ? undefined : isTyped ? error.code : "untyped",
    message: error === undefined ? undefined : isTyped ? error.message : stackOf(error),
    values,
    rawControls: controlsOf(printed),
    pollution: prototypeKeys().filter((key) => !before.includes(key)),
    leaks: countOpen(target),
    milliseconds,
    cpuMilliseconds: (used.user + used.system) / 1000,
    mebibytes: Math.max(0, peak - start) / 2 ** 20,
    printMebibytes: Math.max(0, peakOfPrint - startOfPrint) / 2 ** 20,
  };
}

async function attempt(way: Way, target: string): Promise<{ error?: unknown; loaded?: Loaded }> {
  try {
    return { loaded: way === "immediate" ? await loadAll(target) : await openAll(target, way === "readAll") };
  } catch (error) {
    return { error: error ?? new Error("thrown: undefined") };
  }
}

async function openAll(target: string, reads: boolean): Promise<Loaded> {
  const checkpoint = await openCheckpoint(target, { onWarning: () => {} });
  try {
    const tensors = reads ? await checkpoint.readAll() : new Map<string, Tensor>();
    return {
      print: () => Deno.inspect(checkpoint) + Deno.inspect({ checkpoint }),
      describe: () => describeAll(checkpoint.params, tensors),
      close: () => Promise.resolve(checkpoint.close()),
    };
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

async function loadAll(target: string): Promise<Loaded> {
  const context = new Context();
  const handler = await load(context).dir(target).immediate().onWarning(() => {}).done();
  const tensors = new Map<string, Tensor>();
  for (const variable of context.iterVariables()) {
    const path = variable.scope === "/" ? `/${variable.name}` : `${variable.scope}/${variable.name}`;
    tensors.set(path, variable.value());
  }
  return {
    print: () => Deno.inspect(handler) + Deno.inspect({ handler }) + Deno.inspect(context),
    describe: () => describeAll(context.params, tensors),
    close: () => handler[Symbol.asyncDispose](),
  };
}

function describeAll(
  params: readonly {
    readonly scope: string;
    readonly key: string;
    readonly goType: string;
    readonly value: ParamValue;
  }[],
  tensors: ReadonlyMap<string, Tensor>,
): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  for (const { scope, key, goType, value } of params) values[`${scope} ${key}`] = describe(goType, value);
  for (const [path, tensor] of Array.from(tensors).slice(0, 100)) values[path] = describeTensor(tensor);
  return values;
}

function describe(goType: string, value: ParamValue): string {
  const text = JSON.stringify(value, (_, each) => typeof each === "bigint" ? `${each}n` : each);
  return `${goType} ${text.length > 200 ? `of ${text.length} characters` : text}`;
}

function describeTensor(tensor: Tensor): string {
  return `${tensor} ${tensor.byteLength > 64 ? "" : tensor.bytes.toHex()}`.trim();
}

/** Whatever a terminal might obey; line feeds are the tables' own. */
function controlsOf(printed: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  const found = printed.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g) ?? [];
  return [...new Set(found)].map((each) => `U+${each.charCodeAt(0).toString(16)}`).join(" ");
}

function prototypeKeys(): string[] {
  return PROTOTYPES.flatMap((prototype, index) => Reflect.ownKeys(prototype).map((key) => `${index} ${String(key)}`));
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

function collectGarbage(when = true): void {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (!when || typeof gc !== "function") return;
  gc();
  gc();
  residentAfter = residentMemory();
}

function residentMemory(): number {
  return Deno.memoryUsage().rss;
}

/** From now on the kernel's peak is counted anew. */
function resetPeak(): void {
  if (Deno.build.os === "linux") Deno.writeTextFileSync("/proc/self/clear_refs", "5");
}

/** Descriptors of files below `directory`. */
function countOpen(directory: string): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(directory);
    } catch {
      return false; // The one that the directory itself was read through.
    }
  }).length;
}
