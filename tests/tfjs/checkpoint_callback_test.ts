import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { best, build, Context, MemoryStore, openCheckpoint } from "../../mod.ts";
import { ConfigError, LockedError, VariableError } from "../../src/errors.ts";
import { checkpointCallback, type CheckpointCallbackOptions, track } from "../../src/tfjs/mod.ts";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { fitData, seededModel, stateOf } from "./optimizers.ts";
import { tf, weightsOf, withoutLeak } from "./tfjs.ts";

/** That a run goes on may be said. */
const unexpected = (message: string): void => {
  if (!isResumption(message)) throw new Error(message);
};

function isResumption(message: string): boolean {
  return message.includes("fit() goes on from ");
}

/** Fits with a callback of its own; 3 batches an epoch. */
async function fit(
  model: tf.LayersModel,
  store: MemoryStore,
  epochs: number,
  options: CheckpointCallbackOptions = {},
  args: tf.ModelFitArgs = {},
): Promise<{ readonly epochs: number; readonly history: tf.History }> {
  const { x, y } = fitData();
  await using callback = await checkpointCallback(model, store, { onWarning: unexpected, ...options });
  const history = await model.fit(x, y, {
    epochs,
    batchSize: 4,
    shuffle: false,
    verbose: 0,
    validationSplit: 0.25,
    callbacks: callback,
    ...args,
  });
  tf.dispose([x, y]);
  return { epochs: history.epoch.length, history };
}

function newModel(): tf.LayersModel {
  return seededModel(tf.train.adam(0.05));
}

async function stepsOf(store: MemoryStore): Promise<number[]> {
  const names = (await store.list()).map(({ name }) => name).filter((name) => name.endsWith(".json"));
  return names.map((name) => Number(/step-(\d+)/.exec(name)?.[1]));
}

/** A validation loss of each epoch, in the place of fit's. */
function measured(...losses: number[]): tf.CustomCallbackArgs {
  return { onEpochEnd: (epoch, logs) => void Object.assign(logs ?? {}, { val_loss: losses[epoch] }) };
}

Deno.test("checkpointCallback() refuses a fit that cannot save before its first epoch", async () => {
  const store = new MemoryStore();
  const model = newModel();
  await using newer = await build(new Context()).store(store).done();
  const { x, y } = fitData();
  await using callback = await checkpointCallback(model, store);
  await using newest = await build(new Context()).store(store).done();
  await newest.lock();
  const before = weightsOf(model);
  await assertRejects(() => model.fit(x, y, { epochs: 1, verbose: 0, callbacks: callback }), LockedError, "superseded");
  assertEquals(weightsOf(model), before);
  await assertRejects(() => newer.lock(), LockedError);
  tf.dispose([x, y]);
});

Deno.test("checkpointCallback() saves at the end of each epoch, and keeps as many as it is told", async () => {
  const store = new MemoryStore();
  await withoutLeak(async () => {
    const model = newModel();
    await fit(model, store, 4, { keep: 2 });
    model.dispose();
    model.optimizer.dispose();
  });
  assertEquals(await stepsOf(store), [9, 12]);
  await using checkpoint = await openCheckpoint(store);
  assertEquals(Object.keys(checkpoint.metrics).sort(), ["loss", "val_loss"]);
  assertEquals((await checkpoint.read("/trainer/epoch")).item(), 4n);
});

