import { type Context, createLoaded, GLOBAL_STEP_NAME, type GoParam, joinScope, liveGroupsOf } from "../context/mod.ts";
import { nearName } from "../errors.ts";
import { type Compression, type Entry, hasPlainEntries, type ParamEntry, type Profile } from "../format/mod.ts";
import { kindOf, shapeText, Tensor } from "../tensor/mod.ts";
import type { HandlerSettings } from "./handler_settings.ts";
import type { MeanReport } from "./mean.ts";
import type { PendingPool } from "./pending_pool.ts";
import { listedValues, type PendingValues, valuesOf } from "./pending_values.ts";
import { readValues } from "./read_values.ts";
import type { WorkOptions } from "./save.ts";
import { type Placed, selectFromManifest } from "./scope_rules.ts";
import { type Inherited, type Pending, rowsByKey, variableKey } from "./snapshot.ts";
import { profileOf, type Source } from "./source.ts";
import { StoredValue } from "./stored_value.ts";

/** A checkpoint that is ready to be put into a Context. */
export interface LoadPlan {
  /** Where it comes from. */
  readonly source: Source;
  /** Its variables. */
  readonly values: PendingValues;
  /** Its params, in file order. */
  readonly params: readonly Placed<ParamEntry>[];
  /** How the values came about, if they are a mean. */
  readonly mean: MeanReport | undefined;
}

/**
 * Selects what is loaded from `newest` and, with `immediate` or for live values, reads it; with `settings.mean`, takes
 * the mean with the `older` ones. Changes nothing; closes the sources if it fails.
 */
export async function planLoad(
  newest: Source,
  older: readonly Source[],
  settings: HandlerSettings,
  options: WorkOptions,
): Promise<LoadPlan> {
  const { mean: request, context, onWarning } = settings;
  try {
    const selection = selectFromManifest(newest.manifest, settings.rules);
    const { params } = selection;
    const isPartial = settings.rules.length > 0;
    const mean = request &&
      await (await import("./mean.ts")).computeMean(
        [...older, newest],
        selection.entries,
        request,
        context,
        onWarning,
        options,
      );
    const values = mean === undefined && !isPartial && !newest.manifest.upgraded
      ? valuesOf(newest)
      : listedValues(await toPending(newest, selection.entries, mean?.tensors));
    const live = [...liveGroupsOf(context)].flatMap((group) => group.expect({ entries: values.all(), isPartial }));
    await readValues((settings.immediate ? values.all() : live).map(({ value }) => value), options);
    older.forEach((each) => each.reader.close());
    return { source: newest, values, params, mean: mean?.report };
  } catch (error) {
    [...older, newest].forEach((each) => each.reader.close());
    throw error;
  }
}

async function toPending(
  newest: Source,
  entries: readonly Placed<Entry>[],
  means: ReadonlyMap<Entry, Tensor> | undefined,
): Promise<readonly Pending[]> {
  const pending: Pending[] = [];
  for (const { row, scope, name } of entries) {
    const ready = means?.get(row) ?? (newest.manifest.upgraded ? await upgradedStep(newest, row) : undefined);
    pending.push({ scope, name, value: new StoredValue(newest.reader, row, ready) });
  }
  return pending;
}

/** Up to GoMLX v0.3.1 the global step had the loss's dtype; since then it is an Int64, or the model cannot be trained. */
async function upgradedStep({ reader }: Source, row: Entry): Promise<Tensor | undefined> {
  if (row.name !== GLOBAL_STEP_NAME || kindOf(row.dtype) !== "float") return undefined;
  if (row.dimensions.length > 0) return undefined;
  const step = Number((await new StoredValue(reader, row).peek()).item());
  return Number.isSafeInteger(step) ? Tensor.from(BigInt(step)) : undefined;
}

/**
 * Puts a plan into the Context, without waiting. Variables that the Context has get the file's values, the others
 * become pending (or, with `immediate`, are registered); params are overwritten, but for excluded ones.
 *
 * Source: GoMLX `checkpoints.Handler.attachTo`.
 */
