import { assertEquals, assertInstanceOf, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Context } from "../../src/context/mod.ts";
import { ConfigError, StoreError } from "../../src/errors.ts";
import { type Dataset, getTrainLastStepVar, Loop, TrainError } from "../../src/train/mod.ts";
import { contextAt, endless, FakeTrainer } from "./fake_trainer.ts";

Deno.test("Loop starts at the Context's global step, which it creates", () => {
  const fresh = new Context();
  assertEquals(new Loop(new FakeTrainer(undefined, fresh)).loopStep, 0);
  assertEquals(fresh.inspectVariableIfLoaded("/", "global_step")?.dtype, "Int64");
  assertEquals(new Loop(new FakeTrainer(undefined, contextAt(100))).loopStep, 100);
  const context = contextAt(0);
  context.setGlobalStep(2n ** 60n);
  assertThrows(() => new Loop({ context, trainStep: () => 0 }), ConfigError, "1152921504606846976");
});

Deno.test("runSteps(0) returns at once: no hooks, no reset, no end step", async () => {
  const trainer = new FakeTrainer();
  const loop = new Loop(trainer);
  const called: string[] = [];
  loop.onStart("a", 0, () => called.push("start"));
  loop.onEnd("a", 0, () => called.push("end"));
  loop.onStop("a", 0, () => called.push("stop"));
  assertEquals(await loop.runSteps(endless(), 0), []);
  assertEquals([called, trainer.resets, trainer.context.numVariables()], [[], 0, 1]);
});

Deno.test("runSteps() resets metrics, sets start and end, and calls the hooks in GoMLX's order", async () => {
  const trainer = new FakeTrainer((step) => step, contextAt(7));
  const loop = new Loop(trainer);
  const seen: string[] = [];
  const note = (what: string): void => {
    const last = getTrainLastStepVar(trainer.context).value().item();
    seen.push(`${what} ${loop.loopStep} of ${loop.startStep}..${loop.endStep} resets ${trainer.resets} last ${last}`);
  };
  loop.onStart("a", 0, (_, dataset) => note(`start ${dataset.name ?? "?"}`));
  loop.onStep("a", 0, (_, metrics) => note(`step ${metrics}`));
  loop.onEnd("a", 0, (_, metrics) => note(`end ${metrics}`));
  const dataset: Dataset = { name: "numbers", yield: () => 1, reset: () => {} };
  assertEquals(await loop.runSteps(dataset, 2), [1]);
  assertEquals(seen, [
    "start numbers 7 of 7..9 resets 1 last 9",
    "step 0 7 of 7..9 resets 1 last 9",
    "step 1 8 of 7..9 resets 1 last 9",
    "end 1 9 of 7..9 resets 1 last 9",
  ]);
  seen.length = 0;
  await loop.runSteps(dataset, 1);
  assertEquals(seen.at(-1), "end 2 10 of 9..10 resets 2 last 10", "the second run goes on");
});

Deno.test("train_last_global_step lives in /trainer as GoMLX has it", async () => {
  const context = new Context().in("model").reuse();
  assertEquals(getTrainLastStepVar(context).value().item(), -1n);
  const variable = getTrainLastStepVar(context);
  assertEquals([variable.scopeAndName, variable.dtype, variable.dimensions, variable.trainable], [
    "/trainer/train_last_global_step",
    "Int64",
    [],
    false,
  ]);
  await new Loop({ context: new Context(), trainStep: () => 1 }).runSteps([1], 1);
  assertEquals(getTrainLastStepVar(context), variable, "there is one only");
});

Deno.test("runSteps() fails where the batches end early, and says what to do", async () => {
  const loop = new Loop(new FakeTrainer());
  const ended: unknown[] = [];
  loop.onEnd("a", 0, () => ended.push("end"));
  const error = await assertRejects(() => loop.runSteps([1, 2, 3], 5), TrainError, "ended after 3");
  assertStringIncludes(error.message, "runEpochs()");
  assertEquals([error.step, ended, loop.loopStep], [3, [], 3]);
});

