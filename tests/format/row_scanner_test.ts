// The row scanner against the careful reader: whatever a file has, both must say the same of it.
import { assertEquals, assertGreater, assertStrictEquals } from "@std/assert";
import { CheckpointError } from "../../src/errors.ts";
import { findEntry, type Manifest, parseManifest } from "../../src/format/mod.ts";
import { encodeManifest, layoutDraft } from "../../src/format/writing.ts";
import { RowScanner } from "../../src/format/row_scanner.ts";
import { mutate, randomChanges, randomFrom } from "../hostile/mutation.ts";
import { draftOf, unchanged } from "./drafts.ts";
import { goldenFiles } from "./golden_files.ts";

const PLACE = { path: "test.json" };

Deno.test("parseManifest() gives the same with and without the scanner for every golden manifest", () => {
  let scanned = 0;
  for (const { name, json } of goldenFiles()) {
    for (const bytes of [json, withExtras(json)]) {
      assertEquals(outcome(bytes, true), outcome(bytes, false), name);
      scanned += scannedRows(bytes);
    }
  }
  assertGreater(scanned, 500);
});

Deno.test("parseManifest() gives the same with and without the scanner for mutated manifests", () => {
  const pairs = goldenFiles().filter(({ json }) => scannedRows(json) > 1).map(({ json }) => ({
    json: withExtras(json),
    bin: new Uint8Array(),
  }));
  const random = randomFrom(20261125);
  let loaded = 0;
  for (let round = 0; round < 2500; round++) {
    const [pair, other] = [pairs[random() % pairs.length], pairs[random() % pairs.length]];
    if (pair === undefined || other === undefined) continue;
    const changes = randomChanges(random).map((change) => ({ ...change, file: "json" as const }));
    // Without its checksum, which nearly no mutation passes.
    const { json } = mutate({ ...pair, json: withoutCrc(pair.json) }, other, changes);
    const [fast, careful] = [outcome(json, true), outcome(json, false)];
    assertEquals(fast, careful, `round ${round}: ${JSON.stringify(changes)}`);
    if (typeof fast === "object") loaded++;
  }
  assertGreater(loaded, 200);
});

Deno.test("parseManifest() gives the same with and without the scanner for rows across its windows", () => {
  const row = (index: number, name: string, position: number): string =>
    `{\n\t\t\t"ParameterName": "var:/${name}${index}/w",\n\t\t\t"Dimensions": [\n\t\t\t\t2,\n\t\t\t\t3\n\t\t\t],\n\t\t\t` +
    `"DType": "Float32",\n\t\t\t"Pos": ${position},\n\t\t\t"Length": 24\n\t\t}`;
  const odd = [
    {}, // nothing
    { 4000: (text: string) => text.replace("var:/a4000", "var:/a17") }, // a name twice
    { 1999: (text: string) => text.replace("Pos", "pos") },
    { 2500: (text: string) => text.replace('"Length": 24', '"Length": 25') },
    { 777: (text: string) => text.replace("a777", "é") },
    { 3999: (text: string) => text.replace("2,", "2.0,") },
  ];
  for (const changes of odd) {
    const rows = Array.from({ length: 4500 }, (_, index) => {
      const text = row(index, "a", index * 24);
      return Object.entries(changes).find(([at]) => Number(at) === index)?.[1](text) ?? text;
    });
    const bytes = new TextEncoder().encode(
      `{\n\t"Params": null,\n\t"Variables": [\n\t\t${rows.join(",\n\t\t")}\n\t]\n}\n`,
    );
    assertEquals(outcome(bytes, true), outcome(bytes, false));
  }
});

Deno.test("findEntry() gives the entry that entries has, before and after these are made, and no other", () => {
  for (const { name, json } of goldenFiles()) {
    for (const scan of [true, false]) {
      const manifest = parseManifest(withExtras(json), PLACE, scan);
      const names = parseManifest(json, PLACE, false).entries;
      const before = names.slice(0, 20).map((each) => findEntry(manifest, each.scope, each.name));
      assertEquals(manifest.count, manifest.entries.length, name);
      for (const [index, entry] of manifest.entries.entries()) {
        if (index < 20) assertStrictEquals(before[index], entry, name);
        assertStrictEquals(findEntry(manifest, entry.scope, entry.name), entry, name);
      }
      const [row] = manifest.entries;
      const text = new TextDecoder().decode(json);
      const at = row === undefined ? -1 : text.indexOf(`${row.parameterName}",\n`);
      if (row !== undefined && at >= 0) {
        const beyond = text.slice(at + row.parameterName.length - row.name.length, text.indexOf('",\n\t\t\t"Pos"', at));
        assertEquals(findEntry(parseManifest(json, PLACE, scan), row.scope, beyond), undefined, beyond);
      }
      for (const odd of ["", "none", 'w",\n\t\t\t"Dimensions": null', "w/x"]) {
        assertEquals(findEntry(manifest, "/none", odd), undefined);
        assertEquals(findEntry(parseManifest(json, PLACE, scan), "/none", odd), undefined);
      }
    }
  }
});

/** The manifest, or what is wrong. */
function outcome(bytes: Uint8Array, scan: boolean): Manifest | string {
  try {
    return parseManifest(bytes, PLACE, scan);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

function scannedRows(bytes: Uint8Array): number {
  const at = new TextDecoder("latin1").decode(bytes).indexOf('{\n\t\t\t"ParameterName"');
  return at < 0 ? 0 : new RowScanner(bytes).read(at)?.all().length ?? 0;
}

/** The same variables as Cairn writes them. */
function withExtras(json: Uint8Array): Uint8Array {
  const head = { compression: "none", dataOffset: 0, profile: undefined } as const;
  const draft = draftOf(parseManifest(json, PLACE, false), head, { extras: true });
  return encodeManifest({ ...draft, compression: "none" }, layoutDraft(draft), unchanged(draft.entries)).bytes;
}

function withoutCrc(json: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(json).replace(/,\n\t\t"ManifestCRC32": \d+/, "");
  return new TextEncoder().encode(text);
}
