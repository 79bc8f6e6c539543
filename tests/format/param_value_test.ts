import { assert, assertEquals, assertThrows } from "@std/assert";
import { GoParam, type ParamValue } from "../../src/context/go_param.ts";
import { FormatError } from "../../src/errors.ts";
import { paramFromJson, paramToJson, parseJson } from "../../src/format/mod.ts";
import { stringifyGo } from "../../src/format/writing.ts";

/** Go type and JSON, the value it is read as, and whether it fits. */
type Case = [goType: string, json: string, value: ParamValue, fits?: false];

const CASES: readonly Case[] = [
  ["int", "3", 3],
  ["int", "1e3", 1000],
  ["int", "1E3", 1000],
  ["int", "-0", 0],
  ["int", "9007199254740993", 9007199254740993n],
  ["int", "-9223372036854775808", -9223372036854775808n],
  ["int", "1.9", 1.9, false],
  ["int", "9223372036854775808", 9223372036854775808n, false],
  ["int", "1e300", 1e300, false],
  ["int", '"5"', "5", false],
  ["int", "true", true, false],
  ["int", "null", null, false],
  ["int", "[]", [], false],
  ["int8", "300", 300, false],
  ["uint8", "-1", -1, false],
  ["uint32", "4294967295", 4294967295],
  ["uint64", "18446744073709551615", 18446744073709551615n],
  ["int16", "5", 5],
  ["uintptr", "9", 9],
  ["time.Duration", "9007199254740993", 9007199254740993n],
  ["float64", "3", 3],
  ["float64", "-0", -0],
  ["float64", "9007199254740993", 9007199254740992],
  ["float64", "100000000000000000000", 1e20],
  ["float32", "0.1", Math.fround(0.1)],
  ["float32", "1e300", 1e300, false],
  ["bool", "true", true],
  ["bool", "5", 5, false],
  ["string", '"a"', "a"],
  ["string", "5", 5, false],
  ["string", "null", null, false],
  ["string", '"\\ufffd\\ud83d"', "\ufffd\ufffd"],
  ["<nil>", "null", null],
  ["", "5", 5],
  ["INT", "5", 5],
  ["main.myInt", "5", 5],
  ["main.myInt", "9007199254740993", 9007199254740993n],
  ["main.myFloat", "18446744073709552000", 18446744073709552000],
  ["[]int", "null", null],
  ["[]int", "[1,-2,9007199254740993]", [1, -2, 9007199254740993n]],
  ["[]int", '[1,"a"]', [1, "a"], false],
  ["[]int", "[1,2.9]", [1, 2.9], false],
  ["[]int", "5", 5, false],
  ["[]int", '"a"', "a", false],
  ["[]float32", "[0.1]", [Math.fround(0.1)]],
  ["[]string", '["a",""]', ["a", ""]],
  ["[2]int", "[1,2]", [1, 2]],
  ["[][]int", "[[1],[2,3]]", [[1], [2, 3]]],
  ["[]uint8", '"aGk="', "aGk="],
  ["[]interface {}", '[1,"a",2.5,null,true,[1]]', [1, "a", 2.5, null, true, [1]]],
  ["[]interface {}", "[9007199254740993]", [9007199254740993n]],
  ["*int", "1", 1],
];

Deno.test("paramFromJson() keeps the Go type and the exact value, and says what does not fit", () => {
  for (const [goType, json, value, fits] of CASES) {
    const { param, warning } = paramFromJson(goType, parseJson(json));
    assertEquals(param.goType, goType, json);
    assertEquals(param.value, value, `${goType} ${json}`);
    assert(Object.is(param.value, value) || typeof value === "object", `${goType} ${json}`);
    assertEquals(warning !== undefined, fits === false, `${goType} ${json}: ${warning}`);
  }
});

Deno.test("paramFromJson() reads files without ValueType as Go does: numbers are float64", () => {
  const cases: [string, string, ParamValue][] = [
    ["3", "float64", 3],
    ['"a"', "string", "a"],
    ["true", "bool", true],
    ["null", "<nil>", null],
    ["[1]", "[]interface {}", [1]],
  ];
  for (const [json, goType, value] of cases) {
    const { param, warning } = paramFromJson(undefined, parseJson(json));
    assertEquals([param.goType, param.value, warning], [goType, value, undefined]);
  }
});

Deno.test("paramFromJson() makes objects without prototype", () => {
  const { value } = paramFromJson("map[string]int", parseJson('{"__proto__":1,"constructor":2,"10":3,"2":4}')).param;
  assert(typeof value === "object" && value !== null);
  assertEquals(Object.getPrototypeOf(value), null);
  assertEquals(Object.keys(value).sort(), ["10", "2", "__proto__", "constructor"]);
});

Deno.test("paramFromJson() refuses numbers beyond float64, as Go does", () => {
  for (const json of ["1e400", "[-1e400]", '{"a":1e400}', "9".repeat(400)]) {
    assertThrows(() => paramFromJson("float64", parseJson(json)), FormatError, "beyond float64");
  }
});

Deno.test("paramToJson() writes what paramFromJson() read", () => {
  for (const [goType, json, , fits] of CASES) {
    if (fits === false) continue;
    const { value, exact } = paramToJson(paramFromJson(goType, parseJson(json)).param);
    assertEquals(exact, undefined);
    const again = paramFromJson(goType, value).param;
    assertEquals(again, paramFromJson(goType, parseJson(json)).param, `${goType} ${json}`);
  }
});

Deno.test("paramToJson() writes numbers by their Go type and sorts the keys of maps by UTF-8 bytes", () => {
  const cases: [string, ParamValue, string][] = [
    ["float64", 1e21, "1e+21"],
    ["float64", 3, "3"],
    ["float64", -0, "-0"],
    ["float32", Math.fround(0.1), "0.1"],
    ["[]float32", [Math.fround(0.1), 2], "[\n\t0.1,\n\t2\n]"],
    ["int64", 2n ** 60n, "1152921504606846976"],
    ["int64", -0, "0"],
    ["uint64", 1e19, "10000000000000000000"],
    ["map[string]int", { "2": 1, "10": 2, "～": 3, "🚀": 4 }, '{\n\t"10": 2,\n\t"2": 1,\n\t"～": 3,\n\t"🚀": 4\n}'],
    ["[]int", [], "[]"],
    ["map[string]interface {}", {}, "{}"],
  ];
  for (const [goType, value, text] of cases) {
    assertEquals(stringifyGo(paramToJson(new GoParam(goType, value)).value), `${text}\n`, goType);
  }
});

Deno.test("paramToJson() gives an exact text where JSON has none, and paramFromJson() reads it", () => {
  const cases: [string, ParamValue, string][] = [
    ["float64", NaN, "NaN"],
    ["float64", Infinity, "+Inf"],
    ["float32", -Infinity, "-Inf"],
    ["[]float64", [1, NaN, -Infinity], "[1,NaN,-Inf]"],
    ["map[string]interface {}", { "a\n": [NaN, null, "NaN", true] }, '{"a\\n":[NaN,null,"NaN",true]}'],
  ];
  for (const [goType, value, text] of cases) {
    const written = paramToJson(new GoParam(goType, value));
    assertEquals([written.value, written.exact], [null, text]);
    const { param, warning } = paramFromJson(goType, written.value, written.exact);
    assertEquals([param.goType, JSON.stringify(paramToJson(param))], [goType, JSON.stringify(written)]);
    assertEquals(warning, undefined);
  }
  assertThrows(() => paramFromJson("float64", null, "nan"), FormatError);
});