Deno.test("runEpochs() learns the end at the end of the first epoch, and resets after every one", async () => {
  const trainer = new FakeTrainer();
  const loop = new Loop(trainer);
  let left = 3;
  const resets: number[] = [];
  const dataset: Dataset = {
    yield: () => left-- > 0 ? "batch" : undefined,
    reset: () => {
      left = loop.epoch === 0 ? 2 : 4; // epochs of 3, 2 and 4 steps
      resets.push(loop.loopStep);
    },
  };
  const seen: string[] = [];
  const note = (): void => {
    const last = getTrainLastStepVar(trainer.context).value().item();
    seen.push(`${loop.epoch}: ${loop.loopStep} of ${loop.endStep}`);
    assertEquals(Number(last), loop.endStep);
  };
  loop.onStart("a", 0, note);
  loop.onStep("a", 0, note);
  loop.onEnd("a", 0, note);
  await loop.runEpochs(dataset, 3);
  assertEquals(seen, [
    "0: 0 of -1",
    ...["0: 0 of -1", "0: 1 of -1", "0: 2 of -1"],
    ...["1: 3 of 9", "1: 4 of 9"],
    ...["2: 5 of 7", "2: 6 of 7", "2: 7 of 7", "2: 8 of 7"],
    "3: 9 of 9",
  ]);
  assertEquals(resets, [3, 5, 9]);
});

Deno.test("runEpochs(0) still calls the hooks for start and end", async () => {
  const loop = new Loop(new FakeTrainer());
  const called: string[] = [];
  loop.onStart("a", 0, () => called.push("start"));
  loop.onStep("a", 0, () => called.push("step"));
  loop.onEnd("a", 0, (_, metrics) => called.push(`end ${metrics.length}`));
  assertEquals(await loop.runEpochs([1, 2], 0), []);
  assertEquals(called, ["start", "end 0"]);
});

Deno.test("runToGlobalStep() starts, resumes, and does nothing when it is there", async () => {
  const trainer = new FakeTrainer();
  await new Loop(trainer).runToGlobalStep(endless(), 3);
  const resumed = new Loop(trainer);
  await resumed.runToGlobalStep(endless(), 5);
  await resumed.runToGlobalStep(endless(), 5);
  await resumed.runToGlobalStep(endless(), 2);
  assertEquals([resumed.loopStep, trainer.steps, trainer.context.getGlobalStep()], [5, 5, 5]);
});

Deno.test("batches may be arrays, iterables, async iterables, generator functions, and datasets that go on", async () => {
  const seen: unknown[] = [];
  const loop = new Loop({ context: new Context(), trainStep: (batch: string) => seen.push(batch) });
  await loop.runEpochs(["a", "b"], 2);
  await loop.runSteps(new Set(["c", "d"]), 1);
  await loop.runEpochs(async function* () {
    yield "e";
    await Promise.resolve();
    yield "f";
  }, 2);
  assertEquals(seen.join(""), "ababcefef");
});

Deno.test("a generator goes on where the last run stopped, and cannot be read twice", async () => {
  const seen: number[] = [];
  const loop = new Loop({ context: new Context(), trainStep: (batch: number) => seen.push(batch) });
  const numbers = endless();
  await loop.runSteps(numbers, 2);
  await loop.runSteps(numbers, 2);
  assertEquals(seen, [0, 1, 2, 3]);
  const once = [7, 8].values();
  const error = await assertRejects(() => loop.runEpochs(once, 2), TrainError, "only once");
  assertInstanceOf(error.cause, ConfigError);
  assertEquals(seen, [0, 1, 2, 3, 7, 8]);
});

Deno.test("an iterator that the loop has started is closed when the run ends early", async () => {
  let closed = 0;
  const batches = function* () {
    try {
      yield* endless();
    } finally {
      closed++;
    }
  };
  const loop = new Loop(new FakeTrainer());
  await loop.runSteps(batches, 2);
  assertEquals(closed, 1);
});

