import { type Context, escapeScopeName, expectContext, type Random } from "../context/mod.ts";
import { randomOf, seedOf } from "../context/random.ts";
import { ConfigError, type OnWarning, warnOnConsole } from "../errors.ts";
import { checkOptions, type OptionNames, textOf } from "../options.ts";
import type { Dataset } from "./dataset.ts";
import { TrainerNumber } from "./trainer_number.ts";

/** Options of {@linkcode BatchDataset}. */
export interface BatchDatasetOptions {
  /** For messages, and for where its state is: `/trainer/datasets/<name>`. Default: `"train"`. */
  readonly name?: string | undefined;
  /** Rows in a batch. */
  readonly batchSize: number;
  /** Leave out the last batch of an epoch if it is smaller. Default: false. */
  readonly dropIncomplete?: boolean | undefined;
  /** Another order of the rows in every epoch. Default: false, the order that they have. */
  readonly shuffle?: boolean | undefined;
  /**
   * Of the orders. A run that goes on keeps the seed it has. Default: the param `initializers_seed`, and where that is
   * missing or 0 one from the system's secure source.
   */
  readonly seed?: number | bigint | undefined;
  /** Go on with the next epoch instead of ending: for `runSteps()`. Default: false. */
  readonly infinite?: boolean | undefined;
  /** Takes what is reported and not thrown. Default: `console.warn`. */
  readonly onWarning?: OnWarning | undefined;
}

export const BATCH_DATASET_OPTIONS: OptionNames<BatchDatasetOptions> = {
  name: true,
  batchSize: true,
  dropIncomplete: "boolean",
  shuffle: "boolean",
  seed: true,
  infinite: "boolean",
  onWarning: "function",
};

/**
 * Makes a batch of rows, given by their numbers. `random` is a stream of this batch alone, the same in every run of this
 * seed: for augmentation.
 */
export type MakeBatch<Batch> = (rows: Uint32Array<ArrayBuffer>, random: Random) => Batch | Promise<Batch>;

/**
 * Batches of numbered rows, shuffled anew in every epoch. Where it is lives in the Context: seed, epoch and position,
 * each an (Int64) scalar in `/trainer/datasets/<name>`. So every checkpoint has it, and a run that is resumed or restored
 * goes on with the next batch of the same order. The order of an epoch follows from seed and epoch alone; the position
 * counts rows, so `batchSize` may change within an epoch.
 *
 * For rows in memory see {@linkcode inMemoryDataset}; this one is for what you fetch yourself, from files or with
 * `tf.gather`.
 *
 * @throws {ConfigError} if `size` is not a whole number from 0, or `batchSize` one from 1.
 *
 * Source: GoMLX `data.InMemoryDataset`, which does not keep its position.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { BatchDataset, Loop } from "@cairn/checkpoints/train";
 *
 * const files = ["a.png", "b.png", "c.png", "d.png", "e.png"];
 * const ctx = new Context();
 * const dataset = new BatchDataset(ctx, files.length, (rows) => Array.from(rows, (row) => `read ${files[row]}`), {
 *   batchSize: 2,
 *   shuffle: true,
 *   seed: 1,
 * });
 * const loop = new Loop({ context: ctx, trainStep: (batch: string[]) => batch.length });
 * await loop.runEpochs(dataset, 2);
 * if (loop.loopStep !== 6 || dataset.epoch !== 2) throw new Error("3 batches in each epoch");
 * ```
 */
export class BatchDataset<Batch> implements Dataset<Batch> {
  /** See {@linkcode BatchDatasetOptions.name}. */
  readonly name: string;
  /** Rows in all. */
  readonly size: number;
  /** A Loop need not look for the place where a run goes on. */
  readonly keepsPosition = true;
  /** See {@linkcode BatchDatasetOptions.infinite}. */
  readonly infinite: boolean;
  readonly #makeBatch: MakeBatch<Batch>;
  readonly #options: BatchDatasetOptions;
  readonly #seed: TrainerNumber;
  readonly #epoch: TrainerNumber;
  readonly #position: TrainerNumber;
  readonly #size: TrainerNumber;
  #order: { readonly key: string; readonly rows: Uint32Array<ArrayBuffer> } | undefined;

