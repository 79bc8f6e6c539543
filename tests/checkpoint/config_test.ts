import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { build, type Config, type Handler, load, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CheckpointError, ConfigError, FormatError, NotFoundError } from "../../src/errors.ts";
import { LocalStore, MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";
import { bytesOf, putForeign, textOf } from "./blobs.ts";
import { FaultyFiles } from "./faulty_files.ts";
import { saveRun, SILENT, threeSteps } from "./runs.ts";

async function loaded(config: Config, ctx: Context): Promise<unknown> {
  await config.onWarning(SILENT).done();
  return ctx.in("a").getVariable("w")?.value().toNested();
}

Deno.test("build() setters touch no file and keep their errors for done()", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  const config = build(new Context()).store(new LocalStore(`${directory.path}/run`, { files }))
    .at("nothing").keep(3).immediate().excludeParams("a").excludeAllParams().excludeVars().compress("gzip")
    .profile("gomlx-0.28").extras(false).clock(() => new Date(0)).onlyScopes("/a").scope("/b", "/c")
    .onWarning(SILENT).keep(0).dir("");
  assertEquals(files.calls, 0);
  const error = await assertRejects(() => config.done(), ConfigError, "Cannot keep 0 checkpoints");
  assertEquals(error.code, "config");
  assertEquals(files.calls, 0);
  assertEquals(namesIn(directory.path), []);
});

const REFUSED: readonly (readonly [string, (config: Config) => Config, string])[] = [
  ["keep(0)", (config) => config.keep(0), "Cannot keep 0 checkpoints: wanted a whole number above 0"],
  ["keep(NaN)", (config) => config.keep(NaN), "Cannot keep NaN checkpoints"],
  ["keep(1.5)", (config) => config.keep(1.5), "Cannot keep 1.5 checkpoints"],
  ["keep(Infinity)", (config) => config.keep(Infinity), "Cannot keep Infinity checkpoints"],
  ['dir("")', (config) => config.dir(""), 'Cannot use directory "": wanted a path'],
  ["dir() with mode -1", (config) => config.dir("x", { mode: -1 }), "mode -1"],
  ["dir() with mode 0.5", (config) => config.dir("x", { mode: 0.5 }), "mode 0.5"],
  ["tempDir() with a separator", (config) => config.tempDir("", "a/b*"), 'Cannot use pattern "a/b*"'],
  ["at(0.5)", (config) => config.at(0.5), "Cannot choose step 0.5"],
  ["at(NaN)", (config) => config.at(NaN), "Cannot choose step NaN"],
  ["onlyScopes() of a relative scope", (config) => config.onlyScopes("a"), 'Cannot load scope "a"'],
  ["scope() to a relative scope", (config) => config.scope("/a", "b"), 'Cannot load scope "b"'],
  // Callers in JavaScript, and settings that come from a file.
  ["compress() of an unknown codec", (config) => config.compress(JSON.parse('"lz4"')), 'Cannot compress with "lz4"'],
  ["profile() of an unknown name", (config) => config.profile(JSON.parse('"v1"')), 'Cannot use profile "v1"'],
];

for (const [what, set, message] of REFUSED) {
  Deno.test(`done() refuses ${what}`, async () => {
    const config = set(build(new Context()).store(new MemoryStore()));
    await assertRejects(() => config.done(), ConfigError, message);
  });
}

Deno.test("done() refuses fromEmbed() beside another place, whichever comes first", async () => {
  const bin = new Uint8Array();
  const first = build(new Context()).fromEmbed("{}", bin).dir("x");
  await assertRejects(() => first.done(), ConfigError, "Cannot use fromEmbed() together with");
  const last = build(new Context()).store(new MemoryStore()).fromEmbed("{}", bin);
  await assertRejects(() => last.done(), ConfigError, "Cannot use fromEmbed() together with");
});

Deno.test("done() uses the last of several places, as GoMLX does", async () => {
  const store = new MemoryStore("last");
  const handler = await build(new Context()).dir("/nowhere").store(store).done();
  assertEquals(handler.dir(), "memory:last");
});

