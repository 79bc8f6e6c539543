import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../src/errors.ts";
import { type DType, type NestedArray, Tensor, type TensorData, toBFloat16Bits } from "../../src/tensor/mod.ts";
import { Random } from "./random.ts";

Deno.test("Tensor.from() infers dtype and dimensions of nested arrays", () => {
  const shapes: [NestedArray, string][] = [
    [[[1, 2, 3], [4, 5, 6]], "(Float32)[2 3]"],
    [7, "(Float32)"],
    [[true, false], "(Bool)[2]"],
    [3n, "(Int64)"],
    [[{ re: 1, im: 2 }], "(Complex64)[1]"],
    [[], "(Float32)[0]"],
    [[[], []], "(Float32)[2 0]"],
    [[[[1]]], "(Float32)[1 1 1]"],
  ];
  for (const [value, text] of shapes) assertEquals(Tensor.from(value).toString(), text);
});

Deno.test("Tensor.from() takes a stated dtype and dimensions", () => {
  assertEquals(Tensor.from([1, 2, 3, 4], { dtype: "Int64", dimensions: [2, 2] }).toNested(), [[1n, 2n], [3n, 4n]]);
  assertEquals(Tensor.from([1, 0], "Bool").toNested(), [true, false]);
  assertEquals(Tensor.from([1n, -2n], "Int8").toNested(), [1, -2]);
  assertEquals(Tensor.from([1n], "Float64").toNested(), [1]);
  assertEquals(Tensor.from([1, { re: 2, im: 3 }], "Complex128").toNested(), [{ re: 1, im: 0 }, { re: 2, im: 3 }]);
  assertEquals(Tensor.from([[], []], { dtype: "Int32", dimensions: [0, 7] }).toString(), "(Int32)[0 7]");
});

Deno.test("Tensor.from() names where nested arrays are ragged", () => {
  const ragged: [NestedArray, string][] = [
    [[[1, 2], [3]], "[1] has length 1, wanted an array of length 2"],
    [[[1], [2, 3]], "[1] has length 2, wanted an array of length 1"],
    [[[1], 2], "[1] is a number, wanted an array of length 1"],
    [[1, [2]], "element [1] is an array"],
    [[[], [1]], "[1] has length 1, wanted an array of length 0"],
    [[[[1, 2]], [[3, 4]], [[5]]], "[2 0] has length 1, wanted an array of length 2"],
  ];
  for (const [value, message] of ragged) assertThrows(() => Tensor.from(value), ShapeError, message);
});

Deno.test("Tensor.from() refuses arrays that contain themselves", () => {
  const endless: NestedArray[] = [];
  endless.push(endless);
  assertThrows(() => Tensor.from(endless), ShapeError, "nested more than 64 deep");
});

Deno.test("Tensor.from() refuses what is no element, as callers without types may pass", () => {
  const others: [string, string][] = [
    [`["a"]`, `element [0] is "a"`],
    ["[[1, null]]", "element [0 1] is null"],
    [`[{"re": 1}]`, "element [0] is Object"],
  ];
  for (const [json, message] of others) assertThrows(() => Tensor.from(JSON.parse(json)), ShapeError, message);
  assertThrows(() => Tensor.from(new Array(2)), ShapeError, "element [0] is undefined");
  assertThrows(() => Reflect.apply(Tensor.from, Tensor, [undefined]), ShapeError, "element [] is undefined");
  assertThrows(() => Reflect.apply(Tensor.from, Tensor, [new Uint8ClampedArray(1)]), ShapeError, "Uint8ClampedArray");
  assertThrows(() => Reflect.apply(Tensor.from, Tensor, [[1], "float32"]), ShapeError, `dtype "float32" is unknown`);
});

Deno.test("Tensor.from() wants one kind of element unless a dtype is stated", () => {
  assertThrows(() => Tensor.from([1, 2n]), ShapeError, "both a number and a bigint found");
  assertThrows(() => Tensor.from([true, 1]), ShapeError, "both a boolean and a number found");
  assertEquals(Tensor.from([1, 2n], "Int64").toNested(), [1n, 2n]);
});

