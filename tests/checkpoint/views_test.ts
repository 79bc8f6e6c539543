import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { putForeign } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { SILENT } from "./runs.ts";

// What `console.log` shows of a Handler, a Checkpoint and a Context.

const CLOCK = (): Date => new Date(2024, 0, 2, 3, 4, 5);

/** Control and direction characters, which could rewrite a terminal. */
// deno-lint-ignore no-control-regex -- they are what this is about
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

function plain(value: unknown): string {
  return Deno.inspect(value).replaceAll("\u202f", " ");
}

function model(): Context {
  const ctx = new Context();
  ctx.setParams({ lr: 0.001, big: 2n ** 60n, layers: [64, 32] });
  ctx.in("layer_0").variableWithValue("weights", Tensor.zeros("Float32", [784, 128]));
  ctx.in("layer_0").variableWithShape("biases", "Float32", [128]).setTrainable(false);
  return ctx;
}

Deno.test("console.log() of a Checkpoint is a line and two tables", async () => {
  const ctx = model();
  ctx.initializeVariables({ seed: 1 });
  ctx.setGlobalStep(1200);
  const handler = await build(ctx).store(new MemoryStore("run")).clock(CLOCK).done();
  const saved = await handler.save();
  assertEquals(plain(saved).split("\n").map((line) => line.trimEnd()), [
    'Checkpoint · "checkpoint-n0000000-20240102-030405-step-00001200" · step 1 200 ·',
    "  3 variables · 100 481 elements · 393 KiB · 3 params",
    "memory:run",
    "",
    "variable          shape                  size   mean    std        values",
    "────────────────  ──────────────────  ───────  ─────  ─────  ────────────",
    "/global_step      (Int64)                 8 B                     = 1 200",
    "/layer_0/weights  (Float32)[784 128]  392 KiB      0      0         all 0",
    "/layer_0/biases   (Float32)[128]        512 B  0.002  0.027  ▆▆█▇▆██▇██▅▆",
    "",
    "param    type     value",
    "───────  ───────  ───────────────────",
    "/big     int64    1152921504606846976",
    "/layers  []int    [64,32]",
    "/lr      float64  0.001",
  ]);
  assertMatch(plain({ saved }), /^\{\s+saved: Checkpoint · "[^\n]+3 params\s+\}$/);
});

Deno.test("console.log() of a Handler is a line and a table of what is pending", async () => {
  const store = new MemoryStore("run");
  const ctx = model();
  ctx.initializeVariables({ seed: 1 });
  const writer = await build(ctx).store(store).clock(CLOCK).done();
  assertEquals(
    plain(writer),
    'checkpoints.Handler("memory:run") · nothing loaded · profile gomlx-0.10 ·\n' +
      "  2 variables in the Context · 0 pending",
  );
  await writer.save();
  const again = new Context();
  const handler = await load(again).store(store).done();
  again.in("layer_0").getVariable("biases");
  assertEquals(plain(handler).split("\n").map((line) => line.trimEnd()), [
    'checkpoints.Handler("memory:run") ·',
    '  loaded "checkpoint-n0000000-20240102-030405-initial" · profile gomlx-0.10 ·',
    "  1 variable in the Context · 2 pending",
    "",
    "pending           shape                  size  mean  std  values",
    "────────────────  ──────────────────  ───────  ────  ───  ──────  ─────────────",
    "/global_step      (Int64)                 8 B                = 0  not trainable",
    "/layer_0/weights  (Float32)[784 128]  392 KiB     0    0   all 0",
  ]);
});

Deno.test("console.log() of a Context is a line and two tables", () => {
  const text = plain(model());
  assertMatch(text, /^Context "\/" · 2 variables · 100 480 elements · 393 KiB · 3 params\n/);
  assertMatch(text, /^\/layer_0\/weights +\(Float32\)\[784 128\] +392 KiB +0 +0 +all 0$/m);
  assertMatch(text, /^\/layer_0\/biases +\(Float32\)\[128\] +512 B +— +— +no value yet$/m);
  assertMatch(text, /^\/layers +\[\]int +\[64,32\]$/m);
});

Deno.test("console.log() reads each value once for its statistics, and consumes nothing", async () => {
  const store = new CountingStore();
  const ctx = model();
  ctx.initializeVariables({ seed: 1 });
  const saved = await (await build(ctx).store(store).done()).save();
  const again = new Context();
  await using handler = await load(again).store(store).done();
  again.in("layer_0").getVariable("weights");
  store.reads = [];
  const texts = [plain(handler), plain(saved), plain(again), plain([handler, saved, again]), plain(handler)];
  assertEquals([store.reads.length, handler.loadedVariables().size, again.numVariables()], [3, 2, 1]);
  assert(store.reads.every((each) => each.sync));
  assert(texts.every((text) => text.length > 20));
  assertEquals(again.in("layer_0").getVariable("weights")?.source instanceof Tensor, false);
});

Deno.test("console.log() shows control characters of foreign names as text", async () => {
  const evil = "e\u001b[31m\u0007\u009b\u202e\u0000\n\r\u2028x";
  const store = new MemoryStore();
  const base = "checkpoint-n0000000-20240102-030405-initial";
  await putForeign(store, base, [{ name: `var:/${evil}/${evil}`, values: [1] }], {
    params: [{ Scope: `/${evil}`, Key: evil, Value: evil, ValueType: `[]${evil}` }],
  });
  const ctx = new Context();
  const handler = await load(ctx).store(store).keep(-1).onWarning(SILENT).done();
  const before = plain(handler);
  ctx.inAbsPath(`/${evil}`).getVariable(evil);
  const saved = await handler.save();
  for (
    const text of [
      before,
      plain(saved),
      plain(ctx),
      plain([...ctx.iterVariables()]),
      plain(ctx.inAbsPath(`/${evil}`)),
      plain({ inner: ctx.inAbsPath(`/${evil}`) }),
    ]
  ) {
    assert(!CONTROL.test(text), JSON.stringify(text));
    assertStringIncludes(text, "\\u{1b}[31m");
  }
});

Deno.test("console.log() of a large checkpoint is cut, and says how much is left out", async () => {
  const ctx = new Context();
  for (let i = 0; i < 1234; i++) {
    ctx.inf("layer_%d", i).variableWithValue("w", [i]);
    ctx.setParam(`p${i}`, "x".repeat(500));
  }
  const store = new MemoryStore();
  const saved = await (await build(ctx).store(store).done()).save();
  const handler = await load(new Context()).store(store).done();
  const texts = [plain(saved), plain(ctx), plain(handler)];
  for (const text of texts) {
    assert(text.split("\n").length < 120, `${text.split("\n").length} lines`);
    assertMatch(text, /… and 1 \d\d\d more/);
    assert(text.split("\n").every((line) => line.length < 200));
  }
});
