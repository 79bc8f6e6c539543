import { GLOBAL_STEP_NAME } from "./global_step.ts";

/** A scope and a name, as {@linkcode splitScope} gives them. */
export interface ScopeAndName {
  /** Absolute scope, or `""` if the text had none. */
  readonly scope: string;
  /** What follows the last separator. */
  readonly name: string;
}

/** Path of the root scope. */
export const ROOT_SCOPE = "/";

/** Where a trainer's, a loop's and a dataset's own variables are. Source: GoMLX `train.TrainerAbsoluteScope`. */
export const TRAINER_SCOPE = "/trainer";

/**
 * Puts a name behind a scope. A trailing slash of the scope is reused, so `/b` and `/b/` give the same.
 * Source: GoMLX `context.JoinScope`.
 *
 * @example
 * ```ts
 * import { joinScope } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(joinScope("/layer_0", "weights"), "/layer_0/weights");
 * assertEquals(joinScope("/", "global_step"), "/global_step");
 * ```
 */
export function joinScope(scope: string, name: string): string {
  if (scope === "") return name;
  return scope.endsWith("/") ? scope + name : `${scope}/${name}`;
}

/**
 * Cuts a path at its last slash; a text that does not start with `/` is a name without scope.
 * Source: GoMLX `context.SplitScope`.
 *
 * @example
 * ```ts
 * import { splitScope } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(splitScope("/layer_0/weights"), { scope: "/layer_0", name: "weights" });
 * assertEquals(splitScope("/global_step"), { scope: "/", name: "global_step" });
 * assertEquals(splitScope("learning_rate"), { scope: "", name: "learning_rate" });
 * ```
 */
export function splitScope(path: string): ScopeAndName {
  if (!path.startsWith("/")) return { scope: "", name: path };
  const cut = path.lastIndexOf("/");
  return { scope: cut === 0 ? ROOT_SCOPE : path.slice(0, cut), name: path.slice(cut + 1) };
}

/**
 * Replaces every `/` by `_`, so that free text can name one scope. Source: GoMLX `context.EscapeScopeName`.
 *
 * @example
 * ```ts
 * import { escapeScopeName } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(escapeScopeName("images/s"), "images_s");
 * ```
 */
export function escapeScopeName(name: string): string {
  return name.replaceAll("/", "_");
}

/** The scope around `scope` by its text (`/a//b`, `/a/`, `/a`, `/`); undefined for the root. */
export function parentScope(scope: string): string | undefined {
  const cut = scope.lastIndexOf("/");
  if (scope === ROOT_SCOPE || cut < 0) return undefined;
  return cut === 0 ? ROOT_SCOPE : scope.slice(0, cut);
}

/**
 * Whether `scope` is `ancestor` or below it: `/a` covers `/a/b`, not `/ab`; the root covers all. Both are scopes of a
 * Context, which are taken literally, as in GoMLX: `/a/` is another scope than `/a`, and covers `/a//b`.
 */
export function isInScope(scope: string, ancestor: string): boolean {
  return ancestor === ROOT_SCOPE || scope === ancestor || scope.startsWith(`${ancestor}/`);
}

/**
 * Whether a path (`/scope/name` of a variable, or a scope) is at or below what somebody has asked for: a scope, or one
 * variable. Who asks may end it with a slash: `/a` and `/a/` both cover `/a`, `/a/b` and `/a//b`, not `/ab`.
 */
export function isAtOrBelow(path: string, asked: string): boolean {
  const base = withoutEndSlash(asked);
  return path === base || path === asked || path.startsWith(`${base}/`);
}

/** A path without the slash that it may end with; the root becomes `""`. */
export function withoutEndSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/**
 * Whether a path (of a variable, or a scope) is of the run and not of the model: the step in the root, random states,
 * and what loops, datasets and trainers keep. A partial load leaves it behind, and a mean is not taken of it. The step
 * of an optimizer (`/AdamOptimizer/global_step`) goes with the optimizer.
 */
export function belongsToRun(path: string): boolean {
  return path === joinScope(ROOT_SCOPE, GLOBAL_STEP_NAME) || path === "/#rngState" || isAtOrBelow(path, TRAINER_SCOPE);
}

/** Whether a scope, or any scope above it, has the state of an optimizer, or metrics. */
export function isOptimizerOrMetrics(scope: string): boolean {
  return scope.split("/").some((name) => /optimizer|^metrics$/i.test(name));
}

/**
 * Orders two texts as Go does, by their UTF-8 bytes (JavaScript's own order is by UTF-16 units, which puts `🚀` before
 * `～`). Negative, zero or positive.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF: they rank above U+E000 to U+FFFF. */
function utf8Rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
