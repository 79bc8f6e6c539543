import type { DType } from "../tensor/mod.ts";
import type { Backend } from "./backend.ts";
import { checkBlocks } from "./check_blocks.ts";

const DTYPES: readonly DType[] = ["Float16", "BFloat16", "Float32", "Float64"];

/**
 * Means computed by this process, without any package: Float16, BFloat16, Float32 and Float64, each element within
 * 1 ulp of the exact mean, also where terms cancel, are subnormal or add up to more than the dtype holds. The mean of
 * one block is that block, bit by bit. Otherwise any NaN, or infinities of both signs, give NaN.
 *
 * @example
 * ```ts
 * import { hostBackend, Tensor } from "@cairn/checkpoints";
 *
 * const mean = Tensor.zeros("Float32", [2]);
 * const sources = [Tensor.from([1, 2]), Tensor.from([2, 4])];
 * await hostBackend.mean("Float32", sources.map((source) => source.bytes), mean.bytes);
 * console.assert(mean.at(1) === 3);
 * ```
 */
export const hostBackend: Backend = {
  name: "host",
  supports: (dtype) => DTYPES.includes(dtype),
  mean(dtype, blocks, into) {
    checkBlocks(hostBackend, dtype, blocks, into);
    // Few programs take means: the code that does is loaded by the first one.
    if (hostMean !== undefined) return hostMean(dtype, blocks, into);
    return import("./host_mean.ts").then((module) => (hostMean = module.hostMean)(dtype, blocks, into));
  },
};

let hostMean: typeof import("./host_mean.ts").hostMean | undefined;
