import { compareUtf8, type ParamValue } from "../context/mod.ts";
import { ConfigError } from "../errors.ts";
import { drawable, formatCount } from "../render/mod.ts";
import type { CheckpointParam } from "./checkpoint.ts";
import { paramsDiffView } from "./params_diff_view.ts";
import { variableKey } from "./snapshot.ts";

/** What has params to be compared: a Checkpoint, a Context. */
export interface ParamsOwner {
  /** Its params. */
  readonly params: readonly CheckpointParam[];
  /** Name of the checkpoint that it is, if it is one. */
  readonly baseName?: string;
  /** Global step of the checkpoint that it is, if it is one. */
  readonly step?: number | bigint | undefined;
}

/** A param in two or more places. */
export interface ParamChange {
  /** Absolute scope. */
  readonly scope: string;
  /** Name within the scope. */
  readonly key: string;
  /** What happened from the first to the last; `type`: the Go type changed, perhaps with the value. */
  readonly kind: "added" | "removed" | "changed" | "type" | "unchanged";
  /** Go types, in the order of the places; undefined where it does not exist. */
  readonly goTypes: readonly (string | undefined)[];
  /** Values, in the order of the places; undefined where it does not exist. */
  readonly values: readonly (ParamValue | undefined)[];
}

/** What differs between the params of checkpoints; draws itself in a notebook. */
export interface ParamsDiff {
  /** What the compared ones are called. */
  readonly labels: readonly string[];
  /** The params that differ, by scope and key. */
  readonly changes: readonly ParamChange[];
  /** The params that do not. */
  readonly unchanged: readonly ParamChange[];
}

/**
 * Compares the params of two or more checkpoints or Contexts, oldest first. Values are compared with their Go types:
 * int 3 is not float64 3.
 *
 * @example
 * ```ts
 * import { Context, diffParams } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * const before = new Context();
 * before.setParam("learning_rate", 0.001);
 * const after = before.clone();
 * after.setParam("learning_rate", 0.0005);
 * assertEquals(diffParams(before, after).changes.map((each) => each.key), ["learning_rate"]);
 * ```
 */
export function diffParams(a: ParamsOwner, b: ParamsOwner, ...more: readonly ParamsOwner[]): ParamsDiff {
  const owners = [a, b, ...more];
  for (const owner of owners) {
    if (!Array.isArray(owner?.params)) throw notComparable("params", owner, "two or more");
  }
  const lists = owners.map(({ params }) => new Map(params.map((each) => [keyOf(each), each])));
  const all = new Map(lists.flatMap((list) => [...list]));
  const sorted = [...all].sort(([, x], [, y]) => compareUtf8(x.scope, y.scope) || compareUtf8(x.key, y.key));
  const rows = sorted.map(([key, { scope, key: name }]): ParamChange => {
    const found = lists.map((list) => list.get(key));
    return {
      scope,
      key: name,
      kind: kindOf(found),
      goTypes: found.map((each) => each?.goType),
      values: found.map((each) => each?.value),
    };
  });
  const diff: ParamsDiff = {
    labels: labelsOf(owners),
    changes: rows.filter(({ kind }) => kind !== "unchanged"),
    unchanged: rows.filter(({ kind }) => kind === "unchanged"),
  };
  return drawable(diff, paramsDiffView);
}

/** What is thrown for something that has no `what` to be compared; a notebook has no types to prevent it. */
export function notComparable(what: string, owner: unknown, count: string): ConfigError {
  const found = typeof owner === "object" && owner !== null ? "an object that has none" : String(owner);
  return new ConfigError(`Cannot compare ${what} of ${found}: wanted ${count} checkpoints or Contexts`);
}

function kindOf(found: readonly (CheckpointParam | undefined)[]): ParamChange["kind"] {
  const [first, last] = [found[0], found.at(-1)];
  const texts = new Set(found.map((each) => each && exactText(each.value)));
  const types = new Set(found.map((each) => each?.goType));
  if (texts.size === 1 && types.size === 1) return "unchanged";
  if (first === undefined && last !== undefined) return "added";
  if (first !== undefined && last === undefined) return "removed";
  return first?.goType === last?.goType ? "changed" : "type";
}

/** Tells any two values apart, NaN and -0 as well. */
function exactText(value: ParamValue): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === "bigint") return { bigint: String(each) };
    if (typeof each !== "number" || (Number.isFinite(each) && !Object.is(each, -0))) return each;
    return { number: Object.is(each, -0) ? "-0" : String(each) };
  });
}

/** Steps where they tell the owners apart, else names. */
export function labelsOf(owners: readonly Pick<ParamsOwner, "baseName" | "step">[]): string[] {
  const steps = owners.map(({ step }) => step);
  const told = steps.every((step) => step !== undefined) && new Set(steps.map(String)).size === owners.length;
  const names = owners.map(({ baseName, step = 0 }) => told ? `step ${formatCount(step)}` : baseName ?? "Context");
  return names.map((name, index) => names.indexOf(name) === index ? name : `${name} (${index + 1})`);
}

function keyOf({ scope, key }: CheckpointParam): string {
  return variableKey({ scope, name: key });
}
