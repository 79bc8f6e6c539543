import type { GoParam } from "../context/go_param.ts";
import { type ErrorPlace, FormatError, LimitError, ShapeError } from "../errors.ts";
import { byteLengthOf, type DType } from "../tensor/dtype.ts";
import { shapeText, sizeOf } from "../tensor/shape.ts";
import type { JsonMember } from "./json.ts";
import { MAX_RANK, MAX_ROWS } from "./limits.ts";
import type { Entry, ParamEntry } from "./manifest.ts";
import type { Metrics } from "./metrics.ts";
import { formatParameterName, parseParameterName } from "./parameter_name.ts";
import { paramToJson } from "./param_value.ts";
import type { Profile } from "./profile.ts";
import { Reports } from "./reports.ts";
import type { Compression } from "./segment_codec.ts";
import { Spelling } from "./spelling.ts";

/** A variable to be written. */
export interface EntryDraft {
  readonly scope: string;
  readonly name: string;
  readonly dtype: DType;
  readonly dimensions: readonly number[];
  /** Written if known, and only among Cairn's own keys. */
  readonly trainable: boolean | undefined;
  /** The entry that was loaded, if there is one: its spellings and unknown keys are kept. */
  readonly kept: Entry | undefined;
}

/** A param to be written. */
export interface ParamDraft {
  readonly scope: string;
  readonly key: string;
  readonly param: GoParam;
  /** The param that was loaded, if its value is still the same: it is written as it was, unknown keys included. */
  readonly kept: ParamEntry | undefined;
}

/** A manifest to be written, as far as it is known before the payload. */
export interface ManifestDraft {
  readonly profile: Profile;
  readonly compression: Compression;
  /** Whether to write Cairn's own keys. Without them the bytes are those of GoMLX. */
  readonly extras: boolean;
  /** Name and version of the writer, for Cairn's own keys. */
  readonly writer: string;
  /** When it is saved, for Cairn's own keys. */
  readonly saved?: Date | undefined;
  /** What was measured, for Cairn's own keys. */
  readonly metrics?: Metrics | undefined;
  /** In the order of the file; null if they are excluded. */
  readonly params: readonly ParamDraft[] | null;
  /** In the order of the file and of the payload. */
  readonly entries: readonly EntryDraft[];
  /** Keys of the top level that GoMLX does not know. */
  readonly unknown: readonly JsonMember[];
}

/** Where a draft's variables go in the uncompressed payload. */
export interface Layout {
  /** Offset of each entry, in bytes. */
  readonly positions: readonly number[];
  /** Bytes of all entries. */
  readonly payloadSize: number;
}

/** Lays the entries out one behind the other, as GoMLX does. */
export function layoutDraft(draft: ManifestDraft): Layout {
  let payloadSize = 0;
  const positions = draft.entries.map((entry) => {
    const position = payloadSize;
    payloadSize += byteLengthOf(entry.dtype, sizeOf(entry.dimensions));
    return position;
  });
  if (!Number.isSafeInteger(payloadSize)) {
    throw new LimitError(`Cannot save checkpoint: its ${positions.length} variables take more than 2^53 - 1 bytes`);
  }
  return { positions, payloadSize };
}

/**
 * Checks that the profile can hold the draft, before a byte is written. Returns what will not be quite the same.
 *
 * @throws {FormatError} A name, dtype, param or the compression cannot be written so that it is read back.
 * @throws {ShapeError} A shape cannot be written.
 * @throws {LimitError} It is more than {@linkcode parseManifest} accepts.
 */
export function checkDraft(draft: ManifestDraft): readonly string[] {
  const { profile, compression, entries, params } = draft;
  if (profile === "gomlx-0.10" && compression !== "none") {
    throw new FormatError(
      `Cannot save checkpoint: profile "${profile}" has no ${compression}; wanted "gomlx-0.25" or "gomlx-0.28"`,
    );
  }
  if (compression === "zstd" && !draft.extras) {
    throw new FormatError("Cannot save checkpoint: zstd needs the extra keys of Cairn; wanted them, or gzip");
  }
  if (entries.length + (params?.length ?? 0) > MAX_ROWS) {
    throw new LimitError(
      `Cannot save checkpoint: ${entries.length} variables and ${params?.length ?? 0} params found, wanted at most ` +
        `${MAX_ROWS} together`,
    );
  }
  const reports = new Reports();
  checkEntries(draft, reports);
  checkParams(params ?? [], draft, reports);
  if (compression === "none" && profile !== "gomlx-0.10" && layoutDraft(draft).payloadSize === 0) {
    reports.add(
      "empty payload",
      () => "the checkpoint has no bytes: GoMLX v0.25 and later cannot load it uncompressed",
    );
  }
  return reports.list();
}

