import { joinBytes } from "../format/join_bytes.ts";
import { type HostileCase, pairCase, writeSparse } from "./hostile_case.ts";
import { BASE } from "./hostile_case.ts";
import { goodPayload, manifestText, RATE, STEP, WEIGHTS } from "./manifest_text.ts";
import { join } from "@std/path";

const GOOD = goodPayload();
const MIB = 2 ** 20;
/** Refused as a number, as too large, or as not fitting the payload. */
const NUMBER = ["format", "limit", "corrupt"] as const;

/** Wrong numbers, shapes, counts and texts in a manifest. */
export function manifestCases(): HostileCase[] {
  return [...numberCases(), ...placeCases(), ...shapeCases(), ...countCases(), ...jsonCases(), ...encodingCases()];
}

function numberCases(): HostileCase[] {
  const texts = [
    ...["9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551616"],
    ...["-1", "-9223372036854775808", "1e400", "-1e400", "1.0", "1e2", "0.5", "-0.0", "1E5", "00", "+1", "0x10", ".5"],
    ...["1.", "1e", "--1", "NaN", "Infinity", "9".repeat(100_000), `1e${"9".repeat(1000)}`, "8-", "1_000", "１"],
    ...['"8"', "true", "[]", "{}", "[8]", '""', "undefined", ""],
  ];
  return texts.flatMap((text) => {
    const short = text.slice(0, 24);
    return [
      pairCase({ name: `Pos ${short}`, expect: NUMBER }, manifestText([WEIGHTS, { ...STEP, Pos: text }]), GOOD),
      pairCase({ name: `Length ${short}`, expect: NUMBER }, manifestText([WEIGHTS, { ...STEP, Length: text }]), GOOD),
      pairCase(
        { name: `dimension ${short}`, expect: NUMBER },
        manifestText([{ ...WEIGHTS, Dimensions: `[2, ${text}]` }, STEP]),
        GOOD,
      ),
    ];
  });
}

function placeCases(): HostileCase[] {
  const rows = (weights: object, step: object): string =>
    manifestText([{ ...WEIGHTS, ...weights }, { ...STEP, ...step }]);
  const corrupt: [string, string][] = [
    ["variables overlap by a byte", rows({}, { Pos: "15" })],
    ["variables overlap wholly", rows({}, { Pos: "0" })],
    ["variables overlap in reverse order", rows({ Pos: "4" }, { Pos: "0" })],
    ["Length smaller than the shape", rows({ Length: "15" }, {})],
    ["Length 0", rows({ Length: "0" }, {})],
    ["a variable ends a byte after the payload", rows({}, { Pos: "17" })],
    ["Pos far after the payload", rows({}, { Pos: "9007199254740000" })],
    ["Pos + Length overflows", rows({}, { Pos: "9007199254740991", Length: "9007199254740991" })],
    ["Length of the first hides the second", rows({ Length: "9007199254740991" }, { Pos: undefined })],
    [
      "a thousand variables in one place",
      manifestText(Array.from({ length: 1000 }, (_, i) => ({
        ...WEIGHTS,
        ParameterName: `"var:/v${i}"`,
      }))),
    ],
  ];
  const weights = "(Float32)[2 2] 0000803f000000400000404000008040";
  const values = { "/layer/weights": weights, "/global_step": "(Int64) 0700000000000000" };
  return [
    ...corrupt.map(([name, text]) => pairCase({ name, expect: ["corrupt"] }, text, GOOD)),
    pairCase(
      { name: "Length claims the next variable's bytes too", expect: "loads", values },
      rows({ Length: "24" }, {}),
      GOOD,
    ),
    pairCase({ name: "variables in reverse order", expect: "loads", values }, manifestText([STEP, WEIGHTS]), GOOD),
    pairCase(
      {
        name: "duplicate names: the last one counts",
        expect: "loads",
        values: { "/layer/weights": "(Int64) 0700000000000000" },
      },
      rows({}, { ParameterName: WEIGHTS.ParameterName }),
      GOOD,
    ),
    pairCase(
      { name: "duplicate keys: the last one counts", expect: "loads", values },
      manifestText([{ ...WEIGHTS, pos: "9", "poS": "0" }, STEP]),
      GOOD,
    ),
  ];
}