Deno.test("checkpointCallback() resumes fit to the same bits, with initialEpoch and without", async () => {
  const model = newModel();
  await fit(model, new MemoryStore(), 5);
  const wanted = [weightsOf(model), await stateOf(model.optimizer)];
  for (const isNumbered of [true, false]) {
    const store = new MemoryStore();
    assertEquals((await fit(newModel(), store, 2)).epochs, 2);
    const resumed = newModel();
    const { epochs } = await fit(resumed, store, 5, {}, isNumbered ? { initialEpoch: 2 } : {});
    assertEquals(epochs, 3);
    assertEquals([weightsOf(resumed), await stateOf(resumed.optimizer)], wanted);

    const done = newModel();
    const warnings: string[] = [];
    const onWarning = (text: string): void => void warnings.push(text);
    await fit(done, store, 5, { onWarning }, isNumbered ? { initialEpoch: 5 } : {});
    assertEquals(
      warnings.map((text) => text.includes("nothing to train: 5 epochs are done")),
      isNumbered ? [] : [true],
    );
    assertEquals([weightsOf(done), done.optimizer.iterations], [wanted[0], 15]);
    assertEquals((await stepsOf(store)).at(-1), 15);
    await fit(done, store, 6, {}, isNumbered ? { initialEpoch: 5 } : {});
    assertEquals((await stepsOf(store)).at(-1), 18);
  }
});

Deno.test("checkpointCallback() trains on in a second fit of the same process", async () => {
  const model = newModel();
  const { x, y } = fitData();
  await using callback = await checkpointCallback(model, new MemoryStore(), { keep: -1 });
  for (const epochs of [2, 3]) await model.fit(x, y, { epochs, batchSize: 8, verbose: 0, callbacks: callback });
  assertEquals(callback.initialEpoch, 5);
  assertEquals((await callback.handler.listCheckpoints()).length, 5);
});

Deno.test("checkpointCallback() saves every n steps and m epochs, and at the end", async () => {
  const store = new MemoryStore();
  await fit(newModel(), store, 5, { keep: -1, everyNSteps: 4, everyNEpochs: 2 });
  assertEquals(await stepsOf(store), [4, 6, 8, 12, 12, 15]);
});

Deno.test("checkpointCallback() warns when it resumes in the middle of an epoch", async () => {
  const store = new MemoryStore();
  const stop = { onBatchEnd: () => Promise.reject(new Error("killed")) };
  const { x, y } = fitData();
  const model = newModel();
  {
    await using callback = await checkpointCallback(model, store, { everyNSteps: 1 });
    const args = { batchSize: 4, verbose: 0, callbacks: [callback, stop] } as const;
    await assertRejects(() => model.fit(x, y, { ...args, callbacks: [callback, stop] }), Error, "killed");
  }
  const warnings: string[] = [];
  const { epochs } = await fit(newModel(), store, 2, { onWarning: (text) => warnings.push(text) });
  assertEquals(epochs, 2);
  assertEquals(warnings.length, 1);
  assertMatch(
    warnings[0] ?? "",
    /^"[^"]+": fit\(\) goes on from "checkpoint-n0000000-[^"]+-step-00000001" at step 1, /,
  );
  assertStringIncludes(
    warnings[0] ?? "",
    "in the middle of epoch 1, after 1 of its batches: it starts that epoch again",
  );
});

Deno.test("checkpointCallback() says in one line which checkpoint fit goes on from, and in a new run nothing", async () => {
  const store = new MemoryStore();
  const warnings: string[] = [];
  const onWarning = (text: string): void => void warnings.push(text);
  await fit(newModel(), store, 2, { onWarning });
  assertEquals(warnings, []);
  const { x, y } = fitData();
  const model = newModel();
  await using callback = await checkpointCallback(model, store, { onWarning });
  const base = callback.handler.loadedBase;
  assertEquals(warnings, []);
  const args = { batchSize: 4, validationSplit: 0.25, verbose: 0, callbacks: callback } as const;
  await model.fit(x, y, { epochs: 3, ...args });
  assertEquals(warnings, [`"${callback.handler.dir()}": fit() goes on from "${base}" at step 6, after 2 epochs`]);
  // It goes on with what this process has trained itself.
  await model.fit(x, y, { epochs: 1, ...args });
  assertEquals([warnings.length, callback.initialEpoch], [1, 4]);
  tf.dispose([x, y]);
});

