import { build, Context, type ErrorCode, MemoryStore } from "../../mod.ts";
import type { Compression } from "../../src/format/mod.ts";
import { gzip, gzipPayload } from "./gzip_bytes.ts";
import { type HostileCase, pairCase } from "./hostile_case.ts";
import { goodPayload, manifestText } from "./manifest_text.ts";

/** A checkpoint as it is in a store. */
export interface Pair {
  readonly json: Uint8Array;
  readonly bin: Uint8Array;
}

/** Every part of a good pair, cut after every byte. */
export async function truncationCases(): Promise<HostileCase[]> {
  const json = new TextEncoder().encode(manifestText());
  const raw = { json, bin: goodPayload() };
  const compressed = { json, bin: gzipPayload(gzip(goodPayload())) };
  return [
    ...cutsOf("raw", raw),
    ...cutsOf("gzip", compressed).filter(({ name }) => name.includes(".bin")),
    ...cutsOf(
      "Cairn",
      await savedPair("none"),
    ),
    ...cutsOf("Cairn gzip", await savedPair("gzip")),
    // Of the sealed position any beginning is a number, too large for one.
    ...cutsOf("Cairn zstd", await savedPair("zstd"), ["format", "corrupt", "limit"]),
  ];
}

function cutsOf(
  what: string,
  { json, bin }: Pair,
  codes: readonly ErrorCode[] = ["format", "corrupt"],
): HostileCase[] {
  return [
    ...Array.from(json.keys(), (length) =>
      pairCase(
        { name: `${what}: .json cut to ${length} bytes`, expect: codes },
        json.subarray(0, length),
        bin,
      )),
    ...Array.from(bin.keys(), (length) =>
      pairCase(
        { name: `${what}: .bin cut to ${length} bytes`, expect: ["format", "corrupt"] },
        json,
        bin.subarray(0, length),
      )),
  ];
}

/** A small checkpoint that Cairn wrote, with checksums. */
export async function savedPair(codec: Compression): Promise<Pair> {
  const context = new Context();
  context.setParam("learning_rate", 0.5);
  context.in("layer").setParam("limit", -Infinity);
  context.in("layer").variableWithValue("weights", [[1, 2], [3, 4]]);
  context.variableWithValue("global_step", 7n);
  const store = new MemoryStore();
  await using handler = await build(context).store(store).compress(codec).done();
  const { baseName } = await handler.save();
  return { json: await readBlob(store, `${baseName}.json`), bin: await readBlob(store, `${baseName}.bin`) };
}

/** All bytes of a blob. */
export async function readBlob(store: MemoryStore, name: string): Promise<Uint8Array> {
  const handle = await store.open(name);
  const bytes = new Uint8Array(handle.size);
  await handle.read(bytes, 0);
  handle.close();
  return bytes;
}
