import { visible } from "../errors.ts";
import type { Metrics } from "../format/mod.ts";
import { formatNumber } from "../render/mod.ts";

/** Metrics in one line of facts. */
const MAX_FACTS = 4;
const MAX_NAME = 40;

/** A metric's name for a heading; it comes from a file, which may be anybody's. */
export function metricLabel(name: string): string {
  return visible(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name);
}

/** A metric's value as a table shows it; nothing if it was not measured. */
export function metricText(metrics: Metrics, name: string): string {
  if (!Object.hasOwn(metrics, name)) return "";
  const value = metrics[name] ?? NaN;
  return Number.isNaN(value) ? "NaN" : formatNumber(value);
}

/** Metrics as facts: `val_loss 0.213`; the first few of many. */
export function metricFacts(metrics: Metrics): string[] {
  const names = Object.keys(metrics);
  const facts = names.slice(0, MAX_FACTS).map((name) => `${metricLabel(name)} ${metricText(metrics, name)}`);
  return names.length > MAX_FACTS ? [...facts, `${names.length - MAX_FACTS} more metrics`] : facts;
}