Deno.test("done() of load() fails where there is no checkpoint, and leaves the Context alone", async () => {
  const ctx = new Context();
  const store = new MemoryStore("empty");
  await assertRejects(() => load(ctx).store(store).done(), NotFoundError, 'No checkpoint in "memory:empty"');
  assertStrictEquals(ctx.loader, undefined);
});

Deno.test("store() loads from any Store and saves into it", async () => {
  const store = new MemoryStore("mine");
  const ctx = new Context();
  ctx.in("a").variableWithValue("w", [7]);
  await (await build(ctx).store(store).done()).save();
  const again = new Context();
  assertEquals(await loaded(load(again).store(store), again), [7]);
});

for (const compression of ["none", "gzip"] as const) {
  Deno.test(`fromEmbed() loads text and bytes, payload ${compression}`, async () => {
    const store = new MemoryStore();
    const ctx = new Context();
    ctx.setParam("lr", 0.5);
    ctx.in("a").variableWithValue("w", [1, 2, 3]);
    const { baseName } = await (await build(ctx).store(store).compress(compression).done()).save();
    const json = await textOf(store, `${baseName}.json`);
    const bin = await bytesOf(store, `${baseName}.bin`);
    for (const manifest of [json, new TextEncoder().encode(json)]) {
      const again = new Context();
      assertEquals(await loaded(load(again).fromEmbed(manifest, bin), again), [1, 2, 3]);
      assertEquals(again.getParam("lr"), 0.5);
    }
  });
}

Deno.test("fromEmbed() of damaged bytes is a FormatError in done()", async () => {
  await assertRejects(() => load(new Context()).fromEmbed("not json", new Uint8Array()).done(), FormatError, "embed:");
});

Deno.test("fromEmbed() with at() is refused: there is one checkpoint", async () => {
  const config = load(new Context()).fromEmbed('{"Params":null,"Variables":[]}', new Uint8Array()).at(3);
  await assertRejects(() => config.done(), ConfigError, 'Cannot load at("3"): fromEmbed() has one');
});

Deno.test("at() loads the newest of a step, as number or bigint, or a base name with or without suffix", async () => {
  const store = await threeSteps();
  const [first, second] = (await store.list()).filter(({ name }) => name.endsWith(".json")).map(({ name }) => name);
  const at = async (choice: number | bigint | string): Promise<unknown> => {
    const ctx = new Context();
    return await loaded(build(ctx).store(store).at(choice), ctx);
  };
  assertEquals(await at(1), [1]);
  assertEquals(await at(2), [3]);
  assertEquals(await at(2n), [3]);
  assertEquals(await at(first?.replace(".json", "") ?? ""), [1]);
  assertEquals(await at(second ?? ""), [2]);
  assertEquals(await at(second?.replace(".json", ".bin") ?? ""), [2]);
});

Deno.test("at() of a missing step or name fails and says what is there, also for build()", async () => {
  const store = await threeSteps();
  const step = await assertRejects(() => build(new Context()).store(store).at(9).done(), NotFoundError);
  assertStringIncludes(step.message, 'No checkpoint of step 9 in "memory:steps"; it has 3, the newest: 1, 2, 2');
  const name = await assertRejects(() => build(new Context()).store(store).at("latest").done(), NotFoundError);
  assertMatch(name.message, /^No checkpoint named "latest" .*checkpoint-n0000002-/);
  const empty = build(new Context()).store(new MemoryStore()).at(1);
  await assertRejects(() => empty.done(), NotFoundError, "it has none");
});

Deno.test("immediate() registers every variable in file order, and leaves nothing pending", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  for (const name of ["z", "a", "m"]) ctx.variableWithValue(name, [name.length]);
  await (await build(ctx).store(store).done()).save();
  const again = new Context();
  again.variableWithValue("m", [9]);
  const handler = await load(again).store(store).immediate().done();
  assertEquals([...again.iterVariables()].map((v) => v.name), ["m", "z", "a", "global_step"]);
  assertEquals(again.getVariable("m")?.value().toNested(), [1]);
  assertEquals(handler.loadedVariables().size, 0);
});

