import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { build, load, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { nearName } from "../../src/errors.ts";
import { CorruptError, NotFoundError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/store/mod.ts";

Deno.test("nearName() finds what was meant, and nothing where nothing is near", () => {
  const names = ["learning_rate", "momentum", "/layer_0/weights"];
  assertEquals(nearName("lerning_rate", names), "learning_rate");
  assertEquals(nearName("Momentum", names), "momentum");
  assertEquals(nearName("/layer_0/weight", names), "/layer_0/weights");
  assertEquals(nearName("nmae", ["name"]), "name");
  assertEquals(nearName("nmea", ["name"]), undefined);
  assertEquals(nearName("lr", names), undefined);
  assertEquals(nearName("momentum", ["momentum"]), undefined);
  assertEquals(nearName("x".repeat(1e6), names), undefined);
});

Deno.test("read() asks whether a near name was meant", async () => {
  await using checkpoint = await openCheckpoint(await trained());
  await assertRejects(
    () => checkpoint.read("/layer/weight"),
    NotFoundError,
    'No variable "/layer/weight" in "' + checkpoint.baseName + '"; did you mean "/layer/weights"?',
  );
  await assertRejects(() => checkpoint.read("weights"), NotFoundError, 'the same name is at "/layer/weights"');
});

Deno.test("excludeParams() warns of a key that is none and nearly one, and of no other", async () => {
  const warnings: string[] = [];
  const ctx = new Context();
  ctx.setParam("batch_sizes", 3);
  const config = load(ctx).store(await trained()).onWarning((text) => warnings.push(text));
  await using handler = await config.excludeParams("lerning_rate", "learning_rate", "unheard_of", "batch_sizes").done();
  const [warning = ""] = warnings;
  assertEquals(warnings.length, 1);
  assertStringIncludes(warning, 'excludeParams("lerning_rate") is no param of it; did you mean "learning_rate"?');
  assertMatch(handler.loadReport?.warnings.join() ?? "", /did you mean "learning_rate"/);
});

Deno.test("a damaged gzip header is named, where the payload seems too short or too long by it", async () => {
  const store = await trained("gzip");
  const [{ name } = { name: "" }] = (await store.list()).filter(({ name }) => name.endsWith(".bin"));
  const handle = await store.open(name);
  const bytes = new Uint8Array(handle.size);
  await handle.read(bytes, 0);
  handle.close();
  bytes[3] = 0;
  await store.publish(name, (sink) => sink.write(bytes));
  await assertRejects(
    async () => await (await load(new Context()).store(store).immediate().done())[Symbol.asyncDispose](),
    CorruptError,
    "its header may be damaged",
  );
});

Deno.test("a Config says what was configured, and what is wrong with it", () => {
  const config = build(new Context()).dir("run").keep(3);
  assertMatch(
    Deno.inspect(config),
    /^Config · build\(.*\) · dir "run" · keep the last 3; done\(\) makes the Handler$/,
  );
  assertMatch(String(load(new Context()).at(300)), /^Config · load\(.*\) · no place yet · at "300"; done\(\) makes/);
  assertMatch(String(build(new Context()).keep(0)), /done\(\) will throw: Cannot keep 0 checkpoints/);
});

Deno.test("JSON.stringify() of a Context tells what there is", () => {
  const ctx = new Context();
  ctx.in("layer").variableWithValue("weights", [1, 2]);
  ctx.setParam("big", 2n ** 60n);
  assertEquals(JSON.parse(JSON.stringify(ctx)), {
    scope: "/",
    variables: [{ scope: "/layer", name: "weights", dtype: "Float32", dimensions: [2], trainable: true }],
    params: [{ scope: "/", key: "big", goType: "int64", value: "1152921504606846976" }],
  });
});

async function trained(codec: "none" | "gzip" = "none"): Promise<MemoryStore> {
  const store = new MemoryStore("run");
  const ctx = new Context();
  ctx.setParam("learning_rate", 0.1);
  ctx.in("layer").variableWithValue("weights", new Float32Array(1000).fill(1));
  await using handler = await build(ctx).store(store).compress(codec).done();
  await handler.save();
  return store;
}
