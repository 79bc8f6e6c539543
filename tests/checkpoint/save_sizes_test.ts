import { assert, assertEquals } from "@std/assert";
import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { crc32, payloadHeader } from "../../src/format/mod.ts";
import { type BlobSink, MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { bytesOf } from "./blobs.ts";

const MIB = 2 ** 20;
/** About the sizes at which small values are gathered and large ones are cut. */
const SIZES = [5, 0, MIB - 5, 0, 1, MIB, MIB, 3, MIB + 1, 8 * MIB, 7, 8 * MIB + 9, MIB - 1, 2, 0];

Deno.test("save() writes values of all sizes one behind the other, at once and in the background", async () => {
  const pattern = crypto.getRandomValues(new Uint8Array(65_521));
  const ctx = new Context();
  SIZES.forEach((size, index) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += pattern.length) bytes.set(pattern.subarray(0, size - at), at);
    bytes.fill(index, 0, 3);
    ctx.in("a").variableWithValue(`w${index}`, new Tensor("Uint8", [size], bytes));
  });
  const header = payloadHeader("gomlx-0.28", "none");
  const expected = new Uint8Array(header.length + SIZES.reduce((sum, size) => sum + size));
  expected.set(header);
  let at = header.length;
  for (const variable of ctx.iterVariables()) {
    expected.set(variable.value().bytes, at);
    at += variable.byteLength;
  }
  const store = new MemoryStore();
  await using handler = await build(ctx).store(store).profile("gomlx-0.28").keep(-1).done();
  const saved = [await handler.save(), await (await handler.saveInBackground()).done];
  for (const checkpoint of saved) {
    assert(checkpoint !== undefined);
    // The global step comes last.
    const payload = await bytesOf(store, `${checkpoint.baseName}.bin`);
    assertEquals(crc32(payload.subarray(0, expected.length)), crc32(expected));
    assertEquals((await checkpoint.verify()).problems, []);
  }
});

Deno.test("save() cuts large values at multiples of 8 MiB in the file, whether they are in memory or in a file", async () => {
  class WatchedStore extends MemoryStore {
    /** Where each write to a payload began and ended. */
    readonly writes: [start: number, end: number][] = [];

    override publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
      let at = 0;
      return super.publish(name, (sink) =>
        write({
          write: async (bytes) => {
            if (name.endsWith(".bin")) this.writes.push([at, at += bytes.length]);
            await sink.write(bytes);
          },
        }));
    }
  }

  const [first, second] = [new WatchedStore(), new WatchedStore()];
  const ctx = new Context();
  for (let index = 0; index < 3; index++) {
    ctx.variableWithValue(`w${index}`, new Tensor("Uint8", [10 * MIB + 3], new Uint8Array(10 * MIB + 3).fill(index)));
  }
  await (await build(ctx).store(first).done()).save();
  const unread = new Context();
  await using _ = await load(unread).store(first).done();
  for (const { name } of ctx.iterVariables()) assert(unread.getVariable(name) !== undefined);
  await (await build(unread).store(second).done()).save();
  assertEquals(second.writes, first.writes);
  const { writes } = first;
  assertEquals(
    writes.filter(([start, end]) => Math.floor(start / (8 * MIB)) < Math.floor((end - 1) / (8 * MIB))),
    [],
  );
  assertEquals([writes.length, writes.at(-1)?.[1]], [7, 3 * (10 * MIB + 3) + 8]);
});