Deno.test("done() without immediate() registers nothing, but gives existing variables the file's values", async () => {
  const store = await threeSteps();
  const ctx = new Context();
  const w = ctx.in("a").variableWithValue("w", [[0, 0]]);
  const handler = await load(ctx).store(store).done();
  assertEquals(ctx.numVariables(), 1);
  assertEquals([w.dimensions, w.value().toNested()], [[1], [3]]);
  assertEquals([...handler.loadedVariables().keys()], ["var://global_step"]);
  assertEquals(ctx.getGlobalStep(), 2);
  assertEquals(handler.loadedVariables().size, 0);
});

Deno.test('compress("gzip") saves a payload that GoMLX v0.25 reads, and a later Handler goes on with it', async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.in("a").variableWithValue("w", Tensor.zeros("Float32", [10_000]));
  const handler = await build(ctx).store(store).compress("gzip").done();
  const saved = await handler.save();
  assertEquals(saved.profile, "gomlx-0.25");
  const bin = await bytesOf(store, `${saved.baseName}.bin`);
  assertEquals(new TextDecoder().decode(bin.subarray(0, 22)), "gomlx_checkpoints\x04gzip");
  assert(bin.length < 1000);

  const again = new Context();
  const next = await build(again).store(store).done();
  assertEquals(again.in("a").getVariable("w")?.value().statistics().zero, 10_000);
  const second = await next.save();
  assertEquals((await bytesOf(store, `${second.baseName}.bin`)).subarray(0, 22), bin.subarray(0, 22));

  const raw = await (await build(again).dir("/unused").store(store).compress("none").done()).save();
  assertEquals((await bytesOf(store, `${raw.baseName}.bin`)).length, 40_008);
});

Deno.test("profile() chooses the bytes, and one that cannot hold them is refused before a byte is written", async () => {
  const ctx = new Context();
  ctx.variableWithValue("w", [1]);
  const saved = await (await build(ctx).store(new MemoryStore()).profile("gomlx-0.28").done()).save();
  assertEquals([saved.profile, saved.variables[0]?.parameterName], ["gomlx-0.28", "var:/w"]);

  const store = new MemoryStore();
  const refused = await build(ctx).store(store).profile("gomlx-0.10").compress("gzip").done();
  await assertRejects(() => refused.save(), FormatError, 'profile "gomlx-0.10" has no gzip');
  assertEquals(await store.list(), []);
});

Deno.test("extras(false) writes the bytes of GoMLX, without the key Cairn", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.setParam("lr", 0.5);
  ctx.variableWithValue("w", [1]);
  const handler = await build(ctx).store(store).extras(false).keep(-1).done();
  const { baseName } = await handler.save();
  const text = await textOf(store, `${baseName}.json`);
  assert(!text.includes("Cairn"), text);
  ctx.setParam("lr", NaN);
  await assertRejects(() => handler.save(), FormatError, "lr");
  assertEquals(await handler.listCheckpoints(), [baseName]);
});

Deno.test("clock() gives the local time of file names", async () => {
  const ctx = new Context();
  ctx.setGlobalStep(12);
  const clock = (): Date => new Date(2024, 1, 29, 23, 5, 9);
  const saved = await (await build(ctx).store(new MemoryStore()).clock(clock).done()).save();
  assertEquals(saved.baseName, "checkpoint-n0000000-20240229-230509-step-00000012");

  const store = new MemoryStore();
  const broken = await build(ctx).store(store).clock(() => new Date(NaN)).done();
  await assertRejects(() => broken.save(), ConfigError, "the clock shows");
  assertEquals(await store.list(), []);
});