function checkEntries(draft: ManifestDraft, reports: Reports): void {
  const spelling = new Spelling(draft);
  const names = new Map<string, EntryDraft>();
  for (const entry of draft.entries) {
    const label = `${entry.scope}/${entry.name}`;
    const place: ErrorPlace = { entry: label };
    checkShape(draft.profile, entry, reports, place);
    if (spelling.dtypeName(entry) === undefined) {
      throw new FormatError(
        `Cannot save variable "${label}": profile "${draft.profile}" has no dtype ${entry.dtype}; wanted another profile`,
        place,
      );
    }
    checkName(entry, place);
    const parameterName = spelling.parameterName(entry).toWellFormed();
    const other = names.get(parameterName);
    if (other !== undefined) {
      throw new FormatError(
        `Cannot save variable "${label}": its name in the file, "${parameterName}", is taken by ` +
          `"${other.scope}/${other.name}"`,
        place,
      );
    }
    names.set(parameterName, entry);
    if (draft.extras || readsBackAs(parameterName, entry)) continue;
    if (draft.profile !== "gomlx-0.28") throw unreadable(label, parameterName, place);
    reports.add("name", () => `variable "${label}" is written as "${parameterName}", as GoMLX v0.28 does`);
  }
}

function checkName({ scope, name }: EntryDraft, place: ErrorPlace): void {
  const isPlain = scope.startsWith("/") && !name.includes("/") && scope.isWellFormed() && name.isWellFormed();
  if (isPlain) return;
  const what = `Cannot save variable "${scope}/${name}"`;
  if (!scope.startsWith("/")) {
    throw new FormatError(`${what}: scope "${scope}" found, wanted one that starts with "/"`, place);
  }
  if (name.includes("/")) {
    throw new FormatError(
      `${what}: name "${name}" found, wanted one without "/", which would be read back as a scope`,
      place,
    );
  }
  throw new FormatError(`${what}: its name has half of a surrogate pair, which UTF-8 cannot hold`, place);
}

function readsBackAs(parameterName: string, { scope, name }: EntryDraft): boolean {
  const parsed = parseParameterName(parameterName);
  return parsed?.scope === scope && parsed.name === name;
}

function unreadable(label: string, parameterName: string, place: ErrorPlace): FormatError {
  return new FormatError(
    `Cannot save variable "${label}": "${parameterName}" would be read back as another name`,
    place,
  );
}

function checkShape(profile: Profile, entry: EntryDraft, reports: Reports, place: ErrorPlace): void {
  const { dtype, dimensions, kept } = entry;
  if (dimensions.length <= MAX_RANK && sizeOf(dimensions) > 0) return;
  const shape = shapeText(dtype, dimensions);
  if (dimensions.length > MAX_RANK) {
    throw new ShapeError(
      `Cannot save variable "${place.entry}": shape ${shape} found, wanted at most ${MAX_RANK} axes`,
      place,
    );
  }
  if (profile === "gomlx-0.28") return;
  if (kept?.byteLength !== 0) {
    throw new ShapeError(
      `Cannot save variable "${place.entry}": shape ${shape} has no elements, which profile "${profile}" cannot hold; ` +
        `wanted "gomlx-0.28"`,
      place,
    );
  }
  // It was loaded from such a file: v0.27.3 writes and reads it.
  reports.add(
    "empty variable",
    () => `variable "${place.entry}" of shape ${shape} can be loaded by GoMLX v0.27.3 and later`,
  );
}

function checkParams(params: readonly ParamDraft[], { profile, extras }: ManifestDraft, reports: Reports): void {
  const names = new Map<string, string>();
  for (const param of params) {
    checkParam(param, extras);
    if (profile !== "gomlx-0.28") continue;
    const name = `"${param.key}" of scope "${param.scope}"`;
    const path = formatParameterName(profile, param.scope, param.key);
    const other = names.get(path);
    // A v0.28 file may itself have one name twice: that was told when it was read.
    if (other !== undefined && other !== name) {
      reports.add("param path", () => `params ${other} and ${name} are one to GoMLX v0.28, which keeps the last`);
    }
    names.set(path, name);
  }
}

function checkParam({ scope, key, param }: ParamDraft, extras: boolean): void {
  const what = `Cannot save param "${key}" of scope "${scope}"`;
  if (!scope.startsWith("/")) {
    throw new FormatError(`${what}: a scope was wanted that starts with "/"`, { entry: key });
  }
  if (!scope.isWellFormed() || !key.isWellFormed()) {
    throw new FormatError(`${what}: its name has half of a surrogate pair, which UTF-8 cannot hold`, { entry: key });
  }
  const { exact } = paramToJson(param);
  if (extras || exact === undefined) return;
  throw new FormatError(
    `${what}: JSON cannot hold ${exact}; wanted a finite number, or the extra keys of Cairn, which can`,
    { entry: key },
  );
}
