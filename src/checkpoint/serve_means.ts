import type { FileOnDisk } from "../store/mod.ts";

/** What a worker is told first. */
export interface MeanSetup {
  /** All that are averaged. */
  readonly files: readonly FileOnDisk[];
  /** tools/wasm/mean_kernel.as.ts, compiled. */
  readonly meanModule: WebAssembly.Module;
  /** tools/wasm/crc32.as.ts, compiled. */
  readonly crcModule: WebAssembly.Module;
  /** Bytes of each source that are read, averaged and checked while they are in the processor's cache. */
  readonly tileBytes: number;
}

/** A variable to be averaged. */
export interface MeanJob {
  readonly dtype: "Float32" | "BFloat16";
  /** Where its bytes begin in each source, the number of whose file is its place in {@linkcode MeanSetup.files}. */
  readonly from: readonly { readonly file: number; readonly position: number }[];
  /** Of its mean, and of each source. */
  readonly byteLength: number;
  /** See src/backend/narrow_mean.ts. */
  readonly enough: number;
}

/** What a worker answers: bytes of the mean that are done since the last answer, or how it ended. */
export type MeanAnswer =
  | { readonly done: number }
  | {
    readonly mean: ArrayBuffer;
    /** Of each source. */
    readonly crcs: readonly number[];
    /** Where the mean is not known to be right: bytes from, to. */
    readonly unsure: readonly (readonly [number, number])[];
  }
  | { readonly failed: string };

/** The worker's side of a worker. */
interface Scope {
  onmessage: ((event: { readonly data: MeanSetup | MeanJob }) => void) | null;
  postMessage(answer: MeanAnswer, transfer?: Transferable[]): void;
}

interface Kernels {
  readonly meanFloat32: Mean;
  readonly meanBFloat16: Mean;
  fillTables(): void;
  crc32(at: number, end: number, running: number): number;
  start(running: number): void;
  carry(at: number, end: number): void;
  finish(at: number, end: number): number;
}

type Mean = (from: number, stride: number, k: number, into: number, count: number, enough: number) => number;

/**
 * A module for a web worker: the function below as text, so that no file is read when it starts. It takes a
 * {@linkcode MeanSetup}, then one {@linkcode MeanJob} after the other.
 */
export function meanWorkerSource(): string {
  return `(${serveMeans})(self);`;
}

/** Whatever it uses is in it, since it is sent as text. */
function serveMeans(scope: Scope): void {
  /** The CRC-32 kernel's tables and what it carries come before the blocks. */
  const BLOCKS_AT = 65_536;
  /** The kernels' units: fewer bytes than that go through the tables; as many are carried, or averaged, at once. */
  const FEW = 8192;
  const CHUNK = 16_384;
  const PROGRESS_BYTES = 4 * 1024 * 1024;
  /** What is not sure is computed again in parts of up to so many bytes. */
  const UNSURE_BYTES = 1024 * 1024;

  const files: Deno.FsFile[] = [];
  let tileBytes = 0;
  let memory: Uint8Array = new Uint8Array();
  let kernels: Kernels | undefined;
  /** Why it could not start: then no job can be done. */
  let failure: unknown;

  scope.onmessage = ({ data }) => {
    try {
      if ("files" in data) kernels = start(data);
      else if (kernels === undefined) scope.postMessage({ failed: String(failure) });
      else average(kernels, data);
    } catch (error) {
      if (!("files" in data)) return scope.postMessage({ failed: String(error) });
      failure = error;
      files.forEach((file) => file.close());
    }
  };

  function start(setup: MeanSetup): Kernels {
    for (const { path, identity } of setup.files) {
      files.push(Deno.openSync(path));
      const { dev, ino } = Deno.statSync(path);
      if (`${dev} ${ino}` !== identity) throw new Error(`"${path}" is another file now`);
    }
    tileBytes = setup.tileBytes;
    const bytes = BLOCKS_AT + (setup.files.length + 1) * tileBytes;
    const pages = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) });
    const imports = { env: { memory: pages } };
    const instances = [setup.meanModule, setup.crcModule].map((module) => new WebAssembly.Instance(module, imports));
    const exports: Kernels = Object.assign({}, ...instances.map((instance) => instance.exports));
    exports.fillTables();
    memory = new Uint8Array(pages.buffer);
    return exports;
  }

  function average(kernels: Kernels, { dtype, from, byteLength, enough }: MeanJob): void {
    const bytes = new Uint8Array(byteLength);
    const crcs = from.map(() => 0);
    const unsure: [number, number][] = [];
    let told = 0;
    for (let at = 0; at < byteLength; at += tileBytes) {
      const length = Math.min(tileBytes, byteLength - at);
      from.forEach(({ file, position }, index) => read(file, position + at, blockAt(index + 1), length));
      const mean = dtype === "Float32" ? kernels.meanFloat32 : kernels.meanBFloat16;
      const elementBytes = dtype === "Float32" ? 4 : 2;
      for (let start = 0; start < length; start += CHUNK) {
        const count = Math.min(CHUNK, length - start);
        // By fours; the zeros behind the last elements have a mean, too.
        const fours = Math.ceil(count / elementBytes / 4) * 4;
        const isSure = mean(blockAt(1) + start, tileBytes, from.length, blockAt(0) + start, fours, enough);
        if (isSure === 0) addTo(unsure, at + start, at + start + count);
      }
      bytes.set(memory.subarray(blockAt(0), blockAt(0) + length), at);
      // It changes the bytes, so it comes last.
      for (let index = 0; index < crcs.length; index++) {
        crcs[index] = crc32(kernels, blockAt(index + 1), blockAt(index + 1) + length, crcs[index] ?? 0);
      }
      if (at + length - told < PROGRESS_BYTES) continue;
      scope.postMessage({ done: at + length - told });
      told = at + length;
    }
    scope.postMessage({ mean: bytes.buffer, crcs, unsure }, [bytes.buffer]);
  }

  function addTo(unsure: [number, number][], start: number, end: number): void {
    const last = unsure.at(-1);
    if (last?.[1] === start && end - last[0] <= UNSURE_BYTES) last[1] = end;
    else unsure.push([start, end]);
  }

  function blockAt(index: number): number {
    return BLOCKS_AT + index * tileBytes;
  }

  function read(index: number, position: number, into: number, length: number): void {
    const file = files[index];
    file?.seekSync(position, 0);
    for (let done = 0; done < length;) {
      const count = file?.readSync(memory.subarray(into + done, into + length)) ?? 0;
      if (count === 0) throw new Error("the file ended too early");
      done += count;
    }
    memory.fill(0, into + length, into + length + 16);
  }

  function crc32(kernels: Kernels, at: number, end: number, running: number): number {
    if (end - at < FEW) return kernels.crc32(at, end, running) >>> 0;
    kernels.start(running);
    for (; end - at > CHUNK + FEW; at += CHUNK) kernels.carry(at, at + CHUNK);
    return kernels.finish(at, end) >>> 0;
  }
}
