import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type BackgroundSave, build, load, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { Context, type LoadedValue } from "../../src/context/mod.ts";
import { CheckpointError, ConfigError, StoreError, VariableError } from "../../src/errors.ts";
import { LocalStore, MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { CountingStore } from "./counting_store.ts";
import { GatedStore } from "./gated_store.ts";
import { contextOf, SILENT, valueOf, valuesIn } from "./runs.ts";

Deno.test("saveInBackground() writes what was there at its call, whatever is done to variables and tensors after", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ replaced: [1], written: [2, 3], deleted: [4] });
  ctx.setGlobalStep(7);
  const handler = await build(ctx).store(store).keep(-1).done();
  store.hold();
  const saving = handler.saveInBackground();
  // Not even awaited yet.
  ctx.in("a").getVariable("replaced")?.setValue([10]);
  overwrite(ctx.in("a").getVariable("written")?.value(), 20);
  ctx.in("a").deleteVariablesInScope();
  ctx.in("a").variableWithValue("later", [5]);
  ctx.setGlobalStep(8);
  const save = await saving;
  assertEquals([save.step, save.durable, await store.list()], [7, undefined, []]);
  store.letGo();
  const checkpoint = await save.done;
  assertEquals(checkpoint?.step, 7);
  assertEquals(await valuesIn(store, checkpoint?.baseName ?? ""), { replaced: [1], written: [2, 3], deleted: [4] });
  assertEquals(save.state, "saved");
  assert(save.blocked >= 0 && (save.durable ?? 0) >= save.blocked, `${save.blocked} ${save.durable}`);
});

for (const compression of ["none", "gzip"] as const) {
  Deno.test(`saveInBackground() copies no value of a file (${compression}), and sees none of its changes`, async () => {
    const store = new GatedStore();
    await using first = await build(contextOf({ read: [1, 2], unread: [3, 4], never: [5] })).store(store)
      .compress(compression).done();
    await first.save();
    const ctx = new Context();
    await using handler = await load(ctx).store(store).keep(1).onWarning(SILENT).done();
    assertEquals(valueOf(ctx, "read"), [1, 2]);
    store.hold();
    const saving = handler.saveInBackground();
    const { byteLength } = await saving;
    assertEquals(byteLength, 8); // only "read"
    // Loaded while the save waits, and written into.
    overwrite(ctx.in("a").getVariable("unread")?.value(), 30);
    overwrite(ctx.in("a").getVariable("read")?.value(), 30);
    await store.reached;
    store.letGo();
    const checkpoint = await (await saving).done;
    assertEquals(await valuesIn(store, checkpoint?.baseName ?? ""), { read: [1, 2], unread: [3, 4], never: [5] });
    const next = await (await handler.saveInBackground()).done;
    assertEquals(await valuesIn(store, next?.baseName ?? ""), { read: [30, 30], unread: [30, 30], never: [5] });
    assertEquals(await handler.listCheckpoints(), [next?.baseName ?? ""]);
    assertEquals(valueOf(ctx, "never"), [5]);
  });
}

Deno.test("saveInBackground() lets go of a replaced file once its values come from the new one", async () => {
  const store = new CountingStore();
  await (await build(contextOf({ w: [1, 2], v: [3] })).store(store).done()).save();
  const ctx = new Context();
  await using handler = await load(ctx).store(store).keep(1).onWarning(SILENT).done();
  for (let index = 0; index < 3; index++) {
    const checkpoint = await (await handler.saveInBackground()).done;
    assertEquals(store.opened, [`${checkpoint?.baseName}.bin`]);
  }
  assertEquals(valueOf(ctx, "w"), [1, 2]);
});

Deno.test("saveInBackground() waits for values that are elsewhere, and takes them as they were at the call", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const tensor = Tensor.from([1, 2]);
  const elsewhere: LoadedValue = {
    dtype: "Float32",
    dimensions: [2],
    byteLength: 8,
    loaded: undefined,
    readSync: () => tensor,
    read: () => new Promise((resolve) => setTimeout(() => resolve(tensor), 5)),
  };
  ctx.in("a").variableWithShape("w", "Float32", [2]).setLoaded(elsewhere);
  const handler = await build(ctx).store(store).done();
  const save = await handler.saveInBackground();
  overwrite(tensor, 9);
  assertEquals(await valuesIn(store, (await save.done)?.baseName ?? ""), { w: [1, 2] });
});

