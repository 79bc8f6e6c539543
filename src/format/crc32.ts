import { WASM } from "./crc32_wasm.ts";
import { nodeZlib } from "./node_zlib.ts";

/**
 * `node:zlib` is ten times as fast, but it takes as long to load as WebAssembly takes for this many bytes. Whoever
 * opens a checkpoint to look into it never needs it.
 */
const SMALL_BYTES = 16 * 2 ** 20;

let native: typeof import("node:zlib").crc32 | undefined;
let kernel: Crc32Kernel | undefined;
let computed = 0;

/** CRC-32 as gzip uses it; `running` is the result for the bytes before. */
export function crc32(bytes: Uint8Array, running = 0): number {
  if (native === undefined) {
    computed += bytes.length;
    if (computed <= SMALL_BYTES) return (kernel ??= new Crc32Kernel()).compute(bytes, running);
    native = nodeZlib().crc32;
  }
  return native(bytes, running);
}

/** Bytes of the kernel's tables. */
const TABLES = 16 * 1024;
/** Bytes that are copied to the kernel at once: they stay in the first-level cache. */
const CHUNK = 16 * 1024;

/** CRC-32 in WebAssembly; see tools/wasm/crc32.as.ts. Exported for its tests. */
export class Crc32Kernel {
  readonly #memory: Uint8Array;
  readonly #crc32: (at: number, end: number, running: number) => number;

  /** Compiles it. */
  constructor() {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const module = new WebAssembly.Module(Uint8Array.fromBase64(WASM));
    const { fillTables, crc32 } = new WebAssembly.Instance(module, { env: { memory } }).exports;
    if (typeof fillTables !== "function" || typeof crc32 !== "function") throw new TypeError("not the CRC-32 kernel");
    fillTables();
    this.#memory = new Uint8Array(memory.buffer);
    this.#crc32 = (at, end, running) => crc32(at, end, running) >>> 0;
  }

  /** CRC-32 of `bytes`; `running` is the result for the bytes before. */
  compute(bytes: Uint8Array, running = 0): number {
    let crc = running;
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const chunk = bytes.subarray(at, at + CHUNK);
      this.#memory.set(chunk, TABLES);
      crc = this.#crc32(TABLES, TABLES + chunk.length, crc);
    }
    return crc;
  }
}
