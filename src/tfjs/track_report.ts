import { joinScope, type LoadedEntry, type LoadedList } from "../context/mod.ts";
import { ShapeError, VariableError } from "../errors.ts";
import { formatItems } from "../render/mod.ts";
import { type DType, sameDimensions, shapeText } from "../tensor/mod.ts";

/** What a checkpoint had that tracked variables lack, and the reverse. */
export interface TrackReport {
  /** Paths of tracked variables that the checkpoint lacks: they kept their values. */
  readonly missing: readonly string[];
  /** Paths of the checkpoint's variables, in the scopes of the tracked ones, that nothing was tracked for. */
  readonly unexpected: readonly string[];
}

/** A variable that a checkpoint is to give a value. */
export interface WantedVariable {
  /** Absolute scope. */
  readonly scope: string;
  /** Name in the scope. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first. */
  readonly dimensions: readonly number[];
}

/** How what was loaded fits what is wanted. */
export interface LoadFit<Entry extends LoadedEntry> {
  /** Of the wanted variables, in their order. */
  readonly entries: readonly Entry[];
  /** What is left over on either side. */
  readonly report: TrackReport;
}

/** Most paths that an error lists. */
const LISTED = 10;

/**
 * Compares what was loaded with what is wanted. Throws a ShapeError if any dtype or shape differs and, if `strict`, a
 * VariableError if anything is missing or unexpected; of a partial load neither is asked.
 */
export function fitLoaded<Entry extends LoadedEntry>(
  what: string,
  wanted: readonly WantedVariable[],
  { entries, isPartial }: LoadedList<Entry>,
  isUnexpected: (entry: LoadedEntry) => boolean,
  strict: boolean,
): LoadFit<Entry> {
  const byPath = new Map(entries.map((entry) => [pathOf(entry), entry]));
  const paths = new Set(wanted.map(pathOf));
  const misfits = wanted.flatMap((each) => misfitText(each, byPath.get(pathOf(each))));
  const report: TrackReport = {
    missing: isPartial ? [] : [...paths].filter((path) => !byPath.has(path)),
    unexpected: isPartial
      ? []
      : entries.filter((entry) => !paths.has(pathOf(entry)) && isUnexpected(entry)).map(pathOf),
  };
  const problems = [
    ...listed(misfits, "of another shape"),
    ...listed(report.missing, "missing in the checkpoint"),
    ...listed(report.unexpected, "in the checkpoint only"),
  ];
  const isRefused = misfits.length > 0 || strict && problems.length > 0;
  if (!isRefused) return { entries: wanted.flatMap((each) => byPath.get(pathOf(each)) ?? []), report };
  const advice = misfits.length > 0
    ? ""
    : `; track(…, { strict: false }) loads what there is${hint(report, wanted, entries)}`;
  const message = `Cannot load into ${what}: ${problems.join("; ")}${advice}`;
  const place = { entry: report.missing[0] ?? report.unexpected[0] };
  throw misfits.length > 0 ? new ShapeError(message, place) : new VariableError(message, place);
}

function misfitText(wanted: WantedVariable, entry: LoadedEntry | undefined): string[] {
  if (entry === undefined) return [];
  const { dtype, dimensions } = entry.value;
  if (dtype === wanted.dtype && sameDimensions(dimensions, wanted.dimensions)) return [];
  const found = shapeText(dtype, dimensions);
  return [`"${pathOf(wanted)}" is ${found}, wanted ${shapeText(wanted.dtype, wanted.dimensions)}`];
}

function listed(paths: readonly string[], what: string): string[] {
  if (paths.length === 0) return [];
  const shown = paths.slice(0, LISTED).map((path) => path.startsWith('"') ? path : `"${path}"`);
  const rest = paths.length > LISTED ? " …" : "";
  return [`${formatItems(paths.length, "variable")} ${what}: ${shown.join(", ")}${rest}`];
}

/** Whoever finds nothing at all has probably another scope. */
function hint(report: TrackReport, wanted: readonly WantedVariable[], entries: readonly LoadedEntry[]): string {
  if (report.missing.length < wanted.length || entries.length === 0) return "";
  const scopes = new Set(entries.map(({ scope }) => scope));
  return `; the checkpoint has the scopes ${[...scopes].slice(0, LISTED).map((scope) => `"${scope}"`).join(", ")}`;
}

/** As people write it. */
export function pathOf({ scope, name }: { readonly scope: string; readonly name: string }): string {
  return joinScope(scope, name);
}