Deno.test("saveInBackground() while one is written and one waits: the newer takes the place of the waiting one", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ w: [0] });
  const handler = await build(ctx).store(store).keep(-1).done();
  store.hold();
  const saves = [];
  for (let step = 1; step <= 5; step++) {
    ctx.setGlobalStep(step);
    ctx.in("a").getVariable("w")?.setValue([step]);
    saves.push(await handler.saveInBackground());
    await store.reached;
  }
  assertEquals(saves.map((each) => each.state), ["writing", "replaced", "replaced", "replaced", "waiting"]);
  assertEquals(await saves[1]?.done, undefined);
  store.letGo();
  await handler.flush();
  assertEquals(saves.map((each) => each.state), ["saved", "replaced", "replaced", "replaced", "saved"]);
  const listed = await handler.listCheckpoints();
  assertEquals(listed.map((each) => Number(each.slice(-8))), [1, 5]);
  assertEquals(await valuesIn(store, listed[0] ?? ""), { w: [1] });
  assertEquals(await valuesIn(store, listed[1] ?? ""), { w: [5] });
});

Deno.test("saveInBackground({ whenBusy: 'wait' }) waits for room, captures then, and writes every one", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ w: [0] });
  const handler = await build(ctx).store(store).keep(-1).done();
  const save = (step: number): Promise<BackgroundSave> => {
    ctx.setGlobalStep(step);
    return handler.saveInBackground({ whenBusy: "wait" });
  };
  store.hold();
  const saves = [await save(1)];
  await store.reached;
  saves.push(await save(2));
  let isTaken = false;
  const third = save(3).finally(() => isTaken = true);
  const fourth = save(4);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals([isTaken, saves.map((each) => each.state)], [false, ["writing", "waiting"]]);
  ctx.in("a").getVariable("w")?.setValue([3]);
  store.letGo();
  saves.push(await third, await fourth);
  await handler.flush();
  assertEquals(saves.map((each) => each.state), ["saved", "saved", "saved", "saved"]);
  const listed = await handler.listCheckpoints();
  assertEquals(listed.length, 4);
  assertEquals(await valuesIn(store, listed[1] ?? ""), { w: [0] });
  assertEquals(await valuesIn(store, listed[2] ?? ""), { w: [3] });
});

Deno.test("saveInBackground() never takes the place of one that is to be pinned", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ w: [0] });
  const handler = await build(ctx).store(store).keep(1).onWarning(SILENT).done();
  store.hold();
  const saves = [await handler.saveInBackground()];
  await store.reached;
  saves.push(await handler.saveInBackground({ pin: true }));
  const third = handler.saveInBackground();
  setTimeout(() => store.letGo(), 5);
  saves.push(await third);
  await handler.flush();
  assertEquals(saves.map((each) => each.state), ["saved", "saved", "saved"]);
  const bases = await Promise.all(saves.map(async ({ done }) => (await done)?.baseName));
  assertEquals(await handler.listCheckpoints(), [bases[1], bases[2]]);
});

Deno.test("saveInBackground() and save() are written in the order of their calls, so that the newest state is the newest", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ w: [0] });
  const handler = await build(ctx).store(store).keep(-1).done();
  store.hold();
  const all = [];
  for (let step = 1; step <= 6; step++) {
    ctx.setGlobalStep(step);
    if (step % 2 === 0) all.push(handler.save());
    else await handler.saveInBackground();
  }
  store.letGo();
  await handler.flush();
  await Promise.all(all);
  const steps = (await handler.listCheckpoints()).map((each) => Number(each.slice(-8)));
  assertEquals(steps, [1, 2, 4, 5, 6]);
});