Deno.test("hooks run by priority, negative ones first, equal ones in order of registration", async () => {
  const loop = new Loop(new FakeTrainer());
  const called: string[] = [];
  for (const [name, priority] of [["c", 100], ["a", -1], ["b1", 0], ["b2", 0], ["d", 100.5]] as const) {
    loop.onStart(name, priority, () => called.push(`start ${name}`));
    loop.onStep(name, priority, () => called.push(name));
    loop.onEnd(name, priority, () => called.push(`end ${name}`));
  }
  await loop.runSteps([1], 1);
  const order = ["a", "b1", "b2", "c", "d"];
  assertEquals(called, [...order.map((name) => `start ${name}`), ...order, ...order.map((name) => `end ${name}`)]);
  assertThrows(() => loop.onStep("x", NaN, () => {}), ConfigError, '"x" with priority NaN');
});

Deno.test("hooks may be undefined, and are awaited one after the other", async () => {
  const loop = new Loop(new FakeTrainer());
  const called: string[] = [];
  loop.onStart("none", 0, undefined);
  loop.onStep("none", 0, undefined);
  loop.onEnd("none", 0, undefined);
  loop.onStop("none", 0, undefined);
  loop.onStep("slow", 0, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    called.push("slow");
  });
  loop.onStep("fast", 1, () => called.push("fast"));
  await loop.runSteps([1], 1);
  assertEquals(called, ["slow", "fast"]);
});

for (const kind of ["onStart", "onStep", "onEnd"] as const) {
  Deno.test(`a failing ${kind} hook ends the run, is named with its step, and keeps its cause`, async () => {
    const loop = new Loop(new FakeTrainer(undefined, contextAt(40)));
    const called: string[] = [];
    const cause = new StoreError("the disk is full", { path: "/run/x.bin" });
    loop[kind]("late", 10, () => called.push("late"));
    loop[kind]("checkpointing", 1, () => Promise.reject(cause));
    if (kind !== "onEnd") loop.onEnd("end", 0, () => called.push("end"));
    loop.onStop("stop", 0, (_, error) => called.push(`stop ${error instanceof TrainError}`));
    const error = await assertRejects(() => loop.runSteps(endless(), 3), TrainError);
    const step = { onStart: 40, onStep: 40, onEnd: 43 }[kind];
    assertEquals(error.message, `Cannot run ${kind} hook "checkpointing" at step ${step}: the disk is full`);
    assertEquals([error.code, error.hook, error.step], ["train", "checkpointing", step]);
    assertEquals(error.cause, cause);
    assertEquals(called, ["stop true"], "remaining hooks and onEnd are not called");
  });
}

Deno.test("a train step that fails ends the run without hooks, thrown or rejected", async () => {
  for (
    const fail of [() => Promise.reject(new Error("boom")), () => {
      throw new Error("boom");
    }]
  ) {
    const context = new Context();
    const loop = new Loop({ context, trainStep: fail });
    const called: string[] = [];
    loop.onStep("step", 0, () => called.push("step"));
    loop.onEnd("end", 0, () => called.push("end"));
    const error = await assertRejects(() => loop.runSteps([1], 1), TrainError, "Cannot train step 0: boom");
    assertInstanceOf(error.cause, Error);
    assertEquals([called, context.getGlobalStep(), loop.loopStep], [[], 0, 0]);
    await assertRejects(() => loop.runSteps([1], 1), TrainError, "boom", "the loop can run again");
  }
});

Deno.test("a dataset that fails, or metrics that are not those described, are TrainErrors", async () => {
  const loop = new Loop(new FakeTrainer());
  const dataset: Dataset = { name: "digits", yield: () => Promise.reject(new Error("no such file")), reset: () => {} };
  await assertRejects(() => loop.runSteps(dataset, 1), TrainError, 'step 0 of dataset "digits": no such file');
  const wrong = new Loop({ context: new Context(), trainStep: () => [1, 2] });
  await assertRejects(() => wrong.runSteps([1], 1), TrainError, "returned 2 metrics, wanted 1");
});

