import {
  type CapturedValue,
  compareUtf8,
  type Context,
  type GoParam,
  type LoadedValue,
  type Variable,
} from "../context/mod.ts";
import { VariableError } from "../errors.ts";
import {
  type Compression,
  type Entry,
  type EntryDraft,
  type JsonMember,
  type Manifest,
  type ManifestDraft,
  type Metrics,
  type ParamDraft,
  type ParamEntry,
  paramToJson,
  type Profile,
} from "../format/mod.ts";
import { formatItems } from "../render/mod.ts";
import type { Tensor } from "../tensor/mod.ts";
import { StoredValue } from "./stored_value.ts";

/** A loaded entry that the Context has not asked for yet. */
export interface Pending {
  /** Scope in the Context. */
  readonly scope: string;
  /** Name in the Context. */
  readonly name: string;
  /** Its value, in the file or in memory. */
  readonly value: StoredValue;
}

/** What the last loaded or saved file said, so that the next one goes on in its spellings and loses nothing. */
export interface Inherited {
  /** The profile to write. */
  readonly profile: Profile;
  /** The compression to write. */
  readonly compression: Compression;
  /** Whether the rows of variables have nothing to keep: what is written without them is the same. */
  readonly plain: boolean;
  /** Rows by {@linkcode variableKey}; put together when they are asked for. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** Rows of the params that were loaded, by the object that the Context got. */
  readonly params: WeakMap<GoParam, ParamEntry>;
  /** Rows of all params by {@linkcode variableKey}, with the key as name. */
  readonly paramRows: ReadonlyMap<string, ParamEntry>;
  /** Rows of the params that were excluded from loading. */
  readonly unloadedParams: readonly ParamEntry[];
  /** Unknown keys at the top level. */
  readonly unknown: readonly JsonMember[];
}

/** A manifest's rows by {@linkcode variableKey}; put together at the first call, since few saves and loads ask. */
export function rowsByKey(manifest: Manifest): () => ReadonlyMap<string, Entry> {
  let rows: ReadonlyMap<string, Entry> | undefined;
  return () => rows ??= new Map(manifest.entries.map((entry) => [variableKey(entry), entry]));
}

/** The same, but with the rows of another file. */
export function inheritRows(
  inherited: Inherited,
  plain: boolean,
  rows: () => ReadonlyMap<string, Entry>,
): Inherited {
  const { profile, compression, params, paramRows, unloadedParams, unknown } = inherited;
  return {
    profile,
    compression,
    params,
    paramRows,
    unloadedParams,
    unknown,
    plain,
    get entries() {
      return rows();
    },
  };
}

/** One variable to be written. */
export interface SnapshotItem extends EntryDraft {
  /** Where its bytes are. */
  readonly value: Tensor | LoadedValue;
  /** The same, if it is the value of a live variable as it was: to be released when it has been written, or failed. */
  readonly captured?: CapturedValue | undefined;
  /** The stored value that it was loaded from and that nobody has replaced since. */
  readonly origin: StoredValue | undefined;
}

/** Everything that a checkpoint will hold, as it was when `save()` was called. */
export interface Snapshot extends ManifestDraft {
  /** In the order of the payload. */
  readonly entries: readonly SnapshotItem[];
}

/** Identifies a variable in a Map; `/a/` and `/a` are different scopes, and either text may hold any character. */
export function variableKey(variable: { readonly scope: string; readonly name: string }): string {
  return `${variable.scope.length} ${variable.scope}${variable.name}`;
}

/**
 * Captures what a save writes, without reading or copying a byte (see {@linkcode releaseSnapshot}): the Context's variables in creation order, then the
 * pending ones that the Context does not have, in file order; the Context's params, then what was excluded from
 * loading and the Context does not have.
 *
 * Throws a VariableError if a variable has no value.
 */
