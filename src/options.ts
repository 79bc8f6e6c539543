/**
 * Names of options. Deno checks no types in a notebook, so an option that nobody knows is refused when it is given: one
 * that is misspelt would be ignored, and nobody would know.
 *
 * @module
 */
import { ConfigError, nearName } from "./errors.ts";

/** Every name of the options `T` and no other, which the type checker sees to. */
export type OptionNames<T> = { readonly [Name in keyof T]-?: true };

/**
 * Throws a ConfigError unless `options` are undefined or an object without own properties that are no option. `call` is
 * for the message: `save()`.
 */
export function checkOptions<T extends object>(
  call: string,
  options: T | undefined,
  names: NoInfer<OptionNames<T>>,
): void {
  const problem = findWrongOption(call, options, names);
  if (problem !== undefined) throw new ConfigError(problem);
}

/** What {@linkcode checkOptions} would throw, in words; for who keeps errors for later. */
export function findWrongOption<T extends object>(
  call: string,
  options: T | undefined,
  names: NoInfer<OptionNames<T>>,
): string | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return `${call}: wanted an object of options, found ${kindText(options)}. ${listText(Object.keys(names))}`;
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const meant = nearName(name, known);
    const hint = meant === undefined ? "." : `, did you mean "${meant}"?`;
    return `${call}: there is no option "${name}"${hint} ${listText(known)}`;
  }
  return undefined;
}

function listText(names: readonly string[]): string {
  return `Options: ${names.join(", ")}`;
}

function kindText(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
