import { ConfigError } from "../errors.ts";
import { textOf } from "../options.ts";
import { type Metrics, NO_METRICS } from "../format/mod.ts";

/** A checkpoint has a few of them; more would slow down whoever lists checkpoints. */
const MAX_METRICS = 1000;
/** Characters of a metric's name. */
const MAX_NAME = 1000;

/**
 * A copy of the metrics that a save was given.
 *
 * @throws {ConfigError} They are not numbers by name, or nothing can hold them, since there are no extras.
 */
export function checkedMetrics(metrics: Metrics | undefined, extras: boolean): Metrics {
  if (metrics === undefined) return NO_METRICS;
  // A notebook has no types to prevent it.
  if (typeof metrics !== "object" || metrics === null || Array.isArray(metrics)) {
    throw new ConfigError(`Cannot save metrics ${metrics}: wanted numbers by name, such as { loss: 0.1 }`);
  }
  const entries = Object.entries(metrics);
  if (entries.length > MAX_METRICS) {
    throw new ConfigError(`Cannot save ${entries.length} metrics: wanted at most ${MAX_METRICS}`);
  }
  entries.forEach(([name, value]) => expectMetric(name, value));
  if (entries.length > 0 && !extras) {
    throw new ConfigError(
      `Cannot save metrics "${
        entries.map(([name]) => name).join('", "')
      }": extras(false) leaves out the keys of Cairn, ` +
        "where they would stand; leave one of the two out",
    );
  }
  return Object.freeze(Object.fromEntries(entries));
}

function expectMetric(name: string, value: unknown): void {
  if (name === "" || name.length > MAX_NAME || !name.isWellFormed()) {
    throw new ConfigError(
      `Cannot save metric "${name.slice(0, 80).toWellFormed()}": wanted a name of 1 to ${MAX_NAME} characters`,
    );
  }
  if (typeof value === "number") return;
  const found = typeof value === "object" && value !== null
    ? `a ${value.constructor?.name ?? "object"}`
    : textOf(value);
  throw new ConfigError(`Cannot save metric "${name}": ${found} found, wanted a number`);
}
