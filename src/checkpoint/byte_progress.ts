import { watched, watchWork, type WorkWatch } from "../render/mod.ts";
import type { WorkOptions } from "./save.ts";
import type { OptionNames } from "../options.ts";

/** The names of {@linkcode WorkOptions}: here, since what writes is loaded late. */
export const WORK_OPTIONS: OptionNames<WorkOptions> = { progress: "progress", signal: "signal" };

/** Counts bytes, tells `progress`, and stops at an abort. */
export class ByteProgress {
  readonly #phase: string;
  readonly #total: number;
  readonly #signal: AbortSignal | undefined;
  readonly #watch: WorkWatch;
  #done = 0;

  constructor(phase: string, total: number, options: WorkOptions) {
    this.#phase = phase;
    this.#total = total;
    this.#signal = options.signal;
    this.#watch = watchWork(options.progress, phase, total);
    this.add(0);
  }

  /** `bytes` more are done. */
  add(bytes: number): void {
    this.#signal?.throwIfAborted();
    this.#done += bytes;
    this.#watch.update({ phase: this.#phase, done: this.#done, total: this.#total });
  }

  /** Does the work, and tells who shows it how it ended. */
  during<T>(work: () => Promise<T>): Promise<T> {
    return watched(this.#watch, work);
  }
}
