// Natural mistakes, and what they get: one clear typed error, or what was meant.
import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  build,
  type Config,
  ConfigError,
  Context,
  CorruptError,
  diffParams,
  diffVariables,
  examine,
  FormatError,
  load,
  LocalStore,
  MemoryStore,
  NotFoundError,
  openCheckpoint,
  parseContextSettings,
  previewMean,
  Random,
  readUntrusted,
  repair,
  ShapeError,
  Tensor,
  timeline,
  VariableError,
  writeEmbedModule,
} from "@cairn/checkpoints";
import { BatchDataset, History, Rng } from "@cairn/checkpoints/train";
import { toFileUrl } from "@std/path";

/** What a caller without type checking would pass. */
// deno-lint-ignore no-explicit-any -- that is what is tested
const wrong = (value: unknown): any => value;

/** Three checkpoints, of steps 100, 200 and 300. */
async function run(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const ctx = new Context();
  const weights = ctx.variableWithValue("w", [0, 0]);
  await using handler = await build(ctx).store(store).keep(-1).done();
  for (const step of [100, 200, 300]) {
    weights.setValue([step, step]);
    ctx.setGlobalStep(step);
    await handler.save();
  }
  return store;
}

Deno.test("Config setters turn wrong arguments into ConfigErrors of done()", async () => {
  const cases: [(config: Config) => Config, string][] = [
    [(config) => config.dir(wrong(42)), 'Cannot use directory "42"'],
    [(config) => config.dir(new URL("https://example.com/run")), "wanted a path or a file: URL"],
    [(config) => config.store(wrong(MemoryStore)), "new MemoryStore()"],
    [(config) => config.store(wrong(null)), "new MemoryStore()"],
    [(config) => config.store(new MemoryStore()).takeMean(2, wrong("tfjs-node")), "wanted a Backend"],
    [
      (config) => config.store(new MemoryStore()).scope("/encoder", wrong(undefined)),
      'wanted a path that starts with "/"',
    ],
    [(config) => config.fromEmbed(wrong({}), new Uint8Array()), "wanted the .json as text or bytes"],
    [(config) => config.fromEmbed("{}", wrong("bytes")), "the .bin as bytes"],
  ];
  for (const [set, message] of cases) {
    await assertRejects(() => set(build(new Context())).done(), ConfigError, message);
  }
});

Deno.test("dir() takes a file: URL, as an object or as text", async () => {
  const path = await Deno.makeTempDir();
  for (const url of [toFileUrl(path), toFileUrl(path).href]) {
    await using handler = await build(new Context()).dir(url).done();
    assertEquals(handler.dir(), path);
  }
  await Deno.remove(path);
});

Deno.test("at() takes the beginning of a name that only one checkpoint has", async () => {
  const store = await run();
  const ctx = new Context();
  await using _ = await load(ctx).store(store).at("checkpoint-n0000001").done();
  assertEquals(ctx.getGlobalStep(), 200);
  await assertRejects(() => load(new Context()).store(store).at("checkpoint-n000000").done(), NotFoundError);
  await assertRejects(
    () => load(new Context()).store(store).at("300").done(),
    NotFoundError,
    "a step is a number: at(300)",
  );
});

Deno.test("done() with strict() on a damaged newest checkpoint says which others can be loaded", async () => {
  const store = await run();
  const names = (await store.list()).map(({ name }) => name);
  const json = names.findLast((name) => name.endsWith(".json")) ?? "";
  await store.publish(json, (sink) => sink.write(new Uint8Array()));
  const error = await assertRejects(() => load(new Context()).store(store).strict().done(), FormatError);
  const way = /at\("([^"]+)"\)/.exec(error.message)?.[1] ?? "";
  const ctx = new Context();
  await using _ = await load(ctx).store(store).at(way).done();
  assertEquals(ctx.getGlobalStep(), 200);
  await store.publish(json.replace(".json", ".bin"), (sink) => sink.write(new Uint8Array(3)));
  await assertRejects(() => load(new Context()).store(store).at(300).done(), FormatError);
  await store.remove(json.replace(".json", ".bin"));
  const checkpoint = await openCheckpoint(store, { step: 200 });
  const bytes = new TextEncoder().encode(
    '{"Variables":[{"ParameterName":"var:/w","DType":"Float32","Pos":0,"Length":1}]}',
  );
  await store.publish(json, (sink) => sink.write(bytes));
  await assertRejects(() => load(new Context()).store(store).strict().done(), CorruptError, checkpoint.baseName);
});

