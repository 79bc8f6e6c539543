import { assertEquals, assertMatch, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { best, build, type Config, load, openCheckpoint, previewMean } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CorruptError, FormatError, NotFoundError, PermissionError, StoreError } from "../../src/errors.ts";
import { MemoryStore, type ReadHandle, type Store } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { bytesOf, contentsOf, put } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { contextOf, SILENT, valueOf } from "./runs.ts";
import { joinedHead } from "../render/joined_head.ts";

/** Three checkpoints, of steps 1 to 3, whose `/a/w` is four times the step, with their loss 3, 1, 2. */
async function threeOf(store: Store, codec: "none" | "gzip" = "none"): Promise<string[]> {
  const ctx = contextOf({ w: [0, 0, 0, 0] });
  await using handler = await build(ctx).store(store).compress(codec).keep(-1).done();
  const bases: string[] = [];
  for (const [step, loss] of [[1, 3], [2, 1], [3, 2]] as const) {
    ctx.setGlobalStep(step);
    ctx.in("a").getVariable("w")?.setValue(Tensor.from([step, step, step, step]));
    bases.push((await handler.save({ metrics: { loss } })).baseName);
  }
  return bases;
}

/** Ways to damage a checkpoint that opening it shows; each gives what the reason says. */
const OPEN_DAMAGE: readonly [what: string, reason: RegExp, damage: (store: Store, base: string) => Promise<void>][] = [
  ["an empty manifest", /it is empty/, (store, base) => put(store, `${base}.json`, "")],
  ["a cut manifest", /wanted/, async (store, base) => {
    await put(store, `${base}.json`, (await bytesOf(store, `${base}.json`)).subarray(0, 300));
  }],
  ["a changed manifest", /ManifestCRC32/, async (store, base) => {
    const bytes = await bytesOf(store, `${base}.json`);
    await put(store, `${base}.json`, new TextDecoder().decode(bytes).replace('"Length": 16', '"Length": 17'));
  }],
  ["a payload that is cut", /.bin"/, async (store, base) => {
    const bytes = await bytesOf(store, `${base}.bin`);
    await put(store, `${base}.bin`, bytes.subarray(0, bytes.length - 1));
  }],
  ["a longer payload", /.bin"/, async (store, base) => {
    await put(store, `${base}.bin`, Uint8Array.of(...await bytesOf(store, `${base}.bin`), 0));
  }],
  ["an empty payload", /.bin"/, (store, base) => put(store, `${base}.bin`, "")],
  ["no payload", /there is none/, (store, base) => store.remove(`${base}.bin`)],
];

/** Flips a bit of the payload. */
async function flip(store: Store, base: string, at: number): Promise<void> {
  const bytes = await bytesOf(store, `${base}.bin`);
  await put(store, `${base}.bin`, bytes.with(at, (bytes[at] ?? 0) ^ 0x10));
}

/** What loading gives: the value of `/a/w`, and what was skipped and warned of. */
async function loaded(config: (ctx: Context) => Config): Promise<[unknown, readonly string[], string[]]> {
  const ctx = new Context();
  const warnings: string[] = [];
  await using handler = await config(ctx).onWarning((text) => warnings.push(text)).done();
  const value = valueOf(ctx, "w");
  return [Array.isArray(value) ? value[0] : value, handler.skipped.map(({ baseName }) => baseName), warnings];
}

for (const codec of ["none", "gzip"] as const) {
  for (const [what, reason, damage] of OPEN_DAMAGE) {
    Deno.test(`done() skips a newest checkpoint with ${what} (${codec}), says so, and loses nothing`, async () => {
      const store = new MemoryStore();
      const [, second = "", third = ""] = await threeOf(store, codec);
      await damage(store, third);
      const before = await contentsOf(store);
      const [value, skipped, warnings] = await loaded((ctx) => load(ctx).store(store));
      assertEquals([value, skipped, warnings.length], [2, [third], 1]);
      assertMatch(warnings[0] ?? "", /^"checkpoint-.*" is damaged and was skipped: /);
      assertMatch(warnings[0] ?? "", reason);
      assertEquals(await contentsOf(store), before);
      await damage(store, second);
      assertEquals((await loaded((ctx) => build(ctx).store(store))).slice(0, 2), [1, [third, second]]);
    });
  }
}

