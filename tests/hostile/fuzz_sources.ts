import { build, Context, DTYPES, goParam, MemoryStore, type Profile, Tensor } from "../../mod.ts";
import type { Compression } from "../../src/format/mod.ts";
import { goldenFiles } from "../format/golden_files.ts";
import { type Pair, readBlob } from "./truncation_cases.ts";

/** A pair that is going to be changed. */
export interface FuzzSource {
  readonly name: string;
  readonly pair: Pair;
  /** Whether every byte of it is under a checksum. */
  readonly isChecked: boolean;
}

/** A pair of each kind by real GoMLX, of each version, raw and compressed. */
export function goldenSources(): FuzzSource[] {
  const small = goldenFiles().filter(({ json, bin }) => json.length + bin.length < 60_000);
  // The first of each folder: the others differ little.
  const byFolder = new Map(small.map((file) => [file.name.slice(0, file.name.lastIndexOf("/")), file]));
  return Array.from(byFolder.values(), ({ name, json, bin }) => ({ name, pair: { json, bin }, isChecked: false }));
}

/** Pairs that Cairn writes, with checksums. */
export async function cairnSources(): Promise<FuzzSource[]> {
  const forms: readonly (readonly [Profile, Compression])[] = [
    ["gomlx-0.10", "none"],
    ["gomlx-0.25", "none"],
    ["gomlx-0.25", "gzip"],
    ["gomlx-0.28", "none"],
    ["gomlx-0.28", "gzip"],
    ["gomlx-0.28", "zstd"],
  ];
  const sources: FuzzSource[] = [];
  for (const [profile, codec] of forms) {
    for (const seed of [1, 2]) {
      const pair = await writePair(profile, codec, seed);
      sources.push({ name: `Cairn ${profile} ${codec} ${seed}`, pair, isChecked: codec === "none" });
    }
  }
  return sources;
}

/** Every dtype and every kind of param that the profile can hold; another `seed` gives other values of other lengths. */
async function writePair(profile: Profile, codec: Compression, seed: number): Promise<Pair> {
  const context = new Context();
  const layer = context.in("layer").in(`block_${seed}`);
  for (const [index, dtype] of DTYPES.entries()) {
    const isPacked = /^U?[Ii]nt[124]$/.test(dtype);
    if (isPacked && profile !== "gomlx-0.28") continue;
    const zeros = Tensor.zeros(dtype, index % 5 === 0 ? [] : [seed + 1, index % 3 + 1]);
    const bytes = zeros.bytes.map((_, at) => dtype === "Bool" ? at % 2 : (at * 37 + index + seed) % 256);
    const tensor = new Tensor(dtype, zeros.dimensions, isPacked ? zeros.bytes : bytes);
    (index % 2 === 0 ? layer : context).variableWithValue(`${dtype}_values`, tensor);
  }
  context.setParam("learning_rate", 0.001 * seed);
  context.setParam("name", `model ${seed} ü €`);
  context.setParam("big", goParam("int64", 9007199254740993n + BigInt(seed)));
  context.setParam("sizes", [8, 16, seed]);
  context.setParam("flags", { a: true, b: null, c: [seed, "x"] });
  layer.setParam("limit", seed === 1 ? Infinity : -Infinity);
  layer.setParam("none", NaN);
  const store = new MemoryStore();
  await using handler = await build(context).store(store).profile(profile).compress(codec).done();
  const { baseName } = await handler.save();
  return { json: await readBlob(store, `${baseName}.json`), bin: await readBlob(store, `${baseName}.bin`) };
}