Deno.test("done() reports a variable of the Context that the checkpoint has in another shape", async () => {
  const ctx = new Context();
  ctx.variableWithValue("w", [[1, 2]]);
  const warnings: string[] = [];
  await using _ = await load(ctx).store(await run()).onWarning((text) => warnings.push(text)).done();
  assertStringIncludes(warnings.join(), 'variable "/w" was (Float32)[1 2] and is now (Float32)[2]');
});

Deno.test("takeMean() and previewMean() say when there are fewer checkpoints than asked for", async () => {
  const store = await run();
  const warnings: string[] = [];
  const onWarning = (text: string): void => void warnings.push(text);
  await using _ = await load(new Context()).store(store).takeMean(5).onWarning(onWarning).done();
  await previewMean(store, 5, { onWarning });
  for (const enough of [3, 0]) await previewMean(store, enough, { onWarning });
  assertEquals(warnings.length, 2);
  for (const text of warnings) assertStringIncludes(text, "has 3 checkpoints, fewer than the 5 asked for");
});

Deno.test("setValue() takes numbers and typed arrays in the variable's dtype", () => {
  const variable = new Context().variableWithValue("w", [[1, 2]]);
  variable.setValue(new Float32Array([3, 4]));
  assertEquals([variable.dimensions, variable.value().toNested()], [[1, 2], [[3, 4]]]);
  variable.setValue([[5, 6]]);
  assertEquals([variable.dtype, variable.value().toNested()], ["Float32", [[5, 6]]]);
  variable.setValue(Tensor.from(new Float64Array([7])));
  assertEquals([variable.dtype, variable.dimensions], ["Float64", [1]]);
  assertThrows(() => variable.setValue(wrong("text")), ShapeError);
  assertThrows(() => variable.setValue(wrong([[1], [1, 2]])), ShapeError);
});

Deno.test("Context refuses names with a slash when they are given, not at the first save", () => {
  const ctx = new Context();
  assertThrows(() => ctx.variableWithValue("a/b", [1]), VariableError, "ctx.in()");
  assertThrows(() => ctx.variableWithShape("a/b", "Float32", [1]), VariableError, "ctx.in()");
  assertThrows(() => ctx.getVariable("/encoder/w"), VariableError, "ctx.inAbsPath()");
  assertThrows(() => ctx.variableWithShape("w", wrong([2, 3]), wrong(undefined)), ShapeError);
});

Deno.test("parseContextSettings() and writeEmbedModule() say what they want", async () => {
  assertThrows(() => parseContextSettings(new Context(), wrong(["lr=1"])), ConfigError, 'join a list with ";"');
  await assertRejects(() => writeEmbedModule(wrong("run"), "model.ts"), ConfigError, "wanted a Checkpoint");
});

Deno.test("every call that chooses a checkpoint refuses a choice that there is not, and does nothing", async () => {
  const store = await run();
  const ctx = new Context();
  await using handler = await build(ctx).store(store).keep(-1).done();
  const pinned = await handler.pin(200);
  const calls: [call: string, choose: (choice: unknown) => Promise<unknown>][] = [
    ["at()", (choice) => load(new Context()).store(store).at(wrong(choice)).done()],
    ["openCheckpoint()", (choice) => openCheckpoint(store, { at: wrong(choice) })],
    ["restore()", (choice) => handler.restore(wrong(choice))],
    ["pin()", (choice) => handler.pin(wrong(choice))],
    ["unpin()", (choice) => handler.unpin(wrong(choice))],
  ];
  const wanted = 'wanted a step, a base name, "best" or best("val_loss")';
  const cases: [choice: unknown, message: (call: string) => string][] = [
    [{ metric: "loss", mdoe: "min" }, (call) => {
      return `${call}: there is no option "mdoe", did you mean "mode"? Options: metric, mode`;
    }],
    [{ mertic: "loss", better: "min" }, (call) => {
      return `${call}: there are no options "mertic" (did you mean "metric"?), "better". Options: metric, mode`;
    }],
    [{ metric: 5 }, () => 'Cannot choose the best by metric "5": wanted a name, such as "val_loss"'],
    [{ metric: "loss", mode: "low" }, () => 'Cannot choose the best by mode "low": wanted "min" or "max"'],
    [{ mode: "min" }, () => `Cannot choose checkpoint by an object without metric: ${wanted}`],
    [new Map([["metric", "loss"]]), () => `Cannot choose checkpoint [object Map]: ${wanted}`],
    [[100, 200], () => `Cannot choose checkpoint 100,200: ${wanted}`],
    [true, () => `Cannot choose checkpoint true: ${wanted}`],
    [null, () => `Cannot choose checkpoint null: ${wanted}`],
    [1.5, () => "Cannot choose step 1.5: wanted a whole number, or a bigint beyond 2^53"],
  ];
  for (const [call, choose] of calls) {
    for (const [choice, message] of cases) {
      assertEquals((await assertRejects(() => choose(choice), ConfigError)).message, message(call));
    }
  }
  await assertRejects(() => handler.unpin(wrong(undefined)), ConfigError, "Cannot choose checkpoint undefined");
  assertEquals([await handler.pinned(), ctx.getGlobalStep()], [[pinned], 300]);
});

