import { assert, assertEquals } from "@std/assert";
import { formatBytes, formatCount, formatItems, textTable } from "../../src/render/mod.ts";

Deno.test("textTable() pads columns, aligns numbers right, and leaves no trailing blanks", () => {
  const table = textTable([{ title: "name" }, { title: "size", align: "right" }, { title: "" }], [
    ["a", "1 B", ""],
    ["longer", "1024 B", "x"],
  ]);
  assertEquals(table.split("\n"), [
    "name      size",
    "──────  ──────  ─",
    "a          1 B",
    "longer  1024 B  x",
  ]);
});

Deno.test("textTable() counts characters outside the basic plane once", () => {
  assertEquals(textTable([{ title: "n" }, { title: "m" }], [["𝛼𝛽", "1"], ["x", "2"]]).split("\n")[3], "x   2");
});

Deno.test("textTable() makes control and direction characters visible", () => {
  const table = textTable([{ title: "n" }], [["a\u001b[31mb\nc\u202e\u0085"]]);
  // deno-lint-ignore no-control-regex -- that is what must not be there
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/.test(table));
  assert(table.includes("a\\u{1b}[31mb\\u{a}c\\u{202e}\\u{85}"), table);
});

Deno.test("formatBytes() gives three digits and a binary unit", () => {
  const texts = [[0, "0 B"], [1023, "1023 B"], [1024, "1 KiB"], [1536, "1.50 KiB"], [
    10 * 1024 + 512,
    "10.5 KiB",
  ]] as const;
  for (const [bytes, text] of texts) assertEquals(formatBytes(bytes), text);
  assertEquals(formatBytes(512 * 1024 ** 2), "512 MiB");
  assertEquals(formatBytes(3 * 1024 ** 3), "3 GiB");
});

Deno.test("formatCount() and formatItems() group digits and know the singular", () => {
  assertEquals(formatCount(1234567), "1\u202f234\u202f567");
  assertEquals(formatCount(-1000n), "-1\u202f000");
  assertEquals(formatItems(1, "variable"), "1 variable");
  assertEquals(formatItems(2000, "variable"), "2\u202f000 variables");
});
