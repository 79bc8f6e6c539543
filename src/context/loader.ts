import type { DType } from "../tensor/dtype.ts";
import type { Statistics } from "../tensor/statistics.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Context } from "./context.ts";
import type { LoadedList } from "./live_value.ts";

/** A value that a {@linkcode Loader} has: its shape is known, its bytes may still be in a file. */
export interface LoadedValue {
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first; `[]` is a scalar. */
  readonly dimensions: readonly number[];
  /** Size of the value in bytes. */
  readonly byteLength: number;
  /** Whether the variable is trainable, if the checkpoint says so. */
  readonly trainable?: boolean | undefined;
  /** The tensor, if its bytes are in memory already: never reads. */
  readonly loaded: Tensor | undefined;
  /** Reads the bytes now. A failure throws and changes nothing, so that it can be tried again. */
  readSync(): Tensor;
  /** The same without blocking. */
  read(): Promise<Tensor>;
  /** Lets go of the bytes in memory, for whoever has copied them and is the only one to use it; it is not read again. */
  release?(): void;
  /** Statistics of the values, if they are known already. */
  readonly measured?: Statistics | undefined;
  /** Bytes that {@linkcode measureSync} would read; Infinity if it cannot. */
  readonly measureBytes?: number | undefined;
  /** Takes the statistics for somebody who only looks: the bytes are not kept. */
  measureSync?(): Statistics;
  /** The same without blocking. */
  measure?(): Promise<Statistics>;
}

/** Supplies values for variables that a Context does not have yet (GoMLX `context.Loader`). */
export interface Loader {
  /**
   * The value of `scope`/`name` if there is one; ownership moves to the Context, so a second call finds nothing.
   * Source: GoMLX `context.Loader.LoadVariable`.
   */
  loadVariable(context: Context, scope: string, name: string): LoadedValue | undefined;
  /** Forgets the value of `scope`/`name`, if there is one. Source: GoMLX `context.Loader.DeleteVariable`. */
  deleteVariable(context: Context, scope: string, name: string): void;
  /** Forgets every value in `scope` and below, so that pending ones are not resurrected. */
  deleteVariablesInScope(context: Context, scope: string): void;
  /** What it has loaded and nobody has asked for yet; undefined if it has loaded nothing. Consumes nothing. */
  listLoaded?(): LoadedList | undefined;
}