Deno.test("done() of a directory in which nothing is intact is the newest one's error, also for build()", async () => {
  const store = new MemoryStore("run");
  for (const base of await threeOf(store)) await put(store, `${base}.json`, "");
  for (const start of [load, build]) {
    const error = await assertRejects(() => start(new Context()).store(store).onWarning(SILENT).done(), FormatError);
    assertMatch(error.message, /step-00000003\.json": it is empty.*; none of 3 checkpoints in "memory:run" is intact$/);
  }
});

Deno.test("strict() makes a damaged newest checkpoint an error that names intact ones", async () => {
  const store = new MemoryStore();
  const [first, second, third] = await threeOf(store);
  await put(store, `${third}.json`, "");
  const error = await assertRejects(() => load(new Context()).store(store).strict().done(), FormatError);
  assertStringIncludes(error.message, `; intact by manifest and size are at("${second}"), at("${first}")`);
});

Deno.test("at() of a damaged checkpoint is an error that names intact ones, and so are restore() and openCheckpoint()", async () => {
  const store = new MemoryStore();
  const [first, second] = await threeOf(store);
  await store.remove(`${second}.bin`);
  const ctx = new Context();
  await using handler = await load(ctx).store(store).keep(-1).done();
  for (
    const open of [
      () => load(new Context()).store(store).at(2).done(),
      () => load(new Context()).store(store).at(second ?? "").done(),
      () => handler.restore(2),
      () => openCheckpoint(store, { step: 2 }),
    ]
  ) {
    const error = await assertRejects(open, NotFoundError);
    assertMatch(error.message, /there is none; intact by manifest and size are at\("\S+3"\), at\("\S+1"\)$/);
  }
  assertEquals(valueOf(ctx, "w"), [3, 3, 3, 3]);
  await put(store, `${first}.json`, "");
  const others = await assertRejects(() => handler.restore(2));
  assertMatch(String(others), /; intact by manifest and size are at\("\S+3"\)$/);
});

Deno.test("done() does not look at the bytes of a payload, but verify() does, and skips a flipped bit", async () => {
  for (const codec of ["none", "gzip"] as const) {
    const store = new CountingStore();
    const [, , third = ""] = await threeOf(store, codec);
    await flip(store, third, codec === "none" ? 3 : 40);
    const ctx = new Context();
    await using lazy = await load(ctx).store(store).done();
    assertEquals(lazy.skipped, []);
    await assertRejects(() => lazy.prefetch(), CorruptError, third);
    const [value, skipped, warnings] = await loaded((ctx) => load(ctx).store(store).verify());
    assertEquals([value, skipped, warnings.length], [2, [third], 1]);
    await assertRejects(
      () => load(new Context()).store(store).verify().strict().done(),
      CorruptError,
      "intact by manifest and size are",
    );
    await assertRejects(() => load(new Context()).store(store).verify().at(3).done(), CorruptError, third);
  }
});

Deno.test("a flipped bit that shows when a value is read names the way out", async () => {
  const store = new MemoryStore();
  const [, , third = ""] = await threeOf(store);
  await flip(store, third, 3);
  const ctx = new Context();
  await using _ = await load(ctx).store(store).done();
  const error = await assertRejects(() => Promise.resolve(ctx.in("a").getVariable("w")?.load()), CorruptError);
  assertMatch(
    error.message,
    /the file is damaged; load\(…\)\.verify\(\) compares everything first$/,
  );
});

Deno.test("done() does not say that it skips the only checkpoint, but throws its error", async () => {
  const store = new MemoryStore();
  const [first = "", second = "", third = ""] = await threeOf(store);
  for (const base of [second, third]) for (const suffix of [".json", ".bin"]) await store.remove(base + suffix);
  await put(store, `${first}.json`, "");
  const warnings: string[] = [];
  const config = load(new Context()).store(store).onWarning((text) => warnings.push(text));
  const error = await assertRejects(() => config.done(), FormatError, "it is empty");
  assertEquals([error.message.includes("intact"), warnings], [false, []]);
});

Deno.test("done() with immediate() skips what reading shows to be damaged, and registers nothing of it", async () => {
  const store = new CountingStore();
  const [, , third = ""] = await threeOf(store);
  await flip(store, third, 3);
  const ctx = new Context();
  await using handler = await load(ctx).store(store).immediate().onWarning(SILENT).done();
  assertEquals([valueOf(ctx, "w"), ctx.getGlobalStep()], [[2, 2, 2, 2], 2]);
  assertMatch(handler.skipped[0]?.reason ?? "", /variable "\/a\/w".*CRC-32/);
  assertEquals(handler.loadedBase?.endsWith("2"), true);
  assertEquals(store.opened, []);
});

Deno.test("takeMean() takes the newest intact ones, also if reading shows that one is not", async () => {
  const store = new MemoryStore();
  const [first = "", second = "", third = ""] = await threeOf(store);
  await flip(store, second, 3);
  const [value, skipped, warnings] = await loaded((ctx) => load(ctx).store(store).takeMean(2));
  assertEquals([value, skipped, warnings.length], [2, [second], 1]); // of 1 and 3
  assertEquals((await previewMean(store, 2, { onWarning: SILENT })).baseNames, [first, third]);
  await put(store, `${third}.json`, "");
  const preview = await previewMean(store, 2, { onWarning: SILENT });
  assertEquals(preview.baseNames, [first]);
  const last = await loaded((ctx) => load(ctx).store(store).takeMean(2));
  assertEquals(last[0], 1);
  assertStringIncludes(last[2].at(-1) ?? "", "has 1 intact checkpoint, fewer than the 2 asked for");
});

Deno.test("at(best()) takes the next best if the best is damaged, and says that it did", async () => {
  const store = new MemoryStore();
  const [, second = ""] = await threeOf(store);
  await store.remove(`${second}.bin`);
  const [value, skipped] = await loaded((ctx) => load(ctx).store(store).at(best("loss")));
  assertEquals([value, skipped], [3, [second]]);
});

Deno.test("done() throws what only failed to be read, and skips nothing for it", async () => {
  const store = new CountingStore();
  await threeOf(store);
  const warnings: string[] = [];
  const config = load(new Context()).store(store).onWarning((text) => warnings.push(text));
  for (const failure of [new StoreError("Cannot read: EIO"), new PermissionError("Cannot read: EACCES")]) {
    store.failure = failure;
    assertStrictEquals(await assertRejects(() => config.done()), failure);
  }
  store.failure = undefined;
  assertEquals([warnings, store.opened], [[], []]);
});

Deno.test("done() never takes older weights for what a newer Cairn wrote", async () => {
  const store = new MemoryStore();
  const [, , third = ""] = await threeOf(store);
  const text = new TextDecoder().decode(await bytesOf(store, `${third}.json`));
  const newer = text.replace('"FormatVersion": 1', '"FormatVersion": 2').replace(/,\n\t\t"ManifestCRC32": \d+/, "");
  await put(store, `${third}.json`, newer);
  await assertRejects(() => load(new Context()).store(store).done(), FormatError, "written by a newer Cairn");
  // With a wrong checksum it is only damaged.
  await put(store, `${third}.json`, text.replace('"FormatVersion": 1', '"FormatVersion": 2'));
  assertEquals((await loaded((ctx) => load(ctx).store(store)))[0], 2);
});

Deno.test("done() looks again when retention of another process has removed what was listed", async () => {
  const inner = new MemoryStore();
  const bases = await threeOf(inner);
  let opened = 0;
  const store = new (class extends CountingStore {
    override async open(name: string): Promise<ReadHandle> {
      // As if another process had saved and kept one.
      if (opened++ === 0) {
        const handler = await build(contextOf({ other: [9] })).store(inner).keep(1).done();
        await handler.save();
      }
      return await super.open(name);
    }
  })(inner);
  const ctx = new Context();
  await using handler = await load(ctx).store(store).done();
  assertEquals([valueOf(ctx, "other"), handler.skipped], [[9], []]);
  assertEquals(bases.includes(handler.loadedBase ?? ""), false);
});

Deno.test("openCheckpoint() of a directory skips a damaged one with a warning", async () => {
  const store = new MemoryStore();
  const [, second, third] = await threeOf(store);
  await put(store, `${third}.json`, "{");
  const warnings: string[] = [];
  await using checkpoint = await openCheckpoint(store, { onWarning: (text) => warnings.push(text) });
  assertEquals([checkpoint.baseName, warnings.length], [second, 1]);
  await assertRejects(() => openCheckpoint(store, { strict: true }), FormatError, "intact by manifest and size are");
});

Deno.test("a Handler shows what was skipped, and why", async () => {
  const store = new MemoryStore();
  const [, , third] = await threeOf(store);
  await put(store, `${third}.json`, "");
  await using handler = await load(new Context()).store(store).onWarning(SILENT).done();
  const text = joinedHead(Deno.inspect(handler, { colors: false })).replaceAll("\n  ", " ");
  assertMatch(text, /1 damaged skipped/);
  assertMatch(text, /skipped "checkpoint-\S+3": .* it is empty/);
  await handler.restore(1);
  assertEquals(handler.skipped, []);
});
