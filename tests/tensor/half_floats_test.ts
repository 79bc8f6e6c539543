import { assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../src/errors.ts";
import { fromBFloat16Bits, Tensor, toBFloat16Bits } from "../../src/tensor/mod.ts";
import { Random } from "./random.ts";

interface HalfFormat {
  readonly name: string;
  readonly encode: (x: number) => number;
  readonly decode: (bits: number) => number;
  /** Largest finite bits. */
  readonly largest: number;
}

const BFLOAT16: HalfFormat = { name: "BFloat16", encode: toBFloat16Bits, decode: fromBFloat16Bits, largest: 0x7f7f };
const FLOAT16: HalfFormat = {
  name: "Float16",
  encode: (x) => bitsOfTensor(Tensor.from([x], "Float16")),
  decode: (bits) => Number(new Tensor("Float16", [], Uint8Array.of(bits & 0xff, bits >> 8)).item()),
  largest: 0x7bff,
};

Deno.test("toBFloat16Bits() rounds to nearest, ties to even", () => {
  const vectors: [number, number][] = [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3f80],
    [-2, 0xc000],
    [Math.PI, 0x4049],
    [1 / 3, 0x3eab],
    // 1 + 2^-8 lies between 0x3f80 and 0x3f81: the even one.
    [1 + 2 ** -8, 0x3f80],
    // 1 + 3·2^-8 lies between 0x3f81 and 0x3f82.
    [1 + 3 * 2 ** -8, 0x3f82],
    [1 + 2 ** -8 + 2 ** -23, 0x3f81],
    [-(1 + 2 ** -8), 0xbf80],
    // Float32 first would round these to the tie, and then to the wrong side.
    [1 + 2 ** -8 + 2 ** -40, 0x3f81],
    [1 + 3 * 2 ** -8 - 2 ** -40, 0x3f81],
    [-(1 + 2 ** -8 + 2 ** -40), 0xbf81],
    // A carry into the exponent.
    [2 - 2 ** -8, 0x4000],
    [2 - 2 ** -8 - 2 ** -40, 0x3fff],
  ];
  for (const [x, bits] of vectors) assertEquals(toBFloat16Bits(x).toString(16), bits.toString(16), String(x));
});

Deno.test("toBFloat16Bits() keeps subnormals and rounds into and out of them", () => {
  const vectors: [number, number][] = [
    [2 ** -126, 0x0080],
    [2 ** -127, 0x0040],
    [2 ** -133, 0x0001],
    // Half of the smallest one is a tie with 0, which is even.
    [2 ** -134, 0x0000],
    [2 ** -134 + 2 ** -170, 0x0001],
    [3 * 2 ** -134, 0x0002],
    [-(2 ** -133), 0x8001],
    [-(2 ** -135), 0x8000],
    [2 ** -126 - 2 ** -134, 0x0080],
    [Number.MIN_VALUE, 0x0000],
  ];
  for (const [x, bits] of vectors) assertEquals(toBFloat16Bits(x).toString(16), bits.toString(16), String(x));
});

Deno.test("toBFloat16Bits() overflows to infinity at the right place, and keeps NaN", () => {
  const largest = (2 - 2 ** -7) * 2 ** 127;
  const limit = (2 - 2 ** -8) * 2 ** 127;
  assertEquals(toBFloat16Bits(largest), 0x7f7f);
  assertEquals(toBFloat16Bits(limit - 2 ** 75), 0x7f7f);
  assertEquals(toBFloat16Bits(limit), 0x7f80);
  assertEquals(toBFloat16Bits(-1e300), 0xff80);
  assertEquals(toBFloat16Bits(Infinity), 0x7f80);
  assertEquals(toBFloat16Bits(-Infinity), 0xff80);
  assertEquals(toBFloat16Bits(NaN), 0x7fc0);
  assertEquals(fromBFloat16Bits(0x7f80), Infinity);
  for (const bits of [0x7fc0, 0x7f81, 0xffff]) assertEquals(fromBFloat16Bits(bits), NaN);
});

Deno.test("Tensor.from() as Float16 rounds to nearest, ties to even, from float64 at once", () => {
  const vectors: [number, number][] = [
    [-0, 0x8000],
    [1, 0x3c00],
    [Math.PI, 0x4248],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [1 + 2 ** -11 + 2 ** -40, 0x3c01],
    [1 + 3 * 2 ** -11 - 2 ** -40, 0x3c01],
    [2 - 2 ** -11, 0x4000],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 + 2 ** -60, 0x0001],
    [3 * 2 ** -25, 0x0002],
    [-(2 ** -24), 0x8001],
    [65504, 0x7bff],
    [65519.99999, 0x7bff],
    [Infinity, 0x7c00],
    [-Infinity, 0xfc00],
  ];
  for (const [x, bits] of vectors) assertEquals(FLOAT16.encode(x).toString(16), bits.toString(16), String(x));
  assertEquals(Tensor.from([NaN], "Float16").at(0), NaN);
});

Deno.test("Tensor.from() refuses finite numbers that a half float rounds to infinity", () => {
  assertThrows(() => Tensor.from([65520], "Float16"), ShapeError, "does not fit Float16");
  assertThrows(() => Tensor.from([3.4e38], "BFloat16"), ShapeError, "does not fit BFloat16");
});

for (const format of [BFLOAT16, FLOAT16]) {
  Deno.test(`${format.name}: all bits that are no NaN survive decoding and encoding`, () => {
    for (let bits = 0; bits < 0x10000; bits += format === FLOAT16 ? 7 : 1) {
      const x = format.decode(bits);
      if (!Number.isNaN(x)) assertEquals(format.encode(x), bits);
    }
  });

  Deno.test(`${format.name}: random numbers go to the nearest neighbour, ties to the even one`, () => {
    const random = new Random(16);
    for (let i = 0; i < 5000; i++) {
      const below = random.whole(0, format.largest);
      const [low, high] = [format.decode(below), format.decode(below + 1)];
      const middle = low + (high - low) / 2;
      const even = below % 2 === 0 ? below : below + 1;
      const x = low + (high - low) * random.unit();
      assertEquals(format.encode(middle), even);
      assertEquals(format.encode(x), x < middle ? below : x > middle ? below + 1 : even);
      assertEquals(format.encode(-x), format.encode(x) | 0x8000);
      assertEquals(format.encode(next(middle)), below + 1);
    }
  });
}

/** The float64 after a positive `x`. */
function next(x: number): number {
  const bits = new BigUint64Array(Float64Array.of(x).buffer);
  bits[0] = (bits[0] ?? 0n) + 1n;
  return new Float64Array(bits.buffer)[0] ?? NaN;
}

function bitsOfTensor(tensor: Tensor): number {
  return new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset).getUint16(0, true);
}
