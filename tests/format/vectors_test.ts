import { createHash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { goParam, type ParamValue } from "../../src/context/go_param.ts";
import {
  checkPayload,
  detectPayload,
  type Manifest,
  type ManifestDraft,
  type ParamDraft,
  parseManifest,
} from "../../src/format/mod.ts";
import { checkDraft, encodeManifest, layoutDraft } from "../../src/format/writing.ts";
import { draftOf, entryNamed, manifestBytes, unchanged } from "./drafts.ts";

const RAW = { compression: "none", dataOffset: 0, profile: undefined } as const;

Deno.test("encodeManifest() gives the JSON that GoMLX v0.19.4 wrote for the specification's example", () => {
  const draft: ManifestDraft = {
    profile: "gomlx-0.10",
    compression: "none",
    extras: false,
    writer: "test",
    params: [
      param("/", "learning_rate", "float64", 0.01),
      param("/", "note", "string", "a<b & c"),
      param("/layer_1", "units", "[]int", [8, 16]),
    ],
    entries: [
      { scope: "/layer_1", name: "weights", dtype: "Float32", dimensions: [2, 2], trainable: true, kept: undefined },
      { scope: "/", name: "global_step", dtype: "Int64", dimensions: [], trainable: false, kept: undefined },
    ],
    unknown: [],
  };
  const layout = layoutDraft(draft);
  assertEquals(layout, { positions: [0, 16], payloadSize: 24 });
  const { bytes } = encodeManifest(draft, layout, unchanged(draft.entries));
  assertEquals(bytes.length, 613);
  assertEquals(
    createHash("sha256").update(bytes).digest("hex"),
    "51e98e88db2d302630ff16c615d4edcba84f7619343ddf6d0085aecf1bc0235c",
  );
});

Deno.test("encodeManifest() gives Go's text for a checkpoint of nothing", () => {
  const draft: ManifestDraft = {
    profile: "gomlx-0.25",
    compression: "gzip",
    extras: false,
    writer: "test",
    params: null,
    entries: [],
    unknown: [],
  };
  const { bytes } = encodeManifest(draft, layoutDraft(draft), []);
  const wanted = '{\n\t"Params": null,\n\t"Variables": [],\n\t"BinFormat": "gzip"\n}\n';
  assertEquals(new TextDecoder().decode(bytes), wanted);
});

// Rows of the version matrix of which no real file was at hand. All hand-made.

Deno.test("hand-made v0.0.1 – v0.3.1: dtypes are numbers; read, reported as upgraded, written with names", () => {
  const codes: [number, string, number][] = [
    [1, "Bool", 1],
    [4, "Int32", 4],
    [5, "Int64", 8],
    [6, "Uint8", 1],
    [11, "Float32", 4],
    [12, "Float64", 8],
    // These could not be stored then, but have numbers.
    [2, "Int8", 1],
    [3, "Int16", 2],
    [7, "Uint16", 2],
    [8, "Uint32", 4],
    [9, "Uint64", 8],
    [10, "Float16", 2],
    [15, "Complex64", 8],
    [16, "BFloat16", 2],
    [18, "Complex128", 16],
  ];
  let at = 0;
  const rows = codes.map(([code, , size]) => {
    at += size * 3;
    return { ParameterName: `var:/s/v${code}`, Dimensions: [3], DType: code, Pos: at - size * 3, Length: size * 3 };
  });
  const manifest = parse({ Params: [{ Scope: "/", Key: "n", Value: 3 }], Variables: rows });
  assertEquals([manifest.generation, manifest.profile, manifest.upgraded], ["integer-dtypes", "gomlx-0.10", true]);
  for (const [code, dtype] of codes) {
    assertEquals(entryNamed(manifest, `var:/s/v${code}`).dtype, dtype);
    assertEquals(entryNamed(manifest, `var:/s/v${code}`).dtypeName, String(code));
  }
  assertEquals(manifest.params[0]?.param, goParam("float64", 3));
  const again = rewritten(manifest);
  assertEquals([again.upgraded, again.entries.map(({ dtypeName }) => dtypeName)], [
    false,
    codes.map(([, dtype]) => dtype),
  ]);
});

Deno.test("hand-made v0.4.0 – v0.7.2: UInt spelling, params without ValueType; both are kept", () => {
  const manifest = parse({
    Params: [
      { Scope: "/", Key: "layers", Value: 3 },
      { Scope: "/a", Key: "name", Value: "x" },
    ],
    Variables: [
      { ParameterName: "var://#rngState", Dimensions: [3], DType: "UInt64", Pos: 0, Length: 24 },
      { ParameterName: "var:/s/b", Dimensions: [2], DType: "UInt8", Pos: 24, Length: 2 },
    ],
  });
  assertEquals([manifest.generation, manifest.upgraded], ["untyped-params", false]);
  assertEquals(manifest.entries.map(({ dtype }) => dtype), ["Uint64", "Uint8"]);
  assertEquals(manifest.params.map(({ param, hasValueType }) => [param.goType, param.value, hasValueType]), [
    ["float64", 3, false],
    ["string", "x", false],
  ]);
  const again = rewritten(manifest);
  assertEquals(again.entries.map(({ dtypeName }) => dtypeName), ["UInt64", "UInt8"]);
  assertEquals(again.params.map(({ hasValueType }) => hasValueType), [false, false]);
  assertEquals(again, manifest);
});

Deno.test("hand-made v0.8.0 – v0.9.1: UInt spelling with typed params", () => {
  const manifest = parse({
    Params: [{ Scope: "/", Key: "layers", Value: 3, ValueType: "int" }],
    Variables: [{ ParameterName: "var:/s/b", Dimensions: [2], DType: "UInt16", Pos: 0, Length: 4 }],
  });
  assertEquals(manifest.generation, "uint-spelling");
  assertEquals(rewritten(manifest), manifest);
});

Deno.test("hand-made v0.27: packed dtypes as S4, U4, S2, U2; v0.28: as Int4 … and Int1, Uint1", () => {
  const rows = (names: string[]) =>
    names.map((DType, index) => ({
      ParameterName: `var:/s/v${index}`,
      Dimensions: [9],
      DType,
      Pos: index * 8,
      Length: 8,
    }));
  const sizes = (names: string[]) =>
    parse({ Variables: rows(names) }).entries.map(({ dtype, byteLength }) => [dtype, byteLength]);
  assertEquals(sizes(["S4", "U4", "S2", "U2"]), [["Int4", 5], ["Uint4", 5], ["Int2", 3], ["Uint2", 3]]);
  assertEquals(sizes(["Int4", "Uint4", "Int2", "Uint2", "Int1", "Uint1"]), [
    ["Int4", 5],
    ["Uint4", 5],
    ["Int2", 3],
    ["Uint2", 3],
    ["Int1", 2],
    ["Uint1", 2],
  ]);
  const row = { ParameterName: "var:/s/v", Dimensions: [9], Pos: 0, Length: 5 };
  const old = parse({ Variables: [{ ...row, DType: "S4" }], BinFormat: "uncompressed" });
  const young = parse({ Variables: [{ ...row, DType: "Int4" }], BinFormat: "uncompressed" });
  assertEquals([old.profile, young.profile], ["gomlx-0.25", "gomlx-0.28"]);
  assertEquals([rewritten(old), rewritten(young)], [old, young]);
});

Deno.test("hand-made v0.28 re-save of an old file: var:/x counts, the var://x beside it does not", () => {
  const row = (ParameterName: string, Pos: number) => ({
    ParameterName,
    Dimensions: null,
    DType: "Int64",
    Pos,
    Length: 8,
  });
  for (const order of [["var:/global_step", "var://global_step"], ["var://global_step", "var:/global_step"]]) {
    const manifest = parse({ Variables: order.map((name, index) => row(name, index * 8)), BinFormat: "gzip" });
    assertEquals(manifest.profile, "gomlx-0.28");
    assertEquals(manifest.entries.map(({ parameterName }) => parameterName), ["var:/global_step"]);
    assertEquals([manifest.reports.length, manifest.payloadSize], [1, 16]);
  }
  // Up to v0.27 it is the other way round; without BinFormat the file is older.
  const old = parse({ Variables: [row("var://x", 0), row("var:/x", 8)] });
  assertEquals(old.entries.map(({ parameterName }) => parameterName), ["var://x"]);
});

Deno.test("hand-made development headers are followed by gzip at once", () => {
  const bin = new TextEncoder().encode("gomlx_gzip");
  const head = new Uint8Array([...bin, 0x1f, 0x8b]);
  assertEquals(detectPayload(head, { path: "x" }).dataOffset, 10);
});

Deno.test("a manifest's keys match in any case, as in Go, and the last duplicate counts", () => {
  const text = '{"PARAMS":[{"scope":"/","KEY":"k","value":1,"valuetype":"int","\u017fcope":"/a","\u212aey":"z"}],' +
    '"variables":[],"Variables":[{"parametername":"var:/s/x","dimenſionſ":[9],"Dimensions":[2],"dtype":"float32",' +
    '"pos":8,"POS":0,"length":8}],"binformat":"gzip"}';
  const manifest = parseManifest(new TextEncoder().encode(text), { path: "x" });
  assertEquals(manifest.params.map(({ scope, key }) => [scope, key]), [["/a", "z"]]);
  assertEquals(manifest.entries.map(({ dimensions, dtype, position }) => [dimensions, dtype, position]), [[
    [2],
    "Float32",
    0,
  ]]);
  assertEquals([manifest.binFormat, manifest.unknown, manifest.reports], ["gzip", [], []]);
});

Deno.test("unknown keys of every level survive, and null and missing fields are as in Go", () => {
  const manifest = parse({
    Comment: [1, { a: 2 }],
    Params: [{ Scope: "/", Key: "k", Value: 1, ValueType: "int", Extra: true }],
    Variables: [{ ParameterName: "var:/s/x", DType: "Float32", Pos: null, Length: 4, Sha256: "abc", More: null }],
    Meta: null,
  });
  const entry = entryNamed(manifest, "var:/s/x");
  assertEquals([entry.dimensions, entry.nullDimensions, entry.position], [[], true, 0]);
  assertEquals(entry.unknown, [["Sha256", "abc"], ["More", null]]);
  assertEquals(manifest.unknown.map(([key]) => key), ["Comment", "Meta"]);
  const again = rewritten(manifest);
  assertEquals({ ...again, reports: [] }, { ...manifest, reports: [] });
  const nothing = parse({});
  assertEquals([nothing.entries, nothing.params, nothing.nullParams, nothing.payloadSize], [[], [], true, 0]);
  assertEquals(parse({ Params: [], Variables: null }).nullParams, false);
});

Deno.test("variables without any Pos and Length follow each other", () => {
  const manifest = parse({
    Variables: [
      { ParameterName: "var:/s/x", Dimensions: [2], DType: "Float32" },
      { ParameterName: "var:/s/y", Dimensions: [3], DType: "Float32" },
    ],
  });
  assertEquals(manifest.entries.map(({ position, length }) => [position, length]), [[0, 8], [8, 12]]);
  assertEquals([manifest.payloadSize, manifest.reports], [20, []]);
});

Deno.test("gaps, other orders and lengths beyond the shape are read by Pos, and reported", () => {
  const row = (name: string, Pos: number, Length: number) => ({
    ParameterName: `var:/s/${name}`,
    Dimensions: [2],
    DType: "Float32",
    Pos,
    Length,
  });
  const cases: [ReturnType<typeof row>[], RegExp, number][] = [
    [[row("x", 0, 8), row("y", 12, 8)], /^payload bytes 8 to 12 before "var:\/s\/y" belong to no variable$/, 20],
    [[row("x", 4, 8)], /^payload bytes 0 to 4 /, 12],
    [[row("y", 8, 8), row("x", 0, 8)], /not in the order of their positions/, 16],
    [[row("x", 0, 12), row("y", 12, 8)], /Length 12 is more than the 8 bytes of its shape/, 20],
    [[row("x", 0, 8), row("y", 8, 999)], /Length 999 is more/, 16],
  ];
  for (const [Variables, report, payloadSize] of cases) {
    const manifest = parse({ Variables });
    assertEquals([manifest.reports.length, report.test(manifest.reports[0] ?? "")], [1, true], manifest.reports.join());
    assertEquals(manifest.entries.map(({ position }) => position), Variables.map(({ Pos }) => Pos));
    assertEquals(manifest.payloadSize, payloadSize);
    assertEquals(checkPayload(manifest, RAW, payloadSize, { path: "x" }), []);
  }
});

function parse(manifest: unknown): Manifest {
  return parseManifest(manifestBytes(manifest), { path: "x.json" });
}

/** The manifest after it was written again without extras. */
function rewritten(manifest: Manifest): Manifest {
  const draft = draftOf(manifest, RAW, { extras: false });
  assertEquals(checkDraft(draft), []);
  return parseManifest(encodeManifest(draft, layoutDraft(draft), unchanged(draft.entries)).bytes, { path: "x.json" });
}

function param(scope: string, key: string, goType: string, value: ParamValue): ParamDraft {
  return { scope, key, param: goParam(goType, value), kept: undefined };
}
