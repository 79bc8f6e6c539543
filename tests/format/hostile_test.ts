import { assert, assertEquals, assertInstanceOf, assertLess, assertThrows } from "@std/assert";
import { CheckpointError, CorruptError, FormatError, LimitError } from "../../src/errors.ts";
import { type Manifest, parseManifest } from "../../src/format/mod.ts";
import { encodeManifest, layoutDraft } from "../../src/format/writing.ts";
import { draftOf, unchanged } from "./drafts.ts";
import { readGolden } from "./golden_files.ts";

const PLACE = { path: "x.json" };
const ROW = { ParameterName: "var:/s/x", Dimensions: [2], DType: "Float32", Pos: 0, Length: 8 };

Deno.test("parseManifest() refuses a golden manifest cut at any byte", () => {
  const { json } = readGolden("v0.27/names/checkpoint-n0000000-20261123-205950-initial", "v0.27");
  const end = new TextDecoder("latin1").decode(json).lastIndexOf("}");
  for (let length = 0; length <= end; length++) {
    const error = assertThrows(
      () => parseManifest(json.subarray(0, length), PLACE),
      FormatError,
      "x.json",
      String(length),
    );
    assertEquals(error.path, "x.json");
  }
  // Only the line feed is missing.
  assertEquals(parseManifest(json.subarray(0, end + 1), PLACE), parseManifest(json, PLACE));
});

Deno.test("parseManifest() refuses hostile rows with a typed error that names file and variable", () => {
  const cases: [Record<string, unknown>, typeof FormatError | typeof CorruptError | typeof LimitError, string][] = [
    [{ Dimensions: [-2] }, FormatError, "dimension -2"],
    [{ Dimensions: [1125899906842624] }, CorruptError, "Length 8"],
    [{ Dimensions: [4294967296, 4294967296] }, LimitError, "2^53"],
    [{ Dimensions: [2 ** 52, 2 ** 52, 2 ** 52] }, LimitError, "2^53"],
    [{ Dimensions: new Array(33).fill(1) }, LimitError, "32 dimensions"],
    [{ Dimensions: ["2"] }, FormatError, "whole number"],
    [{ Dimensions: [[2]] }, FormatError, "whole number"],
    [{ Dimensions: {} }, FormatError, "list"],
    [{ Dimensions: 2 }, FormatError, "list"],
    [{ DType: "Float99" }, FormatError, '"Float99" is unknown'],
    [{ DType: "F32" }, FormatError, '"F32" is unknown'],
    [{ DType: "Float32 " }, FormatError, "is unknown"],
    [{ DType: "TOKEN" }, FormatError, "has no tensors"],
    [{ DType: "InvalidDType" }, FormatError, "has no tensors"],
    [{ DType: "__proto__" }, FormatError, "is unknown"],
    [{ DType: "" }, FormatError, "is unknown"],
    [{ DType: null }, FormatError, "no dtype"],
    [{ DType: undefined }, FormatError, "no dtype"],
    [{ DType: 0 }, FormatError, "dtype 0"],
    [{ DType: 13 }, FormatError, "dtype 13"],
    [{ DType: -1 }, FormatError, "dtype -1"],
    [{ DType: [] }, FormatError, "a dtype"],
    [{ DType: "S4", Length: 2 }, FormatError, "one byte per element"],
    [{ Pos: -1 }, CorruptError, "Pos -1"],
    [{ Pos: 2 ** 53 - 1 }, CorruptError, "Pos 9007199254740991"],
    [{ Pos: "0" }, FormatError, "a position"],
    [{ Pos: true }, FormatError, "a position"],
    [{ Length: 4 }, CorruptError, "Length 4"],
    [{ Length: -8 }, CorruptError, "Length -8"],
    [{ ParameterName: "x" }, FormatError, "var:/scope/name"],
    [{ ParameterName: "" }, FormatError, "var:/scope/name"],
    [{ ParameterName: null }, FormatError, "var:/scope/name"],
    [{ ParameterName: 5 }, FormatError, "a parameter name"],
    [{ ParameterName: `var:/${"s".repeat(70_000)}/x` }, LimitError, "65536"],
    [{ Cairn: { CRC32: "7" } }, FormatError, "CRC-32"],
    [{ Cairn: { Trainable: 1 } }, FormatError, "true or false"],
    [{ Cairn: [] }, FormatError, "object"],
  ];
  for (const [change, kind, text] of cases) {
    const error = assertThrows(() => parse({ Variables: [{ ...ROW, ...change }] }), kind, text, JSON.stringify(change));
    assertInstanceOf(error, kind);
    assertEquals(error.path, "x.json");
    assertLess(error.message.length, 100_000);
  }
});

