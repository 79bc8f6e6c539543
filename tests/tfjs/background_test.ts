import { assertEquals, assertRejects } from "@std/assert";
import { build, Context, MemoryStore, openCheckpoint } from "../../mod.ts";
import { LimitError } from "../../src/errors.ts";
import { track } from "../../src/tfjs/mod.ts";
import { tf, withoutLeak } from "./tfjs.ts";

Deno.test("saveInBackground() copies the values of tf.variables as they are when it is called, and keeps no tensor", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  const weights = tf.variable(tf.tensor1d([1, 2]));
  track(ctx.in("model"), { weights });
  await using handler = await build(ctx).store(store).keep(-1).done();
  await withoutLeak(async () => {
    handler.reserveSnapshot();
    const saving = handler.saveInBackground();
    tf.tidy(() => weights.assign(tf.tensor1d([3, 4])));
    const { done } = await saving;
    weights.dataSync().fill(9); // the cpu backend's own memory
    const checkpoint = await done;
    await using opened = await openCheckpoint(store);
    assertEquals(opened.baseName, checkpoint?.baseName);
    const [name] = opened.variables.filter((each) => each.scope.startsWith("/model"));
    assertEquals((await opened.read(`${name?.scope}/${name?.name}`)).toNested(), [1, 2]);
  });
  // A snapshot that no memory can hold lets go of what it captured.
  ctx.variableWithShape("huge", "Float32", [2]).setLoaded({
    dtype: "Float32",
    dimensions: [2 ** 50],
    byteLength: 2 ** 52,
    loaded: undefined,
    readSync: () => ctx.getGlobalStepVar().value(),
    read: () => Promise.reject(new Error("not reached")),
  });
  await withoutLeak(() => assertRejects(() => handler.saveInBackground(), LimitError, "no memory for a copy"));
  weights.dispose();
});