Deno.test("saveInBackground() copies into the same memory again, two copies at most, and lets go of it", async () => {
  const store = new GatedStore();
  const ctx = new Context();
  const big = ctx.variableWithValue("big", Tensor.zeros("Float32", [1_000_000]));
  const handler = await build(ctx).store(store).done();
  const buffersOf = (): Set<ArrayBufferLike> => new Set(store.pieces.splice(0).map((piece) => piece.buffer));
  handler.reserveSnapshot();
  for (let index = 0; index < 3; index++) {
    await handler.saveInBackground();
    await handler.flush();
  }
  const [first] = buffersOf();
  for (let index = 0; index < 2; index++) {
    store.hold();
    for (let each = 0; each < 4; each++) {
      await handler.saveInBackground();
      await store.reached;
    }
    store.letGo();
    await handler.flush();
  }
  const both = buffersOf();
  assertEquals(both.size, 2);
  assert(first !== undefined && both.has(first));
  // A larger model gets other memory, and a smaller one the same again.
  big.setValue(Tensor.zeros("Float32", [2_000_000]));
  await (await handler.saveInBackground()).done;
  big.setValue(Tensor.zeros("Float32", [1_500_000]));
  await (await handler.saveInBackground()).done;
  const larger = [...buffersOf()];
  assertEquals(larger.length, 1);
  assert(!both.has(larger[0] ?? new ArrayBuffer()));
  handler.releaseSnapshots();
  await (await handler.saveInBackground()).done;
  assertEquals(buffersOf().has(larger[0] ?? new ArrayBuffer()), false);
});

Deno.test("saveInBackground() that fails says so at once, and is thrown by the next call, by flush() or by the disposal", async () => {
  const warnings: string[] = [];
  const store = new GatedStore();
  const ctx = contextOf({ w: [1] });
  const handler = await build(ctx).store(store).onWarning((text) => warnings.push(text)).done();
  const fail = async (): Promise<void> => {
    warnings.length = 0;
    store.failures.push(new StoreError("disk full", { path: "somewhere" }));
    const save = await handler.saveInBackground();
    await assertRejects(() => save.done, StoreError, "disk full");
    assertEquals([save.state, save.durable], ["failed", undefined]);
    assertEquals(warnings, ["the save of step 0 in the background failed: disk full"]);
  };
  const expected = "the earlier one of step 0 failed: disk full";
  await fail();
  const error = await assertRejects(() => handler.saveInBackground(), CheckpointError, expected);
  assertEquals([error.code, error.path, await store.list()], ["store", "somewhere", []]);
  await (await handler.saveInBackground()).done;
  await fail();
  await assertRejects(() => handler.flush(), CheckpointError, expected);
  await handler.flush();
  await fail();
  await assertRejects(() => handler[Symbol.asyncDispose](), CheckpointError, expected);
  assertEquals((await handler.listCheckpoints()).length, 1);
  await assertRejects(() => handler.saveInBackground(), ConfigError, "was disposed");
});

Deno.test("saveInBackground() tells of every failure, and writes what waited behind it", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ w: [1] });
  const handler = await build(ctx).store(store).onWarning(SILENT).done();
  const two = async (): Promise<BackgroundSave[]> => {
    store.hold();
    const saves = [await handler.saveInBackground()];
    await store.reached;
    saves.push(await handler.saveInBackground());
    store.letGo();
    return saves;
  };
  store.failures.push(new Error("first"), new Error("second"));
  let saves = await two();
  await assertRejects(() => handler.flush(), CheckpointError, "failed: first; 1 more failed after it");
  assertEquals(saves.map((each) => each.state), ["failed", "failed"]);
  store.failures.push(new Error("third"));
  saves = await two();
  await assertRejects(() => handler.flush(), CheckpointError, "failed: third");
  assertEquals(saves.map((each) => each.state), ["failed", "saved"]);
});

