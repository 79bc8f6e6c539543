import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { build, load, openCheckpoint } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { CorruptError, FormatError } from "../../src/errors.ts";
import { parseManifest } from "../../src/format/mod.ts";
import { MemoryStore, type Store } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { bytesOf, put } from "./blobs.ts";
import { CountingStore } from "./counting_store.ts";

// Compressed payloads of several segments: what is compressed where, and what is inflated for one variable.

const CODECS = ["gzip", "zstd"] as const;
/** 2.4 MB: three segments. */
const LARGE = 600_000;

/** A large variable between small ones, of several widths. */
function model(): Context {
  const context = new Context();
  context.in("a").variableWithValue("first", Tensor.from(Float32Array.of(1, 2, 3)));
  context.in("b").variableWithValue("large", Tensor.from(Float32Array.from({ length: LARGE }, (_, i) => Math.sin(i))));
  context.in("c").variableWithValue("wide", Tensor.from(Float64Array.of(0.1, NaN, -0)));
  for (let index = 0; index < 10; index++) context.in("d").in(`${index}`).variableWithValue("w", [index]);
  return context;
}

async function saved(codec: typeof CODECS[number], store: Store): Promise<string> {
  await using handler = await build(model()).store(store).compress(codec).done();
  return (await handler.save()).baseName;
}

for (const codec of CODECS) {
  Deno.test(`save() with ${codec} writes segments, and each way of loading gives the same bytes`, async () => {
    const store = new MemoryStore();
    const base = await saved(codec, store);
    const manifest = parseManifest(await bytesOf(store, `${base}.json`), { path: base });
    assert((manifest.segments?.length ?? 0) > 3);
    const wanted = new Map([...model().iterVariables()].map((each) => [each.scopeAndName, each.value().bytes.toHex()]));
    for (const immediate of [true, false]) {
      const context = new Context();
      const config = load(context).store(store);
      await using handler = await (immediate ? config.immediate() : config).done();
      if (!immediate) await handler.prefetch();
      for (const [name, bytes] of wanted) {
        const at = name.lastIndexOf("/");
        const found = context.inAbsPath(name.slice(0, at)).getVariable(name.slice(at + 1))?.value();
        assertEquals(found?.bytes.toHex(), bytes, name);
      }
    }
  });

  Deno.test(`read() of one variable of a ${codec} checkpoint inflates its own segments only, with and without waiting`, async () => {
    const store = new CountingStore(new MemoryStore());
    const base = await saved(codec, store);
    const { size = 0 } = (await store.list()).find(({ name }) => name === `${base}.bin`) ?? {};
    store.reads = [];
    const context = new Context();
    await using _ = await load(context).store(store).done();
    assertEquals(context.in("c").getVariable("wide")?.value().bytes.length, 24);
    await using checkpoint = await openCheckpoint(store);
    assertEquals((await checkpoint.read("/d/7/w")).toNested(), [7]);
    const read = store.payloadReads.reduce((sum, each) => sum + each.length, 0);
    // The end of the large one lies in the segment of the small ones.
    assert(read < size / 3, `${read} of ${size} bytes were read`);
  });

  Deno.test(`save() of an unread ${codec} checkpoint copies it, and goes on with ${codec}`, async () => {
    const [from, to] = [new MemoryStore(), new MemoryStore()];
    const base = await saved(codec, from);
    for (const suffix of [".json", ".bin"]) await put(to, base + suffix, await bytesOf(from, base + suffix));
    const context = new Context();
    await using handler = await build(context).store(to).done();
    const again = await handler.save();
    assertEquals((await again.read("/b/large")).bytes, (await (await openCheckpoint(from)).read("/b/large")).bytes);
    assertEquals(context.in("d").in("3").getVariable("w")?.value().toNested(), [3]);
  });

  Deno.test(`a damaged ${codec} segment spoils its own variables only`, async () => {
    const store = new MemoryStore();
    const base = await saved(codec, store);
    const bytes = await bytesOf(store, `${base}.bin`);
    // Within the large one.
    const at = Math.floor(bytes.length / 2);
    await put(store, `${base}.bin`, bytes.with(at, (bytes[at] ?? 0) ^ 0xff));
    await using checkpoint = await openCheckpoint(store);
    await assertRejects(() => checkpoint.read("/b/large"), CorruptError);
    assertEquals((await checkpoint.read("/d/9/w")).toNested(), [9]);
    const context = new Context();
    await using _ = await load(context).store(store).done();
    assertThrows(() => context.in("b").getVariable("large")?.value(), CorruptError);
    assertEquals(context.in("a").getVariable("first")?.value().toNested(), [1, 2, 3]);
  });

  Deno.test(`done() says of a ${codec} payload that was cut short or goes on behind its end which it is`, async () => {
    const store = new MemoryStore();
    const base = await saved(codec, store);
    const bytes = await bytesOf(store, `${base}.bin`);
    const done = (): Promise<unknown> => load(new Context()).store(store).strict().done();
    await put(store, `${base}.bin`, bytes.subarray(0, -9));
    await assertRejects(done, CorruptError, "segments: it was cut short");
    const longer = new Uint8Array(bytes.length + 9);
    longer.set(bytes);
    await put(store, `${base}.bin`, longer);
    const { message } = await assertRejects(done, CorruptError);
    assert(!message.includes("cut short"), message);
  });

  Deno.test(`save() with ${codec} that is aborted, or whose disk is full, leaves nothing behind`, async () => {
    const abort = new AbortController();
    const store = new MemoryStore();
    await using handler = await build(model()).store(store).compress(codec).done();
    const progress = ({ done }: { done: number }) => {
      if (done > 1_000_000) abort.abort(new Error("enough"));
    };
    await assertRejects(() => handler.save({ progress, signal: abort.signal }), Error, "enough");
    assertEquals(await store.list(), []);
    const full = new FullStore();
    await using other = await build(model()).store(full).compress(codec).done();
    await assertRejects(() => other.save(), Error, "no room");
    assertEquals(await full.list(), []);
    assertEquals((await handler.save()).variables.length, 14);
  });

  Deno.test(`save() and load() with ${codec} give the same bytes where no worker can be had`, async () => {
    const before = new MemoryStore();
    const base = await saved(codec, before);
    const { Worker } = globalThis;
    for (const replacement of [undefined, FailingWorker]) {
      Object.defineProperty(globalThis, "Worker", { value: replacement, configurable: true, writable: true });
      try {
        const store = new MemoryStore();
        const again = await saved(codec, store);
        assertEquals(await bytesOf(store, `${again}.bin`), await bytesOf(before, `${base}.bin`));
        await using checkpoint = await openCheckpoint(store);
        assertEquals((await checkpoint.read("/b/large")).size, LARGE);
      } finally {
        Object.defineProperty(globalThis, "Worker", { value: Worker, configurable: true, writable: true });
      }
    }
  });
}

