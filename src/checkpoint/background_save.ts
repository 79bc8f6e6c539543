import type { Checkpoint } from "./checkpoint.ts";
import type { SaveOptions } from "./save.ts";
import type { OptionNames } from "../options.ts";
import { WORK_OPTIONS } from "./byte_progress.ts";

/** The names of {@linkcode SaveOptions}: here, since what writes is loaded late. */
export const SAVE_OPTIONS: OptionNames<SaveOptions> = { metrics: true, pin: "boolean", ...WORK_OPTIONS };

/** Options of `handler.saveInBackground()`. */
export interface BackgroundSaveOptions extends SaveOptions {
  /**
   * What happens if one save is being written and another one waits already. `"replace"` (default): the newer snapshot
   * takes the place of the waiting one, which is never written, so that the caller need not wait; but for one with `pin`,
   * and while Ctrl-C is held back until the waiting one is written. `"wait"`: the caller waits until there is room, and
   * every save is written.
   */
  readonly whenBusy?: "replace" | "wait" | undefined;
}

export const BACKGROUND_SAVE_OPTIONS: OptionNames<BackgroundSaveOptions> = { whenBusy: true, ...SAVE_OPTIONS };

/** A save that goes on in the background: its snapshot is taken. Made by `handler.saveInBackground()`. */
export interface BackgroundSave {
  /** The global step of the snapshot. */
  readonly step: number | bigint;
  /** Bytes that were copied; what is still in a file is not. */
  readonly byteLength: number;
  /** Milliseconds that the caller had to wait: for room, and for the copy. */
  readonly blocked: number;
  /** Milliseconds from the call until the checkpoint was durable; undefined before that. */
  readonly durable: number | undefined;
  /** How far it is; `replaced`: a newer snapshot took its place. */
  readonly state: "waiting" | "writing" | "saved" | "replaced" | "failed";
  /**
   * The checkpoint once it is durable, undefined if a newer snapshot took its place. Rejects if the save failed; that
   * need not be handled here, since the next call, `flush()` or the disposal throws it too.
   */
  readonly done: Promise<Checkpoint | undefined>;
}

/** What the saver knows of one save. */
export class BackgroundJob implements BackgroundSave {
  step: number | bigint = 0;
  blocked = 0;
  durable: number | undefined;
  state: BackgroundSave["state"] = "waiting";
  readonly byteLength: number;
  readonly done: Promise<Checkpoint | undefined>;
  /** Resolves when it waits no more. */
  readonly left: Promise<void>;
  readonly #called: number;
  readonly #done: PromiseWithResolvers<Checkpoint | undefined> = Promise.withResolvers();
  readonly #left: PromiseWithResolvers<void> = Promise.withResolvers();

  /** `called` is when, by `performance.now()`. */
  constructor(called: number, byteLength: number) {
    this.#called = called;
    this.byteLength = byteLength;
    this.done = this.#done.promise;
    this.left = this.#left.promise;
    this.done.catch(() => {}); // The saver keeps the failure until somebody was told.
  }

  /** The caller may go on. */
  taken(step: bigint): void {
    this.step = step <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(step) : step;
    this.blocked = performance.now() - this.#called;
  }

  writing(): void {
    this.state = "writing";
    this.#left.resolve();
  }

  replaced(): void {
    this.state = "replaced";
    this.#left.resolve();
    this.#done.resolve(undefined);
  }

  saved(checkpoint: Checkpoint): void {
    this.state = "saved";
    this.durable = performance.now() - this.#called;
    this.#done.resolve(checkpoint);
  }

  failed(error: unknown): void {
    this.state = "failed";
    this.#done.reject(error);
  }

  /** One line for `console.log`. */
  toString(): string {
    const durable = this.durable === undefined ? "" : `, durable after ${this.durable.toFixed(0)} ms`;
    return `BackgroundSave of step ${this.step}: ${this.state}, blocked ${this.blocked.toFixed(1)} ms${durable}`;
  }
  /** The same. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }
}
