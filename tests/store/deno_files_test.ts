import { assert, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import { DenoFiles } from "../../src/store/mod.ts";
import { namesIn, symlink, TemporaryDirectory } from "./temporary_directory.ts";

/** A file in which every 4-byte word is its own index. */
async function writeIndexFile(path: string, words: number): Promise<void> {
  const index = Uint32Array.from({ length: words }, (_, i) => i);
  await Deno.writeFile(path, new Uint8Array(index.buffer));
}

Deno.test("a DenoFiles reader keeps readSync() and a read() under way apart", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/index`;
  await writeIndexFile(path, 1 << 20);
  const reader = await new DenoFiles().open(path);
  const word = new Uint32Array(1);
  let during = 0;
  for (let i = 0; i < 300; i++) {
    const block = new Uint32Array(64);
    const at = (i * 3301) % 1_000_000;
    let ready = false;
    const reading = reader.read(new Uint8Array(block.buffer), at * 4).finally(() => ready = true);
    for (let k = 0; !ready; k++) {
      const other = (i * 7919 + k * 104729) % 1_000_000;
      reader.readSync(new Uint8Array(word.buffer), other * 4);
      assertEquals(word[0], other);
      during++;
      await (k % 2 === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, 0)));
    }
    assertEquals(await reading, 256);
    assertEquals([block[0], block[63]], [at, at + 63]);
  }
  assertGreater(during, 300);
  reader.close();
});

Deno.test("a DenoFiles reader keeps many read() calls at once apart", async () => {
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/index`;
  await writeIndexFile(path, 1 << 20);
  const reader = await new DenoFiles().open(path);
  assertEquals(reader.size, 4 << 20);
  await Promise.all(Array.from({ length: 500 }, async (_, i) => {
    const at = (i * 7919) % 1_000_000;
    const block = new Uint32Array(1000);
    assertEquals(await reader.read(new Uint8Array(block.buffer), at * 4), 4000);
    assert(block.every((value, k) => value === at + k));
  }));
  reader.close();
});

for (const became of ["removed", "replaced"] as const) {
  Deno.test(`a DenoFiles reader keeps reading its file when that was ${became} before and between reads`, async () => {
    await using directory = await TemporaryDirectory.make();
    const path = `${directory.path}/index`;
    await writeIndexFile(path, 1 << 16);
    const files = new DenoFiles();
    const [early, late] = [await files.open(path), await files.open(path)];
    const readAll = (reader: typeof early) =>
      Promise.all(Array.from({ length: 20 }, async (_, at) => {
        const block = new Uint32Array(100);
        assertEquals(await reader.read(new Uint8Array(block.buffer), at * 400), 400);
        assert(block.every((value, k) => value === at * 100 + k));
      }));
    const one = new Uint32Array(1);
    await early.read(new Uint8Array(one.buffer), 4);
    await Deno.remove(path);
    if (became === "replaced") await Deno.writeFile(path, new Uint8Array(1 << 18).fill(255));
    await readAll(early);
    await readAll(late);
    early.close();
    late.close();
  });
}

Deno.test("a closed DenoFiles reader never reads another file that got its descriptor", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new DenoFiles();
  for (const name of ["a", "b"]) await Deno.writeTextFile(`${directory.path}/${name}`, name);
  const first = await files.open(`${directory.path}/a`);
  first.close();
  first.close();
  const second = await files.open(`${directory.path}/b`);
  await assertRejects(() => first.read(new Uint8Array(1), 0), Deno.errors.BadResource);
  assertThrows(() => first.readSync(new Uint8Array(1), 0), Deno.errors.BadResource);
  first.close();
  assertEquals(await second.read(new Uint8Array(1), 0), 1);
  second.close();
});

Deno.test("open() gives the errors that Files promises", async () => {
  const files = new DenoFiles();
  await assertRejects(() => files.open("/no/such/file"), Deno.errors.NotFound);
  await using directory = await TemporaryDirectory.make();
  const path = `${directory.path}/refused`;
  await Deno.writeTextFile(path, "");
  await Deno.chmod(path, 0);
  if (Deno.uid() === 0) return; // root may read it
  await assertRejects(() => files.open(path), Deno.errors.PermissionDenied);
});

Deno.test("create() never follows or replaces what is there", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new DenoFiles();
  await symlink("elsewhere", `${directory.path}/link`);
  await Deno.writeTextFile(`${directory.path}/file`, "kept");
  for (const name of ["link", "file"]) {
    await assertRejects(() => files.create(`${directory.path}/${name}`), Deno.errors.AlreadyExists);
  }
  assertEquals(namesIn(directory.path), ["file", "link"]);
  assertEquals(await Deno.readTextFile(`${directory.path}/file`), "kept");
});

Deno.test("stat() and list() do not follow symlinks", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new DenoFiles();
  await Deno.mkdir(`${directory.path}/folder`);
  await Deno.writeTextFile(`${directory.path}/file`, "12345");
  await symlink("file", `${directory.path}/link`);
  const kinds = new Map((await files.list(directory.path)).map((entry) => [entry.name, entry.kind]));
  assertEquals([kinds.get("folder"), kinds.get("file"), kinds.get("link")], ["directory", "file", "symlink"]);
  assertEquals(await files.stat(`${directory.path}/link`), { kind: "symlink", size: 4 });
  assertEquals(await files.stat(`${directory.path}/file`), { kind: "file", size: 5 });
  assertEquals(await files.realPath(`${directory.path}/link`), `${directory.path}/file`);
});

Deno.test("syncDirectory() fails for a missing directory", async () => {
  await assertRejects(() => new DenoFiles().syncDirectory("/no/such/directory"), Deno.errors.NotFound);
});

Deno.test({
  name: "syncDirectory() passes where the file system has no such thing",
  // procfs answers fsync with EINVAL; other systems have nothing like it.
  ignore: Deno.build.os !== "linux",
  async fn() {
    // Deno opens /proc only with all permissions, which eval has.
    const code = `
      import { DenoFiles } from ${JSON.stringify(import.meta.resolve("../../src/store/mod.ts"))};
      using directory = await Deno.open("/proc");
      console.log(await directory.sync().then(() => "synced", (error) => error.code));
      await new DenoFiles().syncDirectory("/proc");
      console.log("passed");`;
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", code] }).output();
    assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), ["EINVAL", "passed"]);
  },
});

Deno.test("makeDirectory() accepts a directory that is there, and not a file", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new DenoFiles();
  for (const _ of [1, 2]) await files.makeDirectory(`${directory.path}/a/b`, 0o770);
  await Deno.writeTextFile(`${directory.path}/file`, "");
  await assertRejects(() => files.makeDirectory(`${directory.path}/file`, 0o770), Deno.errors.AlreadyExists);
  assert((await Deno.stat(`${directory.path}/a/b`)).isDirectory);
});
