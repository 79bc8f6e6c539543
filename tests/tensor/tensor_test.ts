import { Buffer } from "node:buffer";
import { assert, assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../src/errors.ts";
import { DTYPES, Tensor } from "../../src/tensor/mod.ts";

Deno.test("new Tensor() wants exactly the bytes of its shape", () => {
  for (const length of [0, 4, 23, 25]) {
    assertThrows(
      () => new Tensor("Float32", [2, 3], new Uint8Array(length)),
      ShapeError,
      `Cannot make tensor (Float32)[2 3]: ${length} bytes found, wanted 24`,
    );
  }
  assertThrows(() => new Tensor("Int4", [3], new Uint8Array(3)), ShapeError, "wanted 2");
  assertThrows(() => new Tensor("Int8", [-1], new Uint8Array(1)), ShapeError, 'dimension "-1" of axis 0');
  assertThrows(() => new Tensor("Int8", [2 ** 40, 2 ** 40], new Uint8Array(1)), ShapeError, "2^53 - 1 elements");
});

Deno.test("new Tensor() checks what callers without types pass", () => {
  assertThrows(() => Reflect.construct(Tensor, ["F32", [], new Uint8Array(4)]), ShapeError, 'dtype "F32" is unknown');
  assertThrows(() => Reflect.construct(Tensor, ["Float32", [], new Float32Array(1)]), ShapeError, "Uint8Array");
});

Deno.test("new Tensor() refuses a detached buffer, also for an empty tensor", () => {
  for (const length of [0, 8]) {
    const bytes = new Uint8Array(length);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    assertThrows(() => new Tensor("Float32", [length / 4], bytes), ShapeError, "detached");
  }
});

Deno.test("a tensor whose buffer is detached later throws a ShapeError wherever it is read", () => {
  const source = Float32Array.of(1, 2);
  const tensor = Tensor.from(source);
  const same = Tensor.from([1, 2]);
  structuredClone(source, { transfer: [source.buffer] });
  const reads = [
    () => tensor.data(),
    () => tensor.at(0),
    () => tensor.toNested(),
    () => tensor.statistics(),
    () => tensor.equals(same),
    () => same.equals(tensor),
  ];
  for (const read of reads) assertThrows(read, ShapeError, "(Float32)[2]: its buffer was detached or resized");
  assertEquals(Deno.inspect(tensor), "Tensor (Float32)[2] detached");
});

Deno.test("a tensor on a buffer that shrinks throws a ShapeError", () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
  const tensor = new Tensor("Float32", [2], new Uint8Array(buffer, 0, 8));
  buffer.resize(4);
  assertThrows(() => tensor.at(0), ShapeError, "detached or resized");
});

Deno.test("new Tensor() shares aligned bytes, and makes a Node Buffer a plain Uint8Array", () => {
  const bytes = new Uint8Array(8);
  assertStrictEquals(new Tensor("Float32", [2], bytes).bytes, bytes);
  const buffer = Buffer.alloc(4096).subarray(0, 8);
  const tensor = new Tensor("Float32", [2], buffer);
  assertEquals(tensor.bytes.constructor, Uint8Array);
  buffer.writeFloatLE(2.5, 4);
  assertEquals(tensor.at(1), 2.5);
  const odd = new Tensor("Float32", [1], Buffer.alloc(64).subarray(1, 5));
  assertEquals(odd.bytes.buffer.byteLength, 4);
});

Deno.test("a tensor's dimensions are its own and frozen", () => {
  const dimensions = [2, 3];
  const tensor = Tensor.zeros("Int8", dimensions);
  dimensions[0] = 9;
  assertEquals(tensor.dimensions, [2, 3]);
  assert(Object.isFrozen(tensor.dimensions));
});

Deno.test("scalars and empty tensors work in every dtype", () => {
  for (const dtype of DTYPES) {
    const scalar = Tensor.zeros(dtype, []);
    assertEquals([scalar.size, scalar.toString()], [1, `(${dtype})`]);
    assertEquals(scalar.toNested(), scalar.item());
    assert(scalar.equals(Tensor.from(scalar.toNested(), dtype)));
    const empty = Tensor.zeros(dtype, [2, 0, 3]);
    assertEquals([empty.size, empty.byteLength, empty.toNested()], [0, 0, [[], []]]);
    assertEquals(empty.statistics().count, 0);
    assert(empty.equals(Tensor.zeros(dtype, [2, 0, 3])));
    assert(!empty.equals(Tensor.zeros(dtype, [0, 2, 3])));
  }
});

