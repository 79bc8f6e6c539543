import { gzipSync } from "node:zlib";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { CheckpointError, CorruptError, FormatError, LimitError } from "../../src/errors.ts";
import {
  checkPayload,
  detectPayload,
  inflatePayload,
  inflatePayloadSync,
  type Manifest,
  parseManifest,
  PAYLOAD_HEAD_BYTES,
  payloadHeader,
} from "../../src/format/mod.ts";
import { entryNamed, manifestBytes } from "./drafts.ts";
import { GOLDEN, readGolden } from "./golden_files.ts";
import { joinBytes } from "./join_bytes.ts";

const PLACE = { path: "x.bin" };
const BASE = "checkpoint-n0000000-20250601-140309-initial";

Deno.test("payloads of gzip-variants are read as Go v0.27 reads them", async () => {
  let cases = 0;
  for (const { name } of Deno.readDirSync(new URL("gzip-variants/", GOLDEN))) {
    const folder = `gzip-variants/${name}/`;
    const outcome = JSON.parse(Deno.readTextFileSync(new URL(`${folder}expected.json`, GOLDEN)))["v0.27"];
    const { json, bin } = readGolden(folder + BASE, "v0.27");
    cases++;
    if (outcome.outcome !== "ok") {
      const error = assertThrows(() => readSync(json, bin), CheckpointError, undefined, name);
      assert(error instanceof CorruptError || error instanceof FormatError);
      await assertRejects(
        () => readStreamed(json, bin, 5),
        error.constructor === FormatError ? FormatError : CorruptError,
      );
      continue;
    }
    for (
      const payload of [readSync(json, bin), await readStreamed(json, bin, 1), await readStreamed(json, bin, 1000)]
    ) {
      for (const [parameterName, value] of Object.entries(outcome.values)) {
        const { position, byteLength } = entryNamed(parse(json), parameterName);
        assertEquals(payload.slice(position, position + byteLength).toBase64(), value, `${name} ${parameterName}`);
      }
    }
  }
  assertEquals(cases, 23);
});

Deno.test("detectPayload() knows both headers, the development ones and raw payloads", () => {
  const cases: [string, string, number, string | undefined][] = [
    ["gomlx_checkpoints\x04gzip\x1f", "gzip", 22, "gomlx-0.25"],
    ["gomlx_checkpointss\x04gzip", "gzip", 23, "gomlx-0.28"],
    // Untagged versions of October 2025, hand-made.
    ["gomlx_00\x1f\x8b\x08", "gzip", 8, "gomlx-0.25"],
    ["gomlx_gzip\x1f\x8b\x08", "gzip", 10, "gomlx-0.25"],
    ["gomlx_checkpointss\x04zstd", "zstd", 23, undefined],
    ["", "none", 0, undefined],
    ["gomlx_checkpoint", "none", 0, undefined],
    ["gomlx_00 raw", "none", 0, undefined],
    ["\x1f\x8b\x08 gzip without header", "none", 0, undefined],
  ];
  for (const [head, compression, dataOffset, profile] of cases) {
    const found = detectPayload(latin1(head), PLACE);
    assertEquals([found.compression, found.dataOffset, found.profile], [compression, dataOffset, profile]);
  }
  for (const codec of ["", "\x04", "\x04zstd", "\x04GZIP", "\x03gzip", "\xc8gzip", "s", "ss\x04gzip", "s\x05gzip"]) {
    assertThrows(() => detectPayload(latin1(`gomlx_checkpoints${codec}`), PLACE), FormatError, "codec");
  }
});

Deno.test("payloadHeader() is what detectPayload() finds", () => {
  assertEquals(payloadHeader("gomlx-0.25", "gzip").toHex(), "676f6d6c785f636865636b706f696e747304677a6970");
  assertEquals(payloadHeader("gomlx-0.28", "gzip").toHex(), "676f6d6c785f636865636b706f696e74737304677a6970");
  for (const profile of ["gomlx-0.10", "gomlx-0.25", "gomlx-0.28"] as const) {
    assertEquals(payloadHeader(profile, "none").length, 0);
  }
});

Deno.test("checkPayload() compares sizes before anything is read", () => {
  const manifest = parse(twoVariables());
  const raw = { compression: "none", dataOffset: 0, profile: undefined } as const;
  assertEquals(checkPayload(manifest, raw, 20, PLACE), []);
  assertEquals(checkPayload(manifest, raw, 25, PLACE), [
    'payload "x.bin": 5 bytes follow the last variable, which ends at 20; they are ignored',
  ]);
  assertThrows(() => checkPayload({ ...manifest, exactPayload: true }, raw, 21, PLACE), CorruptError, "1 bytes follow");
  const error = assertThrows(() => checkPayload(manifest, raw, 14, PLACE), CorruptError, "has 14 bytes");
  assertEquals([error.path, error.entry, error.offset], ["x.bin", "var:/s/y", 14]);
  const gzip = { compression: "gzip", dataOffset: 22, profile: "gomlx-0.25" } as const;
  assertEquals(checkPayload(manifest, gzip, 50, PLACE), []);
  assertThrows(() => checkPayload(manifest, gzip, 22, PLACE), CorruptError, "gzip stream");
  assertThrows(() => checkPayload({ ...manifest, payloadSize: 1e9 }, gzip, 122, PLACE), CorruptError, "cannot hold");
  assertEquals(checkPayload({ ...manifest, payloadSize: 103_200 }, gzip, 122, PLACE), []);
});

