import { assertEquals, assertStrictEquals } from "@std/assert";
import { alignedBlocks } from "../../src/backend/aligned_blocks.ts";

Deno.test("alignedBlocks() start at multiples of 64 bytes and do not overlap", () => {
  for (const byteLength of [1, 64, 100, 65_536, 1_000_003]) {
    const blocks = alignedBlocks(3, byteLength);
    for (const [index, block] of blocks.entries()) {
      assertStrictEquals(Deno.UnsafePointer.value(Deno.UnsafePointer.of(block)) % 64n, 0n);
      block.fill(index + 1);
    }
    assertEquals(blocks.map((block) => block.length), [byteLength, byteLength, byteLength]);
    assertEquals(blocks.map((block) => block.every((byte) => byte === block[0])), [true, true, true]);
    assertEquals(blocks.map((block) => block[0]), [1, 2, 3]);
  }
});

Deno.test("alignedBlocks() may be empty, and files can be read into them", async () => {
  assertEquals(alignedBlocks(0, 8), []);
  const [empty, other] = alignedBlocks(2, 0);
  assertEquals([empty?.length, other?.length], [0, 0]);
  const [block] = alignedBlocks(1, 5);
  using file = await Deno.open(new URL(import.meta.url));
  assertStrictEquals(await file.read(block ?? new Uint8Array()), 5);
  assertEquals(new TextDecoder().decode(block?.slice()), "impor");
});
