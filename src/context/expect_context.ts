import { ConfigError } from "../errors.ts";
import { Context } from "./context.ts";

/** `context`, or a ConfigError if it is none. `what` begins the message: `Cannot track`; `example` is how it is called. */
export function expectContext(context: Context, what: string, example: string): Context {
  const found = foundInstead(context);
  if (found === undefined) return context;
  throw new ConfigError(`${what}: wanted a Context first, as in ${example}, found ${found}`);
}

/** What somebody gave as a Context, if it is none: a notebook has no types to prevent it. */
export function foundInstead(context: unknown): string | undefined {
  if (context instanceof Context) return undefined;
  if (typeof context !== "object" || context === null) return String(context);
  const name = context.constructor?.name ?? "";
  if (name === "Context") return "that of another copy of this package";
  return name === "" ? "an object" : `an object of class ${name}`;
}
