import { assertEquals } from "@std/assert";
import zlib from "node:zlib";
import { combineCrc32 } from "../../src/format/mod.ts";

Deno.test("combineCrc32() gives the check value of CRC-32 for its parts", () => {
  // As Python's zlib has them.
  const parts = [{ crc32: 0x9be3e0a3, byteLength: 4 }, { crc32: 0x131da070, byteLength: 5 }];
  assertEquals(["1234", "56789"].map((text) => zlib.crc32(text)), parts.map(({ crc32 }) => crc32));
  assertEquals(combineCrc32(parts), 0xcbf43926);
});

Deno.test("combineCrc32() equals node:zlib for parts of every number and length, none and empty ones too", () => {
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const lengths = [0, 1, 2, 3, 7, 8, 255, 256, 257, 4095, 4096, 6708, 20_000, 0];
  for (let count = 0; count <= lengths.length; count++) {
    let at = 0;
    const parts = lengths.slice(0, count).map((byteLength) => {
      const part = bytes.subarray(at, at + byteLength);
      at += byteLength;
      return { crc32: zlib.crc32(part), byteLength };
    });
    assertEquals(combineCrc32(parts), zlib.crc32(bytes.subarray(0, at)));
  }
  // As long as 2 GiB of zeros behind a byte: squared 31 times.
  const far = combineCrc32([{ crc32: zlib.crc32("a"), byteLength: 1 }, { crc32: 0, byteLength: 2 ** 31 }]);
  const half = { crc32: 0, byteLength: 2 ** 30 };
  assertEquals(far, combineCrc32([{ crc32: zlib.crc32("a"), byteLength: 1 }, half, half]));
});
