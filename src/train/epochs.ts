import type { Context } from "../context/mod.ts";
import { TrainerNumber } from "./trainer_number.ts";

/**
 * How far a run by epochs has come, in (Int64) scalars of the Context, so that a checkpoint has it: `/trainer/epoch`
 * counts whole epochs over all runs, `/trainer/epoch_step` the steps of the one that is under way, and the run that is
 * under way, or was the last, is from `/trainer/run_start_epoch` to `/trainer/run_end_epoch`.
 */
export class Epochs {
  readonly #epoch: TrainerNumber;
  readonly #step: TrainerNumber;
  readonly #start: TrainerNumber;
  readonly #end: TrainerNumber;

  /** Creates what is missing. */
  constructor(context: Context) {
    this.#epoch = new TrainerNumber(context, [], "epoch");
    this.#step = new TrainerNumber(context, [], "epoch_step");
    this.#start = new TrainerNumber(context, [], "run_start_epoch");
    this.#end = new TrainerNumber(context, [], "run_end_epoch");
  }

  /** Whole epochs, over all runs. */
  get total(): number {
    return this.#epoch.value;
  }

  /** The epoch of the run, from 0. */
  get epoch(): number {
    return this.#epoch.value - this.#start.value;
  }

  /** Epochs of the run that are to come, with the one that is under way. */
  get left(): number {
    return this.#end.value - this.#epoch.value;
  }

  /** Steps of the epoch that is under way. */
  get step(): number {
    return this.#step.value;
  }

  /** Starts a run of `epochs`. */
  start(epochs: number): void {
    this.#set(this.total, this.total + epochs);
    this.#step.value = 0;
  }

  /** Goes on with the run of `epochs` that was not finished; false if there is none. */
  resume(epochs: number): boolean {
    const end = this.#start.value + epochs;
    if (this.left <= 0 || end <= this.total) return false;
    this.#set(this.#start.value, end);
    return true;
  }

  /** A run up to `epoch`, counted over all runs. */
  resumeTo(epoch: number): void {
    this.#set(0, epoch);
  }

  /** A step begins. */
  beginStep(): void {
    this.#step.value++;
  }

  /** An epoch has ended. */
  finishEpoch(): void {
    this.#epoch.value++;
    this.#step.value = 0;
  }

  #set(start: number, end: number): void {
    this.#start.value = start;
    this.#end.value = end;
  }
}
