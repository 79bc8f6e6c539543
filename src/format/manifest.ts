import type { GoParam } from "../context/go_param.ts";
import { CorruptError, type ErrorPlace, FormatError, LimitError, messageOf } from "../errors.ts";
import type { DType } from "../tensor/dtype.ts";
import { checkManifestCrc, expectVersion, readTopExtras, type TopExtras } from "./extras.ts";
import { EXTRAS_KEY } from "./extras_key.ts";
import { type JsonMember, type JsonNode, keyFolder, lastOfEachKey } from "./json.ts";
import { checkJsonBounds } from "./parse_json.ts";
import { JsonReader } from "./json_reader.ts";
import { MAX_MANIFEST_BYTES, MAX_NAME_BYTES, MAX_ROWS } from "./limits.ts";
import { type Metrics, NO_METRICS } from "./metrics.ts";
import { isLongPackedName } from "./dtype_name.ts";
import { formatParameterName, isDoubleSlashRoot, isSingleSlashRoot, parseParameterName } from "./parameter_name.ts";
import { paramFromJson } from "./param_value.ts";
import { placeRows, type RowPlace } from "./place_rows.ts";
import type { Generation, Profile } from "./profile.ts";
import { readVariables, type Variables } from "./read_variables.ts";
import { Reports } from "./reports.ts";
import { SEALED_POSITION, type Segment } from "./segments.ts";
import { type EntryRow, type ParamRow, readParamRow } from "./rows.ts";

/** One variable of a manifest. */
export interface Entry {
  readonly scope: string;
  readonly name: string;
  /** As in the file. */
  readonly parameterName: string;
  /** The same, but with half of a surrogate pair where the file has the escape `\ufffd`, which is kept. */
  readonly spelledName: string;
  readonly dtype: DType;
  /** As in the file; a number of v0.0.1 – v0.3.1 as text. */
  readonly dtypeName: string;
  /** Outermost axis first; `[]` is a scalar. */
  readonly dimensions: readonly number[];
  /** Whether the file says `null` for a scalar's dimensions, as GoMLX mostly does, and not `[]`. */
  readonly nullDimensions: boolean;
  /** Offset in the uncompressed payload, in bytes. */
  readonly position: number;
  /** As in the file; at least `byteLength`. */
  readonly length: number;
  /** Bytes of the shape. */
  readonly byteLength: number;
  /** CRC-32 of the bytes, if Cairn wrote the file. */
  readonly crc32: number | undefined;
  /** If Cairn wrote the file. */
  readonly trainable: boolean | undefined;
  /** Keys that GoMLX does not know. */
  readonly unknown: readonly JsonMember[];
}

/** One param of a manifest. */
export interface ParamEntry {
  readonly scope: string;
  readonly key: string;
  readonly param: GoParam;
  /** As in the file. */
  readonly value: JsonNode;
  /** Whether the file has its Go type; up to v0.7 none has. */
  readonly hasValueType: boolean;
  /** Keys that GoMLX does not know. */
  readonly unknown: readonly JsonMember[];
}

/** A checkpoint's `.json`, checked as far as it can be without the payload. */
export interface Manifest {
  /** How many entries there are. */
  readonly count: number;
  /** In file order; of two with one scope and name, the one that counts. */
  readonly entries: readonly Entry[];
  /** In file order; of two with one scope and key the last one counts. */
  readonly params: readonly ParamEntry[];
  /** Whether `Params` is null or missing. */
  readonly nullParams: boolean;
  /** What the manifest looks like; the payload's header knows better. */
  readonly profile: Profile;
  readonly generation: Generation;
  /** `"gzip"`, `"uncompressed"` or Cairn's `"zstd"`; undefined before v0.25. GoMLX never reads it. */
  readonly binFormat: string | undefined;
  /** Where the last variable ends in the uncompressed payload, in bytes. */
  readonly payloadSize: number;
  /** The parts of a compressed payload, if Cairn wrote it. */
  readonly segments: readonly Segment[] | undefined;
  /** Whether the file says that nothing follows the last variable. */
  readonly exactPayload: boolean;
  /** Whether it has Cairn's own keys at the top level. */
  readonly extras: boolean;
  /** What wrote Cairn's keys. */
  readonly writer: string | undefined;
  /** When it was saved, if Cairn wrote it. */
  readonly saved: Date | undefined;
  /** What was measured then, if Cairn wrote it. */
  readonly metrics: Metrics;
  /** Keys of the top level that GoMLX does not know. */
  readonly unknown: readonly JsonMember[];
  /** Whether it is from before v0.4, so that no profile can spell it and a rewrite changes it. */
  readonly upgraded: boolean;
  /** What was odd and not an error. */
  readonly reports: readonly string[];
}

