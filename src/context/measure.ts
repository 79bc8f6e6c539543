import { CheckpointError } from "../errors.ts";
import { type OnProgress, watched, watchWork } from "../render/mod.ts";
import type { Statistics } from "../tensor/statistics.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { LoadedValue } from "./loader.ts";

/** What is read, in all, of what nobody has asked to be read: 64 MiB. */
export const GLANCE_BYTES = 64 * 1024 * 1024;

/** What is known of a variable's values. */
export interface Measured {
  /** Undefined: not read. */
  readonly statistics: Statistics | undefined;
  /** Why it could not be read, if it is damaged. */
  readonly damage?: string | undefined;
}

/** A value that can be looked at. */
export type Measurable = Tensor | LoadedValue | undefined;

const UNKNOWN: Measured = { statistics: undefined };

/** Measures values in turn without waiting, as far as {@linkcode GLANCE_BYTES} reach; keeps and consumes nothing. */
export function glance(values: readonly Measurable[]): Measured[] {
  let room = GLANCE_BYTES;
  return values.map((value) => {
    if (value === undefined) return UNKNOWN;
    const known = value instanceof Tensor ? undefined : value.measured;
    if (known !== undefined) return { statistics: known };
    const cost = value instanceof Tensor
      ? value.byteLength
      : value.loaded?.byteLength ?? value.measureBytes ?? Infinity;
    if (cost > room) return UNKNOWN;
    room -= cost;
    return guarded(() => {
      const tensor = value instanceof Tensor ? value : value.loaded;
      return tensor?.statistics() ?? (value instanceof Tensor ? undefined : value.measureSync?.());
    });
  });
}

/** Measures values in turn, all of them, or as far as `room` bytes reach. */
export async function measureAll(
  values: readonly Measurable[],
  options: { readonly progress?: OnProgress | boolean | undefined; readonly room?: number | undefined } = {},
): Promise<Measured[]> {
  const { progress, room = Infinity } = options;
  const total = values.reduce((sum, value) => sum + (value?.byteLength ?? 0), 0);
  const watch = watchWork(progress, "statistics", total);
  const measured: Measured[] = [];
  let done = 0;
  await watched(watch, async () => {
    for (const value of values) {
      const size = value?.byteLength ?? 0;
      measured.push(value !== undefined && size <= room - done ? await measureOne(value) : UNKNOWN);
      done += size;
      await watch.update({ phase: "statistics", done, total });
    }
  });
  return measured;
}

async function measureOne(value: Tensor | LoadedValue): Promise<Measured> {
  try {
    if (value instanceof Tensor) return { statistics: value.statistics() };
    if (value.measured !== undefined) return { statistics: value.measured };
    return { statistics: value.loaded?.statistics() ?? await value.measure?.() };
  } catch (error) {
    return failed(error);
  }
}

function guarded(measure: () => Statistics | undefined): Measured {
  try {
    return { statistics: measure() };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): Measured {
  const damaged = error instanceof CheckpointError && error.code === "corrupt";
  return damaged ? { statistics: undefined, damage: "damaged" } : UNKNOWN;
}
