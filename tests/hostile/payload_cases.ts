import {
  bombMember,
  emptyMembers,
  gzip,
  GZIP_HEADER,
  GZIP_HEADER_28,
  gzipPayload,
  hollowMember,
  longNameMember,
  withTrailer,
} from "./gzip_bytes.ts";
import { joinBytes } from "../format/join_bytes.ts";
import { BASE, type HostileCase, pairCase, writeSparse } from "./hostile_case.ts";
import { goodPayload, manifestText, STEP, WEIGHTS } from "./manifest_text.ts";
import { join } from "@std/path";

const GOOD = goodPayload();
const TEXT = manifestText();
const MIB = 2 ** 20;
/** 10 GB, for which a gzip stream needs 10 MB. */
const BOMB_MIB = 10_000;

/** Wrong payloads: cut, damaged, of another kind, and those that inflate to far more than they should. */
export function payloadCases(): HostileCase[] {
  return [...rawCases(), ...gzipCases(), ...bombCases(), ...claimCases()];
}

function rawCases(): HostileCase[] {
  const ascii = new TextEncoder();
  return [
    pairCase({ name: "payload of 0 bytes", expect: ["corrupt"] }, TEXT, new Uint8Array(0)),
    pairCase({ name: "manifest and payload of 0 bytes", expect: ["format"] }, "", new Uint8Array(0)),
    pairCase({ name: "payload is the manifest", expect: "loads" }, TEXT, ascii.encode(TEXT)),
    pairCase({ name: "manifest is the payload", expect: ["format"] }, GOOD, GOOD),
    pairCase({ name: "a byte after the payload", expect: "loads" }, TEXT, joinBytes(GOOD, new Uint8Array(1))),
    pairCase(
      { name: "0 variables, payload of 0 bytes", expect: "loads" },
      '{"Params": null, "Variables": []}',
      new Uint8Array(0),
    ),
    pairCase(
      { name: "the magic only", expect: ["corrupt", "format"] },
      TEXT,
      ascii.encode("gomlx_checkpoints"),
    ),
    ...["zstd", "GZIP", "gzip2", "\0", "\u00ff", "gzi"].map((codec) =>
      pairCase(
        { name: `codec ${JSON.stringify(codec)}`, expect: ["format"] },
        TEXT,
        joinBytes(
          ascii.encode("gomlx_checkpoints"),
          new Uint8Array([codec.length]),
          ascii.encode(codec),
          gzip(GOOD),
        ),
      )
    ),
  ];
}

function gzipCases(): HostileCase[] {
  const member = gzip(GOOD);
  const corrupt: [string, Uint8Array][] = [
    ["header only", GZIP_HEADER],
    ["header of v0.28 only", GZIP_HEADER_28],
    ["20 bytes of nothing", joinBytes(GZIP_HEADER, new Uint8Array(20))],
    ["bad checksum", gzipPayload(withTrailer(member, (trailer) => trailer[0] = (trailer[0] ?? 0) ^ 1))],
    ["bad size", gzipPayload(withTrailer(member, (trailer) => trailer[4] = (trailer[4] ?? 0) ^ 1))],
    ["reserved flags", gzipPayload(member.with(3, 0xe0))],
    ["method 9", gzipPayload(member.with(2, 9))],
    ["block of the reserved kind", gzipPayload(member.with(10, 7))],
    ["zeros after the stream", joinBytes(gzipPayload(member), new Uint8Array(512))],
    ["bytes after the stream", joinBytes(gzipPayload(member), new Uint8Array(512).fill(1))],
    ["a mebibyte of zeros after it", joinBytes(gzipPayload(member), new Uint8Array(MIB))],
    ["second member cut", joinBytes(gzipPayload(gzip(GOOD.subarray(0, 12))), gzip(GOOD.subarray(12)).subarray(0, 20))],
    ["a byte too little inside", gzipPayload(gzip(GOOD.subarray(0, 23)))],
    ["nothing inside", gzipPayload(gzip(new Uint8Array(0)))],
    ["10^6 empty members", gzipPayload(emptyMembers(1e6))],
    ["10^6 empty blocks", gzipPayload(hollowMember(1e6))],
  ];
  return [
    ...corrupt.map(([name, bin]) => pairCase({ name: `gzip: ${name}`, expect: ["corrupt"] }, TEXT, bin)),
    pairCase({ name: "gzip: v0.28's header", expect: "loads" }, TEXT, joinBytes(GZIP_HEADER_28, member)),
    pairCase(
      { name: "gzip: a member a byte", expect: "loads" },
      TEXT,
      gzipPayload(...Array.from(GOOD, (byte) => gzip(new Uint8Array([byte])))),
    ),
    pairCase({ name: "gzip: extra bytes inside", expect: "loads" }, TEXT, gzipPayload(joinBytes(GOOD, GOOD))),
    pairCase({ name: "gzip in gzip", expect: "loads" }, TEXT, gzipPayload(gzip(gzip(GOOD)))),
    pairCase(
      { name: "gzip: a file name of 10 MiB", expect: "loads" },
      TEXT,
      gzipPayload(longNameMember(GOOD, 10 * MIB)),
    ),
    pairCase(
      { name: "gzip: 10^6 empty members, then the payload", expect: "loads" },
      TEXT,
      joinBytes(GZIP_HEADER, emptyMembers(1e6), member),
    ),
    pairCase(
      { name: "gzip: 4 * 10^6 empty blocks, then a member that is cut", expect: ["corrupt"] },
      TEXT,
      joinBytes(GZIP_HEADER, hollowMember(4e6), member.subarray(0, 12)),
    ),
  ];
}

