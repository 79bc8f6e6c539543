import type { Variable } from "../context/mod.ts";
import { ConfigError, messageOf, type OnWarning, StoreError } from "../errors.ts";
import {
  BIN_DATA_SUFFIX,
  type Entry,
  formatBaseName,
  hasPlainEntries,
  type Manifest,
  nextCounter,
  parseBaseName,
} from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { formatItems } from "../render/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import type { Captured, SaverPort } from "./background_saver.ts";
import { checkedMetrics } from "./checked_metrics.ts";
import { type Checkpoint, savedCheckpoint } from "./checkpoint.ts";
import { counterAfterQuarantine, listCheckpoints } from "./directory.ts";
import { dirOf, type HandlerSettings } from "./handler_settings.ts";
import type { Loading } from "./loading.ts";
import { entryLabel } from "./entry_label.ts";
import { PayloadReader } from "./payload_reader.ts";
import type { PendingPool } from "./pending_pool.ts";
import type { Retention } from "./retention.ts";
import type { SaveOptions } from "./save.ts";
import { finishOnSignal } from "./signal_guard.ts";
import { captureSnapshot, inheritRows, releaseSnapshot, rowsByKey, type Snapshot, variableKey } from "./snapshot.ts";
import { WriterLock } from "./writer_lock.ts";

/** Written into every manifest with extras. */
const WRITER = "@cairn/checkpoints 0.1.0";