Deno.test("save() with zstd needs the extra keys, and says so", async () => {
  await using handler = await build(model()).store(new MemoryStore()).compress("zstd").extras(false).done();
  await assertRejects(() => handler.save(), FormatError, "zstd needs the extra keys of Cairn");
});

Deno.test("a zstd payload beside another manifest, or the reverse, is a CorruptError", async () => {
  const [zstd, gzip, raw] = [new MemoryStore(), new MemoryStore(), new MemoryStore()];
  const [one, two] = [await saved("zstd", zstd), await saved("gzip", gzip)];
  await using handler = await build(model()).store(raw).done();
  const three = (await handler.save()).baseName;
  const mixed = [
    [await bytesOf(zstd, `${one}.json`), await bytesOf(gzip, `${two}.bin`)],
    [await bytesOf(gzip, `${two}.json`), await bytesOf(zstd, `${one}.bin`)],
    [await bytesOf(raw, `${three}.json`), await bytesOf(zstd, `${one}.bin`)],
    [await bytesOf(zstd, `${one}.json`), await bytesOf(raw, `${three}.bin`)],
  ] as const;
  for (const [json, bin] of mixed) {
    const store = new MemoryStore();
    await put(store, `${one}.json`, json);
    await put(store, `${one}.bin`, bin);
    await assertRejects(async () => await load(new Context()).store(store).immediate().done(), CorruptError);
  }
});

/** A store whose disk is full after a megabyte. */
class FullStore extends MemoryStore {
  override publish(name: string, write: Parameters<Store["publish"]>[1]): Promise<void> {
    let left = 1_000_000;
    return super.publish(name, (sink) =>
      write({
        write: async (bytes) => {
          left -= bytes.length;
          if (left < 0) throw new Error("no room");
          await sink.write(bytes);
        },
      }));
  }
}

/** A worker that cannot load its module. */
class FailingWorker {
  onmessage: unknown = null;
  onerror: ((event: ErrorEvent) => void) | null = null;

  constructor() {
    queueMicrotask(() => this.onerror?.(new ErrorEvent("error", { message: "refused", cancelable: true })));
  }

  postMessage(): void {}
  terminate(): void {}
}