/** The top level as it is written. */
interface TopLevel {
  variables: Variables;
  paramRows: ParamRow[] | undefined;
  binFormat: string | undefined;
  extras: TopExtras | undefined;
  unknown: JsonMember[];
}

const topField = keyFolder(["Params", "Variables", "BinFormat"]);

/**
 * Parses and checks a checkpoint's `.json`: every row of the version matrix, and Cairn's own keys.
 * Without `scan` the careful reader reads every row, which gives the same.
 * Source: GoMLX `checkpoints.Handler.loadCheckpoint`.
 *
 * @throws {FormatError} It is not a manifest.
 * @throws {CorruptError} It contradicts itself or its checksum.
 * @throws {LimitError} It is larger than what is accepted, see `limits.ts`.
 */
export function parseManifest(
  bytes: Uint8Array,
  place: ErrorPlace & { readonly path: string },
  scan = true,
): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new LimitError(
      `Cannot read manifest "${place.path}": it has ${bytes.length} bytes, wanted at most ${MAX_MANIFEST_BYTES}`,
      place,
    );
  }
  if (bytes.length === 0) {
    throw new FormatError(
      `Cannot read manifest "${place.path}": it is empty, as GoMLX leaves it when a save fails`,
      place,
    );
  }
  const beforeMany = (): void => checkJsonBounds(bytes, place);
  const reader = new JsonReader(bytes, { what: `manifest "${place.path}"`, place, beforeMany });
  const reports = new Reports();
  const top = readWithinBounds(reader, bytes, scan, place);
  checkRowCount(top, reader);
  if (reader.peek() !== -1) {
    reports.add(
      "trailing text",
      () => `the text from byte ${reader.at} on does not belong to the manifest and is ignored`,
    );
  }
  checkManifestCrc(bytes, top.extras?.crc, place);
  if (top.extras !== undefined) expectVersion(top.extras, place);
  if (top.binFormat === "zstd") top.variables = unseal(top.variables, place);
  const profile = profileOf(top);
  const { plain, rows } = top.variables;
  const careful = plain === undefined ? toEntries(rows, profile, place, reports) : undefined;
  const payloadSize = plain?.payloadSize ?? careful?.payloadSize ?? 0;
  checkPayloadSize(top.extras?.payloadSize, payloadSize, place);
  checkSegmentSizes(top.extras?.segments, payloadSize, place);
  const generation = generationOf(top, profile);
  const params = top.paramRows?.map((row) => toParamEntry(row, place, reports)) ?? [];
  reportDuplicateParams(params, reports);
  const manifest: Manifest = {
    count: plain?.count ?? careful?.entries.length ?? 0,
    get entries() {
      return plain?.all() ?? careful?.entries ?? [];
    },
    params,
    nullParams: top.paramRows === undefined,
    profile,
    generation,
    binFormat: top.binFormat,
    payloadSize,
    segments: top.extras?.segments,
    exactPayload: top.extras?.payloadSize !== undefined,
    extras: top.extras !== undefined,
    writer: top.extras?.writer,
    saved: top.extras?.saved,
    metrics: top.extras?.metrics ?? NO_METRICS,
    unknown: lastOfEachKey(top.unknown),
    upgraded: generation === "integer-dtypes",
    reports: reports.list(),
  };
  if (plain !== undefined) plainOnes.add(manifest);
  let byName: ReadonlyMap<string, Entry> | undefined;
  finders.set(manifest, (scope, name) => {
    if (plain !== undefined) return plain.find(scope, name);
    byName ??= new Map(manifest.entries.map((entry) => [idOf(entry), entry]));
    return byName.get(formatParameterName("gomlx-0.10", scope, name));
  });
  return manifest;
}

const plainOnes = new WeakSet<Manifest>();

/**
 * Whether all entries are known to be spelled as they would be written anew, without unknown keys: a writer has nothing
 * to keep of them.
 */
export function hasPlainEntries(manifest: Manifest): boolean {
  return plainOnes.has(manifest);
}

const finders = new WeakMap<Manifest, (scope: string, name: string) => Entry | undefined>();

/** The entry of that scope and name, without making all others if they are not made yet. */
export function findEntry(manifest: Manifest, scope: string, name: string): Entry | undefined {
  const find = finders.get(manifest);
  return find === undefined
    ? manifest.entries.find((each) => each.scope === scope && each.name === name)
    : find(scope, name);
}

