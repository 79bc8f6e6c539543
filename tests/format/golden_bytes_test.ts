import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  hasPlainEntries,
  type JsonNode,
  JsonNumber,
  JsonObject,
  parseJson,
  parseManifest,
} from "../../src/format/mod.ts";
import { checkDraft, encodeManifest, layoutDraft, stringifyGo } from "../../src/format/writing.ts";
import { draftOf, unchanged } from "./drafts.ts";
import { goldenFiles, openGolden, VERSIONS } from "./golden_files.ts";

const FILES = goldenFiles();
const PROFILES = ["gomlx-0.10", "gomlx-0.25", "gomlx-0.28"] as const;
/** A variable stands twice in these, so that a rewrite leaves one out. */
const TWICE = /two-handlers-b\/checkpoint-n0000001/;

Deno.test("tests/golden holds the checkpoints of all three versions", () => {
  assertGreater(FILES.length, 180);
  for (const version of VERSIONS) assertGreater(FILES.filter((file) => file.version === version).length, 50);
});

Deno.test("stringifyGo() gives every golden JSON back byte for byte", () => {
  for (const { name, json } of FILES) assertEquals(stringifyGo(parseJson(json)), text(json), name);
});

Deno.test("encodeManifest() gives every golden JSON back byte for byte without extras", () => {
  for (const file of FILES) {
    if (TWICE.test(file.name)) continue;
    const { manifest, head } = openGolden(file);
    const draft = draftOf(manifest, head, { extras: false });
    assertEquals(checkDraft(draft), [], file.name);
    const { bytes, warnings } = encodeManifest(draft, layoutDraft(draft), unchanged(draft.entries));
    assertEquals(text(bytes), text(file.json), file.name);
    assertEquals(warnings, [], file.name);
  }
});

Deno.test("encodeManifest() from values alone gives Go's bytes too, but for [] of scalars and invalid UTF-8", () => {
  for (const file of FILES) {
    if (TWICE.test(file.name)) continue;
    const { manifest, head } = openGolden(file);
    const draft = draftOf(manifest, head, { extras: false, fresh: true });
    const { bytes } = encodeManifest(draft, layoutDraft(draft), unchanged(draft.entries));
    const expected = text(file.json).replaceAll('"Dimensions": []', '"Dimensions": null').replaceAll(
      "\\ufffd",
      "\ufffd",
    );
    assertEquals(text(bytes), expected, file.name);
  }
});

Deno.test("encodeManifest() gives the same bytes with and without the rows of a plain manifest, in every profile", () => {
  let compared = 0;
  for (const file of FILES) {
    const { manifest, head } = openGolden(file);
    if (!hasPlainEntries(manifest)) continue;
    for (const profile of PROFILES) {
      const kept = { ...draftOf(manifest, head, { extras: true }), profile };
      const fresh = { ...kept, entries: kept.entries.map((each) => ({ ...each, kept: undefined })) };
      const results = kept.entries.map(() => ({ crc32: 1, bytesUnchanged: false }));
      const [one, other] = [kept, fresh].map((draft) => encodeManifest(draft, layoutDraft(draft), results));
      assertEquals(one, other, file.name);
      compared++;
    }
  }
  assertGreater(compared, 100);
});

Deno.test("encodeManifest() with extras gives Go's bytes when every key Cairn is removed", () => {
  for (const file of FILES) {
    if (TWICE.test(file.name)) continue;
    const { manifest, head } = openGolden(file);
    const draft = draftOf(manifest, head, { extras: true });
    const { bytes } = encodeManifest(draft, layoutDraft(draft), unchanged(draft.entries));
    assert(text(bytes).includes('"ManifestCRC32"'));
    assertEquals(stringifyGo(withoutExtras(parseJson(bytes))), text(file.json), file.name);
    const again = parseManifest(bytes, { path: file.name });
    assertEquals([again.extras, again.exactPayload, again.writer], [true, true, "test"]);
    assertEquals(
      again.entries.map((each) => [each.crc32, each.trainable]),
      manifest.entries.map(() => [1234567890, true]),
    );
    // What was written is what is read, but for the extras themselves and the file's own wording of the value.
    const plain = { ...again, extras: false, exactPayload: false, writer: undefined };
    const entries = again.entries.map((each) => ({ ...each, crc32: undefined, trainable: undefined }));
    assertEquals({ ...plain, entries }, manifest, file.name);
  }
});

Deno.test("parseManifest() keeps the last of two variables of one name", () => {
  for (const file of FILES.filter(({ name }) => TWICE.test(name))) {
    const { manifest } = openGolden(file);
    assertEquals(manifest.reports.length, 2, file.name);
    const names = manifest.entries.map(({ parameterName }) => parameterName);
    assertEquals(new Set(names).size, names.length);
  }
});

function withoutExtras(node: JsonNode): JsonNode {
  if (node === null || typeof node !== "object" || node instanceof JsonNumber) return node;
  if (!(node instanceof JsonObject)) return node.map(withoutExtras);
  return new JsonObject(
    node.members.filter(([key]) => key !== "Cairn").map(([key, value]) => [key, withoutExtras(value)]),
  );
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
