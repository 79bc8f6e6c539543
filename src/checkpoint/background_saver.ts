import { CheckpointError, ConfigError, messageOf, type OnWarning } from "../errors.ts";
import type { View } from "../render/mod.ts";
import { BackgroundJob, type BackgroundSave, type BackgroundSaveOptions } from "./background_save.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { freezeSnapshot, frozenBytes } from "./freeze_snapshot.ts";
import { releaseSnapshot, type Snapshot } from "./snapshot.ts";
import { isSignalHeld } from "./signal_guard.ts";
import { SnapshotPool } from "./snapshot_pool.ts";

/** What a save will write: the state at the time of its call. */
export interface Captured {
  readonly snapshot: Snapshot;
  /** Reads the global step, for the name. */
  readonly step: () => Promise<bigint>;
  /** Where its values are, if they were copied. */
  readonly memory?: Uint8Array | undefined;
}

/** What the saver needs of its Handler. */
export interface SaverPort {
  /** Captures what a save will write, at once; throws if there can be no save. */
  capture(options: BackgroundSaveOptions): Captured;
  /** Writes it as a checkpoint. */
  write(captured: Captured, options: BackgroundSaveOptions): Promise<Checkpoint>;
  /** Does the work when all saves that were called before are done. */
  saveInTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Snapshots that wait for their turn: their files stay open. */
  readonly queued: Set<Snapshot>;
  /** Is told of a failure at once; it is thrown later. */
  readonly onWarning: OnWarning;
}

/** Where the bytes of a job are. */
interface Work {
  readonly job: BackgroundJob;
  readonly snapshot: Snapshot;
  readonly memory: Uint8Array;
  /** Somebody wants this very one: another must not take its place. */
  readonly isPinned: boolean;
}

/**
 * Saves in the background: copies what is in memory, then writes while the caller goes on. One save is written, one may
 * wait; so there are two copies at most. They take their turn among the Handler's other saves in the order of the calls.
 */
export class BackgroundSaver {
  readonly #port: SaverPort;
  readonly #pool = new SnapshotPool();
  readonly #running = new Set<BackgroundJob>();
  #waiting: Work | undefined;
  #failures: { readonly step: number | bigint; readonly error: unknown }[] = [];

  constructor(port: SaverPort) {
    this.#port = port;
  }

