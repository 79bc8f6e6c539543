import { LimitError } from "../errors.ts";
import { byteLengthOf } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/shape.ts";
import { crc32 } from "./crc32.ts";
import { FORMAT_VERSION } from "./extras.ts";
import { EXTRAS_KEY } from "./extras_key.ts";
import { type JsonMember, JsonNumber, JsonObject } from "./json.ts";
import { jsonText, quoteGo } from "./json_text.ts";
import { MAX_MANIFEST_BYTES } from "./limits.ts";
import type { EntryDraft, Layout, ManifestDraft, ParamDraft } from "./manifest_draft.ts";
import { metricsNode } from "./metrics.ts";
import { parseParameterName } from "./parameter_name.ts";
import { paramToJson } from "./param_value.ts";
import { Reports } from "./reports.ts";
import { SEALED_POSITION, type Segment, segmentNumbers } from "./segments.ts";
import { Spelling } from "./spelling.ts";

/** What became of a variable's bytes while they were written. */
export interface EntryResult {
  /** CRC-32 of the bytes. */
  readonly crc32: number;
  /** Whether they are those of the kept entry, so that its unknown keys (a foreign checksum, say) still hold. */
  readonly bytesUnchanged: boolean;
}

/** A manifest's bytes, and what was not kept. */
export interface EncodedManifest {
  readonly bytes: Uint8Array;
  readonly warnings: readonly string[];
}

/** A key and the text of its value. */
type Field = readonly [key: string, text: string];

const encoder = new TextEncoder();

/**
 * The `.json` of a draft that has passed {@linkcode checkDraft}; `results` has one element for each entry, `segments`
 * are those of a compressed payload. Without extras the bytes are those of Go's encoder.
 * Source: GoMLX `checkpoints.Handler.Save`.
 *
 * @throws {LimitError} It would be larger than what {@linkcode parseManifest} accepts.
 */
export function encodeManifest(
  draft: ManifestDraft,
  layout: Layout,
  results: readonly EntryResult[],
  segments?: readonly Segment[],
): EncodedManifest {
  const reports = new Reports();
  const spelling = new Spelling(draft);
  const fields: Field[] = [
    ["Params", rowsText(draft.params?.map((param) => paramText(param, draft.extras)) ?? [], "null")],
    [
      "Variables",
      rowsText(draft.entries.map((_, index) => entryText(draft, index, layout, results, spelling, reports)), "[]"),
    ],
  ];
  if (draft.profile !== "gomlx-0.10") {
    fields.push(["BinFormat", quoteGo(draft.compression === "none" ? "uncompressed" : draft.compression)]);
  }
  fields.push(...unknownFields(draft.unknown, "\n\t"));
  const bytes = draft.extras
    ? withExtras(fields, draft, layout.payloadSize, segments)
    : encoder.encode(topText(fields));
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new LimitError(
      `Cannot save checkpoint: its manifest has ${bytes.length} bytes, wanted at most ${MAX_MANIFEST_BYTES}`,
    );
  }
  return { bytes, warnings: reports.list() };
}

function topText(fields: readonly Field[]): string {
  return `${objectText(fields, "\n")}\n`;
}

function objectText(fields: readonly Field[], newline: string): string {
  return `{${fields.map(([key, text]) => `${newline}\t${quoteGo(key)}: ${text}`).join(",")}${newline}}`;
}

/** A list of rows, each an object; Go writes null for the params if there are none, and an empty list for variables. */
function rowsText(rows: readonly string[], empty: string): string {
  return rows.length === 0 ? empty : `[\n\t\t${rows.join(",\n\t\t")}\n\t]`;
}

function unknownFields(members: readonly JsonMember[], newline: string): readonly Field[] {
  return members.map(([key, node]): Field => [key, jsonText(node, newline)]);
}

const ROW = "\n\t\t";
const FIELD = "\n\t\t\t";
const ITEM = `${FIELD}\t`;
const NEXT_ITEM = `,${ITEM}`;

function paramText({ scope, key, param, kept }: ParamDraft, extras: boolean): string {
  const { value, exact } = paramToJson(param);
  const fields: Field[] = [
    ["Scope", quoteGo(scope)],
    ["Key", quoteGo(key)],
    ["Value", jsonText(kept === undefined ? value : kept.value, FIELD)],
  ];
  if (kept?.hasValueType !== false) fields.push(["ValueType", quoteGo(param.goType)]);
  if (kept !== undefined) fields.push(...unknownFields(kept.unknown, FIELD));
  if (extras && exact !== undefined) fields.push([EXTRAS_KEY, jsonText(new JsonObject([["Exact", exact]]), FIELD)]);
  return objectText(fields, ROW);
}

