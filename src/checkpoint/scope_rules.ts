import { belongsToRun, isAtOrBelow, withoutEndSlash } from "../context/mod.ts";
import { ConfigError } from "../errors.ts";
import type { Entry, Manifest, ParamEntry } from "../format/mod.ts";
import { entryLabel } from "./entry_label.ts";

/** One rule of a partial load: what lies at or below `from` in the file goes to `to` in the Context. */
export interface ScopeRule {
  /** Absolute scope, or `/scope/name` of one variable. */
  readonly from: string;
  /** Absolute scope, or `/scope/name` of one variable. */
  readonly to: string;
}

/** A row of the manifest and where in the Context it goes. */
export interface Placed<T> {
  /** The row as it is in the file. */
  readonly row: T;
  /** Target scope. */
  readonly scope: string;
  /** Target name of a variable, or key of a param. */
  readonly name: string;
}

/** What a partial load takes from a manifest. */
export interface Selection {
  /** Variables, in file order. */
  readonly entries: readonly Placed<Entry>[];
  /** Params, in file order. */
  readonly params: readonly Placed<ParamEntry>[];
}

/**
 * What `rules` take from a manifest, and where it goes; everything, unmoved, when there are none. The most specific
 * rule wins. Optimizer moments (`/AdamOptimizer/a/w_1st_moment`) follow their variable (`/a/w`). The global step, the
 * random state and `/trainer` belong to the run and not to the model: they stay behind unless a rule names them.
 */
export function selectFromManifest(manifest: Manifest, rules: readonly ScopeRule[]): Selection {
  if (rules.length === 0) {
    return {
      // Most loads do not ask for all of them.
      get entries() {
        return manifest.entries.map((row) => ({ row, scope: row.scope, name: row.name }));
      },
      params: manifest.params.map((row) => ({ row, scope: row.scope, name: row.key })),
    };
  }
  const used = new Set<ScopeRule>();
  const rulesFor = (path: string): readonly ScopeRule[] => {
    const best = bestRules(rules, path);
    best.forEach((rule) => used.add(rule));
    return best;
  };
  const place = (row: Entry): Placed<Entry>[] =>
    rulesFor(entryLabel(row)).map((rule) =>
      withoutEndSlash(rule.from) === entryLabel(row)
        ? { row, ...splitPath(withoutEndSlash(rule.to)) }
        : { row, scope: moveScope(row.scope, rule), name: row.name }
    );
  const byPath = new Map(manifest.entries.map((row) => [entryLabel(row), row]));
  const entries = manifest.entries.flatMap((row) => {
    const moment = momentOf(row, byPath);
    // A rule for the root covers the optimizer's scope too, but does not name it.
    const isNamed = bestRules(rules, entryLabel(row)).some((rule) => rule.from !== "/");
    if (moment === undefined || isNamed) return place(row);
    return place(moment.variable).map((target) => ({
      row,
      // GoMLX v0.28 has no trailing slash for a root variable, earlier versions have one.
      scope: target.scope === "/" && moment.variable.scope === "/" ? row.scope : moment.optimizer + target.scope,
      name: target.name + moment.suffix,
    }));
  });
  // A param moves with its scope, so a rule that names one variable never takes one.
  const params = manifest.params.flatMap((row) =>
    rulesFor(row.scope).map((rule) => ({ row, scope: moveScope(row.scope, rule), name: row.key }))
  );
  for (const rule of rules) {
    if (used.has(rule)) continue;
    throw new ConfigError(
      `Cannot load part of the checkpoint: no variable or param is at or below "${rule.from}"; ` +
        `scopes in the file: ${scopesOf(manifest)}`,
    );
  }
  rejectDoubleTargets(entries, "variables", (row) => entryLabel(row));
  rejectDoubleTargets(params, "params", (row) => entryLabel({ scope: row.scope, name: row.key }));
  return { entries, params };
}

/** The rules with the longest `from` that covers `path`; several rules may send one source to several targets. */
function bestRules(rules: readonly ScopeRule[], path: string): readonly ScopeRule[] {
  const covering = rules.filter((rule) =>
    isAtOrBelow(path, rule.from) && (!belongsToRun(path) || belongsToRun(withoutEndSlash(rule.from)))
  );
  const longest = Math.max(...covering.map((rule) => withoutEndSlash(rule.from).length));
  return covering.filter((rule) => withoutEndSlash(rule.from).length === longest);
}

function moveScope(scope: string, rule: ScopeRule): string {
  const to = withoutEndSlash(rule.to);
  return (scope === "/" ? to : to + scope.slice(withoutEndSlash(rule.from).length)) || "/";
}

/** What GoMLX's and tfjs's optimizers put behind the name of the variable that they keep something for. */
const MOMENT =
  /^(.+)(_(?:1st_moment|2nd_moment|momentum|mean_square|mean_gradient|accumulator|accumulated_(?:gradient|update)))$/;

/** The variable that an optimizer's moment belongs to: `/AdamOptimizer` + its scope, its name + `_1st_moment`. */
function momentOf(
  row: Entry,
  byPath: ReadonlyMap<string, Entry>,
): { readonly optimizer: string; readonly variable: Entry; readonly suffix: string } | undefined {
  const [, optimizer, scope] = /^(\/[^/]+)(\/.*)?$/.exec(row.scope) ?? [];
  const [, name, suffix] = MOMENT.exec(row.name) ?? [];
  if (optimizer === undefined || name === undefined || suffix === undefined) return undefined;
  const variable = byPath.get(entryLabel({ scope: scope ?? "/", name }));
  return variable && { optimizer, variable, suffix };
}

function rejectDoubleTargets<T>(placed: readonly Placed<T>[], what: string, label: (row: T) => string): void {
  const seen = new Map<string, T>();
  for (const each of placed) {
    const target = entryLabel(each);
    const other = seen.get(target);
    if (other !== undefined) {
      throw new ConfigError(
        `Cannot load part of the checkpoint: the ${what} "${label(other)}" and "${label(each.row)}" ` +
          `would both become "${target}"`,
        { entry: target },
      );
    }
    seen.set(target, each.row);
  }
}

function scopesOf(manifest: Manifest): string {
  const scopes = [...new Set(manifest.entries.map((entry) => entry.scope))];
  const shown = scopes.slice(0, 12).map((scope) => `"${scope}"`).join(", ");
  return scopes.length > 12 ? `${shown} and ${scopes.length - 12} more` : shown;
}

function splitPath(path: string): { scope: string; name: string } {
  const cut = path.lastIndexOf("/");
  return { scope: cut <= 0 ? "/" : path.slice(0, cut), name: path.slice(cut + 1) };
}