  /** Resolves when the snapshot is taken. Throws the failure of an earlier save first. */
  async save(options: BackgroundSaveOptions): Promise<BackgroundSave> {
    const called = performance.now();
    checkOptions(options);
    this.#throwFailure("save checkpoint in the background");
    // What waits when a signal comes is the newest that it lets be saved: one that began later is not waited for.
    while (
      this.#waiting !== undefined && (options.whenBusy === "wait" || this.#waiting.isPinned || isSignalHeld())
    ) {
      await this.#waiting.job.left;
      this.#throwFailure("save checkpoint in the background");
    }
    const captured = this.#port.capture(options);
    const work = releasedOnError(captured, () => this.#freeze(captured, called, options.pin === true));
    const step = captured.step();
    const ready = Promise.all([step, work.ready]);
    this.#start(work, { snapshot: work.snapshot, step: () => step, memory: work.memory }, ready, options);
    work.job.taken((await ready)[0]);
    return work.job;
  }

  /** Waits until every save called so far is durable; throws the first failure that nobody was told of. */
  async flush(): Promise<void> {
    await Promise.allSettled(Array.from(this.#running, (job) => job.done));
    this.#throwFailure("save all checkpoints");
  }

  /** Takes and touches memory for the next save. */
  reserve(): void {
    const captured = this.#port.capture({});
    releasedOnError(captured, () => this.#pool.reserve(frozenBytes(captured.snapshot)));
    releaseSnapshot(captured.snapshot);
  }

  /** What is under way, and what has failed and was not thrown yet. */
  get facts(): View["facts"] {
    return [
      ...Array.from(this.#running).filter(({ state }) => state === "waiting" || state === "writing")
        .map(({ step, state }) => `save of step ${step} in the background: ${state}`),
      ...this.#failures.map(({ step, error }) => ({
        text: `save of step ${step} in the background failed: ${messageOf(error)}`,
        mark: "warning" as const,
      })),
    ];
  }

  /** Lets go of the memory that no save is using. */
  release(): void {
    this.#pool.release();
  }

  /** Copies it into memory of the pool; takes the place of one that waits. If it fails, nothing has changed. */
  #freeze({ snapshot }: Captured, called: number, isPinned: boolean): Work & { readonly ready: Promise<void> } {
    const byteLength = frozenBytes(snapshot);
    const waiting = this.#waiting;
    const memory = waiting ? this.#pool.exchange(waiting.memory, byteLength) : this.#pool.take(byteLength);
    const job = new BackgroundJob(called, byteLength);
    const frozen = freezeSnapshot(snapshot, memory, () => job.state !== "replaced");
    if (waiting !== undefined) {
      this.#port.queued.delete(waiting.snapshot);
      waiting.job.replaced();
    }
    return { job, memory, isPinned, ...frozen };
  }

  #start(work: Work, captured: Captured, ready: Promise<unknown>, options: BackgroundSaveOptions): void {
    const { job, snapshot } = work;
    this.#waiting = work;
    this.#running.add(job);
    this.#port.queued.add(snapshot);
    const turn = this.#port.saveInTurn(async () => {
      try {
        if (job.state !== "replaced") await this.#write(work, captured, ready, options);
      } finally {
        this.#running.delete(job);
      }
    });
    // Only onWarning can have thrown.
    turn.catch((error) => this.#failures.push({ step: job.step, error }));
  }

  /** The failure of a save is kept until somebody is told. */
  async #write(
    { job, snapshot, memory }: Work,
    captured: Captured,
    ready: Promise<unknown>,
    options: BackgroundSaveOptions,
  ): Promise<void> {
    this.#waiting = undefined;
    job.writing();
    try {
      if (await isTaken(ready)) job.saved(await this.#port.write(captured, options));
      else job.failed(await ready.catch((error) => error)); // The caller of save() is told.
    } catch (error) {
      job.failed(error);
      const isAborted = options.signal?.aborted && error === options.signal.reason;
      if (!isAborted) this.#keepFailure(job.step, error);
    } finally {
      this.#port.queued.delete(snapshot);
      this.#pool.give(memory);
    }
  }

  #keepFailure(step: number | bigint, error: unknown): void {
    this.#failures.push({ step, error });
    this.#port.onWarning(`the save of step ${step} in the background failed: ${messageOf(error)}`);
  }

  #throwFailure(what: string): void {
    const [first, ...more] = this.#failures;
    if (first === undefined) return;
    this.#failures = [];
    const { step, error: cause } = first;
    const { code, path, entry, offset } = cause instanceof CheckpointError ? cause : new CheckpointError("store", "");
    const others = more.length === 0 ? "" : `; ${more.length} more failed after it`;
    throw new CheckpointError(
      code,
      `Cannot ${what}: the earlier one of step ${step} failed: ${messageOf(cause)}${others}`,
      { path, entry, offset, cause },
    );
  }
}

/** Live values are let go of if the work fails. */
function releasedOnError<T>({ snapshot }: Captured, work: () => T): T {
  try {
    return work();
  } catch (error) {
    releaseSnapshot(snapshot);
    throw error;
  }
}

function isTaken(ready: Promise<unknown>): Promise<boolean> {
  return ready.then(() => true, () => false);
}

function checkOptions({ whenBusy = "replace" }: BackgroundSaveOptions): void {
  if (whenBusy === "replace" || whenBusy === "wait") return;
  throw new ConfigError(`Cannot save in the background with whenBusy "${whenBusy}": wanted "replace" or "wait"`);
}
