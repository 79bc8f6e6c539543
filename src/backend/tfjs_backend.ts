import { ShapeError } from "../errors.ts";
import type { Backend } from "./backend.ts";
import { checkBlocks } from "./check_blocks.ts";

/** What is needed of a tfjs tensor. */
export interface TfjsTensor {
  /** Its values, as soon as they are computed. */
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
  /** Gives its memory back. */
  dispose(): void;
}

/** What is needed of tfjs: the namespace of `@tensorflow/tfjs`, of `tfjs-core` with a backend, or of `tfjs-node`. `T` is what `tensor1d` gives. */
export interface TfjsLike<T extends TfjsTensor = TfjsTensor> {
  /** Settled when the backend has started. */
  ready(): Promise<void>;
  /** `cpu`, `wasm`, `webgl`, …; `tensorflow` is tfjs-node. Nothing before it is ready. */
  getBackend(): string | undefined;
  /** Runs `fn` and disposes all tensors that it made but the one that it gives. */
  tidy(fn: () => NoInfer<T>): NoInfer<T>;
  /** A tensor of rank 1, which may share the memory. */
  tensor1d(values: Float32Array): T;
  /** The sum of tensors of one shape. */
  addN(tensors: NoInfer<T>[]): NoInfer<T>;
  /** Division, element by element. */
  div(dividend: NoInfer<T>, divisor: number): NoInfer<T>;
}

/**
 * Means computed by tfjs, whatever backend it runs on: Float32 only, in float32 arithmetic. Without overflow each
 * element is within k float32 ulps of the largest absolute value averaged; a sum beyond float32 gives an infinity.
 * tfjs-node takes subnormal numbers for zero. The name says the backend as soon as tfjs is ready, `tfjs` until then.
 *
 * @example
 * ```ts
 * import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
 * import "npm:@tensorflow/tfjs-backend-cpu@4.22.0";
 * import { tfjsBackend } from "@cairn/checkpoints";
 *
 * await tf.ready();
 * console.assert(tfjsBackend(tf).name === "tfjs-cpu");
 * ```
 */
export function tfjsBackend<T extends TfjsTensor>(tf: TfjsLike<T>): Backend {
  const backend: Backend = {
    get name() {
      return nameOf(tf.getBackend());
    },
    supports: (dtype) => dtype === "Float32",
    async mean(dtype, blocks, into) {
      checkBlocks(backend, dtype, blocks, into);
      const [first] = blocks;
      if (first !== undefined && blocks.length === 1) return into.set(first);
      if (into.length === 0) return;
      await tf.ready();
      const mean = tf.tidy(() => tf.div(tf.addN(blocks.map((block) => tf.tensor1d(floatsOf(block)))), blocks.length));
      try {
        copyOut(await mean.data(), into);
      } finally {
        mean.dispose();
      }
    },
  };
  return backend;
}

function nameOf(name: string | undefined): string {
  if (name === undefined || name === "") return "tfjs";
  return name === "tensorflow" ? "tfjs-node" : `tfjs-${name}`;
}

/** Shares the block's memory where it can; so may tfjs until the tensor is disposed. */
function floatsOf(block: Uint8Array): Float32Array {
  const { buffer, byteOffset, length } = block.byteOffset % 4 === 0 ? block : new Uint8Array(block);
  return new Float32Array(buffer, byteOffset, length / 4);
}

function copyOut(values: Float32Array | Int32Array | Uint8Array, into: Uint8Array): void {
  if (values.byteLength !== into.length) {
    throw new ShapeError(`Cannot take the mean from tfjs: ${values.byteLength} bytes found, wanted ${into.length}`);
  }
  into.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}