export function applyPlan(
  { source, values, params }: LoadPlan,
  context: Context,
  pool: PendingPool,
  settings: HandlerSettings,
): Inherited {
  const { manifest, reader, base } = source;
  const spelling = target(settings, profileOf(source), reader.head.compression);
  [...reportsOf(source, settings), ...misspelt(params, context, settings)].forEach((report) =>
    settings.onWarning(`"${base}": ${report}`)
  );
  const { immediate } = settings;
  const met = immediate || context.numVariables() > 0 ? values.all() : [];
  pool.replace(immediate ? undefined : values, reader);
  for (const { scope, name, value } of met) {
    let variable = context.inspectVariableIfLoaded(scope, name);
    if (variable === undefined && immediate) {
      const earlier = pool.loadEarlier(context, scope, name);
      variable = createLoaded(context, scope, name, earlier ?? value);
    }
    if (variable === undefined || variable.origin === value) continue;
    const had = shapeText(variable.dtype, variable.dimensions);
    const has = shapeText(value.dtype, value.dimensions);
    if (had !== has) {
      settings.onWarning(`"${base}": variable "${variable.scopeAndName}" was ${had} and is now ${has}`);
    }
    variable.setLoaded(value);
    pool.give(variable);
  }
  const groups = liveGroupsOf(context);
  groups.forEach((group) => group.finish());
  for (const { scope, name, value } of groups.size > 0 ? values.all() : []) {
    if (context.inspectVariableIfLoaded(scope, name)?.live !== undefined) value.release();
  }
  const unloadedParams: ParamEntry[] = [];
  const keptParams = new WeakMap<GoParam, ParamEntry>();
  for (const { row, scope, name: key } of params) {
    if (isExcludedParam(settings, scope, key)) {
      unloadedParams.push(row);
      continue;
    }
    keptParams.set(row.param, row);
    context.inAbsPath(scope).setParam(key, row.param);
  }
  const rows = rowsByKey(manifest);
  return {
    ...spelling,
    plain: hasPlainEntries(manifest),
    get entries() {
      return rows();
    },
    params: keptParams,
    paramRows: new Map(params.map(({ row, scope, name }) => [variableKey({ scope, name }), row])),
    unloadedParams,
    unknown: manifest.unknown,
  };
}

/**
 * Excluded params that are none, neither in the file nor in the Context, and look like one that is: what was to be kept
 * would be overwritten unnoticed.
 */
export function misspelt(
  params: readonly Placed<ParamEntry>[],
  context: Context,
  { excludedParams }: HandlerSettings,
): string[] {
  if (excludedParams.size === 0) return [];
  const all = [...params.map(({ scope, name }) => ({ scope, key: name })), ...context.params];
  const known = new Set(all.flatMap(({ scope, key }) => [key, joinScope(scope, key)]));
  return [...excludedParams].filter((each) => !known.has(each)).flatMap((each) => {
    const meant = nearName(each, [...known]);
    return meant === undefined ? [] : [`excludeParams("${each}") is no param of it; did you mean "${meant}"?`];
  });
}

/** What is odd about a source, and what a save will do about it. */
export function reportsOf(source: Source, settings: HandlerSettings): string[] {
  const { manifest, reader } = source;
  const { profile } = target(settings, profileOf(source), reader.head.compression);
  return [...manifest.reports, ...reader.reports, ...spellingReports(source, profile)];
}

/** What is worth telling about a save that does not go on as the loaded file was written. */
function spellingReports(source: Source, profile: Profile): string[] {
  if (source.manifest.upgraded) {
    return [`it is older than GoMLX v0.4; a save writes profile "${profile}", with an Int64 global step`];
  }
  const loaded = profileOf(source);
  if (loaded !== "gomlx-0.10" || profile === loaded) return [];
  return [`GoMLX before v0.25 reads it, but cannot read what a save writes: profile "${profile}"`];
}

/** What a Handler goes by that has loaded nothing. */
export function inheritNothing(settings: HandlerSettings): Inherited {
  return {
    ...target(settings, "gomlx-0.10", "none"),
    plain: true,
    entries: new Map(),
    params: new WeakMap(),
    paramRows: new Map(),
    unloadedParams: [],
    unknown: [],
  };
}

/** Source: GoMLX `Config.ExcludeParams`: a bare key excludes it in every scope, a path only there. */
export function isExcludedParam(
  { excludeAllParams, excludedParams }: HandlerSettings,
  scope: string,
  key: string,
): boolean {
  return excludeAllParams || excludedParams.has(key) || excludedParams.has(joinScope(scope, key));
}

function target(
  settings: HandlerSettings,
  loadedProfile: Profile,
  loadedCompression: Compression,
): Pick<Inherited, "profile" | "compression"> {
  const compression = settings.compression ?? loadedCompression;
  // GoMLX before v0.25 cannot inflate: asking for gzip is asking for a profile that has it.
  const lifted = compression !== "none" && loadedProfile === "gomlx-0.10" ? "gomlx-0.25" : loadedProfile;
  return { profile: settings.profile ?? lifted, compression };
}
