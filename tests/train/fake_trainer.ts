import { Context } from "../../src/context/mod.ts";
import type { Loop, Metrics, Trainer } from "../../src/train/mod.ts";

/** A trainer whose loss is what `lossOf` says for a step; counts its steps and resets. */
export class FakeTrainer implements Trainer<unknown> {
  readonly context: Context;
  readonly lossOf: (step: number) => number;
  steps = 0;
  resets = 0;

  constructor(lossOf: (step: number) => number = () => 0.5, context: Context = new Context()) {
    this.context = context;
    this.lossOf = lossOf;
  }

  trainStep(): Promise<Metrics> {
    return Promise.resolve([this.lossOf(this.steps++)]);
  }

  resetTrainMetrics(): void {
    this.resets++;
  }
}

/** Batches without end. */
export function* endless(): Generator<number> {
  for (let batch = 0;; batch++) yield batch;
}

/** Collects the `loopStep`s at which it is called. */
export function collectSteps(): { readonly steps: number[]; readonly fn: (loop: Loop) => void } {
  const steps: number[] = [];
  return { steps, fn: (loop) => void steps.push(loop.loopStep) };
}

/** A Context whose global step is `step`. */
export function contextAt(step: number): Context {
  const context = new Context();
  context.setGlobalStep(step);
  return context;
}
