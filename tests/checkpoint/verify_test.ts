import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { build, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { StoreError } from "../../src/errors.ts";
import type { Progress } from "../../src/render/mod.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { Random } from "../tensor/random.ts";
import { bytesOf, put, putForeign } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { SILENT } from "./runs.ts";
import { joinedHead } from "../render/joined_head.ts";

/** One checkpoint with variables `/a`, `/b` and `/c` of `length` random numbers. */
async function threeVariables(
  store: MemoryStore | CountingStore,
  codec: "none" | "gzip",
  length = 1000,
): Promise<string> {
  const ctx = new Context();
  const random = new Random(5);
  for (const name of ["a", "b", "c"]) {
    ctx.variableWithValue(name, Float32Array.from({ length }, () => random.unit()));
  }
  await using handler = await build(ctx).store(store).compress(codec).done();
  return (await handler.save()).baseName;
}

for (const codec of ["none", "gzip"] as const) {
  Deno.test(`verify() of an intact checkpoint reads every byte once and finds nothing (${codec})`, async () => {
    const store = new CountingStore();
    await threeVariables(store, codec);
    await using checkpoint = await openCheckpoint(store);
    const told: Progress[] = [];
    const report = await checkpoint.verify({ progress: (progress) => told.push(progress) });
    assertEquals([report.ok, report.problems], [true, []]);
    assertEquals(report.variables.map(({ path, result }) => `${path} ${result}`), [
      "/a ok",
      "/b ok",
      "/c ok",
      "/global_step ok",
    ]);
    assertEquals([told[0]?.done, told.at(-1)?.done, told.at(-1)?.total], [0, 12008, 12008]);
    assertMatch(
      joinedHead(Deno.inspect(report, { colors: false })),
      /^Verification · "checkpoint-.*" · ✓ intact · 4 variables/,
    );
  });
}

Deno.test("verify() names each damaged variable of a raw payload, and only those", async () => {
  const store = new MemoryStore();
  const base = await threeVariables(store, "none");
  const bytes = await bytesOf(store, `${base}.bin`);
  await put(store, `${base}.bin`, bytes.with(5, 1).with(8001, 1));
  await using checkpoint = await openCheckpoint(store);
  const report = await checkpoint.verify();
  assertEquals(report.ok, false);
  assertEquals(report.variables.map(({ result }) => result), ["damaged", "ok", "damaged", "ok"]);
  assertMatch(report.variables[0]?.problem ?? "", /variable "\/a".*CRC-32/);
  assertMatch(joinedHead(Deno.inspect(report, { colors: false })), /✗ damaged .* ✗ 2 damaged/);
});

Deno.test("verify() of a broken gzip stream finds what comes before the break", async () => {
  const store = new MemoryStore();
  const base = await threeVariables(store, "gzip", 200_000); // more than is inflated at once
  const bytes = await bytesOf(store, `${base}.bin`);
  await put(
    store,
    `${base}.bin`,
    bytes.with(bytes.length - 1000, 0xff).with(bytes.length - 999, 0xff).with(bytes.length - 998, 0),
  );
  await using checkpoint = await openCheckpoint(store);
  const report = await checkpoint.verify();
  assertEquals([report.ok, report.variables.at(0)?.result, report.variables.at(-2)?.result], [false, "ok", "damaged"]);
});

Deno.test("verify() of what has no checksums says that they are unchecked", async () => {
  const store = new MemoryStore();
  await putForeign(store, "checkpoint-n0000001-20240101-000000-initial", [{ name: "var:/s/x", values: [1, 2] }]);
  await using checkpoint = await openCheckpoint(store, { onWarning: SILENT });
  const report = await checkpoint.verify();
  assertEquals([report.ok, report.variables[0]?.result], [true, "unchecked"]);
  assertMatch(joinedHead(Deno.inspect(report, { colors: false })), /1 without a checksum in the file/);
});

Deno.test("verify() reads the manifest again, and lets it be gone", async () => {
  const store = new MemoryStore();
  const base = await threeVariables(store, "none");
  await using checkpoint = await openCheckpoint(store);
  const json = await bytesOf(store, `${base}.json`);
  await put(store, `${base}.json`, json.with(40, 0));
  const report = await checkpoint.verify();
  assertEquals([report.ok, report.problems.length], [false, 1]);
  await store.remove(`${base}.json`);
  assertEquals((await checkpoint.verify()).ok, true);
});

Deno.test("verify() throws what could not be read, and stops at an abort", async () => {
  const store = new CountingStore();
  await threeVariables(store, "none");
  await using checkpoint = await openCheckpoint(store);
  await assertRejects(() => checkpoint.verify({ signal: AbortSignal.abort(new Error("stop")) }), Error, "stop");
  store.failure = new StoreError("Cannot read: EIO");
  await assertRejects(() => checkpoint.verify(), StoreError, "EIO");
});
