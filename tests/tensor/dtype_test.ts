import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../src/errors.ts";
import {
  bitsOf,
  byteLengthOf,
  DTYPES,
  isDType,
  kindOf,
  sameDimensions,
  shapeText,
  sizeOf,
} from "../../src/tensor/mod.ts";

Deno.test("DTYPES has each dtype once, with bits and kind as GoMLX defines them", () => {
  assertEquals(DTYPES.map((dtype) => `${dtype} ${kindOf(dtype)} ${bitsOf(dtype)}`), [
    "Bool bool 8",
    "Int8 int 8",
    "Int16 int 16",
    "Int32 int 32",
    "Int64 int 64",
    "Uint8 uint 8",
    "Uint16 uint 16",
    "Uint32 uint 32",
    "Uint64 uint 64",
    "Float16 float 16",
    "BFloat16 float 16",
    "Float32 float 32",
    "Float64 float 64",
    "Complex64 complex 64",
    "Complex128 complex 128",
    "Int4 int 4",
    "Uint4 uint 4",
    "Int2 int 2",
    "Uint2 uint 2",
    "Int1 int 1",
    "Uint1 uint 1",
  ]);
});

Deno.test("isDType() takes exact names only", () => {
  assert(DTYPES.every(isDType));
  for (const other of ["float32", "F32", "UInt8", "S4", "", "toString", "__proto__", 11, null, undefined, {}]) {
    assertEquals(isDType(other), false, String(other));
  }
});

Deno.test("byteLengthOf() rounds packed elements up to whole bytes", () => {
  const lengths = (dtype: "Int4" | "Uint2" | "Int1") =>
    [0, 1, 2, 3, 4, 5, 8, 9].map((size) => byteLengthOf(dtype, size));
  assertEquals(lengths("Int4"), [0, 1, 1, 2, 2, 3, 4, 5]);
  assertEquals(lengths("Uint2"), [0, 1, 1, 1, 1, 2, 2, 3]);
  assertEquals(lengths("Int1"), [0, 1, 1, 1, 1, 1, 1, 2]);
  assertEquals(byteLengthOf("Complex128", 3), 48);
});

Deno.test("byteLengthOf() stays exact where bits would overflow, and throws when bytes do", () => {
  const largest = Number.MAX_SAFE_INTEGER;
  assertEquals(byteLengthOf("Int8", largest), largest);
  assertEquals(byteLengthOf("Int1", largest), 2 ** 50);
  assertThrows(() => byteLengthOf("Int16", largest), ShapeError, "more than 2^53 - 1 bytes");
  for (const size of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => byteLengthOf("Int8", size), ShapeError, `"${size}" elements found`);
  }
});

Deno.test("sizeOf() multiplies, a scalar has one element, a zero makes it empty", () => {
  assertEquals(sizeOf([]), 1);
  assertEquals(sizeOf([2, 3, 4]), 24);
  assertEquals(sizeOf([3, 0]), 0);
  assertEquals(sizeOf([2 ** 50, 0, 2 ** 50]), 0);
  assertEquals(Object.is(sizeOf([5, -0]), 0), true);
});

Deno.test("sizeOf() names the axis of a dimension that is none", () => {
  for (const dimension of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => sizeOf([2, dimension]), ShapeError, `dimension "${dimension}" of axis 1`);
  }
  assertThrows(() => sizeOf([0, -1]), ShapeError, "axis 1");
  assertThrows(() => sizeOf([2 ** 32, 2 ** 32]), ShapeError, "more than 2^53 - 1 elements");
});

Deno.test("shapeText() prints as GoMLX does", () => {
  assertEquals(shapeText("Float32", [2, 3]), "(Float32)[2 3]");
  assertEquals(shapeText("Int64", []), "(Int64)");
  assertEquals(shapeText("Bool", [0]), "(Bool)[0]");
});

Deno.test("sameDimensions() compares axis by axis", () => {
  assert(sameDimensions([], []));
  assert(sameDimensions([2, 3], [2, 3]));
  assert(!sameDimensions([2, 3], [3, 2]));
  assert(!sameDimensions([2, 3], [2, 3, 1]));
});