Deno.test("checkpointCallback() keeps the best, and gives its weights when fit ends, also after a restart", async () => {
  const store = new MemoryStore();
  const options: CheckpointCallbackOptions = { keep: 1, saveBest: "val_loss", restoreBestWeights: true };
  const run = async (epochs: number, losses: number[]): Promise<{ weights: number[][]; kept: number[] }> => {
    const model = newModel();
    const { x, y } = fitData();
    await using callback = await checkpointCallback(model, store, options);
    await model.fit(x, y, {
      epochs,
      batchSize: 8,
      shuffle: false,
      verbose: 0,
      callbacks: [measured(...losses), callback],
    });
    return { weights: weightsOf(model), kept: await stepsOf(store) };
  };
  const first = await run(4, [5, 2, 3, 4]);
  assertEquals(first.kept, [4, 8]);
  const second = await run(6, [9, 8]);
  assertEquals(second.kept, [4, 12]);
  assertEquals(second.weights, first.weights);

  const ctx = new Context();
  const model = newModel();
  track(ctx.in("model"), model);
  await using _ = await build(ctx).store(store).at(best("val_loss")).done();
  assertEquals(weightsOf(model), first.weights);
});

Deno.test("checkpointCallback() stops after patience epochs without a better metric, over restarts", async () => {
  const store = new MemoryStore();
  const { x, y } = fitData();
  const warnings: string[] = [];
  const run = async (patience: number, ...losses: number[]): Promise<number> => {
    const model = newModel();
    const onWarning = (text: string): void => void (isResumption(text) || warnings.push(text));
    const options = { saveBest: "val_loss", patience, onWarning };
    await using callback = await checkpointCallback(model, store, options);
    const callbacks = [measured(...losses), callback];
    await model.fit(x, y, { epochs: losses.length, batchSize: 8, verbose: 0, callbacks });
    return callback.initialEpoch;
  };
  assertEquals(await run(3, 1, 2), 2);
  assertEquals(await run(3, 3, 3, 3, 3, 3, 3), 4);
  assertEquals(warnings, []);

  const files = await stepsOf(store);
  assertEquals(await run(3, 3, 3, 3, 3, 3, 3), 4);
  assertEquals(await stepsOf(store), files);
  assertStringIncludes(warnings.pop() ?? "", "val_loss has not improved for 3 epochs; say more patience");
  assertEquals(await run(4, 3, 3, 3, 3, 3, 3), 5);
  assertEquals(warnings, []);
});

Deno.test("checkpointCallback() that was not awaited stops fit, which would save nothing", async () => {
  const model = newModel();
  const { x, y } = fitData();
  const callbacks = checkpointCallback(model, new MemoryStore());
  // @ts-expect-error: a promise, as it may come from a notebook
  await assertRejects(() => model.fit(x, y, { verbose: 0, callbacks }), ConfigError, "await checkpointCallback");
  // @ts-expect-error: the same
  await assertRejects(() => model.fit(x, y, { verbose: 0, callbacks: [callbacks] }), ConfigError, "not awaited");
});

Deno.test("checkpointCallback() works behind a callback of tfjs's own class", async () => {
  const store = new MemoryStore();
  const model = newModel();
  const { x, y } = fitData();
  await using callback = await checkpointCallback(model, store, { keep: -1, saveBest: "loss", onWarning: unexpected });
  const callbacks = [tf.callbacks.earlyStopping({ monitor: "loss", patience: 100 }), callback];
  await model.fit(x, y, { epochs: 2, batchSize: 4, verbose: 0, callbacks });
  assertEquals(await stepsOf(store), [4, 8]);
  await using checkpoint = await openCheckpoint(store);
  assert(Number.isFinite(checkpoint.metrics.loss));
});