function entryText(
  draft: ManifestDraft,
  index: number,
  layout: Layout,
  results: readonly EntryResult[],
  spelling: Spelling,
  reports: Reports,
): string {
  const entry = draft.entries[index];
  const result = results[index];
  const position = layout.positions[index];
  if (entry === undefined || result === undefined || position === undefined) {
    throw new RangeError(`entry ${index} has no result or no position`);
  }
  const { dtype, dimensions, kept } = entry;
  const parameterName = spelling.parameterName(entry);
  const pos = index === 0 && draft.compression === "zstd" ? SEALED_POSITION : position;
  const length = byteLengthOf(dtype, sizeOf(dimensions));
  let text = `{${FIELD}"ParameterName": ${quoteGo(parameterName)},${FIELD}"Dimensions": ${dimensionsText(entry)},` +
    `${FIELD}"DType": ${quoteGo(spelling.dtypeName(entry) ?? dtype)},${FIELD}"Pos": ${pos},` +
    `${FIELD}"Length": ${length}`;
  const unknown = kept?.unknown ?? [];
  if (result.bytesUnchanged) {
    for (const [key, value] of unknownFields(unknown, FIELD)) text += `,${FIELD}${quoteGo(key)}: ${value}`;
  } else if (unknown.length > 0) {
    const keys = unknown.map(([key]) => `"${key}"`).join(", ");
    reports.add(
      "unknown keys",
      () => `variable "${parameterName}": its keys ${keys} are dropped, since its bytes have changed`,
    );
  }
  if (draft.extras) text += `,${FIELD}"${EXTRAS_KEY}": ${entryExtras(entry, parameterName, result.crc32)}`;
  return `${text}${ROW}}`;
}

/** A scalar's are null, unless the loaded file says `[]`. */
function dimensionsText({ dimensions, kept }: EntryDraft): string {
  if (dimensions.length > 0) return `[${ITEM}${dimensions.join(NEXT_ITEM)}${FIELD}]`;
  return kept !== undefined && kept.dimensions.length === 0 && !kept.nullDimensions ? "[]" : "null";
}

function entryExtras({ scope, name, trainable }: EntryDraft, parameterName: string, crc: number): string {
  let text = `{${FIELD}\t"CRC32": ${crc}`;
  if (trainable !== undefined) text += `,${FIELD}\t"Trainable": ${trainable}`;
  if (!isReadBack(parameterName, scope, name)) {
    text += `,${FIELD}\t"Scope": ${quoteGo(scope)},${FIELD}\t"Name": ${quoteGo(name)}`;
  }
  return `${text}${FIELD}}`;
}

function isReadBack(parameterName: string, scope: string, name: string): boolean {
  if (parameterName === `var:${scope}/${name}`) return true; // As checkDraft() wants them, they have no other slash.
  const parsed = parseParameterName(parameterName.toWellFormed());
  return parsed?.scope === scope && parsed.name === name;
}

/** Adds Cairn's key, and in it, last, the CRC-32 of the text as it is without that member. */
function withExtras(
  fields: readonly Field[],
  draft: ManifestDraft,
  payloadSize: number,
  segments: readonly Segment[] | undefined,
): Uint8Array {
  const { writer, saved, metrics } = draft;
  const members: JsonMember[] = [
    ["FormatVersion", new JsonNumber(String(FORMAT_VERSION))],
    ["Writer", writer],
    ["PayloadSize", new JsonNumber(String(payloadSize))],
  ];
  if (segments !== undefined) {
    members.push(["Segments", segmentNumbers(segments).map((each) => new JsonNumber(String(each)))]);
  }
  if (saved !== undefined) members.push(["Saved", saved.toISOString()]);
  if (metrics !== undefined && Object.keys(metrics).length > 0) members.push(["Metrics", metricsNode(metrics)]);
  const extras = new JsonObject(members);
  const bytes = encoder.encode(topText([...fields, [EXTRAS_KEY, jsonText(extras, "\n\t")]]));
  const end = encoder.encode("\n\t}\n}\n");
  const body = bytes.subarray(0, bytes.length - end.length);
  const member = encoder.encode(`,\n\t\t"ManifestCRC32": ${crc32(bytes)}`);
  const whole = new Uint8Array(bytes.length + member.length);
  whole.set(body);
  whole.set(member, body.length);
  whole.set(end, body.length + member.length);
  return whole;
}