  /** Takes its place from the Context, or starts there at the first row. */
  constructor(context: Context, size: number, makeBatch: MakeBatch<Batch>, options: BatchDatasetOptions) {
    expectContext(context, "Cannot make a dataset", "new BatchDataset(ctx, size, makeBatch, options)");
    checkOptions("new BatchDataset()", options, BATCH_DATASET_OPTIONS);
    const { name = "train", batchSize, seed, infinite = false } = options;
    if (!Number.isSafeInteger(size) || size < 0 || size > 2 ** 32) {
      throw new ConfigError(`Cannot make dataset "${name}" of ${size} rows: wanted a whole number from 0 to 2^32`);
    }
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new ConfigError(
        `Cannot make dataset "${name}" with batchSize ${textOf(batchSize)}: wanted a whole number from 1`,
      );
    }
    this.name = name;
    this.size = size;
    this.infinite = infinite;
    this.#makeBatch = makeBatch;
    this.#options = options;
    const scopes = ["datasets", escapeScopeName(name)];
    // 53 bits, so that every language reads the same number.
    const first = Number(BigInt.asUintN(53, seedOf(seed, BigInt(context.getParamOr("initializers_seed", 0n)))));
    this.#seed = new TrainerNumber(context, scopes, "seed", first);
    this.#epoch = new TrainerNumber(context, scopes, "epoch");
    this.#position = new TrainerNumber(context, scopes, "position");
    this.#size = new TrainerNumber(context, scopes, "size", size);
    if (seed !== undefined && this.#seed.value !== first) {
      this.#warn(`the run has the seed ${this.#seed.value} and goes on with it; the seed ${seed} is for a new run`);
    }
  }

  /** Epochs that are behind it; the epoch that is under way, from 0. */
  get epoch(): number {
    return this.#epoch.value;
  }

  /** Rows of this epoch that were in a batch already. */
  get position(): number {
    return this.#position.value;
  }

  /** Batches in a whole epoch. */
  get batchesPerEpoch(): number {
    const { batchSize, dropIncomplete } = this.#options;
    return dropIncomplete ? Math.floor(this.size / batchSize) : Math.ceil(this.size / batchSize);
  }

  /** The next batch; undefined at the end of an epoch. */
  async yield(): Promise<Batch | undefined> {
    this.#checkSize();
    let length = this.#nextLength();
    if (length === 0 && this.infinite && this.batchesPerEpoch > 0) {
      this.reset();
      length = this.#nextLength();
    }
    if (length === 0) return undefined;
    const { epoch, position } = this;
    const rows = this.#orderOf(epoch).slice(position, position + length);
    this.#position.value = position + length;
    return await this.#makeBatch(rows, randomOf(BigInt(this.#seed.value), `/batch/${epoch}/${position}`));
  }

  /** Goes to the start of the next epoch; stays where it is at the start of one. */
  reset(): void {
    if (this.position === 0) return;
    this.#epoch.value = this.epoch + 1;
    this.#position.value = 0;
  }

  #nextLength(): number {
    const left = Math.max(0, this.size - this.position);
    const { batchSize, dropIncomplete } = this.#options;
    return left < batchSize && dropIncomplete ? 0 : Math.min(left, batchSize);
  }

  #orderOf(epoch: number): Uint32Array<ArrayBuffer> {
    const seed = this.#seed.value;
    const key = `${seed}/${epoch}`;
    if (this.#order?.key === key) return this.#order.rows;
    const rows = this.#options.shuffle
      ? randomOf(BigInt(seed), `/epoch/${epoch}`).permutation(this.size)
      : Uint32Array.from({ length: this.size }, (_, row) => row);
    this.#order = { key, rows };
    return rows;
  }

  /** Rows that have come or gone change every order: a position in the old one means nothing. */
  #checkSize(): void {
    const { value: had } = this.#size;
    if (had === this.size) return;
    this.#size.value = this.size;
    if (this.position === 0) return;
    this.#position.value = 0;
    this.#warn(`it has ${this.size} rows, and had ${had} when the run was saved: epoch ${this.epoch} starts again`);
  }

  #warn(what: string): void {
    const { onWarning = warnOnConsole } = this.#options;
    onWarning(`dataset "${this.name}": ${what}`);
  }
}