Deno.test("saveInBackground() that cannot begin throws at once, and leaves what waits as it is", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ w: [1] });
  await using handler = await build(ctx).store(store).keep(-1).done();
  store.hold();
  await handler.saveInBackground();
  await store.reached;
  const waiting = await handler.saveInBackground();
  const empty = ctx.in("a").variableWithShape("empty", "Float32", [2]);
  await assertRejects(() => handler.saveInBackground(), VariableError, '"/a/empty"');
  empty.setLoaded({
    dtype: "Float32",
    dimensions: [2 ** 50],
    byteLength: 2 ** 52,
    loaded: undefined,
    readSync: () => Tensor.from([1]),
    read: () => Promise.reject(new Error("not reached")),
  });
  await assertRejects(() => handler.saveInBackground(), CheckpointError, "no memory for a copy of 4503599627370");
  // @ts-expect-error a notebook has no types to prevent it
  await assertRejects(() => handler.saveInBackground({ whenBusy: "never" }), ConfigError, '"replace" or "wait"');
  assertEquals(waiting.state, "waiting");
  store.letGo();
  await handler.flush();
  assertEquals(waiting.state, "saved");
});

Deno.test("saveInBackground() of a value that throws at once leaves the bytes of what waits as they are", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ w: [1] });
  await using handler = await build(ctx).store(store).keep(-1).done();
  store.hold();
  await handler.saveInBackground();
  await store.reached;
  const waiting = await handler.saveInBackground();
  ctx.in("a").getVariable("w")?.setValue([2]);
  ctx.in("a").variableWithShape("x", "Float32", [0]).setLoaded({
    dtype: "Float32",
    dimensions: [0],
    byteLength: 0,
    loaded: undefined,
    readSync: () => Tensor.from([]),
    read: () => {
      throw new Error("gone");
    },
  });
  await assertRejects(() => handler.saveInBackground(), Error, "gone");
  store.letGo();
  assertEquals(await valuesIn(store, (await waiting.done)?.baseName ?? ""), { w: [1] });
});

Deno.test("saveInBackground() keeps a failure whose warning fails too", async () => {
  const store = new GatedStore();
  const handler = await build(contextOf({ w: [1] })).store(store).onWarning(() => {
    throw new Error("no console");
  }).done();
  store.failures.push(new Error("disk full"));
  const save = await handler.saveInBackground();
  await assertRejects(() => save.done, Error, "disk full");
  await new Promise((resolve) => setTimeout(resolve, 0));
  await assertRejects(() => handler.flush(), CheckpointError, "failed: disk full; 1 more failed after it");
});

Deno.test("saveInBackground() of a value that cannot be read rejects, and is not told again", async () => {
  const ctx = contextOf({ w: [1] });
  await using handler = await build(ctx).store(new MemoryStore()).done();
  ctx.in("a").variableWithShape("x", "Float32", [2]).setLoaded({
    dtype: "Float32",
    dimensions: [2],
    byteLength: 8,
    loaded: undefined,
    readSync: () => Tensor.from([1, 2]),
    read: () => Promise.reject(new Error("gone")),
  });
  await assertRejects(() => handler.saveInBackground(), Error, "gone");
  await handler.flush();
  assertEquals(await handler.listCheckpoints(), []);
});

Deno.test("saveInBackground() stops at an abort, which the caller knows of", async () => {
  const store = new GatedStore();
  await using handler = await build(contextOf({ w: [1] })).store(store).onWarning(SILENT).done();
  const stop = new AbortController();
  store.hold();
  const save = await handler.saveInBackground({ signal: stop.signal });
  stop.abort();
  store.letGo();
  await assertRejects(() => save.done, DOMException);
  await handler.flush();
  assertEquals(await handler.listCheckpoints(), []);
});

Deno.test("the disposal of a Handler waits for saves in the background", async () => {
  const store = new GatedStore();
  let saves: readonly { readonly state: string }[] = [];
  {
    await using handler = await build(contextOf({ w: [1] })).store(store).keep(-1).done();
    store.hold();
    saves = [await handler.saveInBackground(), await handler.saveInBackground()];
    setTimeout(() => store.letGo(), 10);
  }
  assertEquals(saves.map((each) => each.state), ["saved", "saved"]);
});

Deno.test("a call that waits for room while the Handler is disposed is refused, and what was taken is saved", async () => {
  const store = new GatedStore();
  const handler = await build(contextOf({ w: [1] })).store(store).keep(-1).done();
  store.hold();
  const saves = [await handler.saveInBackground(), await handler.saveInBackground()];
  const late = handler.saveInBackground({ whenBusy: "wait" });
  const disposed = handler[Symbol.asyncDispose]();
  store.letGo();
  await assertRejects(() => late, ConfigError, "was disposed");
  await disposed;
  assertEquals(saves.map((each) => each.state), ["saved", "saved"]);
});

