import { setImmediate as nextTurn } from "node:timers/promises";
import { assert, assertEquals, assertGreater, assertRejects, assertStrictEquals, fail } from "@std/assert";
import { type Backend, build, Context, hostBackend, load, Tensor } from "@cairn/checkpoints";
import type { ReadHandle } from "../../src/store/mod.ts";
import { Random } from "../tensor/random.ts";
import { CountingStore } from "./counting_store.ts";

const MIB = 2 ** 20;

/** A store whose reads of payloads take a turn of the event loop; knows which of them are under way. */
class SlowStore extends CountingStore {
  /** Where bytes are being read to. */
  readonly running = new Set<Uint8Array>();
  /** Number of the reads, from 0, that fail when they should end. */
  failing: readonly number[] = [];
  #started = 0;

  override async open(name: string): Promise<ReadHandle> {
    const handle = await super.open(name);
    if (!name.endsWith(".bin")) return handle;
    return {
      size: handle.size,
      read: async (into, at) => {
        const number = this.#started++;
        this.running.add(into);
        await nextTurn();
        const count = await handle.read(into, at);
        this.running.delete(into);
        if (this.failing.includes(number)) throw new Error(`read ${number} failed`);
        return count;
      },
      close: () => handle.close(),
    };
  }
}

/** Saves `count` checkpoints of one variable of `size` elements: all 1, all 2 … */
async function saveRun(count: number, size: number): Promise<SlowStore> {
  const store = new SlowStore();
  const ctx = new Context();
  const weights = ctx.variableWithValue("w", new Float32Array(size));
  await using handler = await build(ctx).store(store).keep(-1).done();
  for (let index = 1; index <= count; index++) {
    weights.setValue(Tensor.from(new Float32Array(size).fill(index)));
    await handler.save();
  }
  return store;
}

/** The host, but it takes some turns of the event loop, as a native one may. */
class SlowBackend implements Backend {
  readonly name = "slow";
  readonly supports = hostBackend.supports;
  /** Calls that found reads under way. */
  overlaps = 0;
  calls = 0;
  /** The memory of all blocks that it was given. */
  readonly memory = new Map<ArrayBufferLike, Set<number>>();
  /** The call, from 0, that fails. */
  failing: number | undefined;
  readonly #store: SlowStore;

  constructor(store: SlowStore) {
    this.#store = store;
  }

  async mean(...[dtype, blocks, into]: Parameters<Backend["mean"]>): Promise<void> {
    if (this.calls++ === this.failing) throw new Error("backend failed");
    const before = blocks.map((block) => block.slice());
    if (this.#store.running.size > 0) this.overlaps++;
    for (const { buffer, byteOffset } of blocks) {
      this.memory.set(buffer, (this.memory.get(buffer) ?? new Set()).add(byteOffset));
    }
    for (let turn = 0; turn < 4; turn++) {
      for (const target of this.#store.running) {
        assert(![...blocks, into].some((block) => overlap(block, target)), "a read goes where a backend may look");
      }
      await nextTurn();
    }
    assertEquals(blocks.every((block, index) => equal(block, before[index])), true);
    await hostBackend.mean(dtype, blocks, into);
  }
}

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  return a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.length && b.byteOffset < a.byteOffset + a.length;
}

function equal(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return a.length === b?.length && a.every((byte, index) => byte === b[index]);
}

for (const [count, size] of [[3, MIB + 5], [60, MIB / 4]] as const) {
  Deno.test(`takeMean() reads ahead of a backend, with two sets of blocks within 64 MiB, for ${count} checkpoints`, async () => {
    const store = await saveRun(count, size);
    const backend = new SlowBackend(store);
    const ctx = new Context();
    await using _ = await load(ctx).store(store).takeMean(count, backend).done();
    const mean = ctx.getVariable("w")?.value() ?? Tensor.zeros("Float32", [0]);
    assert(mean.equals(Tensor.from(new Float32Array(size).fill((count + 1) / 2))));
    assertGreater(backend.calls, 1);
    assertGreater(backend.overlaps, backend.calls - 2); // nothing may be left to read during the last
    const [blocks] = backend.memory;
    assertEquals(backend.memory.size, 1);
    assertGreater(2 * count + 1, blocks?.[1].size ?? Infinity);
    assertGreater(64 * MIB, blocks?.[0].byteLength ?? Infinity);
  });
}

/** Asserts that nothing goes on after `done()` has failed. */
async function expectSettled(store: SlowStore, backend: Backend, message: string): Promise<void> {
  const unhandled: unknown[] = [];
  const listener = (event: PromiseRejectionEvent) => unhandled.push(event.reason);
  globalThis.addEventListener("unhandledrejection", listener);
  try {
    const ctx = new Context();
    await assertRejects(() => load(ctx).store(store).takeMean(3, backend).done(), Error, message);
    assertEquals([store.running.size, store.opened], [0, []]);
    const before = store.payloadReads.length;
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    assertEquals([store.payloadReads.length, unhandled], [before, []]);
    assertStrictEquals(ctx.loader, undefined);
  } finally {
    globalThis.removeEventListener("unhandledrejection", listener);
  }
}

