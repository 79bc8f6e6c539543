import { assert, assertEquals, assertRejects } from "@std/assert";
import { LocalStore, StoreError } from "../../mod.ts";
import { CrashedError, type FaultDisk, FaultFiles } from "../../src/testing/mod.ts";

const TEXT = new TextEncoder().encode("0123456789");

async function written(files: FaultFiles, path: string, bytes = TEXT): Promise<void> {
  const writer = await files.create(path);
  await writer.write(bytes);
  await writer.sync();
  writer.close();
}

/** The disks that may be left, each once. */
function left(files: FaultFiles): string[] {
  return [...new Set([...files.disksAfterPowerLoss()].map(String))].sort();
}

Deno.test("FaultFiles loses bytes that were not synced: all, from any place on, by pages, or none", async () => {
  const files = new FaultFiles(undefined, { pageSize: 4 });
  const writer = await files.create("/a");
  await writer.write(TEXT.subarray(0, 2));
  await writer.sync();
  await files.syncDirectory("/");
  await writer.write(TEXT.subarray(2));
  const texts = [...files.disksAfterPowerLoss()].map(({ root }) => {
    const node = root.entries.get("a");
    return node?.kind === "file" ? new TextDecoder().decode(node.bytes).replaceAll("\0", "-") : "gone";
  });
  assertEquals(
    [...new Set(texts)].sort(),
    ["01", "012", "012345", "012345678", "0123456789"].concat(
      ["01--------", "012-------", "012345----", "01----6789", "012345678-"],
    ).sort(),
  );
  await writer.sync();
  assertEquals(left(files), ['"/a" 10 bytes']);
});

Deno.test("FaultFiles loses names that were not synced, in every combination, also a half rename", async () => {
  const files = new FaultFiles();
  await written(files, "/a");
  await files.syncDirectory("/");
  await written(files, "/b", TEXT.subarray(0, 1));
  await files.rename("/a", "/c");
  await files.link("/c", "/d");
  const [a, b, c, d] = ['"/a" 10 bytes', '"/b" 1 bytes', '"/c" 10 bytes', '"/d" 10 bytes'];
  const wanted = [[a], [c], [a, c]].flatMap((some) => [some, [...some, b], [...some, d], [...some, b, d]]);
  assertEquals(left(files), wanted.map((some) => some.sort().join("\n")).sort());
  assertEquals(String(files.diskNow()), [b, c, d].join("\n"));
  await files.syncDirectory("/");
  assertEquals(left(files), [[b, c, d].join("\n")]);
  await files.remove("/c");
  assertEquals(left(files), [[b, c, d].join("\n"), [b, d].join("\n")]);
});

Deno.test("FaultFiles keeps directories by the same rule, and what is in them only with them", async () => {
  const files = new FaultFiles();
  await files.makeDirectory("/x/y", 0o777);
  await written(files, "/x/y/a");
  await files.syncDirectory("/x/y");
  assertEquals(left(files), ["", '"/x/"', '"/x/"\n"/x/y/"\n"/x/y/a" 10 bytes']);
  await files.syncDirectory("/x");
  await files.syncDirectory("/");
  assertEquals(left(files), ['"/x/"\n"/x/y/"\n"/x/y/a" 10 bytes']);
});

