import { Context } from "../context/mod.ts";
import { ConfigError } from "../errors.ts";
import { textOf } from "../options.ts";
import type { Batches } from "./dataset.ts";

/** Refuses a number of steps or epochs that is not a whole number from 0. */
export function checkCount(what: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new ConfigError(`Cannot run ${textOf(count)} ${what}: wanted a whole number from 0`);
}

/** Refuses what no batches can be read from; without types, as in a notebook, anything may come. */
export function checkBatches(batches: unknown): void {
  if (typeof batches === "function") return;
  const isOpen = typeof batches === "object" && batches !== null &&
    ("yield" in batches || Symbol.iterator in batches || Symbol.asyncIterator in batches);
  if (isOpen) return;
  const found = typeof batches === "object" && batches !== null
    ? `an object with ${Object.keys(batches).slice(0, 5).join(", ") || "nothing"}`
    : String(batches);
  throw new ConfigError(
    `Cannot run the loop: the batches are ${found}, wanted a Dataset, an iterable, or a function that makes one`,
  );
}

/** Refuses batches of which no epoch ends. */
export function checkEnds<Batch>(batches: Batches<Batch>): void {
  checkBatches(batches);
  if (typeof batches === "function" || !("yield" in batches) || !batches.infinite) return;
  throw new ConfigError(
    `Cannot run epochs${nameOf(batches)}: it is infinite, and no epoch would end; leave out infinite, or use ` +
      "runSteps() or runToGlobalStep()",
  );
}

/** Refuses a priority that is no number. */
export function checkPriority(hook: string, priority: number): number {
  if (Number.isFinite(priority)) return priority;
  throw new ConfigError(`Cannot register hook "${hook}" with priority ${priority}: wanted a number`);
}

/** For the middle of a message. */
export function nameOf(dataset: { readonly name?: string | undefined }): string {
  return dataset.name === undefined ? "" : ` of dataset "${dataset.name}"`;
}

/** Without types, as in a notebook, anything may come. */
export function checkTrainer(trainer: unknown): void {
  if (
    typeof trainer === "object" && trainer !== null && "context" in trainer && trainer.context instanceof Context &&
    "trainStep" in trainer && typeof trainer.trainStep === "function"
  ) return;
  throw new ConfigError("Cannot make a Loop: wanted { context, trainStep }, a Context and a function of a batch");
}

/** A forgotten `return`, or a tensor whose value was not read, is more likely than any other mistake. */
export function checkMetrics(metrics: unknown): void {
  const isNumber = (x: unknown): boolean => typeof x === "number";
  if (isNumber(metrics) || Array.isArray(metrics) && metrics.every(isNumber) || ArrayBuffer.isView(metrics)) return;
  const found = typeof metrics === "object" && metrics !== null ? metrics.constructor.name : String(metrics);
  throw new ConfigError(`trainStep() returned ${found}, wanted the loss, a number, or an array of numbers`);
}