Deno.test("checkpointCallback() takes a Handler in whose Context the model is tracked, and fitDataset", async () => {
  const ctx = new Context();
  const model = newModel();
  await using handler = await build(ctx).store(new MemoryStore()).keep(-1).onWarning(unexpected).done();
  await assertRejects(() => checkpointCallback(handler), ConfigError, "no model is tracked");
  track(ctx.in("net"), model);
  const callback = await checkpointCallback(handler, { everyNEpochs: 2 });
  const { x, y } = fitData();
  const dataset = tf.data.zip({ xs: tf.data.array(x.arraySync()), ys: tf.data.array(y.arraySync()) }).batch(8);
  await model.fitDataset(dataset, { epochs: 4, verbose: 0, callbacks: callback });
  assertEquals((await handler.listCheckpoints()).length, 2);
  assertEquals([callback.initialEpoch, ctx.getGlobalStep()], [4, 8]);
});

Deno.test("checkpointCallback() saves no model whose loss is not finite, and says so once", async () => {
  const store = new MemoryStore();
  const warnings: string[] = [];
  const broken = {
    onEpochEnd: (epoch: number, logs?: tf.Logs) => void Object.assign(logs ?? {}, epoch > 0 ? { loss: NaN } : {}),
  };
  const { x, y } = fitData();
  const model = newModel();
  await using callback = await checkpointCallback(model, store, { keep: -1, onWarning: (text) => warnings.push(text) });
  await model.fit(x, y, { epochs: 3, batchSize: 8, verbose: 0, callbacks: [broken, callback] });
  assertEquals(await stepsOf(store), [2]);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0] ?? "", "not finite");
});

Deno.test("checkpointCallback() says which metric it lacks, and refuses options that contradict each other", async () => {
  const warnings: string[] = [];
  const onWarning = (text: string): void => void warnings.push(text);
  await fit(newModel(), new MemoryStore(), 2, { saveBest: "val_accuracy", onWarning });
  assertEquals(warnings, ['fit() has no metric "val_accuracy" to save the best by; it has val_loss, loss']);
  for (
    const [options, message] of [
      [{ restoreBestWeights: true }, 'say by which metric, as in saveBest: "val_loss"'],
      [{ patience: 2 }, "with patience: say by which metric"],
      [{ everyNSteps: 0 }, "everyNSteps 0: wanted a whole number from 1"],
      [{ everyNEpochs: 1.5 }, "everyNEpochs 1.5"],
      [{ saveBest: "val_zeal" }, 'say mode: "min" or "max"'],
    ] as const
  ) await assertRejects(() => checkpointCallback(newModel(), new MemoryStore(), options), ConfigError, message);
  const plain = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  await assertRejects(() => checkpointCallback(plain, new MemoryStore()), ConfigError, "compile()");
});

Deno.test("checkpointCallback() refuses the checkpoint of another model", async () => {
  const store = new MemoryStore();
  await fit(newModel(), store, 1);
  const other = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3], name: "other" })] });
  other.compile({ optimizer: "adam", loss: "meanSquaredError" });
  await assertRejects(() => checkpointCallback(other, store), VariableError, '"/model/other/kernel"');
});

Deno.test("checkpointCallback() lets a fit that is killed again and again end as one that is not", async () => {
  await using directory = await TemporaryDirectory.make();
  const epochs = 8;
  const whole = await run(join(directory.path, "whole"), epochs, Infinity);
  let end: string | undefined;
  let kills = 0;
  for (; end === undefined && kills < 20; kills++) {
    end = await run(join(directory.path, "killed"), epochs, 1 + kills % 3);
  }
  assert(kills >= 4, `${kills} runs`);
  assertEquals(end, whole);
});

/** What the process printed at its end; undefined if it was killed after `killAfter` epochs. */
async function run(dir: string, epochs: number, killAfter: number): Promise<string | undefined> {
  const program = join(PROJECT_ROOT, "tests/tfjs/fit_process.ts");
  const args = ["run", "--no-check", "-A", program, dir, String(epochs)];
  const process = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  let text = "";
  for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("epoch\n").length > killAfter) {
      process.kill("SIGKILL");
      break;
    }
  }
  await process.status;
  return text.split("\n").find((line) => line.startsWith("{"));
}