Deno.test("calls that look for checkpoints say what they want when they get no place", async () => {
  const looks: ((place: unknown) => Promise<unknown>)[] = [
    (place) => openCheckpoint(wrong(place)),
    (place) => timeline(wrong(place)),
    (place) => examine(wrong(place)),
    (place) => repair(wrong(place)),
    (place) => repair(wrong(place), { dryRun: true }),
    (place) => previewMean(wrong(place), 1),
  ];
  const places: [place: unknown, found: string][] = [[undefined, "undefined"], [null, "null"], [5, "5"], [
    { dir: "run" },
    "an object that is none",
  ], [Object.create(null), "an object that is none"]];
  for (const [place, found] of places) {
    for (const look of looks) {
      const error = await assertRejects(() => look(place), ConfigError);
      assertEquals(
        error.message,
        "Cannot look for checkpoints: wanted the path of a directory or a Store, such as new MemoryStore(), " +
          `found ${found}`,
      );
    }
  }
});

Deno.test("calls that take a path say what they want when they get none", async () => {
  const checkpoint = await openCheckpoint(await run());
  for (const path of [undefined, null, 5, ""]) {
    assertThrows(() => new LocalStore(wrong(path)), ConfigError, `root is "${path}"; wanted the path of a directory`);
    await assertRejects(() => readUntrusted(wrong(path)), ConfigError, `"${path}" in a process of its own: wanted`);
    await assertRejects(() => writeEmbedModule(checkpoint, wrong(path)), ConfigError, `to "${path}": wanted the path`);
    await assertRejects(() => History.open(wrong(path)), ConfigError, `history in "${path}": wanted the path`);
  }
});

Deno.test("calls that take a Context say what they got instead of one", async () => {
  // As a second copy of the package would give it, from another version of its URL.
  const other = new (class Context {})();
  const cases: [context: unknown, found: string][] = [
    [undefined, "undefined"],
    ["run", "run"],
    [{}, "an object of class Object"],
    [Object.create(null), "an object"],
    [other, "that of another copy of this package"],
  ];
  for (const [context, found] of cases) {
    await assertRejects(() => build(wrong(context)).store(new MemoryStore()).done(), ConfigError, `found ${found}`);
    const made = (): unknown => new BatchDataset(wrong(context), 1, () => [1], { batchSize: 1 });
    for (const make of [made, () => new Rng(wrong(context))]) {
      const { message } = assertThrows(make, ConfigError, "wanted a Context first, as in new ");
      assertStringIncludes(message, `, found ${found}`);
    }
  }
});

Deno.test("calls that compare say what they want when they get something else", async () => {
  const ctx = new Context();
  for (const [owner, found] of [[undefined, "undefined"], [5, "5"], [{}, "an object that has none"]] as const) {
    const wanted = `of ${found}: wanted two`;
    assertThrows(() => diffParams(ctx, wrong(owner)), ConfigError, wanted);
    assertThrows(() => diffParams(wrong(owner), ctx), ConfigError, wanted);
    await assertRejects(() => diffVariables(wrong(owner), ctx), ConfigError, wanted);
  }
});

