/**
 * Names of options. Deno checks no types in a notebook, so an option that nobody knows is refused when it is given: one
 * that is misspelt would be ignored, and nobody would know. All that are wrong are named at once.
 *
 * @module
 */
import { ConfigError, nearName } from "./errors.ts";

/**
 * Every name of the options `T` and no other, and what a look at its value tells: `true` is what is checked where it is
 * used. The type checker sees to both.
 */
export type OptionNames<T> = { readonly [Name in keyof T]-?: KindOf<Exclude<T[Name], undefined>> };

/** What a text would switch on, or not, against what it says; and what would fail late, or never. */
type KindOf<V> = [V] extends [boolean] ? "boolean"
  : [V] extends [AnyFunction] ? "function"
  : [V] extends [boolean | AnyFunction] ? "progress"
  : [V] extends [AbortSignal] ? "signal"
  : true;

type AnyFunction = (...args: never) => unknown;

/**
 * Throws a ConfigError unless `options` are an object whose own properties are all options. An AbortSignal, a Promise or
 * a Map is none: it was meant for an option, or not awaited. `call` is for the message: `save()`.
 */
export function checkOptions<T extends object>(call: string, options: T, names: NoInfer<OptionNames<T>>): void {
  const problem = findWrongOption(call, options, names);
  if (problem !== undefined) throw new ConfigError(problem);
}

/** What {@linkcode checkOptions} would throw, in words; for who keeps errors for later. */
export function findWrongOption<T extends object>(
  call: string,
  options: T,
  names: NoInfer<OptionNames<T>>,
): string | undefined {
  const other = findOtherKind(options);
  if (other !== undefined) {
    return `${call}: wanted an object of options, found ${other}. Options: ${Object.keys(names).join(", ")}`;
  }
  for (const [name, kind] of Object.entries(names)) {
    const value: unknown = Reflect.get(options, name);
    const [wanted, fits] = KINDS.get(kind) ?? [];
    if (value === undefined || fits === undefined || fits(value)) continue;
    return `${call}: wanted ${wanted} as ${name}, found ${foundAs(value)}`;
  }
  const known = Object.keys(names);
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(names, name));
  const [name] = unknown;
  if (name === undefined) return undefined;
  if (unknown.length > 1) {
    return `${call}: there are no options ${listOf(unknown, known)}. Options: ${known.join(", ")}`;
  }
  const meant = nearName(name, known);
  const hint = meant === undefined ? "." : `, did you mean "${meant}"?`;
  return `${call}: there is no option "${name}"${hint} Options: ${known.join(", ")}`;
}

/** By {@linkcode KindOf}: what is wanted, and whether a value is. */
const KINDS = new Map<unknown, readonly [wanted: string, fits: (value: unknown) => boolean]>([
  ["boolean", ["true or false", (value) => typeof value === "boolean"]],
  ["function", ["a function", (value) => typeof value === "function"]],
  ["progress", ["a function, true or false", (value) => typeof value === "boolean" || typeof value === "function"]],
  ["string", ["a text", (value) => typeof value === "string"]],
  ["signal", ["an AbortSignal", (value) => value instanceof AbortSignal]],
]);

/** A text as it is, so that `"no"` does not look like a word of ours; of an object what it is. */
function foundAs(value: unknown): string {
  const isPlain = typeof value !== "object" && typeof value !== "function";
  return isPlain ? textOf(value) : findOtherKind(value) ?? "an object";
}

/** `value`, if it is of the kind: `trash("no")` would be as good as `trash()`. */
export function checkedAs<T>(call: string, kind: "boolean" | "function" | "string", value: T): T {
  const [wanted, fits] = KINDS.get(kind) ?? [];
  if (fits?.(value) === true) return value;
  throw new ConfigError(`${call}: wanted ${wanted}, found ${foundAs(value)}`);
}

/** A value for messages: a text in quotes, so that `"5"` does not look like 5. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** More are not named: it is some other object, and the message is read by people. */
const MOST_NAMED = 10;

/** `"sise" (did you mean "size"?), "colour"`. */
function listOf(unknown: readonly string[], known: readonly string[]): string {
  const named = unknown.slice(0, MOST_NAMED).map((name) => {
    const meant = nearName(name, known);
    return meant === undefined ? `"${name}"` : `"${name}" (did you mean "${meant}"?)`;
  });
  return named.join(", ") + (unknown.length > MOST_NAMED ? ` and ${unknown.length - MOST_NAMED} more` : "");
}

/** What it is, if it is no object of options. */
function findOtherKind(value: unknown): string | undefined {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  // A module has a tag too, but what it exports may be options.
  const tag: unknown = Reflect.get(value, Symbol.toStringTag);
  return typeof tag === "string" && Object.keys(value).length === 0 ? `an object of class ${tag}` : undefined;
}