Deno.test("Loop says what a train step has returned that is no loss, and what a trainer lacks", async () => {
  const context = new Context();
  for (const [result, found] of [[undefined, "undefined"], ["0.5", "0.5"], [new Map(), "Map"], [["a"], "Array"]]) {
    // @ts-expect-error: not a number, as it may come from a notebook
    const loop = new Loop({ context, trainStep: () => result });
    await assertRejects(() => loop.runSteps([1], 1), TrainError, `trainStep() returned ${found}, wanted the loss`);
  }
  // @ts-expect-error: no train step
  assertThrows(() => new Loop({ context }), ConfigError, "wanted { context, trainStep }");
  // @ts-expect-error: nothing
  assertThrows(() => new Loop(null), ConfigError, "wanted { context, trainStep }");
  // @ts-expect-error: no Context
  assertThrows(() => new Loop({ trainStep: () => 1 }), ConfigError, "wanted { context, trainStep }");
});

for (const loss of [NaN, Infinity, -Infinity]) {
  Deno.test(`a loss of ${loss} stops before the hooks, or as asked`, async () => {
    const run = async (lossCheck?: "before-hooks" | "after-hooks" | "never"): Promise<string> => {
      const loop = new Loop(new FakeTrainer((step) => step === 2 ? loss : 1), { lossCheck });
      const called: string[] = [];
      loop.onStep("checkpointing", 100, () => called.push(String(loop.loopStep)));
      loop.onEnd("end", 0, () => called.push("end"));
      await loop.runSteps(endless(), 4).catch((error) => called.push(error.message));
      return called.join(" ");
    };
    const message = `Training stopped at step 2: the loss is ${loss}`;
    assertEquals(await run(), `0 1 ${message}`);
    assertEquals(await run("before-hooks"), `0 1 ${message}`);
    assertEquals(await run("after-hooks"), `0 1 2 ${message}`, "as GoMLX does");
    assertEquals(await run("never"), "0 1 2 3 end");
  });
}

Deno.test("the Loop counts the global step before the hooks, unless the trainer does", async () => {
  const seen: unknown[] = [];
  const context = contextAt(10);
  const loop = new Loop({ context, trainStep: () => 1 });
  loop.onStep("a", 0, () => seen.push(context.getGlobalStep()));
  await loop.runSteps(endless(), 2);
  assertEquals(seen, [11, 12]);

  const accumulating = contextAt(10);
  let calls = 0;
  const own = new Loop({
    context: accumulating,
    countsGlobalStep: true,
    trainStep: () => {
      if (++calls % 4 === 0) accumulating.setGlobalStep(10 + calls / 4);
      return 1;
    },
  });
  await own.runSteps(endless(), 4);
  await own.runSteps(endless(), 4);
  assertEquals([own.loopStep, accumulating.getGlobalStep()], [18, 12]);
});

Deno.test("a run starts from the global step of a checkpoint that was restored since", async () => {
  const context = new Context();
  const loop = new Loop({ context, trainStep: () => 1 });
  await loop.runSteps(endless(), 5);
  context.setGlobalStep(2);
  await loop.runSteps(endless(), 1);
  assertEquals([loop.startStep, loop.loopStep, context.getGlobalStep()], [2, 3, 3]);
});

Deno.test("an abort ends the run in good order: the step is finished, the end hooks run, the reason is thrown", async () => {
  const stop = new AbortController();
  const loop = new Loop(new FakeTrainer());
  const called: string[] = [];
  loop.onStep("a", 0, () => {
    called.push(`step ${loop.loopStep}`);
    if (loop.loopStep === 2) stop.abort(new Error("Ctrl-C"));
  });
  loop.onStep("b", 1, () => called.push("b"));
  loop.onEnd("a", 0, () => called.push(`end ${loop.loopStep} of ${loop.endStep}`));
  loop.onStop("a", 0, (_, error) => called.push(`stop ${error}`));
  await assertRejects(() => loop.runSteps(endless(), 9, { signal: stop.signal }), Error, "Ctrl-C");
  assertEquals(called, ["step 0", "b", "step 1", "b", "step 2", "b", "end 3 of 9", "stop Error: Ctrl-C"]);
  called.length = 0;
  await assertRejects(() => loop.runEpochs([1], 9, { signal: stop.signal }), Error, "Ctrl-C");
  assertEquals(called, [], "aborted before it starts");
});

