import { ConfigError } from "../errors.ts";

/** Where batches come from. Source: GoMLX `train.Dataset`. */
export interface Dataset<Batch = unknown> {
  /** For messages, and for the names of metrics that were measured on it. */
  readonly name?: string | undefined;
  /** The next batch; undefined at the end of an epoch. */
  yield(): Batch | undefined | Promise<Batch | undefined>;
  /** Starts again from the beginning. */
  reset(): void | Promise<void>;
}

/**
 * What a {@linkcode Loop} reads batches from: a {@linkcode Dataset}, anything that `for await` takes, or a function
 * that makes one for each epoch (a generator function). A Dataset goes on from where the last run stopped; the others
 * start at every run, and at every epoch.
 */
export type Batches<Batch> =
  | Dataset<Batch>
  | Iterable<Batch>
  | AsyncIterable<Batch>
  | (() => Iterable<Batch> | AsyncIterable<Batch>);

/** A Dataset for one run. */
export interface OpenDataset<Batch> extends Dataset<Batch> {
  /** Called when the run is over. */
  close(): Promise<void>;
}

/** Makes a Dataset of any {@linkcode Batches}. */
export function openDataset<Batch>(batches: Batches<Batch>): OpenDataset<Batch> {
  if (typeof batches === "function") return new IterableDataset(batches, "own");
  if ("yield" in batches) {
    return {
      name: batches.name,
      yield: () => batches.yield(),
      reset: () => batches.reset(),
      close: () => Promise.resolve(),
    };
  }
  return new IterableDataset(() => batches, "foreign");
}

class IterableDataset<Batch> implements OpenDataset<Batch> {
  readonly #make: () => Iterable<Batch> | AsyncIterable<Batch>;
  readonly #iterables: "own" | "foreign";
  #iterator: Iterator<Batch> | AsyncIterator<Batch> | undefined;
  #lastIterator: object | undefined;
  #mayClose = false;

  constructor(make: () => Iterable<Batch> | AsyncIterable<Batch>, iterables: "own" | "foreign") {
    this.#make = make;
    this.#iterables = iterables;
  }

  async yield(): Promise<Batch | undefined> {
    this.#iterator ??= this.#open();
    const next = await this.#iterator.next();
    return next.done ? undefined : next.value;
  }

  async reset(): Promise<void> {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    if (this.#mayClose) await iterator?.return?.();
  }

  async close(): Promise<void> {
    await this.reset();
  }

  #open(): Iterator<Batch> | AsyncIterator<Batch> {
    const iterable = this.#make();
    const iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
    if (iterator === this.#lastIterator) {
      throw new ConfigError(
        "Cannot start another epoch: these batches can be read only once, as a generator's; wanted an array, a " +
          "Dataset, or the generator function itself",
      );
    }
    this.#lastIterator = iterator;
    // A generator that the caller has made may be read on in the next run.
    this.#mayClose = this.#iterables === "own" || !Object.is(iterator, iterable);
    return iterator;
  }
}
