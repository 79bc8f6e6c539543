import { assert, assertEquals } from "@std/assert";
import { goParam } from "../../src/context/mod.ts";
import { goText } from "../../src/context/go_text.ts";
import { goParamOf, readExpected } from "./golden.ts";

/** Values that cannot come back from a checkpoint as what they were in Go. */
const FOREIGN = /^(\*|main\.|shapes\.|time\.|dtypes\.|\[\]uint8)/;

Deno.test("goText() prints as Go's %v when the values are those of the golden params", async () => {
  let compared = 0;
  for (const name of ["params", "params-scopes"]) {
    const { saved, loaded } = await readExpected(name);
    for (const { key, goType, value, text } of [...saved.params, ...loaded.params]) {
      if (FOREIGN.test(goType) || value.v === undefined) continue; // bytes that are no UTF-8 have no "v"
      assertEquals(goText(goParamOf(value)), text, `${name} ${key}`);
      compared++;
    }
  }
  assert(compared > 100, `${compared}`);
});

for (
  const [value, text] of [
    [0.01, "0.01"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [123456789, "1.23456789e+08"],
    [999999.5, "999999.5"],
    [100000, "100000"],
    [1e6, "1e+06"],
    [1e20, "1e+20"],
    [1e21, "1e+21"],
    [NaN, "NaN"],
    [Infinity, "+Inf"],
    [-Infinity, "-Inf"],
    [-0, "-0"],
    [3, "3"],
  ] as const
) {
  Deno.test(`goText() prints ${text} when the float64 is ${value}`, () => {
    assertEquals(goText(goParam("float64", value)), text);
  });
}
