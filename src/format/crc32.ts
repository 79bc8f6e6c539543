import { WASM } from "./crc32_wasm.ts";
import { nodeZlib } from "./node_zlib.ts";

/**
 * `node:zlib` is nearly twice as fast, and four times where there are few bytes, but it takes as long to load as it gains
 * on this many bytes. Whoever opens a checkpoint to look into it never needs it.
 */
const WORTH_LOADING = 384 * 2 ** 20;
/** What one of few bytes counts for. */
const FEW_WEIGHT = 4;

let native: typeof import("node:zlib").crc32 | undefined;
let kernel: Crc32Kernel | undefined;
let computed = 0;

/** Says that the CRC-32 of many bytes will be wanted soon, so that none of them are computed the slow way first. */
export function expectCrc32(byteLength: number): void {
  if (byteLength > WORTH_LOADING) native ??= nodeZlib().crc32;
}

/** CRC-32 as gzip uses it; `running` is the result for the bytes before. */
export function crc32(bytes: Uint8Array, running = 0): number {
  if (native === undefined) {
    computed += bytes.length < FEW ? FEW_WEIGHT * bytes.length : bytes.length;
    if (computed <= WORTH_LOADING) return (kernel ??= new Crc32Kernel()).compute(bytes, running);
    native = nodeZlib().crc32;
  }
  return native(bytes, running);
}

/** Fewer bytes than this go through the tables. */
const FEW = 8 * 1024;
/** Bytes that are copied to the kernel at once: they stay in the first-level cache. */
const CHUNK = 24 * 1024;
/** Where they are: behind the tables and what is carried on, which may overwrite those that have been carried. */
const BYTES = 24 * 1024;

/** The kernel, compiled once, whoever uses it; see tools/wasm/crc32.as.ts. */
export function crc32Module(): WebAssembly.Module {
  return module ??= new WebAssembly.Module(Uint8Array.fromBase64(WASM));
}

let module: WebAssembly.Module | undefined;

/** CRC-32 in WebAssembly; see tools/wasm/crc32.as.ts. Exported for its tests. */
export class Crc32Kernel {
  readonly #memory: Uint8Array;
  readonly #exports: Exports;

  constructor() {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { exports } = new WebAssembly.Instance(crc32Module(), { env: { memory } });
    if (!isKernel(exports)) throw new TypeError("not the CRC-32 kernel");
    exports.fillTables();
    this.#memory = new Uint8Array(memory.buffer);
    this.#exports = exports;
  }

  /** CRC-32 of `bytes`; `running` is the result for the bytes before. */
  compute(bytes: Uint8Array, running = 0): number {
    const { length } = bytes;
    if (length < FEW) {
      this.#memory.set(bytes, BYTES);
      return this.#exports.crc32(BYTES, BYTES + length, running) >>> 0;
    }
    this.#exports.start(running);
    let at = 0;
    for (; length - at > CHUNK + FEW; at += CHUNK) {
      this.#memory.set(bytes.subarray(at, at + CHUNK), BYTES);
      this.#exports.carry(BYTES, BYTES + CHUNK);
    }
    this.#memory.set(at === 0 ? bytes : bytes.subarray(at), BYTES);
    return this.#exports.finish(BYTES, BYTES + length - at) >>> 0;
  }
}

interface Exports {
  fillTables(): void;
  crc32(at: number, end: number, running: number): number;
  start(running: number): void;
  carry(at: number, end: number): void;
  finish(at: number, end: number): number;
}

function isKernel(exports: object): exports is Exports {
  return ["fillTables", "crc32", "start", "carry", "finish"].every((name) => name in exports);
}