Deno.test("FaultFiles gives up unsynced bytes when a sync fails, and says so only once", async () => {
  const files = new FaultFiles(undefined, { plan: { at: 2, fault: { kind: "error", error: "EIO" } } });
  const writer = await files.create("/a");
  await writer.write(TEXT);
  await assertRejects(() => writer.sync(), Error, "Input/output error");
  await writer.sync();
  await files.syncDirectory("/");
  const [disk] = files.disksAfterPowerLoss();
  const node = disk?.root.entries.get("a");
  assertEquals(node?.kind === "file" && [...node.bytes], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("FaultFiles stops at the planned operation, before, after or within it, and then for good", async () => {
  for (
    const [fault, size] of [
      [{ kind: "crash", when: "before" }, 0],
      [{ kind: "torn", bytes: 3 }, 3],
      [{ kind: "crash", when: "after" }, 10],
    ] as const
  ) {
    const files = new FaultFiles(undefined, { plan: { at: 1, fault } });
    const writer = await files.create("/a");
    await assertRejects(() => writer.write(TEXT), CrashedError);
    await assertRejects(() => files.list("/"), CrashedError);
    assertEquals([files.hasCrashed, String(files.diskNow())], [true, `"/a" ${size} bytes`]);
    const next = new FaultFiles(files);
    assertEquals((await next.stat("/a")).size, size);
    await next.syncDirectory("/");
    assertEquals(left(files).length > left(next).length, true, "the first one is as it was");
  }
});

Deno.test("FaultFiles fails as a real disk does, once or until it is mended", async () => {
  const full = { kind: "error", error: "ENOSPC", lasting: true } as const;
  const files = new FaultFiles(undefined, { plan: { at: 1, fault: { ...full, bytes: 4 } } });
  const writer = await files.create("/a");
  const error = await assertRejects(() => writer.write(TEXT), Error, "No space left on device");
  assertEquals("code" in error && error.code, "ENOSPC");
  assertEquals((await files.stat("/a")).size, 4, "what fitted was written; reading works");
  await assertRejects(() => files.create("/b"), Error, "No space left");
  files.mend();
  await files.create("/b");
  const denied = new FaultFiles(undefined, { plan: { at: 0, fault: { kind: "error", error: "EACCES" } } });
  await assertRejects(() => denied.list("/"), Deno.errors.PermissionDenied);
  assertEquals(await denied.list("/"), []);
});

Deno.test("FaultFiles keeps the contract of Files: errors, open readers, locks", async () => {
  const files = new FaultFiles();
  await written(files, "/a");
  await assertRejects(() => files.create("/a"), Deno.errors.AlreadyExists);
  await assertRejects(() => files.link("/a", "/a"), Deno.errors.AlreadyExists);
  await assertRejects(() => files.open("/b"), Deno.errors.NotFound);
  await assertRejects(() => files.list("/a"), Deno.errors.NotADirectory);
  await assertRejects(() => files.stat("/a/b"), Deno.errors.NotADirectory);
  const reader = await files.open("/a");
  await files.remove("/a");
  await written(files, "/a", TEXT.subarray(0, 1));
  const into = new Uint8Array(4);
  assertEquals([await reader.read(into, 8), [...into.subarray(0, 2)]], [2, [56, 57]]);
  const lock = await files.lock("/lock", "me");
  assertEquals(await files.lock("/lock", "you"), undefined);
  assert(await new FaultFiles(files).lock("/lock", "the next process"));
  lock?.release();
  assert(await files.lock("/lock", "you"));
  await assertRejects(() => new FaultFiles(undefined, { locks: false }).lock("/l", ""), Deno.errors.NotSupported);
});

Deno.test("FaultDisk knows equal disks, whatever the UUIDs in their names", async () => {
  const disks: FaultDisk[] = [];
  for (let i = 0; i < 2; i++) {
    const files = new FaultFiles();
    await written(files, `/x-${crypto.randomUUID()}.tmp`, TEXT.subarray(i));
    await written(files, "/a");
    disks.push(files.diskNow());
  }
  const [one, two] = disks;
  assertEquals([one?.outline === two?.outline, one?.fingerprint === two?.fingerprint], [true, false]);
});

Deno.test("LocalStore on FaultFiles gives its own errors", async () => {
  const files = new FaultFiles(undefined, { plan: { at: 2, fault: { kind: "error", error: "EIO", lasting: true } } });
  const store = new LocalStore("/run", { files });
  await assertRejects(() => store.ensureRoot(), StoreError, "Input/output error");
  files.mend();
  await store.ensureRoot();
});
