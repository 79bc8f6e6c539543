import { messageOf } from "../errors.ts";
import { nodeZlib, runSegmentJob, type SegmentJob, segmentWorkerSource } from "../format/mod.ts";

/** More than that does not help: then the disk is what is waited for. */
const MAX_WORKERS = 8;
/** A worker keeps the process alive, so that it ends when it has had nothing to do for this many milliseconds. */
const IDLE_MS = 200;

/** One worker, and what it is doing, by the number of the job. */
interface Hired {
  readonly worker: Worker;
  readonly jobs: Map<number, PromiseWithResolvers<Uint8Array>>;
}

/** Thrown for a segment that cannot be inflated; the message says why. */
export class SegmentError extends Error {}

/**
 * Compresses and inflates segments in workers, which are shared by all who hold a lease and end with the last of them.
 * Where there can be no workers, or only one core, it works in this thread.
 */
class SegmentWorkers {
  #hired: Promise<readonly Hired[]> | undefined;
  #leases = 0;
  #lastJob = 0;
  #running = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  /** How many segments can be worked on at the same time. */
  readonly count: number = Math.min(MAX_WORKERS, navigator.hardwareConcurrency ?? 1);

  /** To be called before work, and the result after it. */
  lease(): () => void {
    this.#leases++;
    let held = true;
    return () => {
      if (held) this.#leases--;
      held = false;
      if (this.#leases === 0) this.#dismiss();
    };
  }

  /** Does a job, whose bytes are gone from this thread after. SegmentError if the segment is damaged. */
  async run(job: SegmentJob): Promise<Uint8Array> {
    clearTimeout(this.#idle);
    this.#running++;
    try {
      const hired = await (this.#hired ??= this.#hire());
      const idlest = hired.toSorted((a, b) => a.jobs.size - b.jobs.size)[0];
      return idlest === undefined ? runHere(job) : await this.#post(job, idlest);
    } finally {
      this.#running--;
      if (this.#running === 0 && this.#hired !== undefined) this.#idle = setTimeout(() => this.#dismiss(), IDLE_MS);
    }
  }

  #post(job: SegmentJob, { worker, jobs }: Hired): Promise<Uint8Array> {
    const id = ++this.#lastJob;
    const answer = Promise.withResolvers<Uint8Array>();
    jobs.set(id, answer);
    const isWhole = job.bytes.byteLength === job.bytes.buffer.byteLength;
    const bytes = isWhole ? job.bytes : job.bytes.slice();
    worker.postMessage({ id, job: { ...job, bytes } }, bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : []);
    return answer.promise;
  }

  async #hire(): Promise<readonly Hired[]> {
    if (this.count < 2) return [];
    const started = await Promise.all(Array.from({ length: this.count }, () => start()));
    return started.filter((each) => each !== undefined);
  }

  #dismiss(): void {
    clearTimeout(this.#idle);
    const hired = this.#hired;
    this.#hired = undefined;
    hired?.then((all) => {
      for (const { worker, jobs } of all) {
        jobs.forEach((job) => job.reject(new Error("nobody waits for it any more")));
        worker.terminate();
      }
    });
  }
}

/** Shared by the whole process. */
export const segmentWorkers: SegmentWorkers = new SegmentWorkers();

/** Does a job in this thread. */
export function runHere(job: SegmentJob): Uint8Array {
  try {
    return runSegmentJob(nodeZlib(), job);
  } catch (error) {
    throw new SegmentError(messageOf(error));
  }
}

/** A worker whose module is text: no file is read for it, so that it needs no permission. It may fail at any time. */
export function startWorker<Answer>(
  name: string,
  source: string,
  onAnswer: (answer: Answer) => void,
  onFailure: (reason: string) => void,
): Worker {
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module", name });
  worker.onmessage = ({ data }: MessageEvent<Answer>) => onAnswer(data);
  worker.onerror = (event) => {
    event.preventDefault(); // Else it would end the process.
    onFailure(event.message);
  };
  worker.onmessageerror = () => onFailure("its answer could not be read");
  return worker;
}

/** A worker that has said that it is ready; undefined where it cannot be had: then this thread does its work. */
async function start(): Promise<Hired | undefined> {
  if (typeof Worker === "undefined") return undefined;
  const jobs = new Map<number, PromiseWithResolvers<Uint8Array>>();
  const ready = Promise.withResolvers<boolean>();
  const worker = startWorker(
    "Cairn's compression",
    segmentWorkerSource(),
    (answer: unknown) => answer === "ready" ? ready.resolve(true) : settle(answer, jobs),
    (reason) => {
      ready.resolve(false);
      jobs.forEach((job) => job.reject(new Error(`a worker failed: ${reason}`)));
      jobs.clear();
    },
  );
  if (await ready.promise) return { worker, jobs };
  worker.terminate();
  return undefined;
}

function settle(message: unknown, jobs: Map<number, PromiseWithResolvers<Uint8Array>>): void {
  if (typeof message !== "object" || message === null || !("id" in message) || typeof message.id !== "number") return;
  const job = jobs.get(message.id);
  jobs.delete(message.id);
  if ("bytes" in message && message.bytes instanceof Uint8Array) job?.resolve(message.bytes);
  else job?.reject(new SegmentError("error" in message ? String(message.error) : "no answer"));
}
