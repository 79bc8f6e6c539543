import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { GoParam } from "../../src/context/go_param.ts";
import { CorruptError, FormatError, LimitError, ShapeError } from "../../src/errors.ts";
import { type Entry, type EntryDraft, type Manifest, type ManifestDraft, parseManifest } from "../../src/format/mod.ts";
import { checkDraft, encodeManifest, layoutDraft } from "../../src/format/writing.ts";
import type { DType } from "../../src/tensor/dtype.ts";
import { entryNamed, manifestBytes } from "./drafts.ts";

const PLACE = { path: "x.json" };

Deno.test("checkDraft() refuses what the profile cannot hold, before a byte is written", () => {
  const cases: [Partial<ManifestDraft>, typeof FormatError | typeof ShapeError | typeof LimitError, string][] = [
    [{ compression: "gzip" }, FormatError, "has no gzip"],
    [{ entries: [entry("/s", "x", "Int4")] }, FormatError, "no dtype Int4"],
    [{ entries: [entry("/s", "x", "Int1")], profile: "gomlx-0.25" }, FormatError, "no dtype Int1"],
    [{ entries: [entry("/s", "x", "Float32", [2, 0])] }, ShapeError, "no elements"],
    [{ entries: [entry("/s", "x", "Float32", [0])], profile: "gomlx-0.25" }, ShapeError, "no elements"],
    [{ entries: [entry("/s", "x", "Float32", new Array(33).fill(1))] }, ShapeError, "32 axes"],
    [{ entries: [entry("/s", "x", "Float32", [-1])] }, ShapeError, "-1"],
    [{ entries: [entry("/s", "x", "Float32", [2 ** 40, 2 ** 40])] }, ShapeError, ""],
    [{ entries: [entry("/s", "a/b")] }, FormatError, 'without "/"'],
    [{ entries: [entry("s", "x")] }, FormatError, 'starts with "/"'],
    [{ entries: [entry("", "x")] }, FormatError, 'starts with "/"'],
    [{ entries: [entry("/s", "\ud800")] }, FormatError, "surrogate"],
    [{ entries: [entry("/s", "x"), entry("/s", "x")] }, FormatError, "is taken by"],
    [{ entries: [entry("/s", "x"), entry("/s/", "x")], profile: "gomlx-0.28" }, FormatError, "is taken by"],
    [{ entries: [entry("/", "."), entry("/", "..")], profile: "gomlx-0.28" }, FormatError, "is taken by"],
    [
      { params: [{ scope: "a", key: "k", param: new GoParam("int", 1), kept: undefined }] },
      FormatError,
      'starts with "/"',
    ],
    [{ params: [nan("lr")] }, FormatError, '"lr"'],
  ];
  for (const [change, kind, text] of cases) {
    const error = assertThrows(() => checkDraft({ ...draft(), ...change }), kind, text, JSON.stringify(change));
    assert(error instanceof kind);
  }
});

Deno.test("checkDraft() allows all dtypes in v0.28, the four packed ones of v0.25 and empty tensors in v0.28", () => {
  const all: DType[] = ["Bool", "Complex128", "BFloat16", "Int4", "Uint4", "Int2", "Uint2", "Int1", "Uint1"];
  const names = (profile: ManifestDraft["profile"], dtypes: DType[]) => {
    const checked: ManifestDraft = { ...draft(), profile, entries: dtypes.map((each) => entry("/s", each, each, [9])) };
    assertEquals(checkDraft(checked), []);
    return written(checked).entries.map(({ dtypeName }) => dtypeName);
  };
  assertEquals(names("gomlx-0.28", all), all);
  assertEquals(names("gomlx-0.25", all.slice(0, 7)), ["Bool", "Complex128", "BFloat16", "S4", "U4", "S2", "U2"]);
  const empty: ManifestDraft = {
    ...draft(),
    profile: "gomlx-0.28",
    compression: "gzip",
    entries: [entry("/s", "x", "Float32", [0])],
  };
  assertEquals(checkDraft(empty), []);
  assertEquals(written(empty).entries[0]?.dimensions, [0]);
});

Deno.test("checkDraft() warns of what is written and not quite the same", () => {
  const lossy: ManifestDraft = { ...draft(), profile: "gomlx-0.28", entries: [entry("/Adam/", "w")] };
  assertStringIncludes(checkDraft(lossy).join(), 'variable "/Adam//w" is written as "var:/Adam/w"');
  assertEquals(checkDraft({ ...lossy, extras: true }), []);
  const nothing: ManifestDraft = { ...draft(), profile: "gomlx-0.25" };
  assertStringIncludes(checkDraft(nothing).join(), "cannot load it uncompressed");
  const kept = parsed({ Variables: [row("var:/s/x", [0], 0, 0)], BinFormat: "gzip" }).entries[0];
  const old: ManifestDraft = {
    ...draft(),
    profile: "gomlx-0.25",
    compression: "gzip",
    entries: [{ ...entry("/s", "x", "Float32", [0]), kept }],
  };
  assertStringIncludes(checkDraft(old).join(), "v0.27.3");
});

