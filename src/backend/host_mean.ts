import { byteLengthOf, type DType } from "../tensor/mod.ts";
import { float64Mean } from "./float64_mean.ts";
import { MeanKernel } from "./mean_kernel.ts";
import { BFLOAT16, FLOAT16, FLOAT32 } from "./narrow_formats.ts";
import { narrowMean } from "./narrow_mean.ts";

/** The mean of checked blocks, as {@linkcode hostBackend} promises it. */
export function hostMean(dtype: DType, blocks: readonly Uint8Array[], into: Uint8Array): void {
  const [first] = blocks;
  if (first !== undefined && blocks.length === 1) into.set(first);
  else if (isAligned(dtype, into)) compute(dtype, blocks.map((block) => aligned(dtype, block)), into);
  else {
    const whole = new Uint8Array(into.length);
    compute(dtype, blocks.map((block) => aligned(dtype, block)), whole);
    into.set(whole);
  }
}

function compute(dtype: DType, blocks: readonly Uint8Array[], into: Uint8Array): void {
  switch (dtype) {
    case "Float16":
      return narrowMean(FLOAT16, blocks.map(asUint16), asUint16(into));
    case "BFloat16":
    case "Float32":
      return (kernel ??= new MeanKernel()).mean(dtype, blocks, into, (start, end) => {
        computeCarefully(dtype, blocks.map((block) => block.subarray(start, end)), into.subarray(start, end));
      });
    case "Float64":
      return float64Mean(blocks.map(asFloat64), asFloat64(into));
  }
}

let kernel: MeanKernel | undefined;

/** What the kernel leaves, and what it is tested against. */
export function computeCarefully(dtype: "Float32" | "BFloat16", blocks: readonly Uint8Array[], into: Uint8Array): void {
  if (dtype === "Float32") narrowMean(FLOAT32, blocks.map(asFloat32), asFloat32(into));
  else narrowMean(BFLOAT16, blocks.map(asUint16), asUint16(into));
}

function asUint16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

function asFloat32(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function asFloat64(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
}

/** Blocks come aligned from the reader; any other is copied. */
function aligned(dtype: DType, block: Uint8Array): Uint8Array {
  return isAligned(dtype, block) ? block : new Uint8Array(block);
}

function isAligned(dtype: DType, bytes: Uint8Array): boolean {
  return bytes.byteOffset % byteLengthOf(dtype, 1) === 0;
}