/** A Handler's saves, from the call to what is done after them: one at a time, in the order of the calls. */
export class Saving implements SaverPort {
  readonly queued: Set<Snapshot>;
  readonly onWarning: OnWarning;
  readonly #settings: HandlerSettings;
  readonly #store: Store;
  readonly #pool: PendingPool;
  readonly #retention: Retention;
  readonly #loading: Loading;
  readonly #writer: WriterLock;
  readonly #excludedVars: Set<Variable>;
  /** The next one, if nobody else takes it; undefined before the first save. */
  #counter: bigint | undefined;
  #isClosed = false;
  #hasWarned = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(settings: HandlerSettings, pool: PendingPool, retention: Retention, loading: Loading) {
    this.queued = pool.queued;
    this.onWarning = settings.onWarning;
    this.#settings = settings;
    this.#store = settings.store;
    this.#pool = pool;
    this.#retention = retention;
    this.#loading = loading;
    this.#writer = new WriterLock(settings.store, settings.onWarning);
    this.#excludedVars = new Set(settings.excludedVars);
  }

  /** Captures before the first await, and writes when it is its turn. */
  async save(options: SaveOptions): Promise<Checkpoint> {
    const captured = this.capture(options);
    this.queued.add(captured.snapshot);
    return await this.saveInTurn(async () => {
      try {
        return await this.write(captured, options);
      } finally {
        this.queued.delete(captured.snapshot);
        releaseSnapshot(captured.snapshot);
      }
    });
  }

  /** What a save called now would write. */
  capture({ metrics }: SaveOptions): Captured {
    this.#expectWritable();
    this.#writer.expectRight();
    const { context, extras } = this.#settings;
    const style = { extras, writer: WRITER, metrics: checkedMetrics(metrics, extras) };
    const step = this.#captureStep();
    this.#warnOfElsewhere();
    const snapshot = captureSnapshot(
      context,
      this.#pool.values(),
      this.#excludedVars,
      this.#loading.inherited,
      style,
    );
    return { snapshot, step };
  }

  /** Once: as in GoMLX a save has the Context's variables and this Handler's own, and who copies a run may want all. */
  #warnOfElsewhere(): void {
    const left = this.#hasWarned ? [] : this.#pool.elsewhere();
    if (left.length === 0) return;
    this.#hasWarned = true;
    const some = left.slice(0, 3).map((each) => `"${entryLabel(each)}"`).join(", ");
    this.onWarning(
      `saves into "${this.#dir}" leave out ${
        formatItems(left.length, "variable")
      } that another Handler has loaded and ` +
        `nobody has asked for: ${some}${left.length > 3 ? ", …" : ""}; to save them too, load them with immediate()`,
    );
  }

  async write(captured: Captured, options: SaveOptions): Promise<Checkpoint> {
    const step = await captured.step();
    return await this.#writer.during(() => this.#writeAs(captured, step, options));
  }

  async #writeAs({ snapshot: captured, memory }: Captured, step: bigint, options: SaveOptions): Promise<Checkpoint> {
    const { writeCheckpoint } = await import("./save.ts");
    const listing = await listCheckpoints(this.#store);
    const next = nextCounter(listing.seen);
    const least = this.#counter ?? await counterAfterQuarantine(this.#store, this.onWarning);
    const counter = next > least ? next : least;
    this.#counter = counter + 1n;
    const saved = this.#settings.clock();
    const snapshot: Snapshot = { ...captured, saved };
    const base = formatBaseName(counter, saved, step);
    const name = parseBaseName(base);
    if (name === undefined) {
      throw new StoreError(
        `Cannot save checkpoint into "${this.#dir}": the next counter is ${counter}, since a file has the one before; ` +
          "no name can hold it, wanted at most 40 digits",
        { path: this.#dir },
      );
    }
    const store = memory === undefined ? this.#store : (await import("./run_sink.ts")).writingRuns(this.#store, memory);
    const write = (): Promise<Manifest> => writeCheckpoint(store, base, snapshot, this.onWarning, options);
    const manifest = await (options.pin === true ? this.#retention.whilePinned(base, write) : write());
    this.#retention.saved(name, manifest);
    const rows = rowsByKey(manifest);
    const plain = hasPlainEntries(manifest);
    for (const item of plain ? [] : snapshot.entries) {
      const row = item.origin && rows().get(variableKey(item));
      if (row !== undefined) item.origin?.addRow(row);
    }
    this.#loading.inherited = inheritRows(this.#loading.inherited, plain, rows);
    await this.#afterSave("continue with the new file", () => this.#movePending(base, manifest, captured, rows));
    await this.#afterSave("remove older checkpoints", () => {
      return this.#retention.apply({ ...listing, checkpoints: [...listing.checkpoints, name] }, saved);
    });
    return savedCheckpoint(this.#store, base, manifest);
  }

  /** The checkpoint stands already: what fails from here on is reported, and tried again after the next save. */
  async #afterSave(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.onWarning(`the checkpoint was saved, but could not ${what}: ${messageOf(error)}`);
    }
  }

  /** What is still in the old file is read from the new one from now on, so that the old one may go. */
  async #movePending(
    base: string,
    manifest: Manifest,
    snapshot: Snapshot,
    rows: () => ReadonlyMap<string, Entry>,
  ): Promise<void> {
    // Without segments a compressed file would have to be inflated for what the old one gives by position.
    const isPositional = snapshot.compression === "none" || manifest.segments !== undefined;
    if (isPositional && snapshot.entries.some(({ value }) => this.#pool.isUnread(value))) {
      const name = base + BIN_DATA_SUFFIX;
      const reader = new PayloadReader(`${this.#dir}/${name}`, manifest, () => this.#store.open(name));
      await reader.ready();
      this.#pool.moveTo(reader, rows(), snapshot);
    }
    this.#pool.closeUnused();
  }

  /** These variables are not saved from now on. */
  exclude(variables: readonly Variable[]): void {
    variables.forEach((each) => this.#excludedVars.add(each));
  }

  /** As {@linkcode inTurn}, guarded. */
  saveInTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.guarded(() => this.inTurn(work));
  }

  /** Begins a save; a process that is asked to end does so after it. */
  guarded<T>(save: () => Promise<T>): Promise<T> {
    return this.#settings.finishOnSignal ? finishOnSignal(save, this.onWarning) : save();
  }

  /** Does the work when everything that was called before is done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    // The caller gets the failure; the next in the queue must not.
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Does the work with the directory's lock. */
  locked<T>(work: () => Promise<T>): Promise<T> {
    return this.#writer.during(work);
  }

  /** Does the work when it is its turn, with the directory's lock. */
  lockedInTurn<T>(what: string, work: () => Promise<T>): Promise<T> {
    return this.inTurn(() => {
      this.expectOpen(what);
      return this.locked(work);
    });
  }

  /** From now on nothing is begun. */
  close(): void {
    this.#isClosed = true;
  }

  /** Waits for what was begun, and gives the lock back when `last` is done, too. */
  async end(last: () => void): Promise<void> {
    await this.#queue;
    last();
    this.#writer.release();
  }

  /** Makes sure of what a save would make sure of first. */
  async claim(): Promise<void> {
    this.#expectWritable();
    await this.lockedInTurn("save checkpoint into", () => Promise.resolve());
  }

  /** Throws a ConfigError if the Handler was disposed. */
  expectOpen(what: string): void {
    if (!this.#isClosed) return;
    throw new ConfigError(`Cannot ${what} "${this.#dir}": this Handler was disposed; build another one`, {
      path: this.#dir,
    });
  }

  #expectWritable(): void {
    this.expectOpen("save checkpoint into");
    if (this.#settings.embedded) {
      throw new ConfigError(
        "Cannot save checkpoint: this Handler was built with fromEmbed(), which only reads; " +
          "build another one with dir() on the same Context",
      );
    }
    if (this.#settings.rules.length > 0) {
      throw new ConfigError(
        `Cannot save checkpoint into "${this.#dir}": this Handler loaded only a part of the model ` +
          "(scope() or onlyScopes()); build another one with dir() on the same Context",
        { path: this.#dir },
      );
    }
  }

  /** The global step as it is now; reading it may have to wait. */
  #captureStep(): () => Promise<bigint> {
    const variable = this.#settings.context.getGlobalStepVar();
    const source = variable.source ?? variable.value();
    return async () => {
      const tensor = source instanceof Tensor ? source : await source.read();
      return BigInt(String(tensor.item()));
    };
  }

  get #dir(): string {
    return dirOf(this.#settings);
  }
}