Deno.test("encodeManifest() keeps the exact scope and name among the extras where v0.28 cleans the path", () => {
  const entries = [entry("/Adam/", "w"), entry("/", ".."), entry("/a", "w")];
  const manifest = written({ ...draft(), profile: "gomlx-0.28", extras: true, entries });
  assertEquals(manifest.entries.map(({ parameterName }) => parameterName), ["var:/Adam/w", "var:/", "var:/a/w"]);
  assertEquals(manifest.entries.map(({ scope, name }) => [scope, name]), [["/Adam/", "w"], ["/", ".."], ["/a", "w"]]);
});

Deno.test("parseManifest() ignores Cairn's scope and name if they do not give the parameter name", () => {
  const manifest = parsed({
    Variables: [{ ...row("var:/a/w", [2], 0, 8), Cairn: { Scope: "/b", Name: "w" } }],
  });
  assertEquals([manifest.entries[0]?.scope, manifest.reports.length], ["/a", 1]);
});

Deno.test("encodeManifest() gives up spellings of another profile, and keeps those that it can", () => {
  const young = parsed({
    Variables: [row("var:/x", [2], 0, 8), { ...row("var:/s/q", [2], 8, 1), DType: "Int4" }],
    BinFormat: "gzip",
  });
  const old = parsed({
    Variables: [row("var://x", [2], 0, 8), row("var:/Adam//w", [2], 8, 8), {
      ...row("var:/s/f", [2], 16, 8),
      DType: "float32",
    }],
  });
  const names = (manifest: Manifest, profile: ManifestDraft["profile"]) => {
    const entries = manifest.entries.map((kept): EntryDraft => ({ ...kept, kept }));
    return written({ ...draft(), profile, extras: true, entries }).entries.map(({ parameterName, dtypeName }) =>
      `${parameterName} ${dtypeName}`
    );
  };
  assertEquals(names(young, "gomlx-0.28"), ["var:/x Float32", "var:/s/q Int4"]);
  assertEquals(names(young, "gomlx-0.25"), ["var://x Float32", "var:/s/q S4"]);
  assertEquals(names(old, "gomlx-0.10"), ["var://x Float32", "var:/Adam//w Float32", "var:/s/f float32"]);
  assertEquals(names(old, "gomlx-0.28"), ["var:/x Float32", "var:/Adam/w Float32", "var:/s/f float32"]);
  // In a v0.28 file with a root variable of its own, var://y is another variable, which v0.28 has not found.
  const mixed = parsed({ Variables: [row("var:/x", [2], 0, 8), row("var://y", [2], 8, 8)], BinFormat: "gzip" });
  assertEquals(names(mixed, "gomlx-0.28"), ["var:/x Float32", "var://y Float32"]);
});

Deno.test("encodeManifest() forgets spellings if the variable changes its name or dtype", () => {
  const kept = entryNamed(parsed({ Variables: [{ ...row("var:/s/x", [2], 0, 8), DType: "FLOAT32" }] }), "var:/s/x");
  const spelled = (change: Partial<Entry>) => {
    const { parameterName, dtypeName } = only(written({ ...draft(), entries: [{ ...kept, ...change, kept }] }));
    return [parameterName, dtypeName];
  };
  assertEquals(spelled({}), ["var:/s/x", "FLOAT32"]);
  assertEquals(spelled({ name: "y" }), ["var:/s/y", "FLOAT32"]);
  assertEquals(spelled({ dtype: "Float64" }), ["var:/s/x", "Float64"]);
});

Deno.test("encodeManifest() keeps a variable's unknown keys only while its bytes are unchanged, and says so", () => {
  const kept = entryNamed(parsed({ Variables: [{ ...row("var:/s/x", [2], 0, 8), Sha256: "abc" }] }), "var:/s/x");
  const one: ManifestDraft = { ...draft(), entries: [{ ...kept, kept }] };
  const same = encodeManifest(one, layoutDraft(one), [{ crc32: 0, bytesUnchanged: true }]);
  assertEquals([only(parseManifest(same.bytes, PLACE)).unknown, same.warnings], [[["Sha256", "abc"]], []]);
  const changed = encodeManifest(one, layoutDraft(one), [{ crc32: 0, bytesUnchanged: false }]);
  assertEquals(only(parseManifest(changed.bytes, PLACE)).unknown, []);
  assertEquals(changed.warnings.length, 1);
  assertStringIncludes(changed.warnings[0] ?? "", '"Sha256" are dropped');
});