function readWithinBounds(reader: JsonReader, bytes: Uint8Array, scan: boolean, place: ErrorPlace): TopLevel {
  try {
    return readTopLevel(reader, bytes, scan, place);
  } catch (error) {
    // Too much is worth telling before what else is wrong.
    if (!(error instanceof LimitError)) checkJsonBounds(bytes, place);
    throw error;
  }
}

function readTopLevel(
  reader: JsonReader,
  bytes: Uint8Array,
  scan: boolean,
  place: ErrorPlace,
): TopLevel {
  const top: TopLevel = {
    variables: { rows: [], plain: undefined },
    paramRows: undefined,
    binFormat: undefined,
    extras: undefined,
    unknown: [],
  };
  for (let key = reader.firstKey("an object"); key !== undefined; key = reader.nextKey()) {
    if (key === EXTRAS_KEY) {
      top.extras = readTopExtras(reader, place);
      continue;
    }
    switch (topField(key)) {
      case "Params":
        top.paramRows = reader.tryNull() ? undefined : readParams(reader);
        break;
      case "Variables":
        top.variables = readVariables(reader, bytes, scan, place);
        break;
      case "BinFormat":
        if (!reader.tryNull()) top.binFormat = reader.readString("a format: a string", MAX_NAME_BYTES);
        break;
      case undefined:
        top.unknown.push(reader.readMember(key));
    }
  }
  return top;
}

function readParams(reader: JsonReader): ParamRow[] {
  const rows: ParamRow[] = [];
  for (let more = reader.firstElement("params: a list"); more; more = reader.nextElement()) {
    rows.push(readParamRow(reader));
  }
  return rows;
}

function checkRowCount({ variables: { rows, plain }, paramRows }: TopLevel, reader: JsonReader): void {
  const count = (plain?.count ?? rows.length) + (paramRows?.length ?? 0);
  if (count > MAX_ROWS) throw reader.limit(`more than ${MAX_ROWS} variables and params`);
}

function checkPayloadSize(stated: number | undefined, payloadSize: number, place: ErrorPlace): void {
  if (stated === undefined || stated === payloadSize) return;
  throw new CorruptError(
    `Cannot read manifest "${place.path}": its last variable ends at byte ${payloadSize} of the payload, its ` +
      `"PayloadSize" says ${stated}`,
    place,
  );
}

function checkSegmentSizes(segments: readonly Segment[] | undefined, payloadSize: number, place: ErrorPlace): void {
  const size = segments?.reduce((sum, each) => sum + each.size, 0) ?? payloadSize;
  if (size === payloadSize) return;
  throw new CorruptError(
    `Cannot read manifest "${place.path}": its segments inflate to ${size} bytes, wanted the ${payloadSize} that its ` +
      "variables take",
    place,
  );
}

/** With zstd the first position must be sealed, so that no GoMLX reads on; in any other manifest it is no place. */
function unseal(variables: Variables, place: ErrorPlace): Variables {
  const [first, ...rest] = variables.rows;
  if (first === undefined && (variables.plain?.count ?? 0) === 0) return variables;
  if (first?.position === Number(SEALED_POSITION)) return { ...variables, rows: [{ ...first, position: 0 }, ...rest] };
  throw new CorruptError(
    `Cannot read manifest "${place.path}": its payload is zstd, but its first variable's Pos is not ` +
      `${SEALED_POSITION}, which Cairn writes so that no GoMLX reads it`,
    place,
  );
}

function profileOf({ binFormat, variables: { rows } }: TopLevel): Profile {
  if (binFormat === undefined) return "gomlx-0.10";
  const isNew = rows.some((row) => isSingleSlashRoot(row.parameterName) || isLongPackedName(row.dtypeName));
  return isNew ? "gomlx-0.28" : "gomlx-0.25";
}

function generationOf({ variables: { rows }, paramRows }: TopLevel, profile: Profile): Generation {
  if (rows.some((row) => row.isCode)) return "integer-dtypes";
  if (profile !== "gomlx-0.10") return profile;
  if (paramRows?.some((row) => row.valueType === undefined)) return "untyped-params";
  return rows.some((row) => row.dtypeName.startsWith("UInt")) ? "uint-spelling" : profile;
}

function toEntries(
  rows: readonly EntryRow[],
  profile: Profile,
  place: ErrorPlace,
  reports: Reports,
): { readonly entries: readonly Entry[]; readonly payloadSize: number } {
  const { places, payloadSize } = placeRows(rows, place, reports);
  const entries = rows.map((row, index) => toEntry(row, places[index], place, reports));
  return { entries: keepCounting(entries, profile, reports), payloadSize };
}