Deno.test("parseManifest() takes numbers only as Go does: no point, exponent or overflow in places and shapes", () => {
  for (const number of ["0.0", "1.0", "8e0", "2.5", "1e400", "-0.5"]) {
    for (const key of ["Pos", "Length"]) {
      assertThrows(
        () => parseText(`{"Variables":[{"ParameterName":"var:/s/x","${key}":${number}}]}`),
        FormatError,
        "whole number",
      );
    }
    assertThrows(() => parseText(`{"Variables":[{"Dimensions":[${number}]}]}`), FormatError, "whole number");
  }
  for (const number of ["9007199254740992", "9223372036854775808", "-9223372036854775809", "9".repeat(1000)]) {
    assertThrows(() => parseText(`{"Variables":[{"Length":${number}}]}`), LimitError, "below 2^53");
    assertThrows(() => parseText(`{"Variables":[{"Dimensions":[${number}]}]}`), LimitError, "below 2^53");
  }
  assertThrows(
    () => parseText('{"Params":[{"Scope":"/","Key":"k","Value":1e400,"ValueType":"int"}]}'),
    FormatError,
    "beyond float64",
  );
});

Deno.test("parseManifest() refuses what is not a manifest", () => {
  for (
    const text of [
      "null",
      "[]",
      '"x"',
      "5",
      "true",
      " \n",
      "\ufeff{}",
      '{"Params":{}}',
      '{"Params":[null]}',
      '{"Variables":[null]}',
      '{"Variables":[5]}',
      '{"Variables":{}}',
      '{"BinFormat":3}',
      '{"Params":[{"Scope":"","Key":"k"}]}',
      '{"Params":[{"Scope":"a","Key":"k"}]}',
      '{"Params":[{}]}',
      '{"Params":null,}',
    ]
  ) {
    const error = assertThrows(() => parseText(text), FormatError, undefined, text);
    assertEquals(error.path, "x.json");
  }
  assertThrows(() => parseText(""), FormatError, "it is empty");
});

Deno.test("parseManifest() refuses variables that overlap", () => {
  const row = (name: string, Pos: number, count: number) => ({
    ...ROW,
    ParameterName: `var:/s/${name}`,
    Dimensions: [count],
    Pos,
    Length: count * 4,
  });
  for (
    const rows of [
      [row("a", 0, 2), row("b", 0, 2)],
      [row("a", 0, 2), row("b", 4, 2)],
      [row("b", 4, 1), row("a", 0, 4)],
      [row("a", 0, 9), row("b", 36, 1), row("c", 8, 1)],
    ]
  ) {
    assertThrows(() => parse({ Variables: rows }), CorruptError, "overlap");
  }
  // Bytes that nobody has cannot overlap.
  parse({ Variables: [row("a", 0, 2), { ...row("b", 4, 0), Length: 0 }] });
});

