import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  build,
  diffParams,
  diffVariables,
  load,
  openCheckpoint,
  previewMean,
  timeline,
} from "../../src/checkpoint/mod.ts";
import { Context, goParam } from "../../src/context/mod.ts";
import { viewText as textFrom } from "../../src/render/mod.ts";
import { LocalStore, MemoryStore, type ReadHandle, type Store } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { assertSafeHtml, tablesOf, textOf } from "../render/html_check.ts";
import { putForeign } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { joinedHead } from "../render/joined_head.ts";

// What a notebook shows of whatever has a face.

const CLOCK = (): Date => new Date(2024, 0, 2, 3, 4, 5);
const SILENT = (): void => {};

interface Faces {
  readonly text: string;
  readonly html: string;
}

async function facesOf(value: object): Promise<Faces> {
  const bundle = await Reflect.get(value, Symbol.for("Jupyter.display")).call(value);
  assertEquals(Object.keys(bundle), ["text/plain", "text/html"]);
  assertSafeHtml(bundle["text/html"]);
  return { text: joinedHead(bundle["text/plain"]), html: bundle["text/html"] };
}

async function viewText(value: object, options: object): Promise<string> {
  const view = await Reflect.get(value, Symbol.for("cairn.view")).call(value, options);
  return textFrom(view, { width: 200 }).replaceAll("\u202f", " ");
}

/** Every number of the text stands in the HTML as well, drawn from the same view. */
function assertSameNumbers({ text, html }: Faces): void {
  const shown = textOf(html).replaceAll("−", "-");
  const numbers = text.match(/-?\d[\d.e\u202f-]*/g) ?? [];
  for (const number of numbers) assert(shown.includes(number), `"${number}" of\n${text}\nis not in\n${shown}`);
}

function model(): Context {
  const ctx = new Context();
  ctx.setParams({ lr: 0.001, layers: [64, 32], name: "a <b>" });
  ctx.in("layer_0").variableWithValue("weights", Tensor.from([[1, -2, 3], [4, 5, NaN]]));
  ctx.in("layer_0").variableWithValue("biases", [0.5, 0.5]).setTrainable(false);
  ctx.in("AdamOptimizer").in("layer_0").variableWithValue("weights_1st_moment", [1e-6, -2e-6]).setTrainable(false);
  ctx.setGlobalStep(1200);
  return ctx;
}

/** Three checkpoints of one run. */
async function run(store: Store): Promise<Context> {
  const ctx = model();
  const handler = await build(ctx).store(store).keep(-1).clock(CLOCK).done();
  const weights = ctx.in("layer_0").getVariable("weights");
  for (const [index, step] of [1000, 1100, 1200].entries()) {
    weights?.setValue(Tensor.from([[1 + index, -2, 3], [4, 5, 6]]));
    ctx.setGlobalStep(step);
    await handler.save();
  }
  return ctx;
}

Deno.test("a Checkpoint shows its variables by scope with statistics, and its params", async () => {
  const store = new MemoryStore("run");
  await (await build(model()).store(store).clock(CLOCK).done()).save();
  await using checkpoint = await openCheckpoint(store);
  const faces = await facesOf(checkpoint);
  assertSameNumbers(faces);
  const tables = tablesOf(faces.html);
  assertEquals(tables.map((table) => table[0]?.[0]), [
    "variable, shape",
    "variable, shape",
    "variable, shape",
    "param",
  ]);
  assertEquals(tables[0]?.[1], ["global_step\n(Int64) · not trainable", "1", "8 B", "", "", "", "", "= 1\u202f200"]);
  assertEquals(tables[1]?.slice(1), [
    ["weights ⚠ 1 NaN\n(Float32)[2 3]", "6", "24 B", "−2", "2.200", "2.482", "5", "−2 to 5"],
    ["biases\n(Float32)[2] · not trainable", "2", "8 B", "0.500", "0.500", "0", "0.500", "all 0.500"],
  ]);
  assertEquals(tables[3]?.[3], ["/name", "string", '"a <b>"']);
  assertStringIncludes(textOf(faces.html), "AdamOptimizer/layer_0 1 variable · 2 elements · 8 B · not trainable");
  assertMatch(
    faces.text,
    /^Checkpoint · "checkpoint-[^\n]* · step 1\u202f200 · 4 variables · 11 elements · 48 B · ⚠ 1 NaN · 3 params\n/,
  );
});

