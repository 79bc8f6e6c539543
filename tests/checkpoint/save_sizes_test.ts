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

Deno.test("save() writes whole large pages, whether the values are in memory or in a file", async () => {
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
  // The global step comes last.
  assertEquals(first.writes, [8, 10, 12, 16, 20, 22, 24, 30].map((end) => end * MIB).concat(30 * MIB + 9 + 8));
});

Deno.test("saveInBackground() writes what lies side by side in memory in one piece", async () => {
  const store = new WatchedStore();
  const ctx = new Context();
  for (const name of ["a", "b", "c"]) {
    ctx.variableWithValue(name, new Tensor("Uint8", [5 * MIB], new Uint8Array(5 * MIB)));
  }
  await using handler = await build(ctx).store(store).done();
  await (await handler.saveInBackground()).done;
  assertEquals(store.writes, [15 * MIB, 15 * MIB + 8]);
});

class WatchedStore extends MemoryStore {
  /** Where each write to a payload ended. */
  readonly writes: number[] = [];

  override publish(name: string, write: (sink: BlobSink) => Promise<void>): Promise<void> {
    let end = 0;
    return super.publish(name, (sink) =>
      write({
        write: async (bytes) => {
          if (name.endsWith(".bin")) this.writes.push(end += bytes.length);
          await sink.write(bytes);
        },
      }));
  }
}