Deno.test("saveInBackground() writes what lies side by side at once, with every dtype in its place", async () => {
  const store = new GatedStore();
  const ctx = new Context();
  const scope = ctx.in("a");
  scope.variableWithValue("odd", Tensor.from([1, 2, 3], "Int8"));
  scope.variableWithValue("big", Tensor.from(new Float32Array(3_000_000).fill(1.5)));
  scope.variableWithValue("wide", Tensor.from(new Float64Array(1_000_000).fill(2.5)));
  scope.variableWithValue("more", Tensor.from(new Float64Array(1_000_000).fill(3.5)));
  scope.variableWithValue("small", [4, 5]);
  await using handler = await build(ctx).store(store).done();
  const checkpoint = await (await handler.saveInBackground()).done;
  await using saved = await openCheckpoint(store);
  assertEquals(saved.baseName, checkpoint?.baseName);
  const ends = async (name: string): Promise<unknown[]> => {
    const data = (await saved.read(`/a/${name}`)).data();
    return [data.length, data[0], data.at(-1)];
  };
  assertEquals(await Promise.all(["odd", "big", "wide", "more", "small"].map(ends)), [
    [3, 1, 3],
    [3_000_000, 1.5, 1.5],
    [1_000_000, 2.5, 2.5],
    [1_000_000, 3.5, 3.5],
    [2, 4, 5],
  ]);
  // "wide" begins where a float64 may, 4 bytes after the end of "big".
  assertEquals(store.pieces.map((piece) => piece.length), [12_000_000, 16_000_000]);
});

Deno.test("saveInBackground() lets the event loop run while it writes", async () => {
  await using directory = await TemporaryDirectory.make();
  const ctx = new Context();
  ctx.variableWithValue("big", Tensor.zeros("Float32", [16 * 2 ** 20]));
  await using handler = await build(ctx).store(new LocalStore(directory.path)).done();
  const save = await handler.saveInBackground();
  let turns = 0;
  while (save.durable === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    turns++;
  }
  assert(turns >= 4, `${turns} turns`);
});

Deno.test("a Handler shows its saves in the background, and those that failed until somebody was told", async () => {
  const store = new GatedStore();
  const ctx = contextOf({ w: [0] });
  const handler = await build(ctx).store(store).onWarning(SILENT).done();
  store.hold();
  for (const step of [1, 2, 3]) {
    ctx.setGlobalStep(step);
    await handler.saveInBackground();
    await store.reached;
  }
  const shown = Deno.inspect(handler);
  assertStringIncludes(shown, "save of step 1 in the background: writing");
  assertStringIncludes(shown, "save of step 3 in the background: waiting");
  assert(!shown.includes("step 2"), shown);
  const bundle = await Reflect.get(handler, Symbol.for("Jupyter.display")).call(handler);
  assertStringIncludes(bundle["text/html"], "save of step 1 in the background: writing");
  store.letGo();
  await handler.flush();
  assert(!Deno.inspect(handler).includes("background"));
  store.failures.push(new StoreError("the disk is full"));
  await (await handler.saveInBackground()).done.catch(() => {});
  assertStringIncludes(Deno.inspect(handler), "save of step 3 in the background failed: the disk is full");
  await assertRejects(() => handler.flush(), CheckpointError, "the disk is full");
  assert(!Deno.inspect(handler).includes("background"));
});

Deno.test("a save in the background prints as one line", async () => {
  await using handler = await build(contextOf({ w: [1] })).store(new MemoryStore()).done();
  const save = await handler.saveInBackground();
  await save.done;
  assertMatch(Deno.inspect(save), /^BackgroundSave of step 0: saved, blocked [\d.]+ ms, durable after \d+ ms$/);
  assertStringIncludes(Deno.inspect(save), "saved");
});

function overwrite(tensor: Tensor | undefined, value: number): void {
  const data = tensor?.data();
  if (!(data instanceof Float32Array)) throw new Error(`cannot overwrite ${tensor}`);
  data.fill(value);
}