function toEntry(row: EntryRow, at: RowPlace | undefined, place: ErrorPlace, reports: Reports): Entry {
  const { scope, name } = scopeAndName(row, place, reports);
  return {
    scope,
    name,
    parameterName: row.parameterName,
    spelledName: row.spelledName,
    dtype: row.dtype,
    dtypeName: row.dtypeName,
    dimensions: row.dimensions,
    nullDimensions: row.nullDimensions,
    position: at?.position ?? 0,
    length: at?.length ?? 0,
    byteLength: row.byteLength,
    crc32: row.extras?.crc32,
    trainable: row.extras?.trainable,
    unknown: row.unknown,
  };
}

function scopeAndName(
  { parameterName, extras }: EntryRow,
  place: ErrorPlace,
  reports: Reports,
): { readonly scope: string; readonly name: string } {
  const parsed = parseParameterName(parameterName);
  if (parsed === undefined) {
    throw new FormatError(
      `Cannot read variable "${parameterName}" in "${place.path}": its name was wanted as "var:/scope/name"`,
      { ...place, entry: parameterName },
    );
  }
  if (extras?.scope === undefined || extras.name === undefined) return parsed;
  const { scope, name } = extras;
  if (formatParameterName("gomlx-0.28", scope, name) === parameterName) return { scope, name };
  reports.add(
    "Cairn's name",
    () => `variable "${parameterName}": Cairn's scope "${scope}" and name "${name}" do not give this name; ignored`,
  );
  return parsed;
}

/**
 * Leaves out the entries that do not count. Of two spelled alike the last one counts, as in GoMLX. `var://x` and
 * `var:/x` mean one variable too; there the one counts that GoMLX of this profile finds: v0.28 re-saves the `var://x`
 * of an old file beside its own newer `var:/x`.
 */
function keepCounting(entries: readonly Entry[], profile: Profile, reports: Reports): readonly Entry[] {
  const isForeign = profile === "gomlx-0.28" ? isDoubleSlashRoot : isSingleSlashRoot;
  const counting = new Map<string, Entry>();
  for (const entry of entries) {
    const id = idOf(entry);
    const other = counting.get(id);
    const loses = other !== undefined && isForeign(entry.parameterName) && !isForeign(other.parameterName);
    if (!loses) counting.set(id, entry);
    if (other === undefined) continue;
    const [kept, dropped] = loses ? [other, entry] : [entry, other];
    reports.add(
      "duplicate variable",
      () =>
        `variable "${dropped.parameterName}" at ${dropped.position} is ignored: "${kept.parameterName}" at ` +
        `${kept.position} has its name`,
    );
  }
  if (counting.size === entries.length) return entries;
  const kept = new Set(counting.values());
  return entries.filter((entry) => kept.has(entry));
}

/** `var:<scope>/<name>`: nearly always the parameter name itself, which costs nothing. */
function idOf({ scope, name, parameterName }: Entry): string {
  const isPlain = parameterName.length === scope.length + name.length + 5 && parameterName.startsWith(scope, 4);
  return isPlain ? parameterName : formatParameterName("gomlx-0.10", scope, name);
}

function toParamEntry(row: ParamRow, place: ErrorPlace, reports: Reports): ParamEntry {
  const { scope, key, value, valueType, exact, unknown } = row;
  const what = `param "${key}" of scope "${scope}"`;
  if (!scope.startsWith("/")) {
    throw new FormatError(`Cannot read ${what} in "${place.path}": a scope was wanted that starts with "/"`, {
      ...place,
      entry: key,
    });
  }
  try {
    const { param, warning } = paramFromJson(valueType, value, exact);
    if (warning !== undefined) reports.add("param type", () => `${what}: ${warning}; it is kept as it is`);
    return { scope, key, param, value, hasValueType: valueType !== undefined, unknown };
  } catch (cause) {
    throw new FormatError(`Cannot read ${what} in "${place.path}": ${messageOf(cause)}`, {
      ...place,
      entry: key,
      cause,
    });
  }
}

function reportDuplicateParams(params: readonly ParamEntry[], reports: Reports): void {
  const seen = new Set<string>();
  for (const { scope, key } of params) {
    const id = JSON.stringify([scope, key]);
    if (seen.has(id)) {
      reports.add("duplicate param", () => `param "${key}" of scope "${scope}" occurs more than once; the last counts`);
    }
    seen.add(id);
  }
}
