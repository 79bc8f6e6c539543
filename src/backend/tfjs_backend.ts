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
}

/**
 * Means whose sums tfjs computes, whatever backend it runs on: Float32 only, in float32 arithmetic. Without overflow each
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
      const { divideSum } = await import("./divide_sum.ts");
      const { bytes, own } = await sumOf(tf, blocks);
      divideSum(bytes, blocks.length, into);
      own?.transfer(0); // Gives its memory back now: many sums would bring the collector.
    },
    async meanInOwnMemory(dtype, blocks) {
      const [first = new Uint8Array()] = blocks;
      checkBlocks(backend, dtype, blocks, first);
      if (blocks.length === 1 || first.length === 0) return { bytes: first.slice(), finite: false };
      const { divideSum } = await import("./divide_sum.ts");
      const { bytes, own } = await sumOf(tf, blocks);
      const into = own === undefined ? new Uint8Array(bytes.length) : bytes;
      return { finite: divideSum(bytes, blocks.length, into), bytes: into };
    },
  };
  return backend;
}

/** Bytes of a sum, and their buffer if nobody else needs it. */
interface Sum {
  readonly bytes: Uint8Array;
  readonly own: ArrayBuffer | undefined;
}

async function sumOf<T extends TfjsTensor>(tf: TfjsLike<T>, blocks: readonly Uint8Array[]): Promise<Sum> {
  await tf.ready();
  const floats = blocks.map(floatsOf);
  const sum = tf.tidy(() => tf.addN(floats.map((each) => tf.tensor1d(each))));
  try {
    const { buffer, byteOffset, byteLength } = await sum.data();
    const wanted = blocks[0]?.length;
    if (byteLength !== wanted) {
      throw new ShapeError(`Cannot take the mean from tfjs: ${byteLength} bytes found, wanted ${wanted}`);
    }
    const isOwn = buffer.byteLength === byteLength && floats.every((each) => each.buffer !== buffer);
    return {
      bytes: new Uint8Array(buffer, byteOffset, byteLength),
      own: isOwn && buffer instanceof ArrayBuffer ? buffer : undefined,
    };
  } finally {
    sum.dispose();
  }
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