Deno.test("encodeManifest() keeps a param's value as it was written while it is the same", () => {
  const manifest = parsed('{"Params":[{"Scope":"/","Key":"k","Value":1E3,"ValueType":"float64","Unit":"m"}]}');
  const [kept] = manifest.params;
  assert(kept !== undefined);
  const texts = [kept, undefined].map((each) => {
    const one: ManifestDraft = { ...draft(), params: [{ ...kept, kept: each }] };
    return new TextDecoder().decode(encodeManifest(one, layoutDraft(one), []).bytes);
  });
  assertStringIncludes(texts[0] ?? "", '"Value": 1E3,\n\t\t\t"ValueType": "float64",\n\t\t\t"Unit": "m"\n');
  assertStringIncludes(texts[1] ?? "", '"Value": 1000,\n\t\t\t"ValueType": "float64"\n');
});

Deno.test("extras hold NaN and infinities, trainable and CRCs, and come back", () => {
  const entries = [{ ...entry("/s", "x"), trainable: false }, { ...entry("/s", "y"), trainable: undefined }];
  const manifest = written({ ...draft(), extras: true, entries, params: [nan("lr")] });
  assertEquals(manifest.params.map(({ param, value }) => [param.goType, param.value, value]), [["float64", NaN, null]]);
  assertEquals(manifest.entries.map(({ trainable, crc32 }) => [trainable, crc32]), [[false, 7], [undefined, 7]]);
  assertEquals([manifest.writer, manifest.extras, manifest.exactPayload], ["test", true, true]);
});

Deno.test("extras have the layout that was agreed", () => {
  const one: ManifestDraft = {
    ...draft(),
    extras: true,
    entries: [{ ...entry("/s", "x"), trainable: true }],
    params: [nan("k")],
  };
  const text = new TextDecoder().decode(
    encodeManifest(one, layoutDraft(one), [{ crc32: 7, bytesUnchanged: false }]).bytes,
  );
  assertStringIncludes(text, '\t\t\t"ValueType": "float64",\n\t\t\t"Cairn": {\n\t\t\t\t"Exact": "NaN"\n\t\t\t}\n');
  assertStringIncludes(
    text,
    '"Length": 8,\n\t\t\t"Cairn": {\n\t\t\t\t"CRC32": 7,\n\t\t\t\t"Trainable": true\n\t\t\t}\n',
  );
  const end =
    /,\n\t"Cairn": \{\n\t\t"FormatVersion": 1,\n\t\t"Writer": "test",\n\t\t"PayloadSize": 8,\n\t\t"ManifestCRC32": \d+\n\t\}\n\}\n$/;
  assert(end.test(text), text);
});

Deno.test("encodeManifest() writes the time and the metrics under Cairn's key, and parseManifest() reads them", () => {
  const saved = new Date("2026-01-31T12:00:00.250Z");
  const metrics = { "val_loss": 0.25, "Mean Loss": -0, big: 1e300, nan: NaN, up: Infinity, down: -Infinity };
  const one: ManifestDraft = {
    ...draft(),
    extras: true,
    saved,
    metrics: Object.freeze({ ...metrics, ["__proto__"]: 3 }),
  };
  const { bytes } = encodeManifest(one, layoutDraft(one), []);
  const text = new TextDecoder().decode(bytes);
  assertStringIncludes(
    text,
    '"PayloadSize": 0,\n\t\t"Saved": "2026-01-31T12:00:00.250Z",\n\t\t"Metrics": {\n\t\t\t"val_loss": 0.25,\n\t\t\t' +
      '"Mean Loss": -0,\n\t\t\t"big": 1e+300,\n\t\t\t"nan": "NaN",\n\t\t\t"up": "+Inf",\n\t\t\t"down": "-Inf"',
  );
  const manifest = parseManifest(bytes, PLACE);
  assertEquals([manifest.saved, { ...manifest.metrics }], [saved, { ...one.metrics }]);
  assert(Object.is(manifest.metrics["Mean Loss"], -0) && Object.isFrozen(manifest.metrics));
  const without = parsed({ Variables: [] });
  assertEquals([without.saved, without.metrics], [undefined, {}]);
});

