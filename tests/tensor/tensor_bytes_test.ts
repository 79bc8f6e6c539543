import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { byteLengthOf, type DType, DTYPES, type NestedArray, Tensor } from "../../src/tensor/mod.ts";
import { Random } from "./random.ts";

/** Bytes worked out by hand from the IEEE formats and gomlx's packing rule, low bits first. */
const GOLDEN: readonly { dtype: DType; value: NestedArray; hex: string; view: string }[] = [
  { dtype: "Bool", value: [true, false, true], hex: "010001", view: "Uint8Array" },
  { dtype: "Int8", value: [-128, -1, 0, 127], hex: "80ff007f", view: "Int8Array" },
  { dtype: "Int16", value: [-32768, -2, 258], hex: "0080feff0201", view: "Int16Array" },
  { dtype: "Int32", value: [-2147483648, -2, 16909060], hex: "00000080feffffff04030201", view: "Int32Array" },
  {
    dtype: "Int64",
    value: [-9223372036854775808n, -2n, 9007199254740993n],
    hex: "0000000000000080" + "feffffffffffffff" + "0100000000002000",
    view: "BigInt64Array",
  },
  { dtype: "Uint8", value: [0, 1, 255], hex: "0001ff", view: "Uint8Array" },
  { dtype: "Uint16", value: [1, 65535], hex: "0100ffff", view: "Uint16Array" },
  { dtype: "Uint32", value: [1, 4294967295], hex: "01000000ffffffff", view: "Uint32Array" },
  {
    dtype: "Uint64",
    value: [1n, 18446744073709551615n],
    hex: "0100000000000000" + "ffffffffffffffff",
    view: "BigUint64Array",
  },
  { dtype: "Float16", value: [1, -2, 65504, 2 ** -24], hex: "003c00c0ff7b0100", view: "Float16Array" },
  { dtype: "BFloat16", value: [1, -2, 3.140625, 2 ** -133], hex: "803f00c049400100", view: "Uint16Array" },
  {
    dtype: "Float32",
    value: [1, -2.5, 2 ** -149, Infinity],
    hex: "0000803f000020c0010000000000807f",
    view: "Float32Array",
  },
  { dtype: "Float64", value: [1, -0.1], hex: "000000000000f03f" + "9a9999999999b9bf", view: "Float64Array" },
  { dtype: "Complex64", value: [{ re: 1, im: -2.5 }], hex: "0000803f000020c0", view: "Float32Array" },
  { dtype: "Complex128", value: [{ re: 1, im: -0.1 }], hex: "000000000000f03f9a9999999999b9bf", view: "Float64Array" },
  { dtype: "Int4", value: [1, -8, 7], hex: "8107", view: "Uint8Array" },
  { dtype: "Uint4", value: [1, 15, 7], hex: "f107", view: "Uint8Array" },
  { dtype: "Int2", value: [1, -2, -1, 0, 1], hex: "3901", view: "Uint8Array" },
  { dtype: "Uint2", value: [1, 2, 3, 0, 1], hex: "3901", view: "Uint8Array" },
  { dtype: "Int1", value: [-1, 0, 0, -1, 0, 0, 0, -1, -1], hex: "8901", view: "Uint8Array" },
  { dtype: "Uint1", value: [1, 0, 0, 1, 0, 0, 0, 1, 1], hex: "8901", view: "Uint8Array" },
];

Deno.test("the golden vectors cover every dtype", () => {
  assertEquals(GOLDEN.map(({ dtype }) => dtype), [...DTYPES]);
});

for (const { dtype, value, hex, view } of GOLDEN) {
  Deno.test(`Tensor.from() encodes ${dtype} to its golden bytes, and toNested() decodes them`, () => {
    const tensor = Tensor.from(value, dtype);
    assertEquals(tensor.bytes.toHex(), hex);
    const size = Array.isArray(value) ? value.length : 1;
    const read = new Tensor(dtype, [size], Uint8Array.fromHex(hex));
    assertEquals(read.toNested(), value);
    assertEquals(read.at(size - 1), Array.isArray(value) ? value.at(-1) : value);
    assertEquals(read.data()[Symbol.toStringTag], view);
    assert(read.equals(tensor));
  });

  Deno.test(`new Tensor() copies misaligned ${dtype} bytes once and shares them afterwards`, () => {
    const bytes = Uint8Array.fromHex(hex);
    const unaligned = new Uint8Array(bytes.length + 1).subarray(1);
    unaligned.set(bytes);
    const size = Array.isArray(value) ? value.length : 1;
    const tensor = new Tensor(dtype, [size], unaligned);
    assertEquals(tensor.toNested(), value);
    const data = tensor.data();
    assertStrictEquals(data.buffer, tensor.bytes.buffer);
    assertEquals(data.byteOffset, tensor.bytes.byteOffset);
    assertStrictEquals(tensor.data(), data);
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength).fill(0xff);
    assertEquals(tensor.bytes.toHex(), "ff".repeat(bytes.length));
    const copied = tensor.bytes.buffer !== unaligned.buffer;
    assertEquals(copied, !["Uint8Array", "Int8Array"].includes(view));
  });
}

Deno.test("toNested() and from() return the same bytes, for random bytes of every dtype and shape", () => {
  const random = new Random(1);
  for (const dtype of DTYPES) {
    for (let round = 0; round < 40; round++) {
      const dimensions = Array.from({ length: random.whole(0, 4) }, () => random.whole(0, 5));
      const size = dimensions.reduce((a, b) => a * b, 1);
      const bytes = random.bytes(byteLengthOf(dtype, size));
      if (dtype === "Bool") bytes.forEach((byte, i) => bytes[i] = byte & 1);
      const tensor = new Tensor(dtype, dimensions, bytes);
      const again = Tensor.from(tensor.toNested(), { dtype, dimensions });
      assertEquals(again.dimensions, dimensions);
      // NaN bits and the padding of packed dtypes are not part of the elements.
      assertEquals(again.toNested(), tensor.toNested(), `${tensor}`);
      if (dtype.includes("nt")) assert(again.equals(tensor), `${tensor}`);
    }
  }
});

Deno.test("at() of random packed bytes equals reading the bits one by one", () => {
  const random = new Random(2);
  const bytes = random.bytes(64);
  const all = bytes.reduce((sum, byte, i) => sum + (BigInt(byte) << BigInt(8 * i)), 0n);
  const packed: [DType, number, boolean][] = [
    ["Int4", 4, true],
    ["Uint4", 4, false],
    ["Int2", 2, true],
    ["Uint2", 2, false],
    ["Int1", 1, true],
    ["Uint1", 1, false],
  ];
  for (const [dtype, bits, signed] of packed) {
    const size = 512 / bits;
    const tensor = new Tensor(dtype, [size], bytes);
    for (let i = 0; i < size; i++) {
      const raw = all >> BigInt(i * bits);
      assertEquals(tensor.at(i), Number(signed ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw)));
    }
  }
});
