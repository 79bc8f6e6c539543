import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { nodeZlib, planSegments, runSegmentJob, type SegmentJob } from "../../src/format/mod.ts";
import { joinPlanes, splitPlanes } from "../../src/format/segment_codec.ts";

const MIB = 2 ** 20;

Deno.test("splitPlanes() puts the bytes of one place together, the rest at the end", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24, 98, 99);
  assertEquals([...splitPlanes(bytes, 4)], [1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24, 98, 99]);
  assertEquals([...splitPlanes(bytes, 2)], [1, 3, 11, 13, 21, 23, 98, 2, 4, 12, 14, 22, 24, 99]);
});

Deno.test("joinPlanes() undoes splitPlanes() for every width and length", () => {
  for (const width of [1, 2, 4, 8]) {
    for (let length = 0; length < 70; length++) {
      const bytes = noise(length);
      assertEquals([...joinPlanes(splitPlanes(bytes, width), width)], [...bytes], `${length} bytes of width ${width}`);
    }
  }
});

Deno.test("a gzip segment has Go's form, and any gzip inflates it", () => {
  for (const size of [1, 1000, 300_000]) {
    const bytes = noise(size);
    const member = runSegmentJob(nodeZlib(), job("gzip", bytes, 1));
    assertEquals(member.subarray(0, 10).toHex(), "1f8b08000000000000ff");
    // The first bits of the flush share a byte with what is before it.
    assertEquals(member.subarray(member.length - 17, member.length - 8).toHex(), "0000ffff010000ffff");
    assertEquals(new Uint8Array(gunzipSync(member)), bytes);
  }
});

Deno.test("a gzip segment of nothing is Go's 28 bytes", () => {
  const nothing = "1f8b08000000000000ff000000ffff010000ffff0000000000000000";
  assertEquals(runSegmentJob(nodeZlib(), job("gzip", new Uint8Array(0), 1)).toHex(), nothing);
});

Deno.test("a zstd segment is a frame of the byte planes, which any zstd inflates", () => {
  const bytes = noise(100_003);
  const frame = runSegmentJob(nodeZlib(), job("zstd", bytes, 4));
  assertEquals(frame.subarray(0, 4).toHex(), "28b52ffd");
  assertEquals(joinPlanes(new Uint8Array(zstdDecompressSync(frame)), 4), bytes);
});

Deno.test("no segment is smaller than a 1032th of what it inflates to, so that the file's size bounds the memory", () => {
  for (const codec of ["gzip", "zstd"] as const) {
    const stored = runSegmentJob(nodeZlib(), job(codec, new Uint8Array(MIB), 1));
    assert(stored.length * 1032 >= MIB, `${codec}: ${stored.length}`);
    assertEquals(inflate(codec, stored, 1, MIB), new Uint8Array(MIB));
  }
});

Deno.test("a segment that is damaged, cut, too long or of another size is an error", () => {
  for (const codec of ["gzip", "zstd"] as const) {
    const stored = runSegmentJob(nodeZlib(), job(codec, noise(5000), 2));
    const wrong: [string, Uint8Array, number][] = [
      ["cut", stored.subarray(0, stored.length - 3), 5000],
      ["half", stored.subarray(0, stored.length / 2), 5000],
      ["nothing", new Uint8Array(0), 5000],
      ["of more bytes", stored, 4999],
      ["of fewer bytes", stored, 5001],
      ["followed by zeros", Uint8Array.of(...stored, 0, 0, 0, 0), 5000],
      ["followed by another", Uint8Array.of(...stored, ...stored), 5000],
      ["of another kind", noise(5000), 5000],
    ];
    for (const [name, bytes, size] of wrong) {
      assertThrows(() => inflate(codec, bytes, 2, size), Error, undefined, `${codec} ${name}`);
    }
  }
});

Deno.test("planSegments() lets small variables share one, and begins a new one where the next does not fit", () => {
  const float = (byteLength: number) => ({ dtype: "Float32" as const, byteLength });
  const plan = (...sizes: number[]) => planSegments(sizes.map(float), "zstd").map(({ size }) => size);
  assertEquals(plan(100, 200, 0, 300), [600]);
  assertEquals(plan(100, MIB), [100, MIB]);
  assertEquals(plan(2 * MIB + 4, 8, MIB - 8, 16), [MIB, MIB, 12, MIB - 8, 16]);
  assertEquals(plan(), [0]);
  assertEquals(plan(0, 0), [0]);
});

Deno.test("planSegments() of zstd begins a new one where the width changes; a complex number is two", () => {
  const variables = (["Float32", "Int64", "Complex64", "BFloat16", "Bool", "Int4", "Complex128"] as const)
    .map((dtype) => ({ dtype, byteLength: 64 }));
  const [zstd, gzip] = [planSegments(variables, "zstd"), planSegments(variables, "gzip")];
  assertEquals(zstd.map(({ size, width }) => [size, width]), [[64, 4], [64, 8], [64, 4], [64, 2], [128, 1], [64, 8]]);
  assertEquals(gzip, [{ size: 448, width: 1 }]);
});

function job(codec: "gzip" | "zstd", bytes: Uint8Array, width: number): SegmentJob {
  return { codec, action: "deflate", bytes, width, size: bytes.length };
}

function inflate(codec: "gzip" | "zstd", bytes: Uint8Array, width: number, size: number): Uint8Array {
  return runSegmentJob(nodeZlib(), { codec, action: "inflate", bytes, width, size });
}

/** The same bytes each time; they compress a little. */
function noise(length: number): Uint8Array {
  let state = 12345;
  return Uint8Array.from({ length }, (_, index) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return index % 4 === 3 ? 0x3f : state >>> 16;
  });
}
