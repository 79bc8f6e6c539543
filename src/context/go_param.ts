import { VariableError } from "../errors.ts";
import { canonicalGoType, containerOf, integerOf, isFloat, numberOrBigint, rangeOf } from "./go_type.ts";

/** What a param can hold. `null` is Go's nil; a bigint is used only where a number would not be exact. */
export type ParamValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | readonly ParamValue[]
  | { readonly [key: string]: ParamValue };

/** Lists and maps in params may nest this deep; deeper is taken for a cycle. */
const MAX_DEPTH = 32;
/** Beyond this, a whole float64 cannot be meant as an int64. */
const INT64_END = 2 ** 63;

/**
 * A param's value together with its Go type in the spelling of Go's `%T`: JavaScript does not tell int 3 from float64
 * 3, GoMLX does. The constructor checks nothing; use {@linkcode goParam}.
 *
 * @example
 * ```ts
 * import { Context, goParam } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * const ctx = new Context();
 * ctx.setParam("dropout", goParam("float64", 0));
 * assertEquals(ctx.getGoParam("dropout")?.goType, "float64");
 * ```
 */
export class GoParam {
  /** Go type as `%T` prints it: `int`, `float64`, `[]string`, `map[string]interface {}`, `<nil>` … */
  readonly goType: string;
  /** The value; objects in it have no prototype. */
  readonly value: ParamValue;

  /** Takes both as they are; nothing is checked or copied. */
  constructor(goType: string, value: ParamValue) {
    this.goType = goType;
    this.value = value;
    Object.freeze(this);
  }
}

/**
 * States the Go type of a param. Integers may be numbers or bigints and must be in range; a float32 is rounded to
 * float32; `[]uint8` is base64 text, as in a checkpoint; types that are not known take any value. The value is copied
 * and frozen.
 *
 * @throws {VariableError} if the value does not fit the type, or no checkpoint could hold it.
 *
 * @example
 * ```ts
 * import { goParam } from "@cairn/checkpoints";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(goParam("int64", 3n).value, 3);
 * assertEquals(goParam("int64", 2n ** 53n + 1n).value, 9007199254740993n);
 * assertThrows(() => goParam("int8", 300));
 * ```
 */
export function goParam(goType: string, value: ParamValue): GoParam {
  const type = canonicalGoType(goType);
  return new GoParam(type, checkedValue(type, value, 0));
}

/**
 * The param for a plain value: safe integer `int`, other number (and -0) `float64`, bigint `int64`, boolean `bool`,
 * text `string`, null `<nil>`; lists of one kind `[]int`, `[]float64` (also where both occur), `[]int64`, `[]string`,
 * `[]bool`, others `[]interface {}`; objects `map[string]interface {}`.
 *
 * @throws {VariableError} for a whole number beyond 2^53-1 that could be an int64: it may have been rounded already.
 *
 * @example
 * ```ts
 * import { inferGoParam } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(inferGoParam(3).goType, "int");
 * assertEquals(inferGoParam(0.5).goType, "float64");
 * assertEquals(inferGoParam([1, 2.5]).goType, "[]float64");
 * ```
 */
export function inferGoParam(value: ParamValue): GoParam {
  const goType = inferType(value);
  return new GoParam(goType, checkedValue(goType, value, 0));
}

/**
 * The param for a plain value set over `existing`: a number keeps a numeric param's Go type, and a list of numbers the
 * type of a numeric list, if it fits; everything else is inferred.
 */
export function goParamOver(existing: GoParam | undefined, value: ParamValue): GoParam {
  const kept = existing && keptValue(existing, value);
  return kept === undefined || existing === undefined ? inferGoParam(value) : new GoParam(existing.goType, kept);
}

function keptValue({ goType, value: old }: GoParam, value: ParamValue): ParamValue | undefined {
  if (typeof value === "number" || typeof value === "bigint") {
    if (integerOf(goType) !== undefined || isFloat(goType)) return fitNumber(goType, value);
    // A named type such as "main.myInt": whole numbers stay in it, since that much is known of it.
    return isSafeWhole(old) && isSafeWhole(value) ? value : undefined;
  }
  const container = containerOf(goType);
  if (!Array.isArray(value) || container?.kind !== "list" || container.length !== undefined) return undefined;
  const fitted = value.map((element: ParamValue) =>
    isNumeric(element) ? fitNumber(container.element, element) : undefined
  );
  const exact = fitted.filter((element) => element !== undefined);
  return exact.length === value.length ? Object.freeze(exact) : undefined;
}

function isNumeric(value: ParamValue): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function isSafeWhole(value: ParamValue): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

/** `value` as the numeric type `goType` holds it, or undefined if it does not fit or the type is not numeric. */
function fitNumber(goType: string, value: number | bigint): number | bigint | undefined {
  if (isFloat(goType)) return fitFloat(goType, value);
  const integer = integerOf(goType);
  if (integer === undefined || (typeof value === "number" && !Number.isSafeInteger(value))) return undefined;
  const exact = BigInt(value);
  const [low, high] = rangeOf(integer);
  return exact >= low && exact <= high ? numberOrBigint(exact) : undefined;
}

function fitFloat(goType: string, value: number | bigint): number | undefined {
  const number = Number(value);
  if (typeof value === "bigint" && (!Number.isFinite(number) || BigInt(number) !== value)) return undefined;
  if (goType === "float64") return number;
  const rounded = Math.fround(number);
  return Number.isFinite(number) && !Number.isFinite(rounded) ? undefined : rounded;
}