Deno.test("done() twice makes two Handlers, chained on the Context", async () => {
  const store = await threeSteps();
  const ctx = new Context();
  const config = load(ctx).store(store).keep(-1);
  const [one, two]: Handler[] = [await config.done(), await config.done()];
  assert(one !== two);
  assertStrictEquals(ctx.loader, two);
  assertEquals(ctx.in("a").getVariable("w")?.value().toNested(), [3]);
  assertEquals([one?.loadedVariables().size, two?.loadedVariables().size], [1, 2]);
  assertEquals((await two?.save())?.variables.length, 2);
});

Deno.test("done() that fails can be called again once the place is right", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const config = load(ctx).store(store);
  await assertRejects(() => config.done(), NotFoundError);
  await putForeign(store, "checkpoint-n0000000-20240101-000000-initial", [{ name: "var:/a/w", values: [5] }]);
  assertEquals(await loaded(config, ctx), [5]);
});

Deno.test("mustDone() gives the Handler, or wraps the failure as GoMLX words it", async () => {
  const handler = await build(new Context()).store(new MemoryStore("ok")).mustDone();
  assertEquals(handler.dir(), "memory:ok");
  const error = await assertRejects(() => load(new Context()).store(new MemoryStore("x")).mustDone(), CheckpointError);
  assert(error.message.startsWith('Failed to create checkpoints.Handler: No checkpoint in "memory:x"'), error.message);
  assertEquals([error.code, error.path], ["not-found", "memory:x"]);
  assertInstanceOf(error.cause, NotFoundError);
  const config = await assertRejects(() => build(new Context()).keep(0).mustDone(), CheckpointError);
  assertEquals(config.code, "config");
  assertInstanceOf(config.cause, ConfigError);
});

Deno.test("mustDone() wraps what is not a CheckpointError too", async () => {
  const boom = new Error("boom");
  const store = new MemoryStore();
  store.list = () => Promise.reject(boom);
  const error = await assertRejects(() => build(new Context()).store(store).mustDone(), CheckpointError, "boom");
  assertStrictEquals(error.cause, boom);
});

Deno.test("done() reports what is odd about the loaded file through onWarning()", async () => {
  const store = new MemoryStore();
  const rows = [{ name: "var:/a/w", values: [1] }, { name: "var:/a/w", values: [2] }];
  await putForeign(store, "checkpoint-n0000000-20240101-000000-initial", rows);
  const warnings: string[] = [];
  const ctx = new Context();
  await load(ctx).store(store).onWarning((text) => warnings.push(text)).done();
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0] ?? "", /^"checkpoint-n0000000-.*var:\/a\/w/);
  await using checkpoint = await openCheckpoint(store, { onWarning: SILENT });
  assertEquals(checkpoint.reports.length, 1);
});

Deno.test("done() with immediate() reports progress up to the total, and stops at an abort with nothing loaded", async () => {
  const store = await threeSteps();
  const done: number[] = [];
  await load(new Context()).store(store).immediate().done({ progress: (each) => done.push(each.done, each.total) });
  assertEquals([done.slice(0, 2), done.slice(-2)], [[0, 12], [12, 12]]);
  const ctx = new Context();
  const controller = new AbortController();
  const config = load(ctx).store(store).immediate();
  const aborted = config.done({ progress: () => controller.abort(), signal: controller.signal });
  assertEquals((await assertRejects(() => aborted, DOMException)).name, "AbortError");
  assertEquals([ctx.numVariables(), ctx.params.length, ctx.loader], [0, 0, undefined]);
});

Deno.test("immediate(false) and excludeAllParams(false) take back what was said before", async () => {
  const store = new MemoryStore();
  await saveRun(store, 1, { w: [1] });
  for (const on of [true, false]) {
    const ctx = new Context();
    await using _ = await load(ctx).store(store).immediate().excludeAllParams().immediate(on).excludeAllParams(on)
      .done();
    assertEquals([ctx.numVariables(), ctx.getParam("step_param")], on ? [2, undefined] : [0, 1]);
  }
});
