import type { Tensor } from "../tensor/tensor.ts";
import type { LoadedValue } from "./loader.ts";

/** A {@linkcode LiveValue} as it was at one moment. It may hold memory elsewhere: who captured it releases it. */
export interface CapturedValue extends LoadedValue {
  /** Lets go of it; it can no longer be read. Releasing twice is harmless. */
  release(): void;
}

/**
 * A value that lives outside the Context, as on a GPU or in another library's model, and changes there: it is read
 * whenever somebody asks for it, and nothing of it is kept.
 */
export interface LiveValue extends LoadedValue {
  /** Captures it as it is now, for a save: without waiting, and without copying it. */
  capture(): CapturedValue;
  /** Replaces it by a copy of a tensor of the same dtype and dimensions. */
  assign(value: Tensor): void;
}

/** A value of a checkpoint, and which variable it is for. */
export interface LoadedEntry {
  /** Scope in the Context. */
  readonly scope: string;
  /** Name in the Context. */
  readonly name: string;
  /** The value, which need not be in memory. */
  readonly value: Pick<LoadedValue, "dtype" | "dimensions" | "loaded" | "readSync" | "release">;
}

/** What there is of a checkpoint, whose values need not be in memory. */
export interface LoadedList<Entry extends LoadedEntry = LoadedEntry> {
  /** In file order. */
  readonly entries: readonly Entry[];
  /** Whether only a part of the checkpoint was to be loaded. */
  readonly isPartial: boolean;
}

/**
 * A group of {@linkcode LiveValue}s that a checkpoint must fit as a whole. Whoever puts a checkpoint into the Context
 * asks all groups first, reads what they want, puts it, and then lets them finish: none of it changes anything if it
 * fails before.
 */
export interface LiveGroup {
  /** The entries that must be in memory before they are put. Throws if the checkpoint does not fit; changes nothing. */
  expect<Entry extends LoadedEntry>(loaded: LoadedList<Entry>): readonly Entry[];
  /** Called when the values have been put. */
  finish(): void;
}
