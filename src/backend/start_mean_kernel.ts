import { WASM } from "./mean_kernel_wasm.ts";

/** Of `k` sources in the memory, `stride` bytes apart, into another place of it; 0 if float64 is not known to be enough. */
export type Mean = (from: number, stride: number, k: number, into: number, count: number, enough: number) => number;

/** What tools/wasm/mean_kernel.as.ts exports. */
export interface MeanExports {
  readonly meanFloat32: Mean;
  readonly meanBFloat16: Mean;
  /** Divides in place; 0 if not all are finite. */
  readonly divideFloat32: (at: number, bytes: number, divisor: number) => number;
}

/** Starts the kernel over a memory. */
export function startMeanKernel(memory: WebAssembly.Memory): MeanExports {
  const { exports } = new WebAssembly.Instance(meanModule(), { env: { memory } });
  if (!isKernel(exports)) throw new TypeError("not the mean kernel");
  return exports;
}

/** The kernel, compiled once, whoever uses it. */
export function meanModule(): WebAssembly.Module {
  return module ??= new WebAssembly.Module(Uint8Array.fromBase64(WASM));
}

let module: WebAssembly.Module | undefined;

function isKernel(exports: object): exports is MeanExports {
  return "meanFloat32" in exports && "meanBFloat16" in exports && "divideFloat32" in exports;
}
