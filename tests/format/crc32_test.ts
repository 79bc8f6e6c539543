import { assertEquals } from "@std/assert";
import zlib from "node:zlib";
import { Crc32Kernel } from "../../src/format/crc32.ts";

Deno.test("Crc32Kernel gives the check value of CRC-32", () => {
  assertEquals(new Crc32Kernel().compute(new TextEncoder().encode("123456789")), 0xcbf43926);
});

Deno.test("Crc32Kernel equals node:zlib at every length, offset and running value", () => {
  const kernel = new Crc32Kernel();
  const bytes = new Uint8Array(100_000);
  for (let at = 0; at < bytes.length; at += 50_000) crypto.getRandomValues(bytes.subarray(at, at + 50_000));
  for (let length = 0; length < 100; length++) {
    const part = bytes.subarray(length, 3 * length);
    assertEquals(kernel.compute(part), zlib.crc32(part));
  }
  for (const length of [4799, 4800, 8191, 8192, 8193, 24_576, 32_767, 32_768, 32_769, 57_344, 57_345, 98_304, 99_999]) {
    for (const running of [0, 1, 0xffffffff]) {
      assertEquals(
        kernel.compute(bytes.subarray(1, 1 + length), running),
        zlib.crc32(bytes.subarray(1, 1 + length), running),
      );
    }
  }
  for (let length = 8192; length < 8192 + 130; length++) {
    assertEquals(kernel.compute(bytes.subarray(0, length)), zlib.crc32(bytes.subarray(0, length)));
  }
  for (const cut of [0, 1, 8191, 8192, 16_383, 16_384, 16_385, 91_808, 91_809, 99_999]) {
    assertEquals(kernel.compute(bytes.subarray(cut), kernel.compute(bytes.subarray(0, cut))), zlib.crc32(bytes));
  }
});