Deno.test("an abort within the last step comes too late; within a train step it is not wrapped", async () => {
  const late = new AbortController();
  const loop = new Loop(new FakeTrainer());
  loop.onStep("a", 0, () => loop.loopStep === 1 && late.abort());
  assertEquals(await loop.runSteps(endless(), 2, { signal: late.signal }), [0.5]);

  const stop = new AbortController();
  const aborting = new Loop({
    context: new Context(),
    trainStep: () => {
      stop.abort();
      stop.signal.throwIfAborted();
      return 1;
    },
  });
  await assertRejects(() => aborting.runSteps(endless(), 2, { signal: stop.signal }), DOMException);
});

Deno.test("a run whose steps never wait lets timers in", async () => {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error("timer")), 20);
  const loop = new Loop({ context: new Context(), trainStep: () => 1 });
  const started = performance.now();
  const error = await assertRejects(() =>
    loop.runEpochs(
      function* () {
        while (performance.now() - started < 5000) yield 1;
      },
      1,
      { signal: stop.signal },
    )
  );
  clearTimeout(timer);
  assertEquals(error, stop.signal.reason);
});

Deno.test("a second run waits for nobody: it is refused while one is under way", async () => {
  const loop = new Loop(new FakeTrainer());
  const first = loop.runSteps(endless(), 3);
  await assertRejects(() => loop.runSteps(endless(), 1), ConfigError, "running already");
  await first;
  await loop.runSteps(endless(), 1);
  for (const count of [-1, 1.5, NaN]) {
    await assertRejects(() => loop.runSteps(endless(), count), ConfigError, `${count} steps`);
    await assertRejects(() => loop.runEpochs([1], count), ConfigError, `${count} epochs`);
  }
});

Deno.test("runs of what has no batches are ConfigErrors that say what was found and wanted", async () => {
  const loop = new Loop(new FakeTrainer());
  const wanted = "wanted a Dataset, an iterable, or a function";
  // @ts-expect-error: no batches
  await assertRejects(() => loop.runSteps(null, 1), ConfigError, `the batches are null, ${wanted}`);
  // @ts-expect-error: no batches
  await assertRejects(() => loop.runSteps({ x: [1], y: [2] }, 1), ConfigError, `an object with x, y, ${wanted}`);
  // @ts-expect-error: no batches
  await assertRejects(() => loop.runToGlobalStep(3, 1), ConfigError, `the batches are 3, ${wanted}`);
  // @ts-expect-error: no batches
  await assertRejects(() => loop.runEpochs(undefined, 1), ConfigError, `the batches are undefined, ${wanted}`);
  // @ts-expect-error: no batches
  await assertRejects(() => loop.runToEpoch(null, 1), ConfigError, `the batches are null, ${wanted}`);
});

Deno.test("medianTrainStepDuration() is the upper median, hooks included, and 1 without steps", async () => {
  let now = 0;
  const loop = new Loop(new FakeTrainer(), { clock: () => now });
  assertEquals(loop.medianTrainStepDuration(), 1);
  const durations = [30, 1, 200, 4];
  loop.onStep("slow", 0, () => now += durations[loop.loopStep] ?? 0);
  await loop.runSteps(endless(), 4);
  assertEquals(loop.trainStepDurations, durations);
  assertEquals(loop.medianTrainStepDuration(), 30);
  await loop.runSteps(endless(), 1);
  assertEquals(loop.trainStepDurations, [0], "cleared at the start of a run");
});

Deno.test("a failing stop hook is reported only where there is nothing worse", async () => {
  const loop = new Loop(new FakeTrainer((step) => step === 1 ? NaN : 1));
  loop.onStop("closing", 0, () => Promise.reject(new Error("cannot close")));
  await assertRejects(() => loop.runSteps(endless(), 1), TrainError, 'onStop hook "closing" at step 1: cannot close');
  await assertRejects(() => loop.runSteps(endless(), 1), TrainError, "the loss is NaN");
});
