import type { Profile } from "./profile.ts";

const PREFIX = "var:";

/**
 * The unique name of a variable in a manifest: `var:/scope/name`; in the root scope `var://name`, from v0.28 on
 * `var:/name`. Source: GoMLX `context.VariableParameterNameFromScopeAndName`, v0.28 `model.Variable.ParameterName`.
 */
export function formatParameterName(profile: Profile, scope: string, name: string): string {
  if (profile !== "gomlx-0.28") return `${PREFIX}${scope}/${name}`;
  return PREFIX + cleanPath(`${scope}/${name}`);
}

/**
 * Scope and name of a variable in either form, root as `/`; undefined if GoMLX could not use it: without `var:`, or
 * without an absolute scope. Source: GoMLX `context.VariableScopeAndNameFromParameterName`.
 */
export function parseParameterName(text: string): { readonly scope: string; readonly name: string } | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const cut = text.lastIndexOf("/");
  const first = text.indexOf("/");
  if (cut < 0) return undefined;
  const name = text.slice(cut + 1);
  // One slash only: `var:/x`, and `var:s/x`, whose "s" GoMLX drops.
  if (first === cut) return { scope: "/", name };
  if (first !== PREFIX.length) return undefined;
  return { scope: text.slice(PREFIX.length, cut), name };
}

/** Whether it is a root variable as only v0.28 spells it. */
export function isSingleSlashRoot(text: string): boolean {
  return text.startsWith(`${PREFIX}/`) && text.indexOf("/", PREFIX.length + 1) < 0;
}

/** Whether it is a root variable as versions before v0.28 spell it. */
export function isDoubleSlashRoot(text: string): boolean {
  return text.startsWith(`${PREFIX}//`) && text.indexOf("/", PREFIX.length + 2) < 0;
}

/** Go's `path.Clean` of an absolute path. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
