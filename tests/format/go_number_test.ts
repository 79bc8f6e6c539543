import { assertEquals } from "@std/assert";
import { float32Text, float64Text } from "../../src/format/go_number.ts";

Deno.test("float64Text() writes numbers as Go's JSON encoder does", () => {
  const cases: [number, string][] = [
    [1e-6, "0.000001"],
    [9.99e-7, "9.99e-7"],
    [1e-7, "1e-7"],
    [1e20, "100000000000000000000"],
    [1e21, "1e+21"],
    [1.5e300, "1.5e+300"],
    [5e-324, "5e-324"],
    [-0, "-0"],
    [0, "0"],
    [1e7, "10000000"],
  ];
  for (const [value, wanted] of cases) assertEquals(float64Text(value), wanted);
});

Deno.test("float32Text() writes the fewest digits, as Go's JSON encoder does", () => {
  const cases: [number, string][] = [
    [0.1, "0.1"],
    [16777216, "16777216"],
    [1e-7, "1e-7"],
    [1e-6, "0.000001"],
    [1e21, "1e+21"],
    [3.4028234663852886e38, "3.4028235e+38"],
    [1e-45, "1e-45"],
    [-0, "-0"],
  ];
  for (const [value, wanted] of cases) assertEquals(float32Text(Math.fround(value)), wanted);
});

Deno.test("float32Text() rounds a half to the even digit, but for a power of two (texts by Go 1.26)", () => {
  const cases: [number, string][] = [
    [1048576.25, "1048576.2"],
    [186839.125, "186839.12"],
    [-2800147.25, "-2800147.2"],
    [1241513.75, "1241513.8"],
    [2 ** -12, "0.00024414063"],
    [3 * 2 ** -12, "0.0007324219"],
  ];
  for (const [value, wanted] of cases) assertEquals(float32Text(value), wanted);
});

Deno.test("float32Text() is read back as the same float32", () => {
  const view = new DataView(new ArrayBuffer(4));
  let state = 12345;
  for (let round = 0; round < 20_000; round++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    view.setUint32(0, state);
    const value = view.getFloat32(0);
    if (Number.isFinite(value)) assertEquals(Math.fround(Number(float32Text(value))), value);
  }
});
