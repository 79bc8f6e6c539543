import { joinScope } from "../context/mod.ts";

/** How messages call an entry: `/scope/name`. */
export function entryLabel(entry: { readonly scope: string; readonly name: string }): string {
  return joinScope(entry.scope, entry.name);
}
