import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError, type FileEntry, type FileReader, type Files } from "../../mod.ts";
import type { FileStat, FileWriter, StoreLock } from "../../mod.ts";
import { type FaultScenario, FaultsFoundError, pointsOf, tryFaults } from "../../src/testing/mod.ts";

const TEXT = new TextEncoder().encode("a value of some length");

/** Publishes a file in the usual way, but for what `skip` leaves out. */
function publishing(skip?: "sync" | "syncDirectory" | "rename"): FaultScenario<string> {
  const publish = async (files: Files): Promise<void> => {
    const first = skip === "rename" ? "/final" : `/${crypto.randomUUID()}`;
    const writer = await files.create(first);
    for (let at = 0; at < TEXT.length;) at += await writer.write(TEXT.subarray(at));
    if (skip !== "sync") await writer.sync();
    if (skip !== "rename") await files.rename(first, "/final");
    if (skip !== "syncDirectory") await files.syncDirectory("/");
  };
  return {
    name: "publish",
    async run({ files, attempt, promise }) {
      await attempt(() => publish(files));
      promise("published");
      await attempt(() => files.syncDirectory("/")); // so that a crash can come after the promise
    },
    async check(files, promised) {
      const names = (await files.list("/")).map(({ name }) => name);
      if (!names.includes("final")) return assertEquals(promised, [], "promised and lost");
      const reader = await files.open("/final");
      const bytes = new Uint8Array(reader.size);
      await reader.read(bytes, 0);
      assertEquals(new TextDecoder().decode(bytes), new TextDecoder().decode(TEXT));
    },
  };
}

Deno.test("tryFaults() passes what syncs the file, renames it and syncs the directory", async () => {
  const report = await tryFaults(publishing(), { pageSize: 8 });
  assertEquals([report.operations, report.broken], [6, []]);
  assert(pointsOf(report) > 50, `${pointsOf(report)} points`);
  assert(report.disks > 10, `${report.disks} disks`);
});

for (const skip of ["sync", "syncDirectory", "rename"] as const) {
  Deno.test(`tryFaults() finds it when ${skip} is left out`, async () => {
    const error = await assertRejects(() => tryFaults(publishing(skip), { pageSize: 8 }), FaultsFoundError);
    assert(error.report.broken.length > 0);
    assertStringIncludes(error.message, "points broke a promise");
  });
}

Deno.test("tryFaults() finds what a user's own Files gets wrong", async () => {
  const scenario = publishing();
  const lazy: FaultScenario<string> = {
    ...scenario,
    run: (life) => scenario.run({ ...life, files: new Lazy(life.files) }),
  };
  const error = await assertRejects(() => tryFaults(lazy, { pageSize: 8 }), FaultsFoundError);
  assertStringIncludes(error.message, "promised and lost");
});

Deno.test("tryFaults() finds what goes wrong only after a second crash, or is left over", async () => {
  const scenario = publishing();
  const careless: FaultScenario<string> = {
    ...scenario,
    async recover({ files, promise }) {
      const names = (await files.list("/")).map(({ name }) => name);
      // Removes before it writes anew.
      if (names.includes("final")) await files.remove("/final");
      await files.syncDirectory("/");
      await scenario.run({ files, promise, attempt: (work) => work() });
    },
  };
  const error = await assertRejects(() => tryFaults(careless), FaultsFoundError, "of the recovery");
  assertStringIncludes(error.message, "promised and lost");
  const messy: FaultScenario<string> = {
    ...scenario,
    recover: () => Promise.resolve(),
    checkClean: async (files) => assertEquals((await files.list("/")).filter(({ name }) => name !== "final"), []),
  };
  await assertRejects(() => tryFaults(messy), FaultsFoundError, "recovered");
});

Deno.test("tryFaults() hands every error to checkError, and wants the second attempt to succeed", async () => {
  const errors: unknown[] = [];
  const scenario = publishing();
  // The temporary file of a failed publish stays, so the second attempt takes another name.
  await tryFaults({ ...scenario, checkError: (error) => void errors.push(error) });
  assert(errors.length > 5);
  const stubborn: FaultScenario<string> = { ...publishing("rename"), check: () => Promise.resolve() };
  await assertRejects(() => tryFaults(stubborn), FaultsFoundError, "File exists");
});

/** Says that a directory is synced, and does nothing. */
class Lazy implements Files {
  constructor(readonly inner: Files) {}
  list = (path: string): Promise<FileEntry[]> => this.inner.list(path);
  stat = (path: string): Promise<FileStat> => this.inner.stat(path);
  realPath = (path: string): Promise<string> => this.inner.realPath(path);
  open = (path: string): Promise<FileReader> => this.inner.open(path);
  create = (path: string): Promise<FileWriter> => this.inner.create(path);
  rename = (from: string, to: string): Promise<void> => this.inner.rename(from, to);
  link = (from: string, to: string): Promise<void> => this.inner.link(from, to);
  remove = (path: string): Promise<void> => this.inner.remove(path);
  makeDirectory = (path: string, mode: number): Promise<void> => this.inner.makeDirectory(path, mode);
  syncDirectory = (): Promise<void> => Promise.resolve();
  lock = (path: string, owner: string): Promise<StoreLock | undefined> => this.inner.lock(path, owner);
}

Deno.test("tryFaults() refuses what is no scenario, instead of reporting broken promises", async () => {
  for (const scenario of [undefined, null, {}, { name: "x", run: () => Promise.resolve() }, { check: () => {} }]) {
    // @ts-expect-error -- JavaScript has no types to prevent it
    await assertRejects(() => tryFaults(scenario), ConfigError, "wanted a scenario with the functions run and check");
  }
});
