import { hostBackend } from "../backend/mod.ts";
import { enoughFor } from "../backend/narrow_mean.ts";
import { meanModule } from "../backend/start_mean_kernel.ts";
import { crc32Module } from "../format/crc32.ts";
import type { FileOnDisk } from "../store/mod.ts";
import type { ByteProgress } from "./byte_progress.ts";
import { startWorker } from "./segment_workers.ts";
import { type MeanAnswer, type MeanJob, type MeanSetup, meanWorkerSource } from "./serve_means.ts";
import type { VariableMean } from "./variable_mean.ts";

/** Workers take some 30 ms to start: for fewer bytes of all sources together there are none. */
const WORTH_BYTES = 192 * 1024 * 1024;
/** Bytes of a variable that are worth its messages. */
const LARGE_BYTES = 1024 * 1024;
/** More would take as much memory as a small model. */
const MAX_WORKERS = 4;
/** Each worker opens all, and a process may open only so many. */
const MAX_FILES = 100;
/** Bytes of each source that a worker reads, averages and checks while they are in the processor's cache. */
const TILE_BYTES = 128 * 1024;
/** Of all sources in a worker. */
const TILES_BYTES = 4 * 1024 * 1024;
/** Tiles are multiples of it. */
const TILE_UNIT = 16 * 1024;

/** A variable that a worker can do, and where it is. */
interface Task {
  readonly variable: VariableMean;
  readonly dtype: MeanJob["dtype"];
  readonly places: readonly { readonly file: FileOnDisk; readonly position: number }[];
}

/** Workers, and from how many bytes they are used. For tests. */
export interface MeanWorkersOptions {
  readonly worthBytes?: number;
  readonly largeBytes?: number;
  readonly workers?: number;
}

/**
 * Computes means of large variables on up to four cores, where the host computes them and all sources are files: each
 * worker opens the files itself, so that bytes go from the file through the cache into the mean, and this thread stays
 * free. Gives the variables that are left, those that failed among them, whose progress is taken back: whoever does them
 * meets what was wrong.
 */
export async function meansByWorkers(
  variables: readonly VariableMean[],
  progress: ByteProgress,
  onFinished: (variable: VariableMean) => void,
  options: MeanWorkersOptions = {},
): Promise<readonly VariableMean[]> {
  const { worthBytes = WORTH_BYTES, largeBytes = LARGE_BYTES } = options;
  const count = Math.min(MAX_WORKERS, options.workers ?? navigator.hardwareConcurrency ?? 1);
  const tasks = variables.flatMap((variable) => taskOf(variable, largeBytes));
  const total = tasks.reduce((sum, { variable, places }) => sum + places.length * variable.row.byteLength, 0);
  const files = new Map(tasks.flatMap(({ places }) => places.map(({ file }) => [file.path, file])));
  if (count < 2 || total < worthBytes || files.size > MAX_FILES || typeof Worker === "undefined") return variables;
  // The largest first, so that all end at about the same time.
  const queue = tasks.toSorted((a, b) => b.variable.row.byteLength - a.variable.row.byteLength).values();
  const finished = new Set<VariableMean>();
  using workers = new DisposableStack();
  const started = Array.from(
    { length: Math.min(count, tasks.length) },
    () => workers.use(new MeanWorker([...files.values()])),
  );
  // Each has its next one when it has done the last. When one throws, the others end with their workers.
  await Promise.all([...started, ...started].map(async (worker) => {
    for (const task of queue) {
      if (workers.disposed || !await worker.average(task, progress)) return;
      onFinished(task.variable);
      finished.add(task.variable);
    }
  }));
  return variables.filter((variable) => !finished.has(variable));
}

function taskOf(variable: VariableMean, largeBytes: number): Task[] {
  const { decision: { averaged, from }, backend, row: { dtype, byteLength } } = variable;
  if (!averaged || backend !== hostBackend || byteLength < largeBytes) return [];
  if (dtype !== "Float32" && dtype !== "BFloat16") return [];
  const places = from.flatMap(({ source, entry }) => {
    const place = source.reader.placeOnDisk(entry);
    return place === undefined ? [] : [place];
  });
  return places.length === from.length ? [{ variable, dtype, places }] : [];
}

/** One worker, which does one variable at a time. */
class MeanWorker implements Disposable {
  readonly #worker: Worker;
  readonly #files: readonly FileOnDisk[];
  #isDead = false;
  /** For the variables that were sent, in the order in which they are done. */
  readonly #waiting: ((answer: MeanAnswer) => void)[] = [];

  constructor(files: readonly FileOnDisk[]) {
    this.#files = files;
    this.#worker = startWorker(
      "Cairn's means",
      meanWorkerSource(),
      (answer: MeanAnswer) => {
        this.#waiting[0]?.(answer);
        if (!("done" in answer)) this.#waiting.shift();
      },
      (failed) => {
        this.#isDead = true;
        this.#waiting.splice(0).forEach((tell) => tell({ failed }));
      },
    );
    const tileBytes = Math.floor(TILES_BYTES / (files.length + 1) / TILE_UNIT) * TILE_UNIT;
    const setup: MeanSetup = {
      files,
      meanModule: meanModule(),
      crcModule: crc32Module(),
      tileBytes: Math.min(TILE_BYTES, tileBytes),
    };
    this.#worker.postMessage(setup);
  }

  /** Whether it could; if not, nothing has changed. CorruptError if the bytes of a source are not what was written. */
  async average({ variable, dtype, places }: Task, progress: ByteProgress): Promise<boolean> {
    if (this.#isDead) return false;
    const { byteLength } = variable.row;
    const job: MeanJob = {
      dtype,
      from: places.map(({ file, position }) => ({
        file: this.#files.findIndex(({ path }) => path === file.path),
        position,
      })),
      byteLength,
      enough: enoughFor(places.length, dtype === "Float32" ? 24 : 8),
    };
    const { promise, resolve, reject } = Promise.withResolvers<Exclude<MeanAnswer, { done: number }>>();
    let done = 0;
    this.#waiting.push((answer) => {
      if (!("done" in answer)) return resolve(answer);
      done += answer.done;
      try {
        progress.add(answer.done * places.length);
      } catch (error) {
        reject(error); // Aborted.
      }
    });
    this.#worker.postMessage(job);
    const answer = await promise;
    if ("failed" in answer) {
      progress.add(-done * places.length);
      return false;
    }
    variable.adopt(new Uint8Array(answer.mean), answer.crcs);
    variable.expectIntact();
    for (const [start, end] of answer.unsure) {
      await averageAgain(variable, start, end);
      progress.add(0); // It may be aborted.
    }
    progress.add((byteLength - done) * places.length);
    return true;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** What the kernel leaves; see host_mean.ts. */
async function averageAgain(
  { bytes, decision: { from }, row }: VariableMean,
  start: number,
  end: number,
): Promise<void> {
  const blocks = await Promise.all(from.map(async ({ source, entry }) => {
    const block = new Uint8Array(end - start);
    await source.reader.read(entry, block, start);
    return block;
  }));
  await hostBackend.mean(row.dtype, blocks, bytes.subarray(start, end));
}