function shapeCases(): HostileCase[] {
  const shaped = (dimensions: string, more: object = {}): string =>
    manifestText([{ ...WEIGHTS, Dimensions: dimensions, ...more }, STEP]);
  const wrong: [string, string][] = [
    ["2^32 x 2^32", shaped("[4294967296, 4294967296]")],
    ["2^53 - 1 elements of 4 bytes", shaped("[9007199254740991]")],
    ["the product overflows to 4", shaped("[4294967296, 4294967296, 4]", { Length: undefined })],
    ["32 dimensions of 2^53 - 1", shaped(`[${Array(32).fill("9007199254740991").join()}]`)],
    ["rank 33", shaped(`[${Array(33).fill("1").join()}]`)],
    ["rank 10^6", shaped(`[${Array(1e6).fill("1").join()}]`)],
    ["rank 10^6 of null", shaped(`[${Array(1e6).fill("null").join()}]`)],
    ["2^50 bytes", shaped("[281474976710656]", { Pos: undefined, Length: undefined })],
    ["a dimension is a list", shaped("[[2], 2]")],
    ["dimensions are an object", shaped('{"0": 2, "length": 1}')],
    ["dtype with no tensors", shaped("[2, 2]", { DType: '"InvalidDType"' })],
    ["dtype __proto__", shaped("[2, 2]", { DType: '"__proto__"' })],
    ["dtype constructor", shaped("[2, 2]", { DType: '"constructor"' })],
    ["dtype of 60,000 characters", shaped("[2, 2]", { DType: JSON.stringify("F".repeat(60_000)) })],
    ["dtype number -1", shaped("[2, 2]", { DType: "-1" })],
    ["dtype number 2^31", shaped("[2, 2]", { DType: "2147483648" })],
  ];
  return [
    ...wrong.map(([name, text]) => pairCase({ name, expect: NUMBER }, text, GOOD)),
    pairCase(
      {
        name: "an empty variable with a huge other dimension",
        expect: "loads",
        values: { "/layer/weights": "(Float32)[9007199254740991 0]" },
      },
      shaped("[9007199254740991, 0]", { Length: "0" }),
      GOOD,
    ),
    {
      name: "1 TiB in a sparse payload",
      expect: ["limit"],
      async make(directory): Promise<void> {
        const row = { ...WEIGHTS, DType: '"Uint8"', Dimensions: "[1099511627776]", Length: "1099511627776" };
        await Deno.writeTextFile(join(directory, `${BASE}.json`), manifestText([row]));
        await writeSparse(join(directory, `${BASE}.bin`), 2 ** 40);
      },
    },
  ];
}

function countCases(): HostileCase[] {
  const rows = (row: string, count: number): Uint8Array =>
    new TextEncoder().encode(`{"Variables": [${`${row},`.repeat(count)}${row}]}`);
  const params = (row: string, count: number): Uint8Array =>
    new TextEncoder().encode(`{"Params": [${`${row},`.repeat(count)}${row}]}`);
  const tooMany = { expect: ["limit"], alone: true } as const;
  const empty = new Uint8Array(0);
  return [
    pairCase({ ...tooMany, name: "10^6 + 1 variables" }, rows('{"DType":"Bool"}', 1e6), empty),
    pairCase({ ...tooMany, name: "10^6 + 1 params" }, params("{}", 1e6), empty),
    pairCase({ ...tooMany, name: "3 * 10^6 params", expect: NUMBER }, params("{}", 3e6), empty),
    pairCase({ ...tooMany, name: "10^6 variables of null", expect: NUMBER }, rows("null", 1e6), empty),
    pairCase({ ...tooMany, name: "10^6 lists", expect: NUMBER }, rows("[]", 1e6), empty),
    pairCase(
      { name: "10,000 variables of a byte", expect: "loads", alone: true },
      `{"Variables": [${Array.from({ length: 10_000 }, (_, i) => `{"ParameterName":"var:/${i}","DType":"Bool"}`)}]}`,
      new Uint8Array(10_000),
    ),
    {
      name: "a manifest a byte over 256 MiB",
      expect: ["limit"],
      async make(directory): Promise<void> {
        const text = new TextEncoder().encode(manifestText());
        await writeSparse(join(directory, `${BASE}.json`), 256 * MIB + 1, text);
        await Deno.writeFile(join(directory, `${BASE}.bin`), GOOD);
      },
    },
    {
      name: "a manifest of 256 MiB of zeros",
      expect: ["format"],
      alone: true,
      memory: 256 + 64, // The documented limit of a manifest, which is read whole.
      async make(directory): Promise<void> {
        await writeSparse(join(directory, `${BASE}.json`), 256 * MIB);
        await Deno.writeFile(join(directory, `${BASE}.bin`), GOOD);
      },
    },
  ];
}

