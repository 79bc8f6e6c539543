import type { DType } from "../tensor/mod.ts";

/**
 * Computes means for `takeMean(n, backend)`: {@linkcode hostBackend}, {@linkcode tfjsBackend}, or your own.
 *
 * @example
 * ```ts
 * import { type Backend, hostBackend } from "@cairn/checkpoints";
 *
 * const counted: Backend = {
 *   name: "host, counted",
 *   supports: (dtype) => hostBackend.supports(dtype),
 *   mean(dtype, blocks, into) {
 *     console.log(`${blocks.length} blocks of ${into.length} bytes`);
 *     return hostBackend.mean(dtype, blocks, into);
 *   },
 * };
 * counted.mean("Float32", [new Uint8Array(8), new Uint8Array(8)], new Uint8Array(8));
 * ```
 */
export interface Backend {
  /** What reports call it: `host`, `tfjs-cpu`, `tfjs-node`. */
  readonly name: string;

  /** Whether it computes means of this dtype. */
  supports(dtype: DType): boolean;

  /**
   * The arithmetic mean of k ≥ 1 blocks, element by element, into `into`.
   *
   * All have the same length and hold little-endian elements. `into` shares no memory with a block. The caller may
   * change the blocks as soon as the call has returned, or its promise is settled, and not before; those of mapped files
   * are gone then.
   *
   * @throws {ShapeError} The dtype is not supported, there is no block, or lengths differ.
   */
  mean(dtype: DType, blocks: readonly Uint8Array[], into: Uint8Array): void | Promise<void>;

  /**
   * The same mean in memory of its own, for a backend whose results are in such memory anyway: that saves a copy.
   *
   * @throws {ShapeError} The dtype is not supported, there is no block, or lengths differ.
   */
  meanInOwnMemory?(dtype: DType, blocks: readonly Uint8Array[]): OwnMean | Promise<OwnMean>;
}

/** What {@linkcode Backend.meanInOwnMemory} gives. */
export interface OwnMean {
  /** The mean, which belongs to the caller from now on; as long as a block. */
  readonly bytes: Uint8Array;
  /** Whether all elements are known to be finite. */
  readonly finite: boolean;
}