export function captureSnapshot(
  context: Context,
  pending: Iterable<Pending>,
  excluded: ReadonlySet<Variable>,
  inherited: Inherited,
  style: { readonly extras: boolean; readonly writer: string; readonly metrics: Metrics },
): Snapshot {
  const all = Array.from(context.iterVariables());
  const variables = excluded.size === 0 ? all : all.filter((each) => !excluded.has(each));
  expectValues(variables);
  const untouched = Array.from(pending).filter(({ scope, name }) => !context.inspectVariableIfLoaded(scope, name));
  const params = captureParams(context, inherited);
  return {
    ...style,
    profile: inherited.profile,
    compression: inherited.compression,
    unknown: inherited.unknown,
    entries: variableItems(variables, inherited).concat(untouched.map((each) => pendingItem(each, inherited))),
    params,
  };
}

/** Lets go of live values that the snapshot holds: when it has been written, and when it will not be. */
export function releaseSnapshot({ entries }: Pick<Snapshot, "entries">): void {
  for (const { captured } of entries) captured?.release();
}

function expectValues(variables: readonly Variable[]): void {
  const empty = variables.filter((each) => each.source === undefined).map((each) => `"${each.scopeAndName}"`);
  if (empty.length === 0) return;
  throw new VariableError(
    `Cannot save checkpoint: no value yet in ${formatItems(empty.length, "variable")}: ${
      empty.slice(0, 10).join(", ")
    }` +
      `${empty.length > 10 ? " …" : ""}; call ctx.initializeVariables() or set them first`,
    { entry: empty[0]?.slice(1, -1) },
  );
}

function variableItems(variables: readonly Variable[], inherited: Inherited): SnapshotItem[] {
  const entries: SnapshotItem[] = [];
  try {
    for (const each of variables) {
      const { source } = each;
      if (source !== undefined) entries.push(variableItem(each, source, inherited));
    }
    return entries;
  } catch (error) {
    releaseSnapshot({ entries });
    throw error;
  }
}

function variableItem(variable: Variable, source: Tensor | LoadedValue, inherited: Inherited): SnapshotItem {
  const { scope, name, dtype, dimensions, trainable, live, origin } = variable;
  const captured = live?.capture();
  return {
    scope,
    name,
    dtype,
    dimensions,
    trainable,
    kept: keptRow(scope, name, dimensions, inherited),
    value: captured ?? source,
    captured,
    origin: origin instanceof StoredValue ? origin : undefined,
  };
}

/** The row that a variable had in the last file, where a writer has to know it. */
function keptRow(scope: string, name: string, dimensions: readonly number[], inherited: Inherited): Entry | undefined {
  // Whether a profile may hold an empty variable depends on where that comes from.
  if (inherited.plain && !dimensions.includes(0)) return undefined;
  return inherited.entries.get(variableKey({ scope, name }));
}

function pendingItem({ scope, name, value }: Pending, inherited: Inherited): SnapshotItem {
  const { dtype, dimensions, trainable } = value;
  const kept = keptRow(scope, name, dimensions, inherited);
  return { scope, name, dtype, dimensions, trainable, kept, value, origin: value };
}

function captureParams(context: Context, inherited: Inherited): ParamDraft[] {
  const own = context.params.map(({ scope, key, param }): ParamDraft => ({
    scope,
    key,
    param,
    kept: inherited.params.get(param) ??
      changedRow(inherited.paramRows.get(variableKey({ scope, name: key })), param),
  }));
  const present = new Set(own.map(({ scope, key }) => variableKey({ scope, name: key })));
  const unloaded = inherited.unloadedParams
    .filter(({ scope, key }) => !present.has(variableKey({ scope, name: key })))
    .map((kept): ParamDraft => ({ scope: kept.scope, key: kept.key, param: kept.param, kept }));
  return [...own, ...unloaded].sort((a, b) => compareUtf8(a.scope, b.scope) || compareUtf8(a.key, b.key));
}

/** The unknown keys of a param outlive its value. */
function changedRow(row: ParamEntry | undefined, param: GoParam): ParamEntry | undefined {
  if (row === undefined || row.unknown.length === 0) return undefined;
  return { ...row, param, value: paramToJson(param).value, hasValueType: true };
}
