import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  anyOf,
  build,
  type Config,
  type Handler,
  keepBest,
  keepEveryNSteps,
  keepLast,
  keepWhere,
  timeline,
} from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CheckpointError, ConfigError, NotFoundError, StoreError } from "../../src/errors.ts";
import { type BlobInfo, type BlobSink, LocalStore, MemoryStore, type Store } from "../../src/store/mod.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";
import { contentsOf, namesOf, put } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";
import { FaultyFiles } from "./faulty_files.ts";
import { contextOf, SILENT, valuesIn } from "./runs.ts";
import { joinedHead } from "../render/joined_head.ts";

/** A Handler whose saves have the step and the loss that they are given. */
async function trainer(store: Store, configure: (config: Config) => Config): Promise<
  { readonly handler: Handler; save(step: number, loss?: number, pin?: boolean): Promise<string> }
> {
  const ctx = contextOf({ w: [1, 2, 3] });
  const handler = await configure(build(ctx).store(store).onWarning(SILENT)).done();
  return {
    handler,
    save: async (step, loss, pin) => {
      ctx.setGlobalStep(step);
      return (await handler.save({ ...loss !== undefined && { metrics: { loss } }, ...pin && { pin } })).baseName;
    },
  };
}

/** Steps of the checkpoints that are left. */
async function stepsIn(store: Store): Promise<number[]> {
  return (await timeline(store)).checkpoints.map(({ step }) => Number(step));
}

Deno.test("keep(policy) applies it after each save, and knows the metrics also after a restart", async () => {
  const store = new MemoryStore();
  const policy = anyOf(keepLast(2), keepEveryNSteps(100), keepBest(1, { metric: "loss" }));
  const first = await trainer(store, (config) => config.keep(policy));
  for (const [step, loss] of [[50, 5], [100, 4], [120, 1], [140, 3]] as const) await first.save(step, loss);
  await first.handler[Symbol.asyncDispose]();
  const second = await trainer(store, (config) => config.keep(policy));
  for (const [step, loss] of [[160, 3], [180, 3], [200, 3], [220, 3], [240, 3]] as const) await second.save(step, loss);
  assertEquals(await stepsIn(store), [50, 100, 120, 200, 220, 240]);
});

Deno.test("keep(n) does not count damaged ones, so that it never removes the last intact ones for them", async () => {
  const store = new MemoryStore();
  const writer = await trainer(store, (config) => config.keep(-1));
  const bases = [await writer.save(1), await writer.save(2), await writer.save(3), await writer.save(4)];
  await put(store, `${bases[2]}.json`, "{");
  await store.remove(`${bases[3]}.bin`);
  await writer.handler[Symbol.asyncDispose]();
  const again = await trainer(store, (config) => config.keep(2));
  const plan = await again.handler.planRetention();
  assertEquals(plan.goes, bases.slice(0, 1));
  await again.save(5);
  // The manifest without payload was swept, the damaged one put aside.
  assertEquals((await again.handler.listCheckpoints()).map((each) => each.slice(-1)), ["2", "5"]);
  await again.save(6);
  assertEquals(await stepsIn(store), [5, 6]);
});

Deno.test("a policy that throws or keeps nothing costs no checkpoint", async () => {
  const store = new MemoryStore();
  const nothing = await trainer(store, (config) => config.keep(keepWhere(() => false)));
  for (const step of [1, 2, 3]) await nothing.save(step);
  assertEquals(await stepsIn(store), [3]);
  const warnings: string[] = [];
  const broken = keepWhere(() => {
    throw new Error("no idea");
  });
  const handler = await build(new Context()).store(store).keep(broken).onWarning((text) => warnings.push(text)).done();
  await handler.save();
  assertEquals((await stepsIn(store)).length, 2);
  assertMatch(warnings.join("\n"), /was saved, but could not remove older checkpoints: .*keepWhere.*: no idea/);
});

Deno.test("keep() refuses what is neither a number nor a policy", async () => {
  for (const wrong of [0, 1.5, NaN, "3", null, {}]) {
    const config = build(new Context()).store(new MemoryStore());
    // @ts-expect-error -- a notebook has no types to prevent it
    await assertRejects(() => config.keep(wrong).done(), ConfigError, "Cannot keep");
  }
});

