import { ConfigError } from "../errors.ts";

/** A duration: `{ hours: 1 }`, `{ days: 2, hours: 12 }`. */
export interface DurationParts {
  /** 24 hours each. */
  readonly days?: number;
  /** Hours. */
  readonly hours?: number;
  /** Minutes. */
  readonly minutes?: number;
  /** Seconds. */
  readonly seconds?: number;
}

const UNITS = [["days", 86_400_000, "d"], ["hours", 3_600_000, "h"], ["minutes", 60_000, "min"], [
  "seconds",
  1000,
  "s",
]] as const;

/** Milliseconds of a duration; ConfigError, which says what cannot be done, unless it is above 0. */
export function durationMs(parts: DurationParts, what: string): number {
  // A notebook has no types to prevent it.
  const known = typeof parts === "object" && parts !== null &&
    Object.keys(parts).every((key) => UNITS.some(([name]) => name === key));
  const ms = known ? UNITS.reduce((sum, [name, size]) => sum + (parts[name] ?? 0) * size, 0) : NaN;
  if (ms > 0 && Number.isFinite(ms)) return ms;
  const found = typeof parts === "object" ? JSON.stringify(parts) : String(parts);
  throw new ConfigError(`Cannot ${what} ${found}: wanted a duration above 0, such as { hours: 1 } or { days: 2 }`);
}

/** `1 h`, `1 d 12 h`. */
export function durationText(ms: number): string {
  let left = ms;
  const parts: string[] = [];
  for (const [, size, unit] of UNITS) {
    const count = unit === "s" ? left / size : Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ");
}