function jsonCases(): HostileCase[] {
  const million = 1e6;
  const open = "[".repeat(million);
  const objects = '{"a":'.repeat(million);
  const value = (text: string): string => manifestText(undefined, [{ ...RATE, Value: text }]);
  const deep: [string, string][] = [
    ["10^6 [", open],
    ["10^6 [ in a param", value(open)],
    ["10^6 [ in an unknown key", manifestText(undefined, undefined, { extra: open })],
    ["10^6 [ closed again", value(open + "]".repeat(million))],
    ["10^6 objects in a param", value(objects)],
    ["10^6 objects", objects],
    ["10^6 [ for a string", manifestText([{ ...WEIGHTS, ParameterName: open }])],
    ["6 * 10^6 [", "[".repeat(6 * million)],
    ["65 levels", value("[".repeat(62) + "]".repeat(62))],
  ];
  const texts: [string, string | Uint8Array][] = [
    ["nothing", ""],
    ["blank", " \n\t "],
    ["null", "null"],
    ["a list", "[]"],
    ["a number", "1"],
    ["a string", '"Variables"'],
    ["two commas", '{"Params": null,, "Variables": []}'],
    ["a comma at the end", '{"Params": null, "Variables": [],}'],
    ["a comment", '{/* */"Params": null, "Variables": []}'],
    ["single quotes", "{'Params': null}"],
    ["a line feed in a string", '{"Params\n": null}'],
    ["an unknown escape", '{"Para\\x6ds": null}'],
    ["a short escape", '{"Para\\u006": null}'],
    ["a backslash at the end", '{"Params\\'],
    ["Params of the wrong type", '{"Params": {}, "Variables": []}'],
    ["Variables of the wrong type", '{"Params": null, "Variables": "x"}'],
    ["BinFormat of the wrong type", '{"Params": null, "Variables": [], "BinFormat": 1}'],
    ["no name", manifestText([{ ...WEIGHTS, ParameterName: undefined }])],
    ["a name without var:", manifestText([{ ...WEIGHTS, ParameterName: '"/layer/weights"' }])],
    ["a param with a relative scope", manifestText(undefined, [{ ...RATE, Scope: '"layer"' }])],
    ["a param beyond float64", value("1e400")],
    ["a param of 10^5 digits", value("9".repeat(100_000))],
    ["an HTML page", "<!DOCTYPE html><html></html>"],
    ["a gzip stream", joinBytes(new Uint8Array([0x1f, 0x8b, 8, 0]), new Uint8Array(100))],
  ];
  const many = `[${"1,".repeat(240_000)}1]`;
  const exact = JSON.stringify(many);
  return [
    ...deep.map(([name, text]) => pairCase({ name, expect: ["limit", "format"] }, text, GOOD)),
    ...texts.map(([name, text]) => pairCase({ name: `json: ${name}`, expect: ["format"] }, text, GOOD)),
    pairCase({ name: "a param of 62 levels", expect: "loads" }, value("[".repeat(61) + "]".repeat(61)), GOOD),
    pairCase({ name: "a param of 240,000 numbers", expect: "loads", alone: true }, value(many), GOOD),
    pairCase(
      { name: "a param of 60,000 empty objects", expect: "loads", alone: true },
      value(`[${"{},".repeat(60_000)}{}]`),
      GOOD,
    ),
    pairCase({ name: "a param of 480,000 numbers", expect: ["limit"], alone: true }, value(`[${many},${many}]`), GOOD),
    pairCase(
      { name: "an unknown key of 480,000 numbers", expect: ["limit"], alone: true },
      manifestText(undefined, undefined, { extra: `[${many},${many}]` }),
      GOOD,
    ),
    pairCase(
      { name: "20 exact values of 240,000 numbers", expect: ["limit", "format"], alone: true },
      manifestText(undefined, Array(20).fill({ ...RATE, Value: "null", Cairn: `{"Exact": ${exact}}` })),
      GOOD,
    ),
    pairCase(
      { name: "a string of 12 MiB", expect: "loads", alone: true },
      value(JSON.stringify("x".repeat(12 * MIB))),
      GOOD,
    ),
    pairCase(
      { name: "a string of 17 MiB", expect: ["limit"], alone: true },
      value(JSON.stringify("x".repeat(17 * MIB))),
      GOOD,
    ),
    pairCase(
      { name: "8 MiB of escapes", expect: "loads", alone: true },
      value(`"${"\\u0041".repeat(8 * MIB / 6)}"`),
      GOOD,
    ),
    pairCase({ name: "a key of 65 KiB", expect: ["limit"] }, value(`{"${"k".repeat(66_560)}": 1}`), GOOD),
    pairCase(
      { name: "a name of 65 KiB", expect: ["limit"] },
      manifestText([{ ...WEIGHTS, ParameterName: `"var:/${"n".repeat(66_560)}"` }]),
      GOOD,
    ),
    pairCase({ name: "text after the manifest", expect: "loads" }, `${manifestText()}[[[[ rest`, GOOD),
  ];
}