Deno.test("parseManifest() takes metrics and times for nothing else than what they are", () => {
  const cairn = (more: unknown): unknown => ({ Variables: [], Cairn: { FormatVersion: 1, ...Object(more) } });
  for (const wrong of ["null", "nan", "", null, true, [1], { a: 1 }]) {
    assertThrows(() => parsed(cairn({ Metrics: { loss: wrong } })), FormatError, 'metric "loss"');
  }
  assertThrows(
    () => parsed('{"Variables":[],"Cairn":{"Metrics":{"loss":1e999}}}'),
    FormatError,
    "is 1e999, wanted a number",
  );
  for (const wrong of [null, 5, [], "x"]) {
    assertThrows(() => parsed(cairn({ Metrics: wrong })), FormatError, "wanted an object of metrics");
  }
  for (const wrong of ["", "today", "2026-01-31", "2026-02-31T12:00:00.000", "2026-13-01T00:00:00.000Z"]) {
    assertThrows(() => parsed(cairn({ Saved: wrong })), FormatError, "wanted a time such as");
  }
});

Deno.test("a changed byte anywhere in a manifest with extras is noticed, or changes nothing", () => {
  const one: ManifestDraft = {
    ...draft(),
    extras: true,
    entries: [{ ...entry("/s", "x"), trainable: true }],
    params: [{ scope: "/", key: "k", param: new GoParam("int", 12), kept: undefined }],
  };
  const { bytes } = encodeManifest(one, layoutDraft(one), [{ crc32: 7, bytesUnchanged: true }]);
  const good = parseManifest(bytes, PLACE);
  let noticed = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [1, 2, 4, 32]) {
      const bad = bytes.slice();
      bad[at] = (bad[at] ?? 0) ^ mask;
      try {
        const { entries, params } = parseManifest(bad, PLACE);
        assertEquals([entries, params], [good.entries, good.params], `byte ${at}`);
      } catch (error) {
        assert(
          error instanceof CorruptError || error instanceof FormatError || error instanceof LimitError,
          String(error),
        );
        noticed++;
      }
    }
  }
  assert(noticed > bytes.length * 3.5);
});

Deno.test("parseManifest() says what is wrong with Cairn's own keys", () => {
  const one: ManifestDraft = { ...draft(), extras: true, entries: [entry("/s", "x")] };
  const text = new TextDecoder().decode(
    encodeManifest(one, layoutDraft(one), [{ crc32: 7, bytesUnchanged: true }]).bytes,
  );
  const edited = text.replace('"Dimensions": [\n\t\t\t\t2', '"Dimensions": [\n\t\t\t\t1,\n\t\t\t\t2');
  const error = assertThrows(() => parsed(edited), CorruptError, 'remove the last key "Cairn"');
  assertEquals(error.path, "x.json");
  // With the checksum taken out by hand it loads.
  assertEquals(only(parsed(edited.replace(/,\n\t\t"ManifestCRC32": \d+/, ""))).dimensions, [1, 2]);
  assertThrows(
    () => parsed({ Variables: [], Cairn: { FormatVersion: 2 } }),
    FormatError,
    "format version is 2, wanted 1",
  );
  assertThrows(() => parsed({ Variables: [], Cairn: { FormatVersion: 1, PayloadSize: 5 } }), CorruptError, "says 5");
  assertThrows(() => parsed({ Variables: [], Cairn: 5 }), FormatError, "written by Cairn");
  assertEquals(parsed({ Variables: [], Cairn: { FormatVersion: 1, Later: [1] } }).extras, true);
});

function draft(): ManifestDraft {
  return {
    profile: "gomlx-0.10",
    compression: "none",
    extras: false,
    writer: "test",
    params: null,
    entries: [],
    unknown: [],
  };
}

function entry(scope: string, name: string, dtype: DType = "Float32", dimensions: readonly number[] = [2]): EntryDraft {
  return { scope, name, dtype, dimensions, trainable: undefined, kept: undefined };
}

function nan(key: string): { scope: string; key: string; param: GoParam; kept: undefined } {
  return { scope: "/", key, param: new GoParam("float64", NaN), kept: undefined };
}

function row(ParameterName: string, Dimensions: number[], Pos: number, Length: number): Record<string, unknown> {
  return { ParameterName, Dimensions, DType: "Float32", Pos, Length };
}

function parsed(manifest: unknown): Manifest {
  const bytes = typeof manifest === "string" ? new TextEncoder().encode(manifest) : manifestBytes(manifest);
  return parseManifest(bytes, PLACE);
}

function written(each: ManifestDraft): Manifest {
  const results = each.entries.map(() => ({ crc32: 7, bytesUnchanged: false }));
  return parseManifest(encodeManifest(each, layoutDraft(each), results).bytes, PLACE);
}

function only(manifest: Manifest): Entry {
  const [first, ...others] = manifest.entries;
  assert(first !== undefined && others.length === 0);
  return first;
}
