import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { FormatError, LimitError } from "../../src/errors.ts";
import { JsonNumber, JsonObject, parseJson } from "../../src/format/mod.ts";
import { stringifyGo } from "../../src/format/writing.ts";

Deno.test("parseJson() and stringifyGo() keep number texts, key order, duplicate keys and __proto__", () => {
  const text =
    '{\n\t"b": 1.0,\n\t"10": 1E3,\n\t"2": 9007199254740993,\n\t"b": -0,\n\t"__proto__": [\n\t\t{},\n\t\t[]\n\t]\n}\n';
  assertEquals(stringifyGo(parseJson(text)), text);
});

Deno.test("stringifyGo() escapes as Go does", () => {
  const text = '\u0000\u0001\b\f\n\r\t\u001f\u007f"\\/<>&\u2028\u2029日本語🚀\ufffd';
  assertEquals(
    stringifyGo(text),
    '"\\u0000\\u0001\\b\\f\\n\\r\\t\\u001f\u007f\\"\\\\/\\u003c\\u003e\\u0026\\u2028\\u2029日本語🚀\ufffd"\n',
  );
  assertEquals(stringifyGo("a\ud800b\udc00🚀"), '"a\\ufffdb\\ufffd🚀"\n');
});

Deno.test("parseJson() reads every escape, and keeps an escaped U+FFFD apart from a literal one", () => {
  assertEquals(parseJson('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude80"'), '"\\/\b\f\n\r\tA🚀');
  for (const text of ['"\\ufffd"', '"\ufffd"', '"\\ufffd🚀\\ufffd\\ufffd"']) {
    assertEquals(stringifyGo(parseJson(text)), `${text}\n`);
  }
  // Go reads half a pair as U+FFFD, so it is written as such.
  const halves: [string, string][] = [
    ['"\\ud800"', "\ufffd"],
    ['"\\udc00"', "\ufffd"],
    ['"\\ud83d\\ud83d"', "\ufffd\ufffd"],
    ['"\\ud83d\\ufffd\\ude80"', "\ufffd\ufffd\ufffd"],
    ['"\\ud83dx"', "\ufffdx"],
  ];
  for (const [text, wanted] of halves) {
    const parsed = parseJson(text);
    assert(typeof parsed === "string");
    assertEquals(parsed.toWellFormed(), wanted);
    assertEquals(stringifyGo(parsed), `"${wanted.replaceAll("\ufffd", "\\ufffd")}"\n`);
  }
});

Deno.test("parseJson() keeps a byte order mark inside a string", () => {
  assertEquals(parseJson('"\ufeffa"'), "\ufeffa");
});

Deno.test("parseJson() refuses what is not JSON, with the offset", () => {
  const cases: [string, number][] = [
    ["", 0],
    ["  ", 2],
    ["\ufeff{}", 0],
    ["{", 1],
    ['{"a"}', 4],
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ["{a:1}", 1],
    ["[1,]", 3],
    ["[,1]", 1],
    ["[1 2]", 3],
    ["{}x", 2],
    ["nul", 3],
    ["True", 0],
    ["NaN", 0],
    ["+1", 0],
    ["01", 1],
    ["1.", 2],
    [".5", 0],
    ["1e", 2],
    ["-", 1],
    ['"a', 2],
    ['"\t"', 1],
    ['"\\x"', 1],
    ["'a'", 0],
    ["{}//", 2],
  ];
  for (const [text, offset] of cases) {
    const error = assertThrows(() => parseJson(text), FormatError, undefined, text);
    assertInstanceOf(error, FormatError);
    assertEquals(error.offset, offset, text);
  }
  for (const text of ['"\\u12"', '"\\u12G4"', '"\\']) assertThrows(() => parseJson(text), FormatError);
});

Deno.test("parseJson() refuses invalid UTF-8", () => {
  const bad = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80]];
  for (const bytes of bad) {
    assertThrows(() => parseJson(new Uint8Array([0x22, ...bytes, 0x22])), FormatError, "not UTF-8");
    assertThrows(() => parseJson(new Uint8Array([0x22, 0x5c, 0x6e, ...bytes, 0x22])), FormatError, "not UTF-8");
  }
});

Deno.test("parseJson() bounds depth and the number of values", () => {
  parseJson("[".repeat(64) + "]".repeat(64));
  assertThrows(() => parseJson("[".repeat(65) + "]".repeat(65)), LimitError, "64 nested");
  assertThrows(() => parseJson('{"a":'.repeat(65)), LimitError, "64 nested");
  assertThrows(() => parseJson(`[${"0,".repeat(250_000)}0]`), LimitError, "250000 values");
  parseJson(`[${"0,".repeat(240_000)}0]`);
});

Deno.test("parseJson() reads NaN and infinities only if asked to", () => {
  const node = parseJson("[NaN,+Inf,-Inf,-1]", { nonFinite: true });
  assert(Array.isArray(node));
  assertEquals(node.map((each) => each instanceof JsonNumber ? each.text : ""), ["NaN", "+Inf", "-Inf", "-1"]);
  for (const text of ["NaN", "+Inf", "-Inf", "Infinity"]) assertThrows(() => parseJson(text), FormatError);
});

Deno.test("parseJson() makes no prototype of __proto__", () => {
  const node = parseJson('{"__proto__":{"polluted":true}}');
  assert(node instanceof JsonObject);
  assertEquals(node.members[0]?.[0], "__proto__");
  assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
});

Deno.test("parseJson() reads strings and keys across its decoding windows", () => {
  const words = Array.from({ length: 30_000 }, (_, index) => `word ${index} é`.slice(0, 5 + index % 9));
  const long = "x".repeat(200_000);
  assertEquals(parseJson(JSON.stringify([...words, long])), [...words, long]);
});