Deno.test("Tensor.zeros() gives a ShapeError when memory cannot hold the shape", () => {
  assertThrows(() => Tensor.zeros("Float64", [2 ** 49]), ShapeError, "no memory for 4503599627370496 bytes");
});

Deno.test("at() and item() refuse elements that are not there", () => {
  const tensor = Tensor.from([[1, 2], [3, 4]]);
  assertEquals([tensor.at(0), tensor.at(3)], [1, 4]);
  for (const index of [-1, 4, 0.5, NaN]) assertThrows(() => tensor.at(index), ShapeError, `no element at "${index}"`);
  assertThrows(() => tensor.item(), ShapeError, "4 elements found, wanted 1");
  assertEquals(Tensor.from([[5n]]).item(), 5n);
  assertThrows(() => Tensor.zeros("Int8", [0]).at(0), ShapeError, "it has 0 elements");
});

Deno.test("toNested() refuses an empty tensor with an axis that no array could hold", () => {
  assertThrows(() => Tensor.zeros("Int8", [2 ** 50, 0]).toNested(), ShapeError, "too large for arrays");
});

Deno.test("equals() compares dtype, dimensions and bits", () => {
  const tensor = Tensor.from([1, NaN, 0]);
  assert(tensor.equals(tensor));
  assert(tensor.equals(Tensor.from([1, NaN, 0])));
  assert(!tensor.equals(Tensor.from([1, NaN, -0])));
  assert(!tensor.equals(Tensor.from([[1, NaN, 0]])));
  assert(!Tensor.from([1]).equals(Tensor.from([1], "Int32")));
  const otherNaN = Tensor.from(new Float32Array(Uint32Array.of(0x3f800000, 0x7fc00001, 0).buffer));
  assert(!tensor.equals(otherNaN));
});

Deno.test("equals() sees a difference in every byte, aligned or not", () => {
  for (const offset of [0, 1, 2, 4]) {
    const make = () => new Tensor("Uint8", [11], new Uint8Array(15).subarray(offset, offset + 11));
    assert(make().equals(Tensor.zeros("Uint8", [11])));
    for (let i = 0; i < 11; i++) {
      const other = make();
      other.bytes[i] = 1;
      assert(!other.equals(make()), `offset ${offset}, byte ${i}`);
    }
  }
});

Deno.test("equals() ignores the padding of packed dtypes", () => {
  const make = (last: number) => new Tensor("Int4", [3], Uint8Array.of(0x21, last));
  assert(make(0x03).equals(make(0xf3)));
  assert(!make(0x03).equals(make(0x04)));
  assert(!new Tensor("Int4", [4], Uint8Array.of(0x21, 3)).equals(new Tensor("Int4", [4], Uint8Array.of(0x21, 0xf3))));
});

Deno.test("Deno.inspect() shows one short line", () => {
  const lines: [Tensor, string][] = [
    [Tensor.from([[1, 2], [3, 4.1]]), "Tensor (Float32)[2 2] [[1 2] [3 4.1]]"],
    [Tensor.from(3n), "Tensor (Int64) 3"],
    [Tensor.from([true, false]), "Tensor (Bool)[2] [true false]"],
    [Tensor.from([{ re: 1, im: -2 }, { re: 0, im: 0.5 }]), "Tensor (Complex64)[2] [1-2i 0+0.5i]"],
    [Tensor.from([-0, NaN, -Infinity, 1e-20], "Float64"), "Tensor (Float64)[4] [-0 NaN -Infinity 1e-20]"],
    [Tensor.zeros("Int8", [0, 3]), "Tensor (Int8)[0 3] empty"],
    [Tensor.zeros("Int8", [2 ** 50, 0]), `Tensor (Int8)[${2 ** 50} 0] empty`],
    [Tensor.zeros("Int4", [16]), `Tensor (Int4)[16] [${"0 ".repeat(15)}0]`],
    [Tensor.zeros("Int4", [17]), `Tensor (Int4)[17] [${"0 ".repeat(16)}…]`],
    [Tensor.zeros("Int8", [3, 12]), `Tensor (Int8)[3 12] [[${"0 ".repeat(11)}0] [0 0 0 0 …] …]`],
  ];
  for (const [tensor, line] of lines) assertEquals(Deno.inspect(tensor), line);
  assertNotEquals(Deno.inspect({ tensor: Tensor.from(1) }).indexOf("Tensor (Float32) 1"), -1);
});
