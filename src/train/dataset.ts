import { ConfigError } from "../errors.ts";

/** Where batches come from. Source: GoMLX `train.Dataset`. */
export interface Dataset<Batch = unknown> {
  /** For messages, and for the names of metrics that were measured on it. */
  readonly name?: string | undefined;
  /** The next batch; undefined at the end of an epoch. */
  yield(): Batch | undefined | Promise<Batch | undefined>;
  /** Starts again from the beginning. */
  reset(): void | Promise<void>;
  /**
   * True if its place is in the Context that is trained, as that of a `BatchDataset`. Of others a Loop that resumes an
   * epoch reads again what it has trained on already, and drops it.
   */
  readonly keepsPosition?: boolean | undefined;
  /** True if it never ends: such batches are for `runSteps()`, and `runEpochs()` refuses them. */
  readonly infinite?: boolean | undefined;
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
  /**
   * Makes the next batch the one after `count` batches of the epoch, unless the dataset keeps its position: reads and
   * drops, from the start if it is further already.
   */
  seek(count: number): Promise<void>;
  /** Called when the run is over. */
  close(): Promise<void>;
}

/** Makes a Dataset of any {@linkcode Batches}. */
export function openDataset<Batch>(batches: Batches<Batch>): OpenDataset<Batch> {
  if (typeof batches !== "function" && "yield" in batches) return new OpenedDataset(batches, batches);
  const dataset = typeof batches === "function"
    ? new IterableDataset(batches, "own")
    : new IterableDataset(() => batches, "foreign");
  // What can be read only once goes on where the last run stopped.
  const owner = "next" in batches ? batches : {};
  return new OpenedDataset(dataset, owner, () => dataset.reset());
}

/** Batches that were read of an epoch, by what goes on in the next run. */
const positions = new WeakMap<object, number>();

class OpenedDataset<Batch> implements OpenDataset<Batch> {
  readonly name: string | undefined;
  readonly #dataset: Dataset<Batch>;
  readonly #owner: object;
  readonly #close: (() => Promise<void>) | undefined;

  constructor(dataset: Dataset<Batch>, owner: object, close?: () => Promise<void>) {
    this.name = dataset.name;
    this.#dataset = dataset;
    this.#owner = owner;
    this.#close = close;
  }

  async yield(): Promise<Batch | undefined> {
    const batch = await this.#dataset.yield();
    if (batch !== undefined) positions.set(this.#owner, this.#position + 1);
    return batch;
  }

  async reset(): Promise<void> {
    await this.#dataset.reset();
    positions.delete(this.#owner);
  }

  async seek(count: number): Promise<void> {
    if (this.#dataset.keepsPosition) return;
    if (this.#position > count) await this.reset();
    while (this.#position < count) {
      if (await this.yield() === undefined) return;
    }
  }

  async close(): Promise<void> {
    await this.#close?.();
  }

  get #position(): number {
    return positions.get(this.#owner) ?? 0;
  }
}

class IterableDataset<Batch> implements Dataset<Batch> {
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
