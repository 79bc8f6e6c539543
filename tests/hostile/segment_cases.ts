import { zstdCompressSync } from "node:zlib";
import { replaceOnce, seal } from "./cairn_cases.ts";
import { joinBytes } from "../format/join_bytes.ts";
import { type HostileCase, pairCase } from "./hostile_case.ts";
import { type Pair, savedPair } from "./truncation_cases.ts";

const SEGMENTS = /"Segments": \[[^\]]*\]/;
const MIB = 2 ** 20;

/** Wrong lists of segments, and zstd payloads that are not what their manifest says. */
export async function segmentCases(): Promise<HostileCase[]> {
  const [gzip, zstd] = [await savedPair("gzip"), await savedPair("zstd")];
  return [...listCases("gzip", gzip), ...listCases("zstd", zstd), ...zstdCases(zstd)];
}

function listCases(codec: string, { json, bin }: Pair): HostileCase[] {
  const text = new TextDecoder().decode(json);
  const stored = bin.length - (codec === "gzip" ? 22 : 23);
  const good = /"Segments": \[([^\]]*)\]/.exec(text)?.[1]?.split(",").map(Number) ?? [];
  const lists: readonly [string, string][] = [
    ["none", ""],
    ["a number missing", good.slice(1).join(",")],
    ["one more of nothing", [...good, 0, 1, 1].join(",")],
    ["a size of -1", [-1, stored, 1].join(",")],
    ["a size of 2^40", [2 ** 40, stored, 1].join(",")],
    ["a size of 16 MiB", [16 * MIB, stored, 1].join(",")],
    ["2^53 stored bytes", `24,${2 ** 53},1`],
    ["no stored bytes", "24,0,1"],
    ["one stored byte too few", [24, stored - 1, 1].join(",")],
    ["one stored byte too many", [24, stored + 1, 1].join(",")],
    ["a width of 0", [24, stored, 0].join(",")],
    ["a width of 3", [24, stored, 3].join(",")],
    ["a width of 2^31", [24, stored, 2 ** 31].join(",")],
    ["a fraction", `24.5,${stored},1`],
    ["text", `"24",${stored},1`],
    ["null", "null"],
    ["a list", "[24]"],
    ["300,000 of nothing", Array(300_000).fill("0,1,1").join(",")],
  ];
  return [
    ...lists.map(([name, list]) =>
      pairCase(
        { name: `${codec} segments: ${name}`, expect: ["corrupt", "format", "limit"] },
        seal(replaceOnce(text, SEGMENTS, `"Segments": [${list}]`)),
        bin,
      )
    ),
    pairCase(
      { name: `${codec} segments: another kind of value`, expect: ["format"] },
      seal(replaceOnce(text, SEGMENTS, '"Segments": {}')),
      bin,
    ),
    pairCase({ name: `${codec} segments: resealed`, expect: "loads" }, seal(text), bin),
    pairCase({ name: `${codec} segments: a byte after them`, expect: ["corrupt"] }, text, Uint8Array.of(...bin, 0)),
  ];
}

function zstdCases({ json, bin }: Pair): HostileCase[] {
  const text = new TextDecoder().decode(json);
  const header = bin.subarray(0, 23);
  const bomb = new Uint8Array(zstdCompressSync(new Uint8Array(512 * MIB)));
  const withFrame = (size: number, stored: number): string =>
    seal(replaceOnce(text, SEGMENTS, `"Segments": [${size},${stored},1]`));
  return [
    pairCase(
      { name: "zstd: 512 MiB for 24 bytes", expect: ["corrupt"] },
      withFrame(24, Math.min(bomb.length, 1000)),
      joinBytes(header, bomb.subarray(0, 1000)),
    ),
    pairCase(
      { name: "zstd: 512 MiB in one segment", expect: ["corrupt"] },
      withFrame(512 * MIB, bomb.length),
      joinBytes(header, bomb),
    ),
    pairCase(
      { name: "zstd: no segments", expect: ["corrupt"] },
      seal(replaceOnce(text, /"Segments": \[[^\]]*\],\s*/, "")),
      bin,
    ),
    pairCase(
      { name: "zstd: an open first Pos", expect: ["corrupt"] },
      seal(replaceOnce(text, /"Pos": 9223372036854775808/, '"Pos": 0')),
      bin,
    ),
    pairCase(
      { name: "zstd: another huge first Pos", expect: ["limit"] },
      seal(replaceOnce(text, /"Pos": 9223372036854775808/, '"Pos": 9223372036854775809')),
      bin,
    ),
    pairCase(
      { name: "zstd: BinFormat gzip", expect: ["corrupt"] },
      seal(replaceOnce(text, /"BinFormat": "zstd"/, '"BinFormat": "gzip"')),
      bin,
    ),
    pairCase(
      { name: "zstd: no BinFormat", expect: ["corrupt"] },
      seal(replaceOnce(text, /"BinFormat": "zstd",\s*/, "")),
      bin,
    ),
    pairCase(
      { name: "zstd: header of gzip", expect: ["corrupt", "format"] },
      text,
      joinBytes(new TextEncoder().encode("gomlx_checkpointss\x04gzip"), bin.subarray(23)),
    ),
  ];
}