Deno.test("display() filters, sorts and limits variables, and says what it leaves out", async () => {
  const ctx = model();
  assertMatch(await viewText(ctx, { scope: "/layer_0" }), /^Context "\/" · 2 variables/);
  assertEquals(await viewText(ctx, { scope: "/layer_0/" }), await viewText(ctx, { scope: "/layer_0" }));
  assertMatch(await viewText(ctx, { match: "moment" }), /^Context "\/" · 1 variable · 2 elements/);
  assertMatch(await viewText(ctx, { match: /s$/ }), /^Context "\/" · 2 variables/);
  const paths = async (sortBy: string) => (await viewText(ctx, { sortBy })).match(/^\/\S*(?=.*\()/gm);
  const [weights, biases, moment, step] = [
    "/layer_0/weights",
    "/layer_0/biases",
    "/AdamOptimizer/layer_0/weights_1st_moment",
    "/global_step",
  ];
  assertEquals(await paths("elements"), [weights, biases, moment, step]);
  assertEquals(await paths("max"), [step, weights, biases, moment]);
  assertEquals(await paths("name"), [moment, step, biases, weights]);
  assertMatch(
    await viewText(ctx, { sortBy: "name", limit: 1 }),
    /… and 3 more variables · 40 B; choose with display\(/,
  );
});

Deno.test("display() with stats reads everything, a glance 64 MiB at most", async () => {
  const store = new CountingStore();
  const ctx = new Context();
  ctx.variableWithValue("large", Tensor.zeros("Uint8", [50 * 1024 * 1024]));
  ctx.variableWithValue("other", Tensor.zeros("Uint8", [50 * 1024 * 1024]));
  ctx.variableWithValue("small", [1, 2]);
  await (await build(ctx).store(store).done()).save();
  await using checkpoint = await openCheckpoint(store);
  store.reads = [];
  const { text } = await facesOf(checkpoint);
  assertMatch(text, /^\/large .* all 0$/m);
  assertMatch(text, /^\/other .* —$/m);
  assertMatch(text, /^\/small .* 1\.500 /m);
  const total = () => store.reads.reduce((sum, each) => sum + each.length, 0);
  assertEquals(total(), 50 * 1024 * 1024 + 16);
  const seen: number[] = [];
  const all = await viewText(checkpoint, { stats: true, progress: ({ done }: { done: number }) => seen.push(done) });
  assertMatch(all, /^\/other .* all 0$/m);
  assertEquals([seen.length, seen.at(-1)], [4, 100 * 1024 * 1024 + 16]);
  const before = total();
  assertEquals((await facesOf(checkpoint)).text.match(/all 0$/gm)?.length, 2, "cached");
  assertEquals(total(), before);
});

Deno.test("display() with stats reads a compressed checkpoint once", async () => {
  const store = new CountingStore();
  await (await build(model()).store(store).compress("gzip").clock(CLOCK).done()).save();
  const size = (await store.list()).find(({ name }) => name.endsWith(".bin"))?.size ?? 0;
  await using checkpoint = await openCheckpoint(store);
  store.reads = [];
  const seen: number[] = [];
  const text = await viewText(checkpoint, { stats: true, progress: ({ done }: { done: number }) => seen.push(done) });
  assertMatch(text, /= 1 200/);
  assert(store.reads.reduce((sum, each) => sum + each.length, 0) <= size);
  assertEquals(seen.at(-1), checkpoint.byteLength);
  assertMatch((await facesOf(checkpoint)).text, /^\/layer_0\/biases .* all 0\.500 *$/m);
});

Deno.test("a Checkpoint says that a variable is damaged, and shows the others", async () => {
  const store = new MemoryStore("run");
  await (await build(model()).store(store).clock(CLOCK).done()).save();
  const name = (await store.list()).find((each) => each.name.endsWith(".bin"))?.name ?? "";
  const handle = await store.open(name);
  const bytes = new Uint8Array(handle.size);
  await handle.read(bytes, 0);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  await store.publish(name, (sink) => sink.write(bytes));
  await using checkpoint = await openCheckpoint(store);
  const { text, html } = await facesOf(checkpoint);
  assertMatch(text, /✗ 1 variable cannot be read/);
  assertMatch(text, /✗ damaged/);
  assertMatch(text, /= 1\u202f200/);
  assertStringIncludes(textOf(html), "✗ damaged");
});

Deno.test("a Context and a Handler show what they have, and consume nothing", async () => {
  const store = new MemoryStore("run");
  await run(store);
  const ctx = new Context();
  await using handler = await load(ctx).store(store).done();
  ctx.in("layer_0").getVariable("weights");
  const faces = await facesOf(handler);
  assertSameNumbers(faces);
  assertEquals(tablesOf(faces.html)[0]?.[0]?.[0], "pending, shape");
  assertMatch(faces.text, /1 variable in the Context · 3 pending/);
  assertSameNumbers(await facesOf(ctx));
  assertEquals([handler.loadedVariables().size, ctx.numVariables()], [3, 1]);
  ctx.variableWithShape("later", "Float32", [3]);
  assertMatch((await facesOf(ctx)).text, /^\/later .* no value yet$/m);
  ctx.finalize();
  assertEquals((await facesOf(ctx)).text, 'Context "/" (finalized)');
});

Deno.test("lists of params show themselves, and are lists all the same", async () => {
  const store = new MemoryStore("run");
  const ctx = await run(store);
  await using checkpoint = await openCheckpoint(store);
  for (const params of [ctx.params, checkpoint.params]) {
    assertEquals(Array.isArray(params), true);
    const { text, html } = await facesOf(params);
    assertMatch(text, /^Params · 3 params\n\nparam +type +value\n/);
    assertEquals(tablesOf(html)[0]?.[2], ["/lr", "float64", "0.001"]);
  }
});

Deno.test("diffParams() finds what was added, removed and changed, and changes of type", async () => {
  const a = new Context();
  a.setParams({ same: 1, lr: 0.001, gone: "x", kind: goParam("int", 3), nan: NaN });
  const b = a.clone();
  b.setParam("lr", 0.0005);
  b.setParam("added", [1, 2]);
  b.setParam("kind", goParam("float64", 3));
  const c = new Context();
  for (const { key, param } of b.params) if (key !== "gone") c.setParam(key, param);
  const diff = diffParams(a, c);
  assertEquals(diff.changes.map(({ key, kind }) => [key, kind]), [
    ["added", "added"],
    ["gone", "removed"],
    ["kind", "type"],
    ["lr", "changed"],
  ]);
  assertEquals(diff.unchanged.map(({ key }) => key), ["nan", "same"]);
  const faces = await facesOf(diff);
  assertSameNumbers(faces);
  assertMatch(faces.text, /Context → Context \(2\) · \+ 1 added · − 1 removed · ~ 1 changed · ~ 1 changed type/);
  assertMatch(faces.text, /^~ \/lr +0\.001 +→ +0\.0005 +×0\.5$/m);
  assertMatch(faces.text, /^~ \/kind +3 +→ +3 +int → float64$/m);
  assertMatch(faces.text, /^2 unchanged$/m);
  assertEquals(diffParams(a, b, c).changes.map(({ key }) => key), ["added", "gone", "kind", "lr"]);
  assertSafeHtml((await facesOf(diffParams(a, b, c))).html);
  assertMatch((await facesOf(diffParams(a, a))).text, /✓ no difference/);
});

Deno.test("diffVariables() measures how far variables moved, and finds new and gone ones", async () => {
  const a = new Context();
  a.variableWithValue("w", [3, 4]);
  a.variableWithValue("same", [1]);
  a.variableWithValue("gone", [1]);
  a.variableWithValue("shape", [1, 2]);
  a.variableWithValue("nan", [1, NaN]);
  a.variableWithValue("zero", [0, 0]);
  const store = new MemoryStore("run");
  await (await build(a).store(store).done()).save();
  const b = a.clone();
  b.getVariable("w")?.setValue(Tensor.from([3, 5]));
  b.getVariable("nan")?.setValue(Tensor.from([2, NaN]));
  b.getVariable("shape")?.setValue(Tensor.from([1, 2, 3]));
  b.getVariable("zero")?.setValue(Tensor.from([0, 1]));
  b.deleteVariable("/", "gone");
  b.variableWithValue("new", [1]);
  await using stored = await openCheckpoint(store);
  const diff = await diffVariables(stored, b);
  assertEquals(diff.unchanged.map(({ name }) => name), ["same", "global_step"]);
  assertEquals(diff.changes.map(({ name, kind }) => `${name} ${kind}`), [
    "w changed",
    "shape shape",
    "nan changed",
    "zero changed",
    "new new",
    "gone gone",
  ]);
  const [w, , nan, zero] = diff.changes.map(({ distance }) => distance);
  assertEquals(w, { relative: 0.2, cosine: 29 / Math.sqrt(25 * 34), maxAbsolute: 1, notFinite: 0 });
  assertEquals([nan?.notFinite, nan?.relative], [1, 1]);
  assertEquals([zero?.relative, zero?.cosine], [Infinity, NaN]);
  const faces = await facesOf(diff);
  assertSameNumbers(faces);
  const wide = await viewText(diff, {});
  assertMatch(wide, /\/w +\(Float32\)\[2\] +20 % +0\.9947 +1$/m);
  assertMatch(wide, /^\+ \/new +\(Float32\)\[1\] +new$/m);
  assertMatch(wide, /\/zero +\(Float32\)\[2\] +was all 0 +— +1$/m);
});

Deno.test("previewMean() says what takeMean() will do, and apply() does it", async () => {
  const store = new MemoryStore("run");
  await run(store);
  const preview = await previewMean(store, 2);
  assertEquals(preview.steps, [1100n, 1200n]);
  assertEquals(preview.variables.map(({ path, averaged, reason }) => [path, averaged, reason]), [
    ["/layer_0/weights", true, "mean of 2"],
    ["/layer_0/biases", false, "not trainable"],
    ["/AdamOptimizer/layer_0/weights_1st_moment", false, "not trainable"],
    ["/global_step", false, "Int64 is not averaged"],
  ]);
  const size = Math.sqrt(2.5 ** 2 + 4 + 9 + 16 + 25 + 36);
  assertEquals(preview.variables[0]?.distances, [0.5 / size, 0.5 / size]);
  assertEquals([preview.readBytes, preview.memoryBytes], [2 * 24 + 8 + 8 + 8, 48 + 72]);
  const faces = await facesOf(preview);
  assertSameNumbers(faces);
  assertMatch(
    faces.text,
    /^Mean of 2 checkpoints · preview, nothing is changed · 1 of 4 variables averaged · reads 72 B/,
  );
  await using handler = await preview.apply();
  assertEquals(handler.context.in("layer_0").getVariable("weights")?.value().at(0), 2.5);
  assertEquals(
    handler.mean?.variables.map(({ averaged }) => averaged),
    preview.variables.map(({ averaged }) => averaged),
  );
  assert(handler.mean !== undefined);
  const report = await facesOf(handler.mean);
  assertSameNumbers(report);
  assertMatch(report.text, /^Mean of 2 checkpoints · 1 of 4 variables averaged\n/);
});

Deno.test("previewMean() of a Handler applies to its Context, also when a newer checkpoint came", async () => {
  const store = new MemoryStore("run");
  const ctx = await run(store);
  await using handler = await build(ctx).store(store).keep(-1).done();
  const preview = await previewMean(handler, 0);
  ctx.in("layer_0").getVariable("weights")?.setValue(Tensor.from([[100, 0, 0], [0, 0, 0]]));
  await handler.save();
  await using _ = await preview.apply();
  assertEquals(ctx.in("layer_0").getVariable("weights")?.value().at(0), 2);
});

Deno.test("timeline() lists checkpoints and what the next save removes, and reads no payload", async () => {
  const store = new CountingStore();
  await run(store);
  const ctx = new Context();
  await using handler = await build(ctx).store(store).keep(2).done();
  await handler.backup();
  store.reads = [];
  const now = new Date(2024, 0, 2, 5, 4, 5);
  const line = await timeline(handler, { now });
  assertEquals(
    line.checkpoints.map(({ step, removedNext, backedUp, complete }) => [step, removedNext, backedUp, complete]),
    [
      [1000n, true, false, true],
      [1100n, true, false, true],
      [1200n, false, true, true],
    ],
  );
  assertEquals(line.checkpoints[0]?.saved, CLOCK());
  assert(store.payloadReads.every(({ length }) => length < 24), "only the header is looked at");
  const faces = await facesOf(line);
  assertSameNumbers(faces);
  assertMatch(faces.text, /^Timeline · 3 checkpoints · .* · − the next save removes 2, /);
  assertMatch(faces.text, /\n {2}checkpoint-\S+ {2}✓ newest {2}✓ backed up .*\n− checkpoint-/);
  await handler.save();
  const left = await timeline(store);
  assertEquals(left.checkpoints.map(({ step, removedNext }) => [step, removedNext]), [[1200n, undefined], [
    1200n,
    undefined,
  ]]);
  assertEquals((await timeline(store, { keep: -1 })).checkpoints.map(({ removedNext }) => removedNext), [false, false]);
});

Deno.test("timeline() of a Handler that nobody told keep() spares what others wrote", async () => {
  const store = new MemoryStore("run");
  await run(store);
  await using handler = await build(new Context()).store(store).onWarning(SILENT).done();
  const before = (await timeline(handler)).checkpoints.filter((each) => !each.removedNext).map((each) => each.baseName);
  const saved = await handler.save();
  assertEquals(await handler.listCheckpoints(), [...before, saved.baseName]);
});

Deno.test("a Tensor shows statistics, values with an ellipsis, and a picture where it is one", async () => {
  const flat = await facesOf(Tensor.from([1, 2, 3]));
  assertSameNumbers(flat);
  assertStringIncludes(flat.text, "[1 2 3]");
  const matrix = await facesOf(Tensor.from(new Float32Array(400).map((_, i) => i - 200), { dimensions: [20, 20] }));
  assertMatch(matrix.text, /\[\[-200 -199 -198 … -183 -182 -181\]\n \[-180 [^]*\n …\n/);
  assertStringIncludes(matrix.html, 'alt="blue -200, clear 0, orange 200"');
  const values = await valuesOf(30);
  assertEquals(values.length, 4, "lines of 75 characters, as NumPy has it");
  assert(values.every((line) => line.length <= 75), values.join("\n"));
  const image = await facesOf(Tensor.from(new Uint8Array(16 * 16 * 3).fill(200), { dimensions: [16, 16, 3] }));
  assertStringIncludes(image.text, "as an image, RGB");
  assertStringIncludes((await facesOf(Tensor.from(7))).text, "Tensor (Float32) · 1 element · 4 B\n\n7");
  assertStringIncludes((await facesOf(Tensor.zeros("Float32", [0, 3]))).text, "[]");
  const memory = new Float32Array(1);
  const detached = Tensor.from(memory);
  structuredClone(memory.buffer, { transfer: [memory.buffer] });
  assertStringIncludes((await facesOf(detached)).text, "Cannot be shown");
});

async function valuesOf(size: number): Promise<string[]> {
  const values = new Float32Array(size).map((_, index) => Math.sin(index));
  return (await facesOf(Tensor.from(values))).text.split("\n\n").at(-1)?.split("\n") ?? [];
}

Deno.test("a Variable shows its row and its values, and reads none from a file", async () => {
  const store = new MemoryStore("run");
  const ctx = await run(store);
  const variable = ctx.in("layer_0").getVariable("weights");
  assert(variable !== undefined);
  const faces = await facesOf(variable);
  assertSameNumbers(faces);
  assertStringIncludes(faces.text, "[[ 3 -2  3]");
  const again = new Context();
  await using _ = await load(again).store(store).done();
  const lazy = again.in("layer_0").getVariable("weights");
  assert(lazy !== undefined);
  assertMatch((await facesOf(lazy)).text, /\/layer_0\/weights +\(Float32\)\[2 3\] .* 3\.167 /);
  assertEquals(lazy.source instanceof Tensor, false);
});

Deno.test("nothing in a foreign checkpoint becomes HTML", async () => {
  const evils = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onclick='x",
    "</td></table><h1>",
    "\u202e\u0007<b>",
  ];
  for (const evil of evils) {
    const store = new MemoryStore(`run${evil}`);
    const name = evil.replaceAll("/", "");
    for (const [index, step] of ["00000001", "00000002"].entries()) {
      await putForeign(store, `checkpoint-n000000${index}-20240102-030405-step-${step}`, [
        { name: `var:/${name}/${name}`, values: [index, 2] },
      ], { params: [{ Scope: `/${evil}`, Key: evil, Value: evil + step, ValueType: `[]${evil}` }] });
    }
    const ctx = new Context();
    await using handler = await load(ctx).store(store).onWarning(SILENT).takeMean(2).immediate().done();
    await using first = await openCheckpoint(store, { step: 1, onWarning: SILENT });
    await using second = await openCheckpoint(store, { onWarning: SILENT });
    const objects = [handler, ctx, first, first.params, diffParams(first, second), await diffVariables(first, second)];
    const more = [await previewMean(store, 2), await timeline(store), handler.mean ?? {}, ...ctx.iterVariables()];
    for (const object of [...objects, ...more]) {
      const { html } = await facesOf(object);
      assert(html.includes(escaped(evil.slice(-3))) || object === more[1], html);
    }
  }
});

function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}

Deno.test("every view of 10,000 variables and params is bounded", async () => {
  const ctx = new Context();
  const wide = "w".repeat(60);
  for (let i = 0; i < 10_000; i++) {
    const layer = ctx.inf(`block_%d_${wide}`, i % 500).inf(`layer_%d_${wide}`, i);
    layer.variableWithValue(`weights_${wide}`, Float32Array.from({ length: 64 }, (_, j) => Math.sin(i + j)));
    layer.setParam(`param_${i}`, "x".repeat(100));
  }
  const store = new MemoryStore("large");
  await using handler = await build(ctx).store(store).keep(-1).done();
  await handler.save();
  ctx.inf(`block_%d_${wide}`, 1).setParam("lr", 1);
  for (const variable of ctx.iterVariables()) {
    if (variable.size === 64) variable.setValue(Tensor.from(new Float32Array(64).fill(1)));
  }
  await handler.save();
  const [first, second] = [await openCheckpoint(store, { step: 0 }), await openCheckpoint(store)];
  const objects = [ctx, second, second.params, diffParams(first, ctx), await diffVariables(first, ctx)];
  await using lazy = await load(new Context()).store(store).done();
  for (const object of [...objects, await previewMean(store, 2), lazy]) {
    const { text, html } = await facesOf(object);
    assertMatch(textOf(html), /… and [\d\u202f]+ more/);
    assert(text.split("\n").length < 120, String(text.split("\n").length));
  }
  first.close();
  second.close();
});

Deno.test("a Checkpoint in a directory is read without waiting", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await run(new LocalStore(directory));
    await using checkpoint = await openCheckpoint(directory);
    assertMatch((await facesOf(checkpoint)).text, /^\/layer_0\/weights .* 3\.167 /m);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("console.log() of what save() returned opens its file then, and shows statistics", async () => {
  for (const dir of [undefined, await Deno.makeTempDir()]) {
    const ctx = new Context();
    ctx.variableWithValue("w", [1, 2, 3, 4]);
    const config = dir === undefined ? build(ctx).store(new MemoryStore()) : build(ctx).dir(dir);
    await using handler = await config.done();
    const saved = await handler.save();
    assertMatch(Deno.inspect(saved), /\/w .*2\.500/);
    assertEquals((await saved.read("/w")).toNested(), [1, 2, 3, 4]);
    await handler.save(); // Removes the file, which was read and stays open.
    assertMatch(Deno.inspect(saved), /\/w .*2\.500/);
    saved.close();
    if (dir !== undefined) await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("console.log() of a checkpoint whose file is gone shows its rows without statistics", async () => {
  const ctx = new Context();
  const w = ctx.variableWithValue("w", [1, 2, 3, 4]);
  await using handler = await build(ctx).store(new MemoryStore()).done();
  const saved = await handler.save();
  w.setValue([5, 6, 7, 8]);
  await handler.save();
  assertMatch(Deno.inspect(saved), /\/w .*—/);
});

Deno.test("console.log() of what save() returned leaves no file open", async () => {
  for (const compress of ["none", "gzip"] as const) {
    const store = new HandleCount();
    const ctx = new Context();
    ctx.variableWithValue("w", [1, 2, 3, 4]);
    await using handler = await build(ctx).store(store).compress(compress).done();
    const saved = await handler.save();
    assertMatch(Deno.inspect(saved), /\/w .*2\.500/);
    assertEquals(store.handles, 0);
    assertEquals((await saved.read("/w")).toNested(), [1, 2, 3, 4]);
    assertMatch(Deno.inspect(saved), /\/w .*2\.500/);
    assertEquals(store.handles, 1, "it was open before it was printed");
    saved.close();
    assertEquals(store.handles, 0);
  }
});

/** Counts the handles that are open. */
class HandleCount extends MemoryStore {
  handles = 0;

  override open(name: string): Promise<ReadHandle> {
    return Promise.resolve(this.openSync(name));
  }

  override openSync(name: string): ReadHandle {
    const handle = super.openSync(name);
    this.handles++;
    let isOpen = true;
    return {
      size: handle.size,
      read: (into, at) => handle.read(into, at),
      readSync: (into, at) => handle.readSync?.(into, at) ?? 0,
      close: () => {
        if (isOpen) this.handles--;
        isOpen = false;
        handle.close();
      },
    };
  }
}

Deno.test("a Context tells its step, and what was loaded and not asked for yet", async () => {
  const store = new MemoryStore("run");
  await run(store);
  const ctx = new Context();
  await using _ = await load(ctx).store(store).done();
  assertMatch((await facesOf(ctx)).text, /^Context "\/" · 0 variables · 4 more loaded, not asked for yet \(48 B\)/);
  ctx.getGlobalStep();
  assertMatch((await facesOf(ctx)).text, /^Context "\/" · step 1.200 · 1 variable · .* · 3 more loaded, /);
});