Deno.test("reads and prefetches of what is no name, seeds and signals that are none, are ConfigErrors", async () => {
  const store = await run();
  const checkpoint = await openCheckpoint(store);
  await assertRejects(() => checkpoint.read(wrong(undefined)), ConfigError, "Cannot read variable undefined: wanted");
  await using handler = await load(new Context()).store(store).done();
  await assertRejects(() => handler.prefetch(wrong(5)), ConfigError, "Cannot prefetch 5: wanted a scope");
  await assertRejects(() => handler.prefetch(wrong(["/w", null])), ConfigError, "Cannot prefetch null: wanted a scope");
  await assertRejects(
    () => handler.prefetch("/", { signal: wrong(5) }),
    ConfigError,
    "prefetch(): wanted an AbortSignal as signal, found 5",
  );
  await assertRejects(() => build(new Context()).store(store).takeMean(wrong("5")).done(), ConfigError, 'mean of "5"');
  await assertRejects(
    () => handler.save({ pin: wrong("yes") }),
    ConfigError,
    'save(): wanted true or false as pin, found "yes"',
  );
  for (const seed of ["42", null, 1.5, {}]) {
    assertThrows(() => new Random(wrong(seed)), ConfigError, "wanted a safe integer or a bigint");
    assertThrows(() => new Rng(new Context(), { seed: wrong(seed) }), ConfigError, "wanted a safe integer or a bigint");
  }
  assertEquals(new Random(42).state, new Random(42n).state);
});

Deno.test("switches of a Config take true and false, and no text that would be as good as true", async () => {
  for (
    const name of ["immediate", "trash", "excludeAllParams", "extras", "verify", "strict", "finishOnSignal"] as const
  ) {
    const config = build(new Context()).store(new MemoryStore());
    assertStrictEquals(config[name](wrong("no")), config);
    await assertRejects(() => config.done(), ConfigError, `${name}(): wanted true or false, found "no"`);
  }
});

Deno.test("setters of a Config refuse what is no text and no function, before it is needed", async () => {
  const wrongs: readonly (readonly [set: (config: Config) => Config, message: string])[] = [
    [(config) => config.onWarning(wrong(true)), "onWarning(): wanted a function, found true"],
    [(config) => config.clock(wrong(new Date(0))), "clock(): wanted a function, found an object"],
    [(config) => config.excludeParams(wrong(["lr"])), "excludeParams(): wanted a text, found an array"],
    [(config) => config.onlyScopes(wrong(["/layer"])), "onlyScopes(): wanted a text, found an array"],
  ];
  for (const [set, message] of wrongs) {
    await assertRejects(() => set(build(new Context()).store(new MemoryStore())).done(), ConfigError, message);
  }
});

Deno.test("setTrainable() refuses what no save could write", () => {
  const w = new Context().variableWithValue("w", [1]);
  const message = 'Cannot set whether "/w" is trainable: wanted true or false, found "no"';
  assertThrows(() => w.setTrainable(wrong("no")), VariableError, message);
  assertEquals(w.trainable, true);
});

Deno.test("takeMean() refuses an average() that answers neither yes nor no", async () => {
  const store = await run();
  const average = wrong(() => Promise.resolve(false));
  const config = load(new Context()).store(store).takeMean(2, undefined, { average });
  await assertRejects(
    () => config.done(),
    ConfigError,
    "average(): wanted true or false, found an object of class Prom",
  );
});

Deno.test("a directory without checkpoints says what is there instead, a choice what was meant", async () => {
  const store = new MemoryStore();
  for (const name of ["model.json", "weights.bin", "a.txt", "b.txt"]) {
    await store.publish(name, (sink) => sink.write(new Uint8Array(1)));
  }
  const there = '. It has "a.txt", "b.txt", "model.json" and 1 more, none of them named as a checkpoint is; ' +
    '"model.json" looks like a model that tf.loadLayersModel() reads';
  const none = await assertRejects(() => load(new Context()).store(store).done(), NotFoundError);
  assertStringIncludes(none.message, `; load() wants one, build() starts without${there}`);
  const opened = await assertRejects(() => openCheckpoint(store), NotFoundError);
  assertStringIncludes(opened.message, `No checkpoint in "${store.label}"${there}`);
  await assertRejects(() => openCheckpoint(new MemoryStore("x")), NotFoundError, 'No checkpoint in "memory:x"');
  const torn = new MemoryStore();
  await torn.publish("checkpoint-n0000001-20260101-000000-step-00000001.bin", (sink) => sink.write(new Uint8Array(1)));
  const message = 'It has the payload of "checkpoint-n0000001-20260101-000000-step-00000001", but not its manifest, ' +
    '"checkpoint-n0000001-20260101-000000-step-00000001.json": its save, or a copy, was interrupted';
  await assertRejects(() => openCheckpoint(torn), NotFoundError, message);
  const choice = await assertRejects(
    () => run().then((store) => openCheckpoint(store, { at: "bests" })),
    NotFoundError,
  );
  assertStringIncludes(choice.message, 'did you mean "best"? it has 3');
  for (const at of ["best", { metric: "loss" }]) {
    await assertRejects(() => readUntrusted("run", { at: wrong(at) }), ConfigError, "wanted a step or a base name");
  }
});
