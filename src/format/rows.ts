import { type ErrorPlace, FormatError, LimitError } from "../errors.ts";
import { byteLengthOf, type DType, DTYPES } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/shape.ts";
import { dtypeFromCode, dtypeFromName } from "./dtype_name.ts";
import { type EntryExtras, readEntryExtras, readParamExtras } from "./extras.ts";
import { EXTRAS_KEY } from "./extras_key.ts";
import { type JsonMember, type JsonNode, keyFolder, lastOfEachKey } from "./json.ts";
import type { JsonReader } from "./json_reader.ts";
import { MAX_NAME_BYTES, MAX_RANK } from "./limits.ts";
import { SEALED_POSITION } from "./segments.ts";

/** A row of `Variables` as it is written, its shape checked, its position not. */
export interface EntryRow {
  readonly parameterName: string;
  /** The same, but ill-formed where the file escapes U+FFFD. */
  readonly spelledName: string;
  readonly dtype: DType;
  readonly dtypeName: string;
  /** Whether the dtype is a number, as up to v0.3.1. */
  readonly isCode: boolean;
  readonly dimensions: readonly number[];
  readonly nullDimensions: boolean;
  /** Bytes of the shape. */
  readonly byteLength: number;
  /** Undefined if not given, or null; 2^63 if it is sealed. */
  readonly position: number | undefined;
  readonly length: number | undefined;
  readonly extras: EntryExtras | undefined;
  readonly unknown: readonly JsonMember[];
}

const entryField = keyFolder(["ParameterName", "Dimensions", "DType", "Pos", "Length"]);
const paramField = keyFolder(["Scope", "Key", "Value", "ValueType"]);
const SCALAR: readonly number[] = Object.freeze([]);

/** Reads a row of `Variables`. As in Go, `null` leaves a text or number as if it were not there. */
export function readEntryRow(reader: JsonReader, place: ErrorPlace): EntryRow {
  let spelledName = "";
  let dtypeName: string | number | undefined;
  let dimensions: readonly number[] | undefined;
  let position: number | undefined;
  let length: number | undefined;
  let extras: EntryExtras | undefined;
  const unknown: JsonMember[] = [];
  for (let key = reader.firstKey("a variable: an object"); key !== undefined; key = reader.nextKey()) {
    if (key === EXTRAS_KEY) {
      extras = readEntryExtras(reader);
      continue;
    }
    const field = entryField(key);
    if (field === undefined) {
      unknown.push(reader.readMember(key));
      continue;
    }
    if (reader.tryNull()) {
      if (field === "Dimensions") dimensions = undefined;
      continue;
    }
    switch (field) {
      case "ParameterName":
        spelledName = reader.readString("a parameter name: a string", MAX_NAME_BYTES);
        break;
      case "Dimensions":
        dimensions = readDimensions(reader);
        break;
      case "DType":
        dtypeName = reader.isNext("number")
          ? reader.readInteger("a dtype number")
          : reader.readString("a dtype: a string, or a whole number up to v0.3", MAX_NAME_BYTES);
        break;
      case "Pos":
        position = reader.tryNumber(SEALED_POSITION)
          ? Number(SEALED_POSITION)
          : reader.readInteger("a position: a whole number");
        break;
      case "Length":
        length = reader.readInteger("a length: a whole number");
    }
  }
  const parameterName = spelledName.toWellFormed();
  const dtype = findDType(dtypeName, parameterName, place);
  return {
    parameterName,
    spelledName,
    dtype,
    dtypeName: String(dtypeName),
    isCode: typeof dtypeName === "number",
    dimensions: dimensions ?? SCALAR,
    nullDimensions: dimensions === undefined,
    byteLength: shapeBytes(dtype, dimensions ?? SCALAR, parameterName, place),
    position,
    length,
    extras,
    unknown: lastOfEachKey(unknown),
  };
}

function readDimensions(reader: JsonReader): readonly number[] {
  const dimensions: number[] = [];
  for (let more = reader.firstElement("dimensions: a list"); more; more = reader.nextElement()) {
    if (dimensions.length === MAX_RANK) throw reader.limit(`more than ${MAX_RANK} dimensions at byte ${reader.at}`);
    // Go leaves a null element at zero.
    dimensions.push(reader.tryNull() ? 0 : reader.readInteger("a dimension: a whole number"));
  }
  return Object.freeze(dimensions);
}

function findDType(name: string | number | undefined, entry: string, place: ErrorPlace): DType {
  const dtype = typeof name === "number" ? dtypeFromCode(name) : dtypeFromName(name ?? "");
  if (dtype !== undefined) return dtype;
  const found = name === undefined ? "no dtype found" : `dtype ${JSON.stringify(name)} is unknown or has no tensors`;
  throw new FormatError(
    `Cannot read variable "${entry}" in "${place.path}": ${found}; wanted one of ${DTYPES.join(", ")}`,
    { ...place, entry },
  );
}

function shapeBytes(dtype: DType, dimensions: readonly number[], entry: string, place: ErrorPlace): number {
  const negative = dimensions.find((dimension) => dimension < 0);
  if (negative !== undefined) {
    throw new FormatError(
      `Cannot read variable "${entry}" in "${place.path}": dimension ${negative} found, wanted 0 or more`,
      { ...place, entry },
    );
  }
  try {
    return byteLengthOf(dtype, sizeOf(dimensions));
  } catch (cause) {
    throw new LimitError(
      `Cannot read variable "${entry}" in "${place.path}": dimensions [${
        dimensions.join(" ")
      }] of ${dtype} take more ` +
        `than 2^53 - 1 bytes`,
      { ...place, entry, cause },
    );
  }
}

/** A row of `Params` as it is written. */
export interface ParamRow {
  readonly scope: string;
  readonly key: string;
  readonly value: JsonNode;
  /** Undefined up to v0.7, or if null. */
  readonly valueType: string | undefined;
  /** Text of the value where JSON loses it. */
  readonly exact: string | undefined;
  readonly unknown: readonly JsonMember[];
}

/** Reads a row of `Params`. */
export function readParamRow(reader: JsonReader): ParamRow {
  reader.charge(3);
  let scope = "";
  let name = "";
  let value: JsonNode = null;
  let valueType: string | undefined;
  let exact: string | undefined;
  const unknown: JsonMember[] = [];
  for (let key = reader.firstKey("a param: an object"); key !== undefined; key = reader.nextKey()) {
    if (key === EXTRAS_KEY) {
      exact = readParamExtras(reader);
      continue;
    }
    const field = paramField(key);
    if (field === undefined) {
      unknown.push(reader.readMember(key));
      continue;
    }
    if (reader.tryNull()) {
      if (field === "Value") value = null;
      continue;
    }
    switch (field) {
      case "Scope":
        scope = reader.readString("a scope: a string", MAX_NAME_BYTES).toWellFormed();
        break;
      case "Key":
        name = reader.readString("a param's key: a string", MAX_NAME_BYTES).toWellFormed();
        break;
      case "Value":
        value = reader.readNode();
        break;
      case "ValueType":
        valueType = reader.readString("a Go type: a string", MAX_NAME_BYTES).toWellFormed();
    }
  }
  return { scope, key: name, value, valueType, exact, unknown: lastOfEachKey(unknown) };
}