Deno.test("Tensor.from() refuses values that do not fit, with their position and the range", () => {
  const misfits: [NestedArray, DType, string][] = [
    [
      [[0, 1], [300, 2]],
      "Int8",
      'element [1 0] is "300", which does not fit Int8; wanted a whole number from -128 to 127',
    ],
    [[-129], "Int8", "-129"],
    [[-1], "Uint8", "from 0 to 255"],
    [[65536], "Uint16", "65536"],
    [[2 ** 31], "Int32", "2147483648"],
    [[1.5], "Int32", "1.5"],
    [[NaN], "Int16", "NaN"],
    [[Infinity], "Uint32", "Infinity"],
    [[2 ** 53 + 2], "Int64", "9007199254740994"],
    [[1.5], "Int64", "1.5"],
    [[NaN], "Uint64", "NaN"],
    [[-1], "Uint64", "-1"],
    [[2n ** 63n], "Int64", "9223372036854775808"],
    [[-1n], "Uint64", "-1"],
    [[2n ** 64n], "Uint64", "18446744073709551616"],
    [[2n ** 2000n], "Float64", "does not fit Float64"],
    [[2n ** 2000n], "Int8", "does not fit Int8"],
    [[8], "Int4", "from -8 to 7"],
    [[16], "Uint4", "from 0 to 15"],
    [[2], "Int2", "from -2 to 1"],
    [[4], "Uint2", "from 0 to 3"],
    [[1], "Int1", "from -1 to 0"],
    [[2], "Bool", "true, false, 0 or 1"],
    [[true], "Int8", "true"],
    [[true], "Float32", "true"],
    [[true], "Int64", "true"],
    [[{ re: 1, im: 0 }], "Float32", "1, 0i"],
    [[{ re: 1, im: 0 }], "Int64", "does not fit Int64"],
    [[1, 1e300], "Float32", 'element [1] is "1e+300", which does not fit Float32'],
    [[-3.5e38], "Float32", "does not fit Float32"],
    [[1, { re: 0, im: 1e300 }], "Complex64", "element [1]"],
  ];
  for (const [value, dtype, message] of misfits) {
    assertThrows(() => Tensor.from(value, dtype), ShapeError, message, `${dtype} ${message}`);
  }
});

Deno.test("Tensor.from() finds the misfit beyond the first block of a long array", () => {
  const values = Array.from({ length: 10_000 }, (_, i) => i % 100);
  values[9_000] = 128;
  assertThrows(() => Tensor.from(values, "Int8"), ShapeError, 'element [9000] is "128"');
  assertThrows(() => Tensor.from(Int16Array.from(values), "Int8"), ShapeError, 'element [9000] is "128"');
  assertThrows(() => Tensor.from(BigInt64Array.from(values, BigInt), "Int8"), ShapeError, 'element [9000] is "128"');
});

Deno.test("Tensor.from() keeps infinities and NaN in every float dtype", () => {
  for (const dtype of ["Float16", "BFloat16", "Float32", "Float64"] as const) {
    assertEquals(Tensor.from([Infinity, -Infinity, NaN, -0], dtype).toNested(), [Infinity, -Infinity, NaN, -0]);
  }
});

Deno.test("Tensor.from() shares the memory of every typed array and takes its dtype", () => {
  const arrays: [TensorData, DType][] = [
    [new Int8Array(4), "Int8"],
    [new Int16Array(4), "Int16"],
    [new Int32Array(4), "Int32"],
    [new BigInt64Array(4), "Int64"],
    [new Uint8Array(4), "Uint8"],
    [new Uint16Array(4), "Uint16"],
    [new Uint32Array(4), "Uint32"],
    [new BigUint64Array(4), "Uint64"],
    [new Float16Array(4), "Float16"],
    [new Float32Array(4), "Float32"],
    [new Float64Array(4), "Float64"],
  ];
  for (const [array, dtype] of arrays) {
    const tensor = Tensor.from(array);
    assertEquals(tensor.toString(), `(${dtype})[4]`);
    assertStrictEquals(tensor.bytes.buffer, array.buffer);
    new Uint8Array(array.buffer).fill(1);
    assertEquals(tensor.data().at(3), array[3]);
    assertNotStrictEquals(Tensor.from(array, { copy: true }).bytes.buffer, array.buffer);
  }
});

Deno.test("Tensor.from() shares a part of a buffer where it lies, and both ways", () => {
  const buffer = new ArrayBuffer(32);
  const part = new Float32Array(buffer, 8, 4);
  const tensor = Tensor.from(part, { dimensions: [2, 2] });
  part[3] = 5;
  assertEquals(tensor.toNested(), [[0, 0], [0, 5]]);
  tensor.data()[0] = 6;
  assertEquals(part[0], 6);
  assertEquals(tensor.bytes.byteOffset, 8);
  const copy = Tensor.from(part, { copy: true });
  part[3] = 7;
  assertEquals(copy.at(3), 5);
});

Deno.test("Tensor.from() shares a SharedArrayBuffer", () => {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const tensor = Tensor.from(shared);
  shared[1] = 9;
  assertEquals(tensor.toNested(), [0, 9]);
});

Deno.test("Tensor.from() takes a typed array as stored when the dtype is stored in one", () => {
  const bits = Uint16Array.of(0x3f80, 0xc000);
  const tensor = Tensor.from(bits, "BFloat16");
  assertEquals(tensor.toNested(), [1, -2]);
  assertStrictEquals(tensor.bytes.buffer, bits.buffer);
  assertEquals(Tensor.from(Uint8Array.of(1, 0), "Bool").toNested(), [true, false]);
  assertThrows(() => Tensor.from(Uint8Array.of(1, 2), "Bool"), ShapeError, 'element [1] is "2"');
  assertEquals(Tensor.from(Float32Array.of(1, 2, 3, 4), "Complex64").toNested(), [{ re: 1, im: 2 }, { re: 3, im: 4 }]);
  assertThrows(() => Tensor.from(Float32Array.of(1, 2, 3), "Complex64"), ShapeError, "12 bytes found, wanted 8");
  assertThrows(() => Tensor.from(Float64Array.of(1, 2), "Complex64"), ShapeError, "Float32Array of re, im");
  assertEquals(Tensor.from(Uint8Array.of(0x21), "Int4").toNested(), [1, 2]);
  assertEquals(Tensor.from(Uint8Array.of(0x21), { dtype: "Int4", dimensions: [1] }).toNested(), [1]);
});

