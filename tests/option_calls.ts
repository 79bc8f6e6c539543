/** All that is exported and takes options, each called in a scene where one sees whether it did anything. */

import {
  build,
  type Checkpoint,
  Context,
  diffVariables,
  examine,
  type Handler,
  hostBackend,
  keepBest,
  LocalStore,
  type MemoryStore,
  openCheckpoint,
  parseContextSettings,
  previewMean,
  readUntrusted,
  repair,
  showProgress,
  Tensor,
  timeline,
} from "../mod.ts";
import { tfjsNodeBackend } from "../src/backend/tfjs_node.ts";
import { FaultFiles, tryFaults } from "../src/testing/mod.ts";
import { checkpointCallback, tfjsTrainer, track } from "../src/tfjs/mod.ts";
import {
  attachProgressBar,
  BatchDataset,
  BestMetric,
  everyNSteps,
  exponentialCallback,
  History,
  inMemoryDataset,
  interruptSignal,
  Loop,
  nTimesDuringLoop,
  periodicCallback,
  plotHistory,
  renderProgress,
  Rng,
} from "../src/train/mod.ts";
import { tf } from "./tfjs/tfjs.ts";

/** Where a call is tried. */
export interface Scene {
  readonly ctx: Context;
  readonly store: MemoryStore;
  readonly handler: Handler;
  readonly checkpoint: Checkpoint;
  readonly loop: Loop<number>;
  readonly model: tf.Sequential;
  /** What hooks and progress said. */
  readonly said: string[];
  /** A path where nothing is. */
  readonly dir: string;
  readonly say: (...args: readonly unknown[]) => void;
}

/** Makes options of such that are right: what is tried. */
export type Give = <const T extends object>(options: T) => T;

/** One call that takes options. */
export interface OptionCall {
  /** What is exported: `Handler.save`. */
  readonly symbol: string;
  /** What the message begins with. */
  readonly call: string;
  /** No option. */
  readonly wrong: string;
  /** The one that is near. */
  readonly near: string;
  /** All there are. */
  readonly all: string;
  readonly run: (scene: Scene, give: Give) => unknown;
}

const WORK = "progress, signal";
const STATUS_LINE = "form, interval, write, width, display";
const FIT = "everyNSteps, everyNEpochs, saveBest, mode, restoreBestWeights, patience";
const DATASET = "name, batchSize, dropIncomplete, shuffle, seed, infinite, onWarning";
const NOTHING_MEASURED = {
  ...{ step: 1, startStep: 0, endStep: 2, epoch: undefined, elapsed: 1, rate: 1, medianStep: 1 },
  ...{ metrics: [], checkpoint: undefined, state: "running" as const },
};

type Row = readonly [
  symbol: string,
  call: string,
  wrong: string,
  near: string,
  all: string,
  run: (scene: Scene, give: Give) => unknown,
];

