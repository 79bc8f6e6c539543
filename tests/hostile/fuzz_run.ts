import {
  CheckpointError,
  Context,
  EmbeddedStore,
  load,
  openCheckpoint,
  type ParamValue,
  type Tensor,
} from "../../mod.ts";
import { cairnSources, type FuzzSource, goldenSources } from "./fuzz_sources.ts";
import { BASE } from "./hostile_case.ts";
import { type Change, mutate, randomChanges, randomFrom } from "./mutation.ts";
import type { Pair } from "./truncation_cases.ts";

/** What a run of mutations came to. */
export interface FuzzTotals {
  readonly mutations: number;
  readonly loaded: number;
  readonly refused: number;
  readonly byCode: Readonly<Record<string, number>>;
  readonly slowestMilliseconds: number;
  /** Each with what is needed to see it again. */
  readonly failures: readonly string[];
}

/** Pairs, and what is in them. */
export interface Fuzzer {
  readonly sources: readonly FuzzSource[];
  readonly contents: ReadonlyMap<FuzzSource, string>;
}

interface Mutant {
  readonly source: FuzzSource;
  readonly other: FuzzSource;
  readonly changes: readonly Change[];
}

export async function makeFuzzer(): Promise<Fuzzer> {
  const cairn = await cairnSources();
  const golden = goldenSources();
  // As many of the one as of the other.
  const sources = Array.from(
    { length: 2 * golden.length },
    (_, index) => (index % 2 === 0 ? golden : cairn)[(index >> 1) % (index % 2 === 0 ? golden : cairn).length],
  ).filter((each) => each !== undefined);
  const contents = new Map<FuzzSource, string>();
  for (const each of new Set(sources)) contents.set(each, await readByOpen(each.pair));
  return { sources, contents };
}

/** Mutations `from` to `to` of a seed. */
export async function fuzz(fuzzer: Fuzzer, seed: number, from: number, to: number): Promise<FuzzTotals> {
  const byCode: Record<string, number> = {};
  const failures: string[] = [];
  let [loaded, refused, slowestMilliseconds] = [0, 0, 0];
  for (let index = from; index < to; index++) {
    const mutant = mutantOf(fuzzer, seed, index);
    const start = performance.now();
    const found = await tryMutant(fuzzer, mutant);
    slowestMilliseconds = Math.max(slowestMilliseconds, performance.now() - start);
    if (found.fault !== undefined) failures.push(await report(fuzzer, mutant, `seed ${seed}, mutation ${index}`));
    else if (found.code === undefined) loaded++;
    else {
      refused++;
      byCode[found.code] = (byCode[found.code] ?? 0) + 1;
    }
    if (failures.length >= 5) break;
  }
  return { mutations: to - from, loaded, refused, byCode, slowestMilliseconds, failures };
}

function mutantOf({ sources }: Fuzzer, seed: number, index: number): Mutant {
  const random = randomFrom(Math.imul(seed, 1_000_003) + index);
  for (let skip = 0; skip < 8; skip++) random();
  const at = random() % sources.length;
  const [source] = sources.slice(at);
  if (source === undefined) throw new Error("no sources");
  const alike = sources.filter((each) => each.isChecked === source.isChecked);
  return { source, other: alike[random() % alike.length] ?? source, changes: randomChanges(random) };
}

/** Tells what is wrong, or the error's code, or that it loaded. */
async function tryMutant(
  { contents }: Fuzzer,
  { source, other, changes }: Mutant,
): Promise<{ fault?: string; code?: string }> {
  const pair = mutate(source.pair, other.pair, changes);
  let code: string | undefined;
  for (const read of [readByOpen, readByLoad]) {
    try {
      const content = await read(pair);
      // What is crossed may have become the other pair; nothing else may come of what has checksums.
      const isRight = content === contents.get(source) || content === contents.get(other);
      if (source.isChecked && hasChecksum(pair) && !isRight) {
        return { fault: `${read.name}: a wrong value without an error: ${content}` };
      }
    } catch (error) {
      if (!(error instanceof CheckpointError)) return { fault: `${read.name}: ${stackOf(error)}` };
      code ??= error.code;
    }
  }
  return code === undefined ? {} : { code };
}

/** Whether any checksum of the manifest is left; a file without one is like GoMLX's own. */
function hasChecksum({ json }: Pair): boolean {
  return new TextDecoder("latin1").decode(json).includes('"ManifestCRC32":');
}

async function readByOpen({ json, bin }: Pair): Promise<string> {
  const store = new EmbeddedStore(new Map([[`${BASE}.json`, json], [`${BASE}.bin`, bin]]));
  await using checkpoint = await openCheckpoint(store, { onWarning: () => {} });
  const tensors = await checkpoint.readAll();
  return contentText(checkpoint.params, tensors);
}

async function readByLoad({ json, bin }: Pair): Promise<string> {
  const context = new Context();
  await using handler = await load(context).fromEmbed(json, bin).onWarning(() => {}).done();
  const tensors = new Map<string, Tensor>();
  for (const [name, { dimensions, dtype }] of handler.loadedVariables()) {
    const cut = name.lastIndexOf("/");
    const scope = name.slice("var:".length, cut) || "/";
    const variable = context.getVariableByScopeAndName(scope, name.slice(cut + 1));
    const value = variable?.value();
    if (value === undefined || value.dtype !== dtype || value.dimensions.join() !== dimensions.join()) {
      throw new Error(`pending "${name}" is not found, or of another shape`);
    }
    tensors.set(name.slice("var:".length).replace(/^\/\//, "/"), value);
  }
  return contentText(context.params, tensors);
}

interface AnyParam {
  readonly scope: string;
  readonly key: string;
  readonly goType: string;
  readonly value: ParamValue;
}

/** Everything, down to the bits, in one text. */
function contentText(params: readonly AnyParam[], tensors: ReadonlyMap<string, Tensor>): string {
  const paramTexts = params.map(({ scope, key, goType, value }) =>
    JSON.stringify([scope, key, goType, value], (_, each) => {
      if (typeof each === "bigint") return `${each}n`;
      return typeof each === "number" ? Object.is(each, -0) ? "-0" : String(each) : each;
    })
  );
  const tensorTexts = Array.from(tensors, ([name, tensor]) => `${name} ${tensor} ${tensor.bytes.toHex()}`);
  return [...new Set(paramTexts)].sort().concat(tensorTexts.sort()).join("\n");
}

/** The failure with as few changes as show it. */
async function report(fuzzer: Fuzzer, mutant: Mutant, where: string): Promise<string> {
  let smallest = mutant;
  for (let index = 0; index < smallest.changes.length;) {
    const fewer = { ...smallest, changes: smallest.changes.toSpliced(index, 1) };
    const { fault } = await tryMutant(fuzzer, fewer);
    if (fault === undefined) index++;
    else smallest = fewer;
  }
  const { fault } = await tryMutant(fuzzer, smallest);
  const { source, other, changes } = smallest;
  return `${where}: "${source.name}" (crossed with "${other.name}") after ${JSON.stringify(changes)}: ${
    fault?.slice(0, 2000)
  }`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
