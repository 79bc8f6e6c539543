import { assertEquals } from "@std/assert";
import { divideSum } from "../../src/backend/divide_sum.ts";
import { Random } from "../tensor/random.ts";
import { toBytes, toValues } from "./float32_blocks.ts";

Deno.test("divideSum() rounds every quotient once, in place and elsewhere, at any place and length", () => {
  const random = new Random(11);
  for (const k of [2, 3, 5, 7, 1000]) {
    for (const size of [0, 1, 7, 8, 9, 4095, 4096, 4097, 10_001]) {
      const values = Float32Array.from({ length: size }, (_, index) => random.normal() * 2 ** (index % 250 - 125));
      const wanted = toBytes(values.map((value) => Math.fround(value / k)));
      const memory = new Uint8Array(values.byteLength + 7).fill(0xaa);
      const sum = memory.subarray(3, 3 + values.byteLength);
      sum.set(toBytes(values));
      const into = new Uint8Array(sum.length);
      assertEquals([divideSum(sum, k, into), divideSum(sum, k, sum)], [true, true]);
      assertEquals([into, sum], [wanted, wanted], `${size} / ${k}`);
      assertEquals([memory.subarray(0, 3), memory.subarray(-4)], [
        new Uint8Array(3).fill(0xaa),
        new Uint8Array(4).fill(0xaa),
      ]);
    }
  }
});

Deno.test("divideSum() keeps subnormal numbers and signs of zeros", () => {
  const sum = toBytes([2 ** -126, -(2 ** -148), 0, -0]);
  divideSum(sum, 2, sum);
  assertEquals(toValues(sum), [2 ** -127, -(2 ** -149), 0, -0]);
});

Deno.test("divideSum() says that not all are finite wherever an infinity or NaN is, and is right again after it", () => {
  for (const size of [1, 9, 4096, 4101, 9000]) {
    for (const at of [0, 5, 4095, 4096, 4100, 8999].filter((each) => each < size)) {
      for (const bad of [Infinity, -Infinity, NaN]) {
        const values = new Float32Array(size).fill(3.4e38);
        values[at] = bad;
        const sum = toBytes(values);
        assertEquals(divideSum(sum, 2, sum), false);
        values[at] = 1;
        assertEquals(divideSum(toBytes(values), 2, sum), true);
      }
    }
  }
});