Deno.test("parseManifest() reads around names that mean something to JavaScript", () => {
  const text =
    '{"__proto__":{"polluted":1},"constructor":2,"Variables":[{"ParameterName":"var:/__proto__/constructor",' +
    '"DType":"Float32","__proto__":{"polluted":1},"toString":1}],"Params":[{"Scope":"/","Key":"__proto__",' +
    '"Value":{"__proto__":{"polluted":1}},"ValueType":"map[string]interface {}"}]}';
  const manifest = parseText(text);
  assertEquals([manifest.entries[0]?.scope, manifest.entries[0]?.name], ["/__proto__", "constructor"]);
  assertEquals(manifest.entries[0]?.unknown.map(([key]) => key), ["__proto__", "toString"]);
  assertEquals(manifest.unknown.map(([key]) => key), ["__proto__", "constructor"]);
  const value = manifest.params[0]?.param.value;
  assert(typeof value === "object" && value !== null);
  assertEquals([Object.getPrototypeOf(value), Object.keys(value)], [null, ["__proto__"]]);
  assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
});

Deno.test("parseManifest() refuses invalid UTF-8 in names and values", () => {
  const text =
    '{"Params":[{"Scope":"/","Key":"k","Value":"é","ValueType":"string"}],"Variables":[{"ParameterName":"var:/é","DType":"Int8"}]}';
  const bytes = new TextEncoder().encode(text);
  for (let at = bytes.indexOf(0xc3); at >= 0; at = bytes.indexOf(0xc3, at + 1)) {
    const bad = bytes.slice();
    bad[at] = 0xff;
    assertThrows(() => parseManifest(bad, PLACE), FormatError, "not UTF-8");
  }
});

Deno.test("parseManifest() tells text after the manifest, which Go ignores", () => {
  const manifest = parseText('{"Variables":[]}\n{garbage');
  assertEquals(manifest.reports.length, 1);
});

Deno.test("parseManifest() of a million duplicate and overlong oddities makes few reports", () => {
  const rows = Array.from({ length: 5000 }, (_, index) => ({ ...ROW, Pos: index * 20, Length: 12 }));
  const manifest = parse({ Variables: rows });
  assertEquals(manifest.entries.length, 1);
  assertLess(manifest.reports.length, 70);
  assert(manifest.reports.some((each) => each === "duplicate variable: 4979 more"));
});

Deno.test("parseManifest() of a mutated golden manifest gives a manifest that can be written, or a typed error", () => {
  const { json } = readGolden("v0.28/params/checkpoint-n0000000-20261123-205933-initial", "v0.28");
  const random = generator(20250601);
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const bad = json.slice();
    for (let change = random(3); change >= 0; change--) {
      const [from, to, size] = [random(bad.length), random(bad.length), random(12)];
      if (random(2) === 0) bad[from] = random(256);
      else bad.copyWithin(to, from, from + size);
    }
    let manifest: Manifest;
    try {
      manifest = parseManifest(bad, PLACE);
    } catch (error) {
      assertInstanceOf(error, CheckpointError, `round ${round}: ${error}`);
      refused++;
      continue;
    }
    const head = { compression: "none", dataOffset: 0, profile: undefined } as const;
    const draft = draftOf(manifest, head, { extras: true });
    const { bytes } = encodeManifest(draft, layoutDraft(draft), unchanged(draft.entries));
    assertEquals(parseManifest(bytes, PLACE).params, manifest.params, `round ${round}`);
  }
  assert(refused > 1000 && refused < 2990, String(refused));
});

Deno.test("hostile input is refused within 64 MiB above what it takes itself", async () => {
  const script = new URL("hostile_process.ts", import.meta.url).href;
  const names = [
    "nested",
    "deep-late",
    "zeros",
    "keys",
    "unknown-keys",
    "rows",
    "param-rows",
    "string",
    "bomb",
    "bomb-streamed",
  ];
  for (const name of names) {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-read", script, name],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      // Takes a second at most; what loops without end must not hold up the tests for ever.
      signal: AbortSignal.timeout(120_000),
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert(text !== "", new TextDecoder().decode(stderr));
    const { code, megabytes } = JSON.parse(text);
    assertEquals(code, "limit", name);
    assertLess(megabytes, 64, name);
  }
});

function parse(manifest: unknown): Manifest {
  return parseText(JSON.stringify(manifest));
}

function parseText(text: string): Manifest {
  return parseManifest(new TextEncoder().encode(text), PLACE);
}

/** Whole numbers below `limit`, the same in every run. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * limit);
  };
}