Deno.test("takeMean() leaves no read, no open file and no unhandled rejection when a read fails", async () => {
  // The first three read the headers; then one each for the blocks of three checkpoints, and the next.
  for (const failing of [[3], [5], [6], [4, 5], [6, 7, 8], [9, 11]]) {
    const store = await saveRun(3, 3 * MIB);
    store.failing = failing;
    await expectSettled(store, new SlowBackend(store), `read ${failing[0]} failed`);
    await expectSettled(
      Object.assign(await saveRun(3, 3 * MIB), { failing }),
      hostBackend,
      `read ${failing[0]} failed`,
    );
  }
});

Deno.test("takeMean() leaves no read, no open file and no unhandled rejection when a backend fails", async () => {
  for (const call of [0, 1, 3]) {
    // With and without a read that fails meanwhile.
    for (const failing of [[], [6 + 3 * call]]) {
      const store = await saveRun(3, 4 * MIB);
      store.failing = failing;
      await expectSettled(store, Object.assign(new SlowBackend(store), { failing: call }), "backend failed");
    }
  }
  const store = await saveRun(3, 4 * MIB);
  const throwing: Backend = {
    ...hostBackend,
    mean: () => {
      throw new Error("at once");
    },
  };
  await expectSettled(store, throwing, "at once");
});

Deno.test("takeMean() reads and computes small variables together", async () => {
  const store = new SlowStore();
  const ctx = new Context();
  for (let index = 0; index < 500; index++) ctx.variableWithValue(`w${index}`, new Float32Array(100).fill(index));
  await using handler = await build(ctx).store(store).keep(-1).done();
  await handler.save();
  await handler.save();
  store.reads = [];
  const backend = new SlowBackend(store);
  const mean = new Context();
  await using _ = await load(mean).store(store).takeMean(2, backend).done();
  for (let index = 0; index < 500; index++) assertEquals(mean.getVariable(`w${index}`)?.value().at(99), index);
  assertEquals(backend.calls, 1);
  assertGreater(10, store.payloadReads.length);
});

Deno.test("takeMean() gives the host's mean of every variable, whatever their sizes, order and compression", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed);
    const store = new CountingStore();
    const names = Array.from({ length: 40 }, (_, index) => `v${index}`);
    const shapes = new Map(names.map((name) => [name, shapeOf(random)]));
    const saved = new Map<string, Map<string, Tensor>>();
    for (let index = 0; index < 3; index++) {
      const ctx = new Context();
      const config = build(ctx).store(store).keep(-1).profile("gomlx-0.28").excludeAllParams();
      await using handler = await config.compress(random.whole(0, 4) === 0 ? "gzip" : "none").done();
      ctx.deleteVariablesInScope();
      const tensors = new Map<string, Tensor>();
      for (const name of random.whole(0, 2) === 0 ? names : names.toReversed()) {
        const [dtype, size] = shapes.get(name) ?? ["Float32", 0];
        if (index < 2 && random.whole(0, 10) === 0) continue;
        const tensor = Tensor.zeros(dtype, [size]);
        tensor.bytes.forEach((_, at) => tensor.bytes[at] = random.whole(0, 127)); // no NaN
        ctx.variableWithValue(name, tensor);
        tensors.set(`/${name}`, tensor);
      }
      saved.set((await handler.save()).baseName, tensors);
    }
    const ctx = new Context();
    await using handler = await load(ctx).store(store).takeMean(3).done();
    for (const { path, averaged, baseNames } of handler.mean?.variables ?? []) {
      if (path === "/global_step") continue;
      const sources = baseNames.flatMap((base) => saved.get(base)?.get(path) ?? []);
      const newest = sources.at(-1) ?? fail(path);
      const wanted = newest.bytes.slice();
      if (averaged) await hostBackend.mean(newest.dtype, sources.map(({ bytes }) => bytes), wanted);
      assertEquals(sources.length, baseNames.length);
      const found = ctx.getVariableByScopeAndName("/", path.slice(1))?.value().bytes ?? fail(path);
      assert(equal(found, wanted), `seed ${seed}, ${path}`);
    }
    assertGreater(handler.mean?.variables.filter((each) => each.averaged).length ?? 0, 10);
  }
});

function shapeOf(random: Random): [dtype: "Float32" | "Float64" | "BFloat16" | "Int32" | "Uint8", size: number] {
  const dtypes = ["Float32", "Float32", "Float32", "Float64", "BFloat16", "Int32", "Uint8"] as const;
  const dtype = dtypes[random.whole(0, dtypes.length)] ?? "Float32";
  const largest = random.whole(0, 21) === 0 ? 600_000 : 200;
  return [dtype, random.whole(0, largest + 1)];
}
