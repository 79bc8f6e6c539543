// These hold for jsr:@std/fs and jsr:@std/path as well as for their stand-ins.
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ensureDir, exists } from "@std/fs";
import {
  basename,
  dirname,
  fromFileUrl,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
  SEPARATOR,
  toFileUrl,
} from "@std/path";

Deno.test("ensureDir() makes a directory with its parents once, and refuses a file in its place", async () => {
  const root = await Deno.makeTempDir();
  try {
    const directory = join(root, "a", "b");
    await ensureDir(directory);
    await ensureDir(directory);
    assertEquals(await exists(directory, { isDirectory: true }), true);
    const file = join(root, "file");
    await Deno.writeTextFile(file, "");
    await assertRejects(() => ensureDir(file), Error, "expected 'dir', got 'file'");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("exists() tells files from directories", async () => {
  const here = fromFileUrl(import.meta.url);
  assertEquals(await exists(here), true);
  assertEquals(await exists(here, { isFile: true }), true);
  assertEquals(await exists(here, { isDirectory: true }), false);
  assertEquals(await exists(here, { isReadable: true }), true);
  assertEquals(await exists(`${here}.none`), false);
  await assertRejects(() => exists(here, { isFile: true, isDirectory: true }), TypeError);
});

Deno.test({
  name: "path functions join, split and normalize",
  ignore: Deno.build.os === "windows",
  fn() {
    assertEquals(join("a", "..", "b", "", "./c/"), "b/c/");
    assertEquals(join(""), ".");
    assertEquals(join(new URL("file:///a%20b/"), "c"), "/a b/c");
    assertEquals(resolve("/a", "b", "../c"), "/a/c");
    assertEquals(normalize("/a//b/./../c"), "/a/c");
    assertEquals(basename("/a/b.json", ".json"), "b");
    assertEquals(basename("/a/b/"), "b");
    assertEquals(dirname("/a/b"), "/a");
    assertEquals(relative("/a/b", "/a/c/d"), "../c/d");
    assertEquals([isAbsolute("/a"), isAbsolute("a")], [true, false]);
    assertEquals(SEPARATOR, "/");
  },
});

Deno.test({
  name: "toFileUrl() and fromFileUrl() undo each other for names that need escapes",
  ignore: Deno.build.os === "windows",
  fn() {
    const path = "/a b/%41?#é\\x";
    assertEquals(fromFileUrl(toFileUrl(path)), path);
    assertEquals(fromFileUrl("file:///a%20b"), "/a b");
    assertThrows(() => fromFileUrl("https://example.com/a"), TypeError);
    assertThrows(() => toFileUrl("a/b"), TypeError);
  },
});
