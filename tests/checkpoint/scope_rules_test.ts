import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { build, type Config, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { ConfigError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { fromFileUrl } from "@std/path";
import { putForeign } from "./blobs.ts";

// Every variable `/path` holds the number of its row, so that it shows which one came where.

const BASE = "checkpoint-n0000000-20240101-000000-initial";
const MODEL = [
  "var:/enc/w",
  "var:/enc/deep/w",
  "var:/encoder/w",
  "var:/dec/w",
  "var://bias",
  "var://global_step",
  "var://#rngState",
  "var:/trainer/train_last_global_step",
  "var:/AdamOptimizer/enc/w_1st_moment",
  "var:/AdamOptimizer/enc/w_2nd_moment",
  "var:/AdamOptimizer//bias_1st_moment",
  "var:/AdamOptimizer/global_step",
  "var:/trainer2/w",
];
const PARAMS = [["/", "lr"], ["/enc", "units"], ["/enc/deep", "act"], ["/encoder", "units"], ["/trainer", "x"]];

function storeOf(
  names: readonly string[] = MODEL,
  params: readonly (readonly string[])[] = PARAMS,
): Promise<MemoryStore> {
  const store = new MemoryStore();
  const rows = names.map((name, index) => ({ name, values: [index] }));
  const list = params.map(([Scope, Key], index) => ({ Scope, Key, Value: index, ValueType: "int" }));
  return putForeign(store, BASE, rows, { params: list }).then(() => store);
}

/** What arrives, as `target=number of the source row`; params with a leading `#`. */
async function arrived(set: (config: Config) => Config, store?: MemoryStore): Promise<string[]> {
  const ctx = new Context();
  await set(load(ctx).store(store ?? await storeOf())).immediate().done();
  const variables = Array.from(ctx.iterVariables(), (v) => `${v.parameterName.slice(4)}=${v.value().at(0)}`);
  return [...variables, ...ctx.params.map(({ scope, key, value }) => `#${scope} ${key}=${value}`)];
}

Deno.test("onlyScopes() takes a scope and what lies below, at / boundaries, with params and moments, in place", async () => {
  assertEquals(await arrived((config) => config.onlyScopes("/enc")), [
    "/enc/w=0",
    "/enc/deep/w=1",
    "/AdamOptimizer/enc/w_1st_moment=8",
    "/AdamOptimizer/enc/w_2nd_moment=9",
    "#/enc units=1",
    "#/enc/deep act=2",
  ]);
  assertEquals(await arrived((config) => config.onlyScopes("/enc/deep", "/dec")), [
    "/enc/deep/w=1",
    "/dec/w=3",
    "#/enc/deep act=2",
  ]);
});

Deno.test("onlyScopes() of the root takes the model, and leaves the run's own state behind", async () => {
  assertEquals(await arrived((config) => config.onlyScopes("/")), [
    "/enc/w=0",
    "/enc/deep/w=1",
    "/encoder/w=2",
    "/dec/w=3",
    "//bias=4",
    "/AdamOptimizer/enc/w_1st_moment=8",
    "/AdamOptimizer/enc/w_2nd_moment=9",
    "/AdamOptimizer//bias_1st_moment=10",
    "/AdamOptimizer/global_step=11",
    "/trainer2/w=12",
    "#/ lr=0",
    "#/enc units=1",
    "#/enc/deep act=2",
    "#/encoder units=3",
  ]);
});

Deno.test("onlyScopes() takes global_step, #rngState and /trainer where they are named", async () => {
  assertEquals(await arrived((config) => config.onlyScopes("/dec", "/global_step", "/#rngState", "/trainer")), [
    "/dec/w=3",
    "//global_step=5",
    "//#rngState=6",
    "/trainer/train_last_global_step=7",
    "#/trainer x=4",
  ]);
});

Deno.test("onlyScopes() accepts a trailing slash", async () => {
  assertEquals(await arrived((config) => config.onlyScopes("/dec/")), ["/dec/w=3"]);
  assertEquals(await arrived((config) => config.onlyScopes("/AdamOptimizer/")), [
    "/AdamOptimizer/enc/w_1st_moment=8",
    "/AdamOptimizer/enc/w_2nd_moment=9",
    "/AdamOptimizer//bias_1st_moment=10",
    "/AdamOptimizer/global_step=11",
  ]);
});

Deno.test("scope() moves variables, params and moments", async () => {
  assertEquals(await arrived((config) => config.scope("/enc", "/student/e")), [
    "/student/e/w=0",
    "/student/e/deep/w=1",
    "/AdamOptimizer/student/e/w_1st_moment=8",
    "/AdamOptimizer/student/e/w_2nd_moment=9",
    "#/student/e units=1",
    "#/student/e/deep act=2",
  ]);
});

Deno.test("scope() to the root and from the root moves moments with their variable", async () => {
  assertEquals(await arrived((config) => config.scope("/enc", "/")), [
    "//w=0",
    "/deep/w=1",
    "/AdamOptimizer//w_1st_moment=8",
    "/AdamOptimizer//w_2nd_moment=9",
    "#/ units=1",
    "#/deep act=2",
  ]);
  assertEquals(await arrived((config) => config.scope("/", "/teacher")), [
    "/teacher/enc/w=0",
    "/teacher/enc/deep/w=1",
    "/teacher/encoder/w=2",
    "/teacher/dec/w=3",
    "/teacher/bias=4",
    "/AdamOptimizer/teacher/enc/w_1st_moment=8",
    "/AdamOptimizer/teacher/enc/w_2nd_moment=9",
    "/AdamOptimizer/teacher/bias_1st_moment=10",
    "/teacher/AdamOptimizer/global_step=11",
    "/teacher/trainer2/w=12",
    "#/teacher lr=0",
    "#/teacher/enc units=1",
    "#/teacher/enc/deep act=2",
    "#/teacher/encoder units=3",
  ]);
});

Deno.test("scope() renames one variable, with its moments", async () => {
  assertEquals(await arrived((config) => config.scope("/enc/w", "/enc/kernel")), [
    "/enc/kernel=0",
    "/AdamOptimizer/enc/kernel_1st_moment=8",
    "/AdamOptimizer/enc/kernel_2nd_moment=9",
  ]);
  assertEquals(await arrived((config) => config.scope("/bias", "/head/offset")), [
    "/head/offset=4",
    "/AdamOptimizer/head/offset_1st_moment=10",
  ]);
  assertEquals(await arrived((config) => config.scope("/dec/w", "/top")), ["//top=3"]);
  assertEquals(await arrived((config) => config.scope("/global_step", "/old/global_step")), ["/old/global_step=5"]);
});

Deno.test("onlyScopes() and scope() forgive a slash at the end", async () => {
  const same = async (plain: (config: Config) => Config, slashed: (config: Config) => Config): Promise<void> =>
    assertEquals(await arrived(slashed), await arrived(plain));
  await same((c) => c.onlyScopes("/enc", "/bias", "/trainer"), (c) => c.onlyScopes("/enc/", "/bias/", "/trainer/"));
  await same((c) => c.onlyScopes("/global_step"), (c) => c.onlyScopes("/global_step/"));
  await same((c) => c.scope("/enc/w", "/enc/kernel"), (c) => c.scope("/enc/w/", "/enc/kernel/"));
  await same((c) => c.scope("/", "/teacher"), (c) => c.scope("/", "/teacher/"));
});

Deno.test("scope() with the longest source wins, in any order", async () => {
  const longest = ["/x/w=0", "/y/w=1", "/AdamOptimizer/x/w_1st_moment=8", "/AdamOptimizer/x/w_2nd_moment=9"];
  const params = ["#/x units=1", "#/y act=2"];
  assertEquals(await arrived((config) => config.scope("/enc", "/x").scope("/enc/deep", "/y")), [...longest, ...params]);
  assertEquals(await arrived((config) => config.scope("/enc/deep", "/y").scope("/enc", "/x")), [...longest, ...params]);
  const one = await arrived((config) => config.scope("/enc", "/x").scope("/enc/w", "/z/kernel"));
  assertEquals(one.slice(0, 2), ["/z/kernel=0", "/x/deep/w=1"]);
});

Deno.test("scope() sends one source to two targets, each with its own memory", async () => {
  const ctx = new Context();
  await load(ctx).store(await storeOf()).scope("/dec", "/one").scope("/dec", "/two").immediate().done();
  const [one, two] = ["one", "two"].map((name) => ctx.in(name).getVariable("w")?.value());
  assertEquals([one?.at(0), two?.at(0)], [3, 3]);
  const data = one?.data();
  if (data instanceof Float32Array) data[0] = 99;
  assertEquals(two?.at(0), 3);
});

Deno.test("scope() of a compressed payload sends one source to two targets too", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.in("dec").variableWithValue("w", [3]);
  await (await build(ctx).store(store).compress("gzip").done()).save();
  const again = new Context();
  await using _ = await load(again).store(store).scope("/dec", "/one").scope("/dec", "/two").done();
  assertEquals(["one", "two"].map((name) => again.in(name).getVariable("w")?.value().at(0)), [3, 3]);
  assertEquals((await again.in("two").getVariable("w")?.load())?.at(0), 3);
});

Deno.test("scope() of two sources to one target is an error that names all three, and loads nothing", async () => {
  const ctx = new Context();
  const config = load(ctx).store(await storeOf()).scope("/enc", "/x").scope("/dec", "/x");
  const error = await assertRejects(() => config.done(), ConfigError);
  assertMatch(error.message, /variables "\/enc\/w" and "\/dec\/w" would both become "\/x\/w"/);
  assertEquals([ctx.numVariables(), ctx.params.length, ctx.loader], [0, 0, undefined]);
  const params = load(ctx).store(await storeOf(["var:/a/w"], [["/a", "k"], ["/b", "k"]])).scope("/a", "/x").scope(
    "/b",
    "/x",
  );
  await assertRejects(() => params.done(), ConfigError, 'params "/a/k" and "/b/k" would both become "/x/k"');
});

Deno.test("onlyScopes() that matches nothing is an error that lists what is there", async () => {
  const none = async (set: (config: Config) => Config): Promise<string> => {
    const store = await storeOf();
    return (await assertRejects(() => set(load(new Context()).store(store)).done(), ConfigError)).message;
  };
  assertMatch(await none((config) => config.onlyScopes("/en")), /at or below "\/en"; scopes in the file: "\/enc", /);
  assertMatch(await none((config) => config.onlyScopes("/enc", "/nope")), /at or below "\/nope"/);
  assertMatch(await none((config) => config.onlyScopes("/enc/w/x")), /at or below "\/enc\/w\/x"/);
});

Deno.test("onlyScopes() leaves excluded params out, by their name in the Context", async () => {
  const params = await arrived((config) => config.scope("/enc", "/x").excludeParams("/x/units"));
  assertEquals(params.filter((each) => each.startsWith("#")), ["#/x/deep act=2"]);
});

Deno.test("onlyScopes() works lazily too: what is left behind is not there", async () => {
  const ctx = new Context();
  ctx.in("student").variableWithValue("w", [77]);
  const handler = await load(ctx).store(await storeOf()).scope("/dec", "/student").scope("/bias", "/b").done();
  assertEquals([...handler.loadedVariables().keys()], ["var://b", "var:/AdamOptimizer//b_1st_moment"]);
  assertEquals(ctx.in("student").getVariable("w")?.value().at(0), 3);
  assertEquals([ctx.in("dec").getVariable("w"), ctx.in("enc").getVariable("w")], [undefined, undefined]);
});

Deno.test("onlyScopes() of a v0.28 file keeps a root variable's moment where GoMLX v0.28 has it", async () => {
  const store = new MemoryStore();
  const names = ["var:/scale", "var:/AdamOptimizer/scale_1st_moment", "var:/global_step"];
  const rows = names.map((name, index) => ({ name, values: [index] }));
  await putForeign(store, BASE, rows, { more: { BinFormat: "uncompressed" } });
  const arrivals = await arrived((config) => config.onlyScopes("/scale"), store);
  assertEquals(arrivals, ["//scale=0", "/AdamOptimizer/scale_1st_moment=1"]);
});

Deno.test("onlyScopes() of a real GoMLX training run takes the hidden layer with its four moments", async () => {
  const ctx = new Context();
  const dir = fromFileUrl(new URL("../golden/v0.19.4/train", import.meta.url));
  await using _ = await load(ctx).dir(dir).scope("/model/hidden", "/body").immediate().done();
  assertEquals(Array.from(ctx.iterVariables(), (v) => v.scopeAndName), [
    "/body/dense/weights",
    "/body/dense/biases",
    "/AdamOptimizer/body/dense/weights_1st_moment",
    "/AdamOptimizer/body/dense/weights_2nd_moment",
    "/AdamOptimizer/body/dense/biases_1st_moment",
    "/AdamOptimizer/body/dense/biases_2nd_moment",
  ]);
});
