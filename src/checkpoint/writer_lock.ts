import { LockedError, type LockHolder, type OnWarning } from "../errors.ts";
import type { Store, StoreLock } from "../store/mod.ts";

/** The writers of one place in this process: one of them has the turn, the latest made has the right. */
interface Seat {
  /** Number of the newest writer that has written; older ones no longer may. */
  newest: number;
  /** The lock of that one, while it holds it. */
  lock: StoreLock | undefined;
  /** Ends when nobody writes. */
  turn: Promise<unknown>;
}

/** All seats of this process. It is found by a global symbol, so that two loaded copies of the package share it. */
interface Seats {
  /** Numbers given to writers so far. */
  made: number;
  readonly byPath: Map<string, Seat>;
  readonly byStore: WeakMap<object, Seat>;
}

const SEATS = Symbol.for("@cairn/checkpoints: writers, version 1");

/**
 * The right of one Handler to write into a store. It takes the store's lock at the first write, sweeps what interrupted
 * saves left, and keeps the lock until {@linkcode WriterLock.release}.
 *
 * Within one process a writer that was made later takes over at its own first write (a re-run notebook cell must work);
 * from then on the older one is superseded for good.
 */
export class WriterLock {
  readonly #store: Store;
  readonly #onWarning: OnWarning;
  readonly #number = ++seats().made;
  #seat: Seat | undefined;

  /** Takes nothing yet. */
  constructor(store: Store, onWarning: OnWarning) {
    this.#store = store;
    this.#onWarning = onWarning;
  }

  /**
   * Does `work` while nobody else writes into the store. Throws LockedError if another process holds the lock, or if
   * this writer is superseded; `work` is not begun then.
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const seat = this.#seat ??= await findSeat(this.#store);
    const turn = seat.turn.then(async () => {
      await this.#take(seat);
      return await work();
    });
    seat.turn = turn.catch(() => {}); // The caller gets the failure; the next in turn must not.
    return await turn;
  }

  /** Throws LockedError if it is known that this writer is superseded; {@linkcode WriterLock.during} makes sure. */
  expectRight(): void {
    if (this.#seat !== undefined && this.#seat.newest > this.#number) throw supersededError(this.#store);
  }

  /** Releases the lock, if this writer has it; it is taken again at the next write. */
  release(): void {
    const seat = this.#seat;
    if (seat === undefined || seat.newest !== this.#number) return;
    seat.lock?.release();
    seat.lock = undefined;
  }

  async #take(seat: Seat): Promise<void> {
    this.expectRight();
    if (seat.newest === this.#number && seat.lock !== undefined) return;
    // Taken anew: the directory may have been removed and made again since, and its lock with it.
    seat.lock?.release();
    seat.lock = undefined;
    seat.lock = await lockStore(this.#store, "save into");
    seat.newest = this.#number;
    if (seat.lock.unsupported === undefined) {
      const { sweepLeftovers } = await import("./sweep.ts");
      return await sweepLeftovers(this.#store, this.#onWarning);
    }
    this.#onWarning(
      `"${this.#store.label}" has no locks (${seat.lock.unsupported}): make sure yourself that only one process saves ` +
        "into it; what interrupted saves left is not swept",
    );
  }
}

/**
 * Does `work` in a store while nobody else writes there, under the lock of this process's writer, if one has it, else
 * under its own; the right to write stays with whoever has it, and nothing is swept. `what` is for the LockedError, if
 * somebody else has the lock: "repair".
 */
export async function asGuest<T>(store: Store, what: string, work: () => Promise<T>): Promise<T> {
  const seat = await findSeat(store);
  const turn = seat.turn.then(async () => {
    if (seat.lock !== undefined) return await work();
    const lock = await lockStore(store, what);
    try {
      return await work();
    } finally {
      lock.release();
    }
  });
  seat.turn = turn.catch(() => {});
  return await turn;
}

async function lockStore(store: Store, what: string): Promise<StoreLock> {
  try {
    return await store.lock();
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    const { path, holder } = error;
    throw new LockedError(`Cannot ${what} "${store.label}": ${whoText(holder)}`, { path, cause: error }, holder);
  }
}

function whoText(holder: LockHolder | undefined): string {
  const advice = "one process at a time may save (reading is always free): end that one, or use another directory";
  if (holder === undefined) return `another process has its lock; ${advice}`;
  const { pid, since, host } = holder;
  const isThis = pid === Deno.pid;
  const who = `pid ${pid}${isThis ? " (this process, in a Worker or through another Store object)" : ""}` +
    `${host === undefined ? "" : ` on ${host}`}, since ${since.toISOString()},`;
  return `${who} has its lock; ` +
    (isThis ? "dispose that Handler first (await handler[Symbol.asyncDispose]()), or use its Store object" : advice);
}

function supersededError(store: Store): LockedError {
  return new LockedError(
    `Cannot save into "${store.label}": this Handler is superseded by a newer one of this process, which has saved ` +
      "there; save with that one, or build another",
    { path: store.label },
  );
}

async function findSeat(store: Store): Promise<Seat> {
  const path = await store.identity?.();
  const { byPath, byStore } = seats();
  const seat = (path === undefined ? byStore.get(store) : byPath.get(path)) ??
    { newest: 0, lock: undefined, turn: Promise.resolve() };
  if (path === undefined) byStore.set(store, seat);
  else byPath.set(path, seat);
  return seat;
}

function seats(): Seats {
  const found: unknown = Reflect.get(globalThis, SEATS);
  if (isSeats(found)) return found;
  const made: Seats = { made: 0, byPath: new Map(), byStore: new WeakMap() };
  Reflect.set(globalThis, SEATS, made);
  return made;
}

/** Whoever sets that symbol is a copy of this file: its name ends in the version of what it holds. */
function isSeats(value: unknown): value is Seats {
  return typeof value === "object" && value !== null && "byPath" in value && value.byPath instanceof Map;
}
