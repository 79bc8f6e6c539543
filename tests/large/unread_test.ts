import { assertEquals, assertLess } from "@std/assert";
import {
  build,
  Context,
  type DType,
  load,
  LocalStore,
  MemoryStore,
  openCheckpoint,
  type Store,
  Tensor,
} from "../../mod.ts";

// Saves of what nobody has read go from file to file, read ahead and written behind.

Deno.test("save() copies values of all sizes, in another order than the file's, bit by bit", async () => {
  const directory = await Deno.makeTempDir({ prefix: "cairn-unread-" });
  try {
    const sizes = [
      0,
      1,
      300_000,
      9_000_000,
      1,
      17_000_000,
      262_144,
      262_145,
      1_048_576,
      1_048_577,
      5,
      5,
      5,
      20_000_000,
    ];
    const tensors = sizes.map((size, index) => randomTensor("Uint8", size, index + 1));
    const from = new LocalStore(`${directory}/from`);
    await from.ensureRoot();
    await saveAll(from, tensors);

    const context = new Context();
    await using _source = await load(context).store(from).done();
    for (const index of shuffled(sizes.length)) context.getVariable(`v${index}`);
    await using handler = await build(context).dir(`${directory}/to`).profile("gomlx-0.28").done();
    await handler.save();

    await using copy = await openCheckpoint(`${directory}/to`);
    for (const [index, tensor] of tensors.entries()) {
      assertEquals((await copy.read(`/v${index}`)).equals(tensor), true, `variable ${index} of ${tensor.size} bytes`);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("save() reads many small unread variables in a few large reads", async () => {
  const store = new MemoryStore("many");
  const tensors = Array.from({ length: 2_000 }, (_, index) => randomTensor("Float32", 50, index + 1));
  await saveAll(store, tensors);
  const counted = { reads: 0 };

  const context = new Context();
  await using handler = await load(context).store(countReads(store, counted)).keep(-1).done();
  await handler.prefetch("/global_step");
  counted.reads = 0;
  await handler.save();

  assertLess(counted.reads, 20);
  await using copy = await openCheckpoint(store);
  const all = await copy.readAll();
  for (const [index, tensor] of tensors.entries()) assertEquals(all.get(`/v${index}`)?.equals(tensor), true);
});

async function saveAll(store: Store, tensors: readonly Tensor[]): Promise<void> {
  const context = new Context();
  for (const [index, tensor] of tensors.entries()) context.variableWithValue(`v${index}`, tensor);
  await using handler = await build(context).store(store).profile("gomlx-0.28").done();
  await handler.save();
}

/** `store`, counting the reads of payloads. */
function countReads(store: Store, counted: { reads: number }): Store {
  return {
    label: store.label,
    writable: store.writable,
    list: (folder) => store.list(folder),
    publish: (name, write) => store.publish(name, write),
    link: (name, target) => store.link(name, target),
    remove: (name) => store.remove(name),
    lock: () => store.lock(),
    async open(name) {
      const handle = await store.open(name);
      return {
        size: handle.size,
        read: (into, at) => {
          if (name.endsWith(".bin")) counted.reads++;
          return handle.read(into, at);
        },
        close: () => handle.close(),
      };
    },
  };
}

function randomTensor(dtype: DType, elements: number, seed: number): Tensor {
  const tensor = Tensor.zeros(dtype, [elements]);
  let state = seed;
  for (let index = 0; index < tensor.byteLength; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    tensor.bytes[index] = state >>> 24;
  }
  return tensor;
}

function shuffled(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index * 5 % count);
}