Deno.test("inflatePayloadSync() and inflatePayload() agree on good and damaged streams, however they are cut", async () => {
  const first = bytesUpTo(3000);
  const good = gzipSync(first);
  const streams: [string, Uint8Array, boolean][] = [
    ["one member", good, true],
    ["two members", joinBytes(good, gzipSync(first)), true],
    ["an empty member between", joinBytes(good, gzipSync(new Uint8Array(0)), good), true],
    ["zeros after it", joinBytes(good, new Uint8Array(3)), false],
    ["zeros, then a member", joinBytes(good, new Uint8Array(5), good), false],
    ["garbage after it", joinBytes(good, new Uint8Array([1, 2, 3])), false],
    ["a first byte of a member after it", joinBytes(good, new Uint8Array([0x1f])), false],
    ["nothing", new Uint8Array(0), false],
    ["no trailer", good.subarray(0, good.length - 8), false],
    ["half a trailer", good.subarray(0, good.length - 3), false],
    ["a flipped bit", flipped(good, good.length - 12), false],
    ["a wrong size", flipped(good, good.length - 1), false],
    ["a wrong method", flipped(good, 2), false],
  ];
  for (const [name, stream, isGood] of streams) {
    if (isGood) assertEquals(inflatePayloadSync(stream, 3000, PLACE), first, name);
    else assertThrows(() => inflatePayloadSync(stream, 3000, PLACE), CorruptError, undefined, name);
    for (const size of [1, 7, good.length, good.length + 1, 1e6]) {
      const result = collect(inflatePayload(blocksOf(stream, size), 3000, PLACE));
      if (isGood) assertEquals(await result, first, `${name} in blocks of ${size}`);
      else await assertRejects(() => result, CorruptError, undefined, `${name} in blocks of ${size}`);
    }
  }
});

Deno.test("inflatePayload() ignores some bytes after the payload, and takes many for a bomb", async () => {
  const zeros = (size: number) => gzipSync(new Uint8Array(size));
  assertEquals(inflatePayloadSync(zeros(500_000), 10, PLACE).length, 10);
  assertEquals((await collect(inflatePayload(blocksOf(zeros(500_000), 100), 10, PLACE))).length, 10);
  assertEquals(inflatePayloadSync(zeros(0), 0, PLACE).length, 0);
  assertThrows(() => inflatePayloadSync(zeros(20), 21, PLACE), CorruptError, "inflates to 20 bytes, wanted 21");
  const bomb = zeros(50_000_000);
  assertThrows(() => inflatePayloadSync(bomb, 10, PLACE), LimitError, "wants 10");
  await assertRejects(() => collect(inflatePayload(blocksOf(bomb, 4096), 10, PLACE)), LimitError, "wants 10");
});

Deno.test("inflatePayload() passes the source's error on, and lets go of the source", async () => {
  const failure = new Error("the disk is gone");
  let closed = 0;
  async function* failing(): AsyncGenerator<Uint8Array> {
    try {
      yield gzipSync(bytesUpTo(1000)).subarray(0, 20);
      await Promise.resolve();
      throw failure;
    } finally {
      closed++;
    }
  }
  const error = await assertRejects(() => collect(inflatePayload(failing(), 1000, PLACE)));
  assertEquals(error, failure);
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      const member = gzipSync(bytesUpTo(100_000));
      for (;;) yield member;
    } finally {
      closed++;
    }
  }
  for await (const block of inflatePayload(endless(), 1e9, PLACE)) {
    assert(block.length > 0);
    break;
  }
  assertEquals(closed, 2);
});

function readSync(json: Uint8Array, bin: Uint8Array): Uint8Array {
  const { manifest, data, compression } = checked(json, bin);
  return compression === "none" ? data : inflatePayloadSync(data, manifest.payloadSize, PLACE);
}

async function readStreamed(json: Uint8Array, bin: Uint8Array, size: number): Promise<Uint8Array> {
  const { manifest, data, compression } = checked(json, bin);
  return compression === "none"
    ? data
    : await collect(inflatePayload(blocksOf(data, size), manifest.payloadSize, PLACE));
}

function checked(json: Uint8Array, bin: Uint8Array): { manifest: Manifest; data: Uint8Array; compression: string } {
  const manifest = parse(json);
  const head = detectPayload(bin.subarray(0, PAYLOAD_HEAD_BYTES), PLACE);
  checkPayload(manifest, head, bin.length, PLACE);
  return { manifest, data: bin.subarray(head.dataOffset), compression: head.compression };
}

function parse(json: Uint8Array): Manifest {
  return parseManifest(json, { path: "x.json" });
}

function twoVariables(): Uint8Array {
  return manifestBytes({
    Variables: [
      { ParameterName: "var:/s/x", Dimensions: [2], DType: "Float32", Pos: 0, Length: 8 },
      { ParameterName: "var:/s/y", Dimensions: [3], DType: "Float32", Pos: 8, Length: 12 },
    ],
  });
}

async function collect(blocks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const copies: Uint8Array[] = [];
  for await (const block of blocks) copies.push(block.slice());
  return joinBytes(...copies);
}

async function* blocksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.slice(at, at + size);
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** Bytes that compress a little. */
function bytesUpTo(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * index) >>> (index % 7));
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}
