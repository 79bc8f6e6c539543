import { assert, assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../src/errors.ts";
import { checkFolder, compareNames, isBlobFile, parseBlobName } from "../../src/store/blob_name.ts";

Deno.test("parseBlobName() takes a name and one folder level apart", () => {
  assertEquals(parseBlobName("a b.json"), { folder: undefined, file: "a b.json" });
  assertEquals(parseBlobName("backup/a.json"), { folder: "backup", file: "a.json" });
  assertEquals(parseBlobName("..a"), { folder: undefined, file: "..a" });
});

Deno.test("parseBlobName() refuses every name that could leave the directory or hit the store's own files", () => {
  const bad = [
    ["", "empty"],
    ["/etc", "empty"],
    ["backup/", "empty"],
    [".", '"."'],
    ["..", '".."'],
    ["../a", '".."'],
    ["backup/..", '".."'],
    ["a/b/c", "more than one folder"],
    ["a\\b", "backslash"],
    ["a\0b", "NUL"],
    [".cairn.lock", "reserved"],
    ["backup/.cairn-1.tmp", "reserved"],
  ] as const;
  for (const [name, reason] of bad) {
    assertThrows(() => parseBlobName(name), StoreError, reason, `name ${JSON.stringify(name)}`);
    assert(!isBlobFile(name), `isBlobFile(${JSON.stringify(name)})`);
  }
  assertThrows(() => checkFolder("a/b"), StoreError, "more than one folder");
});

Deno.test("compareNames() orders by UTF-8 bytes where UTF-16 order differs", () => {
  const names = ["\u{1F600}", "\uFF5E", "ab", "a", "é", "B"];
  assertEquals(names.toSorted(compareNames), ["B", "a", "ab", "é", "\uFF5E", "\u{1F600}"]);
  assertEquals(names.toSorted().at(-1), "\uFF5E");
  assertEquals(compareNames("a", "a"), 0);
});