Deno.test("pin() keeps a checkpoint whatever the policy says, for other Handlers too, until unpin()", async () => {
  const store = new MemoryStore();
  const { handler, save } = await trainer(store, (config) => config.keep(1));
  const first = await save(1);
  assertEquals([await handler.pin(), await handler.pin(1)], [first, first]);
  await save(2);
  await save(3);
  assertEquals([await stepsIn(store), await handler.pinned()], [[1, 3], [first]]);
  const other = await trainer(store, (config) => config.keep(1));
  await other.save(4);
  assertEquals(await stepsIn(store), [1, 4]);
  assertEquals(await other.handler.unpin(first), first);
  await other.save(5);
  assertEquals([await stepsIn(store), await other.handler.pinned()], [[5], []]);
  await assertRejects(() => other.handler.pin(9), NotFoundError, "No checkpoint of step 9");
  const empty = await build(new Context()).store(new MemoryStore()).done();
  await assertRejects(() => empty.pin(), ConfigError, "there is no checkpoint yet");
});

Deno.test("pin() of what is removed meanwhile is an error, and leaves no pin", async () => {
  const store = new (class extends CountingStore {
    override async publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
      await super.publish(name, write);
      if (!name.startsWith("pins/")) return;
      for (const suffix of [".json", ".bin"]) await this.remove(name.slice("pins/".length) + suffix);
    }
  })();
  const { handler, save } = await trainer(store, (config) => config);
  await save(1);
  await assertRejects(() => handler.pin(), NotFoundError, "was removed");
  assertEquals(await store.list("pins"), []);
});

Deno.test("save({ pin: true }) pins from the first instant, and a failed save leaves no pin", async () => {
  const store = new RecordingStore(new MemoryStore());
  const { handler, save } = await trainer(store, (config) => config.keep(1));
  const first = await save(1, undefined, true);
  assertEquals(store.done.slice(0, 3), [`publish pins/${first}`, `publish ${first}.bin`, `publish ${first}.json`]);
  await save(2);
  assertEquals([await stepsIn(store), await handler.pinned()], [[1, 2], [first]]);
  store.failAt = store.done.length + 2;
  store.failsOnce = true;
  await assertRejects(() => save(3, undefined, true), StoreError, "stopped");
  assertEquals((await store.list("pins")).map(({ name }) => name), [first]);
  assertEquals(await stepsIn(store), [1, 2]);
});

Deno.test("trash() moves what goes into the trash, and restoreFromTrash() brings it back, pinned", async () => {
  const store = new MemoryStore("run");
  const { handler, save } = await trainer(store, (config) => config.keep(1).trash());
  const bases = [await save(1), await save(2), await save(3)];
  assertEquals([await handler.trashed(), await stepsIn(store)], [bases.slice(0, 2), [3]]);
  assertEquals(await handler.restoreFromTrash(), bases[1]);
  assertEquals([await handler.pinned(), await handler.trashed()], [[bases[1]], [bases[0]]]);
  assertEquals(await valuesIn(store, bases[1] ?? ""), { w: [1, 2, 3] });
  await save(4);
  assertEquals(await stepsIn(store), [2, 4]);
  assertEquals(await handler.restoreFromTrash(`${bases[0]}.json`), bases[0]);
  await assertRejects(() => handler.restoreFromTrash(1), NotFoundError, "No checkpoint of step 1 in the trash");
  await put(store, "trash/notes.txt", "mine");
  assertEquals([await handler.emptyTrash(), await handler.trashed()], [[bases[2]], []]);
  assertEquals((await store.list("trash")).map(({ name }) => name), ["notes.txt"]);
  await assertRejects(() => handler.restoreFromTrash(), NotFoundError, 'in the trash of "memory:run": it is empty');
  await handler.unpin(1);
  await save(5);
  assertEquals(await handler.restoreFromTrash(1), bases[0], "a step will do");
  await assertRejects(() => handler.restoreFromTrash("x"), NotFoundError, 'No checkpoint "x" in the trash');
});