Deno.test("Tensor.from() converts the values of a typed array to any other real dtype", () => {
  assertEquals(Tensor.from(Float64Array.of(0.1, -2), "Float32").toNested(), [Math.fround(0.1), -2]);
  assertEquals(Tensor.from(Int32Array.of(-1, 5), "Int64").toNested(), [-1n, 5n]);
  assertEquals(Tensor.from(Float64Array.of(-(2 ** 53) + 1, 2 ** 33 + 1), "Int64").toNested(), [
    -9007199254740991n,
    8589934593n,
  ]);
  assertEquals(Tensor.from(BigInt64Array.of(-1n, 5n), "Float32").toNested(), [-1, 5]);
  assertEquals(Tensor.from(BigInt64Array.of(5n), "Uint64").toNested(), [5n]);
  assertEquals(Tensor.from(Int8Array.of(-8, 7, 1), "Int4").bytes.toHex(), "7801");
  assertEquals(Tensor.from(Float32Array.of(1, 0), "Bool").toNested(), [true, false]);
  assertEquals(Tensor.from(Uint8Array.of(1, 2), { dtype: "Float16", dimensions: [2, 1] }).toNested(), [[1], [2]]);
  assertThrows(() => Tensor.from(BigInt64Array.of(1n, -1n), "Uint64"), ShapeError, 'element [1] is "-1"');
  assertThrows(() => Tensor.from(Float64Array.of(0, 1e39), "Float32"), ShapeError, 'element [1] is "1e+39"');
  assertThrows(() => Tensor.from(Float64Array.of(2 ** 53), "Int64"), ShapeError, "does not fit Int64");
  assertThrows(() => Tensor.from(Float64Array.of(2, -1), "Uint64"), ShapeError, 'element [1] is "-1"');
});

Deno.test("Tensor.from() of an infinity beside a number that overflows still finds the number", () => {
  assertThrows(() => Tensor.from(Float64Array.of(Infinity, NaN, -1e39), "Float32"), ShapeError, "element [2]");
});

Deno.test("Tensor.from() converts long random arrays as one element at a time would", () => {
  const random = new Random(3);
  const source = Float64Array.from({ length: 9_001 }, () => random.normal() * 10 ** random.whole(-45, 30));
  const data = (dtype: DType) => Tensor.from(source, dtype).data();
  assertEquals(data("Float32"), Float32Array.from(source));
  assertEquals(data("BFloat16"), Uint16Array.from(source, toBFloat16Bits));
  const whole = source.map((x) => Math.round(x % 100));
  assertEquals(Tensor.from(whole, "Int64").data(), BigInt64Array.from(whole, BigInt));
  assertEquals(Tensor.from(whole, "Int16").data(), Int16Array.from(whole));
  const small = whole.map((x) => Math.abs(x) % 16);
  assertEquals(Tensor.from(small, "Uint4").toNested(), Array.from(small));
});

Deno.test("Tensor.from() wants as many elements as the dimensions hold", () => {
  assertThrows(() => Tensor.from([1, 2, 3], { dimensions: [2, 2] }), ShapeError, "3 elements found, wanted 4");
  assertThrows(() => Tensor.from(new Float32Array(3), { dimensions: [2, 2] }), ShapeError, "12 bytes found, wanted 16");
  assertThrows(
    () => Tensor.from(new Float32Array(3), { dtype: "Int8", dimensions: [4] }),
    ShapeError,
    "3 elements found",
  );
});

Deno.test("Tensor.from() refuses a detached typed array, also an empty one", () => {
  for (const length of [0, 4]) {
    const array = new Float32Array(length);
    structuredClone(array, { transfer: [array.buffer] });
    assertThrows(() => Tensor.from(array), ShapeError, "detached");
    assertThrows(() => Tensor.from(array, "Float64"), ShapeError, "detached");
  }
});

Deno.test("Tensor.from() copies a misaligned Uint8Array that holds a wider dtype, and keeps it when it need not", () => {
  const bytes = new Uint8Array(9).subarray(1);
  assertNotStrictEquals(new Tensor("Float32", [2], bytes).bytes.buffer, bytes.buffer);
  assertStrictEquals(Tensor.from(bytes).bytes.buffer, bytes.buffer);
  assert(Tensor.from(bytes).equals(Tensor.zeros("Uint8", [8])));
});