function bombCases(): HostileCase[] {
  const alone = { expect: ["limit"], alone: true } as const;
  const member = gzip(GOOD);
  return [
    pairCase({ ...alone, name: "bomb: 10 GB after the claimed bytes" }, TEXT, gzipPayload(bombMember(GOOD, BOMB_MIB))),
    pairCase(
      { ...alone, name: "bomb: 10 GB for nothing claimed, which nobody reads", expect: "loads" },
      '{"Params": null, "Variables": []}',
      gzipPayload(bombMember(new Uint8Array(0), BOMB_MIB)),
    ),
    pairCase(
      { ...alone, name: "bomb: in the second member" },
      TEXT,
      joinBytes(gzipPayload(member), bombMember(new Uint8Array(0), BOMB_MIB)),
    ),
    pairCase(
      { ...alone, name: "bomb: a thousand members of 2 MB" },
      TEXT,
      joinBytes(gzipPayload(member), ...Array(1000).fill(bombMember(new Uint8Array(0), 2))),
    ),
    pairCase(
      { ...alone, name: "bomb: in a gap between variables", expect: ["corrupt"] },
      manifestText([WEIGHTS, { ...STEP, Pos: String(2 ** 40) }]),
      gzipPayload(bombMember(GOOD, BOMB_MIB)),
    ),
  ];
}

/** What the manifest claims of a compressed payload that may, by its size, hold it. */
function claimCases(): HostileCase[] {
  const claim = (bytes: number): string =>
    manifestText([{ ...WEIGHTS, DType: '"Uint8"', Dimensions: `[${bytes}]`, Length: String(bytes) }]);
  const size = BOMB_MIB * MIB;
  const bomb = gzipPayload(bombMember(new Uint8Array(0), BOMB_MIB));
  return [
    pairCase(
      { name: "claimed: 10 GB of 10 MB, which is possible: opening costs nothing", expect: "loads", ways: ["open"] },
      claim(size),
      bomb,
    ),
    pairCase(
      { name: "claimed: more than deflate can do", expect: ["corrupt"], alone: true },
      claim(bomb.length * 1033),
      bomb,
    ),
    pairCase(
      { name: "claimed: 10 GB, not even compressed", expect: ["corrupt"], alone: true },
      claim(size),
      gzipPayload(joinBytes(new Uint8Array([0x1f, 0x8b]), new Uint8Array(10 * MIB))),
    ),
    pairCase(
      { name: "claimed: 10 GB, a stream that ends at once", expect: ["corrupt"], alone: true },
      claim(size),
      joinBytes(gzipPayload(gzip(GOOD)), new Uint8Array(10 * MIB)),
    ),
    pairCase(
      {
        name: "claimed: a gap of 10 GB before a variable, in a stream that ends at once",
        expect: ["corrupt"],
        alone: true,
      },
      manifestText([{ ...WEIGHTS, Pos: String(size) }]),
      joinBytes(gzipPayload(gzip(GOOD)), new Uint8Array(11 * MIB)),
    ),
    {
      name: "claimed: 2^50 bytes of a sparse gzip file",
      expect: ["limit", "corrupt"],
      async make(directory): Promise<void> {
        await Deno.writeTextFile(join(directory, `${BASE}.json`), claim(2 ** 50));
        await writeSparse(join(directory, `${BASE}.bin`), 2 ** 41, gzipPayload(gzip(GOOD)));
      },
    },
    {
      name: "claimed: 2^44 bytes in 1000 variables of a sparse gzip file",
      expect: ["limit", "corrupt"],
      async make(directory): Promise<void> {
        const length = 2 ** 34;
        const rows = Array.from({ length: 1000 }, (_, index) => ({
          ParameterName: `"var:/v${index}"`,
          Dimensions: `[${length}]`,
          DType: '"Uint8"',
          Pos: String(index * length),
          Length: String(length),
        }));
        await Deno.writeTextFile(join(directory, `${BASE}.json`), manifestText(rows));
        await writeSparse(join(directory, `${BASE}.bin`), 2 ** 40, gzipPayload(gzip(GOOD)));
      },
    },
  ];
}