Deno.test("emptyTrash() does not name a checkpoint whose move into the trash was interrupted: it is kept", async () => {
  const store = new MemoryStore("run");
  const { handler, save } = await trainer(store, (config) => config.keep(2).trash());
  const [first, second, third] = [await save(1), await save(2), await save(3)];
  // As far as a move can come before what is at the top level goes, and one step further.
  for (const suffix of [".bin", ".json"]) await store.link(second + suffix, `trash/${second}${suffix}`);
  assertEquals(await handler.emptyTrash(), [first]);
  assertEquals([await store.list("trash"), await stepsIn(store)], [[], [2, 3]]);
  assertEquals(await valuesIn(store, second), { w: [1, 2, 3] });
  for (const suffix of [".bin", ".json"]) await store.link(second + suffix, `trash/${second}${suffix}`);
  await save(4);
  assertEquals([await handler.trashed(), await stepsIn(store)], [[second], [3, 4]]);
  for (const suffix of [".bin", ".json"]) await store.link(third + suffix, `trash/${third}${suffix}`);
  await store.remove(`${third}.json`);
  assertEquals(await handler.emptyTrash(), [second, third]);
});

Deno.test("emptyTrash() lists the trash once: it removes what it names", async () => {
  const store = new MemoryStore();
  const { handler, save } = await trainer(store, (config) => config.keep(1).trash());
  const bases = [await save(1), await save(2), await save(3)];
  const listed: (string | undefined)[] = [];
  const list = store.list.bind(store);
  store.list = (folder) => {
    listed.push(folder);
    return list(folder);
  };
  assertEquals(await handler.emptyTrash(), bases.slice(0, 2));
  assertEquals(listed.filter((folder) => folder === "trash"), ["trash"]);
});

Deno.test("emptyTrash() that fails half-way leaves the rest whole, and is finished by the next call", async () => {
  await using directory = await TemporaryDirectory.make();
  const files = new FaultyFiles();
  const { handler, save } = await trainer(
    new LocalStore(directory.path, { files }),
    (config) => config.keep(1).trash(),
  );
  const [, second, third] = [await save(1), await save(2), await save(3), await save(4)];
  files.failWhen = (change) => change === `remove ${second}.bin`;
  await assertRejects(() => handler.emptyTrash(), CheckpointError, "injected");
  assertEquals(await handler.trashed(), [third]);
  assertEquals(namesIn(`${directory.path}/trash`), [`${second}.bin`, `${third}.bin`, `${third}.json`]);
  files.failWhen = undefined;
  assertEquals([await handler.emptyTrash(), namesIn(`${directory.path}/trash`)], [[third], []]);
  await handler[Symbol.asyncDispose]();
});

Deno.test("planRetention() names what the next save removes, and changes nothing", async () => {
  const store = new MemoryStore();
  const policy = anyOf(keepLast(2), keepBest(1, { metric: "loss" }));
  const { handler, save } = await trainer(store, (config) => config.keep(policy));
  const bases = [await save(1, 1), await save(2, 2), await save(3, 3)];
  await handler.pin(2);
  const before = await contentsOf(store);
  const plan = await handler.planRetention();
  assertEquals([plan.goes, await contentsOf(store)], [[], before]);
  assertEquals(plan.checkpoints.map(({ reasons }) => reasons), [["the best 1 by loss"], ["pinned"], ["the last 2"]]);
  await handler.unpin(2);
  const next = await handler.planRetention();
  assertEquals(next.goes, bases.slice(1, 2));
  const text = joinedHead(Deno.inspect(next, { colors: false }));
  assertMatch(text, /^Retention · keeps the last 2, the best 1 by loss · 3 checkpoints · − 1 are removed, /);
  await save(4, 4);
  assertEquals(await stepsIn(store), [1, 3, 4]);
});

Deno.test("timeline() shows pins, and why each stays", async () => {
  const store = new MemoryStore();
  const policy = anyOf(keepLast(1), keepBest(1, { metric: "loss" }));
  const { handler, save } = await trainer(store, (config) => config.keep(policy));
  await save(1, 1);
  await save(2, 2);
  await handler.pin(2);
  await save(3, 3);
  const line = await timeline(handler);
  assertEquals(line.checkpoints.map(({ pinned, removedNext, keptBy }) => [pinned, removedNext, keptBy]), [
    [false, false, ["the best 1 by loss"]],
    [true, false, ["pinned"]],
    [false, true, []],
  ]);
  const text = Deno.inspect(line, { colors: false });
  assertMatch(text, /keeps the last 1, the best 1 by loss/);
  assertMatch(text, /✓ pinned/);
  const other = await timeline(store, { keep: keepLast(3) });
  assertEquals(other.checkpoints.map(({ removedNext }) => removedNext), [true, false, false]);
});

