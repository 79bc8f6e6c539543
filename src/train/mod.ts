/**
 * Training loops: {@linkcode Loop} runs your own step function, with hooks for what happens beside it: checkpoints
 * ({@linkcode everyNSteps} with a Handler's `onStepFn`), metrics over time, a progress bar. Ported from GoMLX's
 * package `ml/train`.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore } from "@cairn/checkpoints";
 * import { everyNSteps, Loop } from "@cairn/checkpoints/train";
 *
 * const ctx = new Context();
 * const checkpoint = await build(ctx).store(new MemoryStore()).keep(3).done();
 * const loop = new Loop({ context: ctx, trainStep: (batch: number) => 1 / batch });
 * everyNSteps(loop, 2, "checkpointing", 100, checkpoint.onStepFn);
 * await loop.runSteps([1, 2, 3, 4], 4);
 * ```
 *
 * @module
 */
export { BatchDataset, type BatchDatasetOptions, type MakeBatch } from "./batch_dataset.ts";
export { BestMetric, type BestMetricOptions } from "./best_metric.ts";
export type { CallbackOptions } from "./callback.ts";
export type { Batches, Dataset } from "./dataset.ts";
export { everyNSteps } from "./every_n_steps.ts";
export { exponentialCallback } from "./exponential_callback.ts";
export { type EvalDataset, History, type HistoryOptions, TRAINING_PLOT_FILE_NAME } from "./history.ts";
export { type BatchOf, type Column, inMemoryDataset } from "./in_memory_dataset.ts";
export { type InterruptOptions, interruptSignal } from "./interrupt_signal.ts";
export { getTrainLastStepVar } from "./last_train_step.ts";
export { Loop } from "./loop.ts";
export type { LastCheckpoint, LoopOptions, OnEndFn, OnStartFn, OnStepFn, OnStopFn, RunOptions } from "./loop_types.ts";
export { nTimesDuringLoop } from "./n_times_during_loop.ts";
export { periodicCallback } from "./periodic_callback.ts";
export { HistoryFigure, plotHistory, type PlotHistoryOptions, type PlotLike } from "./plot_history.ts";
export type { PlotPoint } from "./plot_point.ts";
export { attachProgressBar } from "./progress_bar.ts";
export { Rng, type RngOptions } from "./rng.ts";
export { TrainError, type TrainPlace } from "./train_error.ts";
export { type ProgressMetric, renderProgress, type TrainProgress } from "./train_progress.ts";
export type { KernelDisplay, KernelDisplayOptions, RenderStatusOptions, StatusLineOptions } from "../render/mod.ts";
export type { MetricDescription, Metrics, Trainer } from "./trainer.ts";
