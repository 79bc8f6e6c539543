import type { Context } from "../context/mod.ts";
import { ConfigError, ShapeError } from "../errors.ts";
import { checkOptions } from "../options.ts";
import { bitsOf, Tensor } from "../tensor/mod.ts";
import { BATCH_DATASET_OPTIONS, BatchDataset, type BatchDatasetOptions } from "./batch_dataset.ts";

/** What a dataset has of every row: a tensor, whose first axis counts the rows, or an array. */
export type Column = Tensor | readonly unknown[];

/** A batch has the same columns, with its own rows only. */
export type BatchOf<Data> = {
  readonly [Name in keyof Data]: Data[Name] extends readonly (infer Item)[] ? Item[] : Tensor;
};

/**
 * A {@linkcode BatchDataset} of rows in memory. Batches are copies.
 *
 * @throws {ConfigError} without columns, or with columns of different lengths.
 * @throws {ShapeError} for a scalar, or a packed dtype whose rows do not end at a byte.
 *
 * Source: GoMLX `data.InMemory`.
 *
 * @example
 * ```ts
 * import { Context, Tensor } from "@cairn/checkpoints";
 * import { inMemoryDataset, Loop } from "@cairn/checkpoints/train";
 *
 * const ctx = new Context();
 * const images = new Tensor("Uint8", [10, 28, 28], new Uint8Array(10 * 28 * 28));
 * const labels = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
 * const dataset = inMemoryDataset(ctx, { images, labels }, { batchSize: 4, shuffle: true, seed: 42 });
 * const loop = new Loop({
 *   context: ctx,
 *   trainStep: (batch: { images: Tensor; labels: string[] }) => batch.images.size, // (Uint8)[4 28 28] and 4 labels
 * });
 * await loop.runEpochs(dataset, 3);
 * ```
 */
export function inMemoryDataset<const Data extends { readonly [Name in keyof Data]: Column }>(
  context: Context,
  data: Data,
  options: BatchDatasetOptions,
): BatchDataset<BatchOf<Data>> {
  checkOptions("inMemoryDataset()", options, BATCH_DATASET_OPTIONS);
  const columns = columnsOf(data);
  const lengths = columns.map(([name, column]) => lengthOf(name, column));
  const [size] = lengths;
  if (size === undefined || lengths.some((length) => length !== size)) {
    const found = columns.map(([name], index) => `"${name}" with ${lengths[index]} rows`).join(", ") || "none";
    throw new ConfigError(
      `Cannot make dataset "${options.name ?? "train"}" of columns ${found}: wanted the same length`,
    );
  }
  return new BatchDataset(context, size, (rows) => batchOf<Data>(columns, rows), options);
}

type NamedColumn = readonly [name: string, column: Column];

function columnsOf(data: object): NamedColumn[] {
  return Object.entries(data).map(([name, column]: [string, unknown]) => {
    if (column instanceof Tensor || Array.isArray(column)) return [name, column];
    throw new ConfigError(`Cannot take rows of column "${name}": wanted a Tensor or an array; Tensor.from() makes one`);
  });
}

function lengthOf(name: string, column: Tensor | readonly unknown[]): number {
  if (!(column instanceof Tensor)) return column.length;
  const [length] = column.dimensions;
  if (length === undefined) throw new ShapeError(`Cannot take rows of column "${name}": it is a scalar, ${column}`);
  if (length > 0 && column.size / length * bitsOf(column.dtype) % 8 !== 0) {
    throw new ShapeError(`Cannot take rows of column "${name}", ${column}: they do not end at a byte`);
  }
  return length;
}

function batchOf<Data>(columns: readonly NamedColumn[], rows: Uint32Array): BatchOf<Data>;
function batchOf(columns: readonly NamedColumn[], rows: Uint32Array): Record<string, Column> {
  return Object.fromEntries(
    columns.map(([name, column]) => [
      name,
      column instanceof Tensor ? rowsOf(column, rows) : Array.from(rows, (row) => column[row]),
    ]),
  );
}

function rowsOf(tensor: Tensor, rows: Uint32Array): Tensor {
  const [length = 1, ...rest] = tensor.dimensions;
  const rowBytes = tensor.byteLength / length;
  const bytes = new Uint8Array(rows.length * rowBytes);
  for (const [index, row] of rows.entries()) {
    bytes.set(tensor.bytes.subarray(row * rowBytes, (row + 1) * rowBytes), index * rowBytes);
  }
  return new Tensor(tensor.dtype, [rows.length, ...rest], bytes);
}