Deno.test("a save lists the store once, and reads each manifest once in the life of a Handler", async () => {
  const store = new RecordingStore(new MemoryStore());
  const writer = await trainer(store, (config) => config.keep(-1));
  for (const step of [1, 2, 3]) await writer.save(step);
  await writer.handler[Symbol.asyncDispose]();
  const counting = new CountingStore(store);
  const { handler, save } = await trainer(
    counting,
    (config) => config.keep(anyOf(keepLast(5), keepBest(1, { metric: "loss" }))),
  );
  counting.reads = [];
  await save(4);
  store.lists = 0;
  for (const step of [5, 6, 7]) await save(step);
  const manifests = counting.reads.filter(({ name }) => name.endsWith(".json")).map(({ name }) => name);
  assertEquals([manifests.length, new Set(manifests).size], [4, 3], "the newest is looked at by the sweep too");
  assertEquals(store.lists, 3);
  assertEquals((await handler.listCheckpoints()).length, 5);
});

Deno.test("keep(-1) reads nothing to keep all", async () => {
  const store = new CountingStore();
  const { save } = await trainer(store, (config) => config.keep(-1));
  for (const step of [1, 2, 3]) await save(step);
  assertEquals(store.reads, []);
});

/** Stops each save, with trash and without, at each of its changes in turn. */
for (const trash of [false, true]) {
  Deno.test(`a save that stops at any change leaves the newest loadable and nothing lost (trash: ${trash})`, async () => {
    let points = 0;
    for (let stop = 1;; stop++) {
      const inner = new MemoryStore();
      const store = new RecordingStore(inner);
      const { handler, save } = await trainer(store, (config) => config.keep(2).trash(trash));
      const saved = [await save(1), await save(2)];
      store.done.length = 0;
      store.failAt = stop;
      const third = await save(3, undefined, true).catch(() => undefined);
      if (store.done.length < stop) break; // It has come to its end.
      points++;
      await handler[Symbol.asyncDispose]();
      const listed = await build(new Context()).store(inner).done();
      const left = await listed.listCheckpoints();
      // As if the process had died there: whatever is listed is whole, and nothing goes before the new one stands.
      for (const base of left) assertEquals(await valuesIn(inner, base), { w: [1, 2, 3] });
      assert(left.includes(third ?? saved[1] ?? ""), `stopped at ${stop}: ${left}`);
      if (third === undefined) assertEquals(left, saved);
      const trashed = await listed.trashed();
      if (trash) assert([...left, ...trashed].includes(saved[0] ?? ""), "the oldest is in one of the two");
      // The next save does what was left to do.
      const next = await trainer(inner, (config) => config.keep(2).trash(trash));
      await next.save(4);
      const names = await namesOf(inner);
      assertEquals(
        names.filter((name) => name.endsWith(".bin")).length,
        names.filter((name) => name.endsWith(".json")).length,
      );
      assertEquals((await next.handler.listCheckpoints()).length, 2);
    }
    assert(points >= (trash ? 7 : 5), `${points} points`);
  });
}

/** Records what changes a store, and fails from a change on: that one and all that follow do not happen. */
class RecordingStore implements Store {
  readonly label: string;
  readonly writable = true;
  readonly done: string[] = [];
  failAt = Infinity;
  failsOnce = false;
  lists = 0;
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
    this.label = store.label;
  }

  list(folder?: string): Promise<BlobInfo[]> {
    if (folder === undefined) this.lists++;
    return this.#store.list(folder);
  }

  open(name: string): ReturnType<Store["open"]> {
    return this.#store.open(name);
  }

  publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
    return this.#change(`publish ${name}`, () => this.#store.publish(name, write));
  }

  link(name: string, target: string): Promise<void> {
    return this.#change(`link ${name} ${target}`, () => this.#store.link(name, target));
  }

  remove(name: string): Promise<void> {
    return this.#change(`remove ${name}`, () => this.#store.remove(name));
  }

  lock(): ReturnType<Store["lock"]> {
    return this.#store.lock();
  }

  async #change(what: string, act: () => Promise<void>): Promise<void> {
    this.done.push(what);
    const fails = this.failsOnce ? this.done.length === this.failAt : this.done.length >= this.failAt;
    if (fails) throw new StoreError("stopped");
    await act();
  }
}