function encodingCases(): HostileCase[] {
  const marked = manifestText([{ ...WEIGHTS, ParameterName: '"var:/layer/@"' }, STEP], [{
    ...RATE,
    Key: '"k@"',
    Value: '"v@"',
    ValueType: '"string"',
  }]);
  const [head = "", name = "", key = "", tail = ""] = marked.split("@");
  const put = (parts: readonly (string | Uint8Array)[]): Uint8Array =>
    joinBytes(...parts.map((part) => typeof part === "string" ? new TextEncoder().encode(part) : part));
  const invalid: [string, number[]][] = [
    ["a lone byte 0xff", [0xff]],
    ["a continuation byte", [0x80]],
    ["an overlong /", [0xc0, 0xaf]],
    ["a surrogate half in UTF-8", [0xed, 0xa0, 0x80]],
    ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["half a character", [0xe2, 0x82]],
  ];
  const text = manifestText();
  const utf16 = new Uint8Array(new Uint16Array(Array.from(`\ufeff${text}`, (each) => each.charCodeAt(0))).buffer);
  return [
    ...invalid.flatMap(([what, bytes]) => {
      const bad = new Uint8Array(bytes);
      const expected = { expect: ["format"] } as const;
      return [
        pairCase({ ...expected, name: `${what} in a key` }, put([head, bad, name, "x", key, "x", tail]), GOOD),
        pairCase({ ...expected, name: `${what} in a value` }, put([head, "x", name, bad, key, "x", tail]), GOOD),
        pairCase({ ...expected, name: `${what} in a name` }, put([head, "x", name, "x", key, bad, tail]), GOOD),
        pairCase({ ...expected, name: `${what} before the manifest` }, put([bad, text]), GOOD),
      ];
    }),
    pairCase({ name: "a byte order mark", expect: ["format"] }, `\ufeff${text}`, GOOD),
    pairCase({ name: "UTF-16", expect: ["format"] }, utf16, GOOD),
    pairCase(
      {
        name: "lone surrogates in escapes",
        expect: "loads",
        values: {
          "/ k\ufffd": 'string "v\ufffd\ufffd"',
          "/layer/\ufffd": "(Float32)[2 2] 0000803f000000400000404000008040",
        },
      },
      [head, "\\ud800", name, "\\udc00\\ud800", key, "\\udfff", tail].join(""),
      GOOD,
    ),
  ];
}