function inferType(value: ParamValue): string {
  if (value === null) return "<nil>";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "bigint":
      return "int64";
    case "number":
      return Number.isInteger(value) && Math.abs(value) < INT64_END && !Object.is(value, -0) ? "int" : "float64";
    case "object":
      return Array.isArray(value) ? inferListType(value) : "map[string]interface {}";
    default:
      throw new VariableError(
        `Cannot make a param of ${
          describe(value)
        }: wanted null, a boolean, number, bigint, string, list or plain object`,
      );
  }
}

/** One Go type for all elements, where a checkpoint knows a list type of it. */
function inferListType(list: readonly ParamValue[]): string {
  const types = new Set(list.map((element) => isObject(element) ? "interface {}" : inferType(element)));
  if (types.size === 2 && types.has("int") && types.has("float64")) return "[]float64";
  const [only, ...others] = types;
  return only === undefined || others.length > 0 || only === "<nil>" ? "[]interface {}" : `[]${only}`;
}

function isObject(value: ParamValue): boolean {
  return typeof value === "object" && value !== null;
}

/** A frozen copy of `value` that the Go type can hold. */
function checkedValue(goType: string, value: ParamValue, depth: number): ParamValue {
  if (depth > MAX_DEPTH) throw misfit(goType, "it nests too deep", `at most ${MAX_DEPTH} levels and no cycle`);
  if (integerOf(goType) !== undefined || isFloat(goType)) return checkedNumber(goType, value);
  const container = containerOf(goType);
  if (value === null) {
    if (goType === "bool" || goType === "string") throw misfit(goType, "null", `a ${goType}`);
    return null;
  }
  switch (goType) {
    case "bool":
      if (typeof value === "boolean") return value;
      throw misfit(goType, describe(value), "a boolean");
    case "string":
      if (typeof value === "string") return value;
      throw misfit(goType, describe(value), "a string");
    case "[]uint8":
      if (typeof value === "string" && BASE64.test(value)) return value;
      throw misfit(goType, describe(value), "base64 text");
    case "<nil>":
      throw misfit(goType, describe(value), "null");
  }
  if (goType === "" || /^(complex(64|128)|chan .*|func\(.*)$/.test(goType)) {
    throw misfit(goType, describe(value), "a type that a checkpoint can hold");
  }
  if (container === undefined) return copyValue(value, depth);
  if (container.kind === "map") return copyMap(value, (v) => checkedValue(container.element, v, depth + 1), goType);
  if (!Array.isArray(value)) throw misfit(goType, describe(value), "a list");
  if (container.length !== undefined && container.length !== value.length) {
    throw misfit(goType, `${value.length} elements`, `${container.length}`);
  }
  return Object.freeze(value.map((element: ParamValue) => checkedValue(container.element, element, depth + 1)));
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function checkedNumber(goType: string, value: ParamValue): number | bigint {
  if (!isNumeric(value)) throw misfit(goType, describe(value), "a number");
  const fitted = fitNumber(goType, value);
  if (fitted !== undefined) return fitted;
  if (isUnsafeWhole(value)) throw unsafe(value);
  const integer = integerOf(goType);
  if (integer === undefined) throw misfit(goType, describe(value), `a number that ${goType} can hold`);
  const [low, high] = rangeOf(integer);
  throw misfit(goType, describe(value), `a whole number from ${low} to ${high}`);
}

/** A copy for where Go says `interface {}`, or a type that is not known here. */
function copyValue(value: ParamValue, depth: number): ParamValue {
  if (depth > MAX_DEPTH) return checkedValue("interface {}", value, depth);
  if (isNumeric(value)) {
    if (isUnsafeWhole(value)) throw unsafe(value);
    return typeof value === "bigint" ? checkedNumber(value < 0n ? "int64" : "uint64", value) : value;
  }
  if (value === null || typeof value !== "object") {
    inferType(value);
    return value;
  }
  if (!Array.isArray(value)) return copyMap(value, (v) => copyValue(v, depth + 1), "map[string]interface {}");
  return Object.freeze(value.map((element: ParamValue) => copyValue(element, depth + 1)));
}

function copyMap(value: ParamValue, copy: (value: ParamValue) => ParamValue, goType: string): ParamValue {
  const prototype: unknown = isObject(value) && !Array.isArray(value) ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== null && prototype !== Object.prototype) throw misfit(goType, describe(value), "a plain object");
  const result: { [key: string]: ParamValue } = Object.create(null);
  for (const [key, element] of Object.entries(value ?? {})) result[key] = copy(element);
  return Object.freeze(result);
}

/** A number that is whole, not exact, and could have been meant as an int64. */
function isUnsafeWhole(value: number | bigint): boolean {
  return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) &&
    Math.abs(value) < INT64_END;
}

function unsafe(value: number | bigint): VariableError {
  return new VariableError(
    `Cannot make a param of the number ${value}: it is whole and beyond 2^53-1, where numbers are not exact; ` +
      `wanted a bigint (${BigInt(value)}n), or goParam("float64", ${value})`,
  );
}

function misfit(goType: string, found: string, wanted: string): VariableError {
  return new VariableError(`Cannot make a param of Go type "${goType}": found ${found}; wanted ${wanted}`);
}

function describe(value: unknown): string {
  if (typeof value === "string") return `the string ${JSON.stringify(value.slice(0, 40))}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return `an object of type "${value.constructor?.name ?? "Object"}"`;
  return typeof value === "bigint" ? `${value}n` : String(value);
}