const ROWS: readonly Row[] = [
  ["Config.dir", "dir()", "maped", "mapped", "mode, mapped", ({ dir }, give) => opened().dir(dir, give({})).done()],
  ["Config.dirFromBase", "dirFromBase()", "mod", "mode", "mode, mapped", ({ dir }, give) => {
    return opened().dirFromBase("run", dir, give({})).done();
  }],
  ["Config.takeMean", "takeMean()", "averge", "average", "average", ({ dir }, give) => {
    return opened().dir(dir).takeMean(3, hostBackend, give({})).done();
  }],
  ["Config.done", "done()", "progres", "progress", WORK, ({ dir }, give) => opened().dir(dir).done(give({}))],
  [
    "Config.mustDone",
    "Failed to create checkpoints.Handler: done()",
    "singal",
    "signal",
    WORK,
    ({ dir }, give) => opened().dir(dir).mustDone(give({})),
  ],
  ["Handler.save", "save()", "metrcis", "metrics", `metrics, pin, ${WORK}`, ({ handler }, give) => {
    return handler.save(give({}));
  }],
  [
    "Handler.saveInBackground",
    "saveInBackground()",
    "whenbusy",
    "whenBusy",
    `whenBusy, metrics, pin, ${WORK}`,
    ({ handler }, give) => handler.saveInBackground(give({})),
  ],
  ["Handler.prefetch", "prefetch()", "progess", "progress", WORK, ({ handler }, give) => {
    return handler.prefetch("/", give({}));
  }],
  ["Handler.restore", "restore()", "Signal", "signal", WORK, ({ handler }, give) => handler.restore(0, give({}))],
  ["Checkpoint.read", "read()", "strat", "start", "start, end", ({ checkpoint }, give) => {
    return checkpoint.read("/w", give({}));
  }],
  ["Checkpoint.readAll", "readAll()", "scop", "scope", `scope, ${WORK}`, ({ checkpoint }, give) => {
    return checkpoint.readAll(give({}));
  }],
  ["Checkpoint.verify", "verify()", "progess", "progress", WORK, ({ checkpoint }, give) => checkpoint.verify(give({}))],
  [
    "openCheckpoint",
    "openCheckpoint()",
    "stirct",
    "strict",
    "step, at, strict, mapped, onWarning",
    ({ store }, give) => openCheckpoint(store, give({})),
  ],
  ["diffVariables", "diffVariables()", "singal", "signal", WORK, ({ ctx, checkpoint }, give) => {
    return diffVariables(ctx, checkpoint, give({}));
  }],
  ["timeline", "timeline()", "kep", "keep", "now, keep", ({ store }, give) => timeline(store, give({}))],
  ["examine", "examine()", "verfy", "verify", `verify, ${WORK}`, ({ store }, give) => examine(store, give({}))],
  ["repair", "repair()", "dryrun", "dryRun", `dryRun, verify, ${WORK}`, async ({ store }, give) => {
    return await repair(store, give({}));
  }],
  [
    "previewMean",
    "previewMean()",
    "onwarning",
    "onWarning",
    `average, onWarning, ${WORK}`,
    ({ store }, give) => previewMean(store, 1, give({})),
  ],
  [
    "readUntrusted",
    "readUntrusted()",
    "maxbytes",
    "maxBytes",
    "at, maxBytes, timeout, maxHeapMebibytes, signal, onWarning",
    ({ dir }, give) => readUntrusted(dir, give({})),
  ],
  ["keepBest", "keepBest()", "mod", "mode", "metric, mode", (_, give) => keepBest(1, give({ metric: "loss" }))],
  ["showProgress", "showProgress()", "dely", "delay", `delay, clock, ${STATUS_LINE}`, ({ say }, give) => {
    const progress = showProgress(give({ form: "log", delay: 0, write: say }));
    progress({ phase: "work", done: 1, total: 1 });
  }],
  [
    "Tensor.from",
    "Tensor.from()",
    "dytpe",
    "dtype",
    "dtype, dimensions, copy",
    (_, give) => Tensor.from([1], give({})),
  ],
  ["Context.initializeVariables", "initializeVariables()", "sead", "seed", "seed", ({ ctx }, give) => {
    ctx.initializeVariables(give({}));
  }],
  [
    "parseContextSettings",
    "parseContextSettings()",
    "readTextfile",
    "readTextFile",
    "readTextFile",
    ({ ctx }, give) => {
      return parseContextSettings(ctx, "lr=5", give({}));
    },
  ],
  ["LocalStore.constructor", "new LocalStore()", "wirte", "write", "write, files, mapped, mode", ({ dir }, give) => {
    return new LocalStore(dir, give({})).ensureRoot();
  }],
  ["tfjsNodeBackend", "tfjsNodeBackend()", "adon", "addon", "addon", (_, give) => tfjsNodeBackend(give({}))],
  ["FaultFiles.constructor", "new FaultFiles()", "pagesize", "pageSize", "plan, pageSize, locks, before", (_, give) => {
    return new FaultFiles(undefined, give({}));
  }],
  ["tryFaults", "tryFaults()", "everybyte", "everyByte", "everyByte, maxBroken, pageSize", async ({ say }, give) => {
    const nothing = () => Promise.resolve(say("run"));
    return await tryFaults({ name: "nothing", run: nothing, check: nothing }, give({}));
  }],
  ["track", "track()", "srict", "strict", "strict, optimizer", ({ ctx, model }, give) => track(ctx, model, give({}))],
  [
    "tfjsTrainer",
    "tfjsTrainer()",
    "scoep",
    "scope",
    "model, optimizer, loss, scope, strict",
    ({ ctx, model }, give) => {
      return tfjsTrainer(ctx, give({ model, optimizer: tf.train.sgd(0.1), loss: () => tf.scalar(0) }));
    },
  ],
  [
    "checkpointCallback",
    "checkpointCallback()",
    "kep",
    "keep",
    `keep, strict, onWarning, ${FIT}`,
    ({ store, model }, give) => checkpointCallback(model, store, give({})),
  ],
  [
    "checkpointCallback",
    "checkpointCallback()",
    "patiense",
    "patience",
    `onWarning, ${FIT}`,
    ({ handler }, give) => checkpointCallback(handler, give({})),
  ],
  ["attachProgressBar", "attachProgressBar()", "intervall", "interval", STATUS_LINE, ({ loop, say }, give) => {
    attachProgressBar(loop, give({ form: "log", interval: 0, write: say }));
  }],
  ["everyNSteps", "everyNSteps()", "atend", "atEnd", "atEnd", ({ loop, say }, give) => {
    everyNSteps(loop, 1, "say", 0, say, give({}));
  }],
  ["nTimesDuringLoop", "nTimesDuringLoop()", "atend", "atEnd", "atEnd", ({ loop, say }, give) => {
    nTimesDuringLoop(loop, 1, "say", 0, say, give({}));
  }],
  ["exponentialCallback", "exponentialCallback()", "atend", "atEnd", "atEnd", ({ loop, say }, give) => {
    exponentialCallback(loop, 1, 1, "say", 0, say, give({}));
  }],
  ["periodicCallback", "periodicCallback()", "atend", "atEnd", "atEnd", ({ loop, say }, give) => {
    periodicCallback(loop, 0, "say", 0, say, give({ atEnd: true }));
  }],
  ["inMemoryDataset", "inMemoryDataset()", "batchsize", "batchSize", DATASET, ({ ctx }, give) => {
    return inMemoryDataset(ctx, { x: [1, 2] }, give({ batchSize: 1 }));
  }],
  ["BatchDataset.constructor", "new BatchDataset()", "shufle", "shuffle", DATASET, ({ ctx }, give) => {
    return new BatchDataset(ctx, 2, (rows) => rows, give({ batchSize: 1 }));
  }],
  ["BestMetric.constructor", "new BestMetric()", "beter", "better", "better", ({ ctx }, give) => {
    return new BestMetric(ctx, "loss", give({}));
  }],
  ["Rng.constructor", "new Rng()", "Seed", "seed", "seed, name", ({ ctx }, give) => new Rng(ctx, give({}))],
  ["History.open", "History.open()", "onWaring", "onWarning", "onWarning", ({ dir }, give) => {
    return History.open(dir, give({}));
  }],
  ["plotHistory", "plotHistory()", "metrcs", "metrics", "document, metrics, plot", ({ say }, give) => {
    const Plot = { plot: () => ({ outerHTML: String(say("plot")) }), lineY: say };
    return plotHistory(new History(), Plot, give({ document: undefined }));
  }],
  ["renderProgress", "renderProgress()", "widht", "width", "form, width", (_, give) => {
    return renderProgress(NOTHING_MEASURED, give({ form: "log" }));
  }],
  ["interruptSignal", "interruptSignal()", "oninterrupt", "onInterrupt", "onInterrupt", (_, give) => {
    return interruptSignal(give({}));
  }],
  ["Loop.constructor", "new Loop()", "losscheck", "lossCheck", "lossCheck, clock", (_, give) => {
    const context = new Context();
    return new Loop({ context, trainStep: () => 1 }, give({}));
  }],
  ["Loop.runSteps", "runSteps()", "singal", "signal", "signal", ({ loop }, give) => loop.runSteps([1], 1, give({}))],
  ["Loop.runToGlobalStep", "runToGlobalStep()", "singal", "signal", "signal", ({ loop }, give) => {
    return loop.runToGlobalStep([1, 2], 2, give({}));
  }],
  ["Loop.runEpochs", "runEpochs()", "singal", "signal", "signal", ({ loop }, give) => {
    return loop.runEpochs([1], 1, give({}));
  }],
  ["Loop.runToEpoch", "runToEpoch()", "singal", "signal", "signal", ({ loop }, give) => {
    return loop.runToEpoch([1], 1, give({}));
  }],
];

/** All of them. */
export const OPTION_CALLS: readonly OptionCall[] = ROWS.map(([symbol, call, wrong, near, all, run]) => {
  return { symbol, call, wrong, near, all, run };
});

/** Of a directory that is made, if nothing prevents it. */
function opened(): ReturnType<typeof build> {
  return build(new Context());
}
