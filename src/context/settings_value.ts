import { ConfigError } from "../errors.ts";
import { GoParam, type ParamValue } from "./go_param.ts";
import { integerOf, isFloat, numberOrBigint, rangeOf } from "./go_type.ts";

/** JSON allows these around a literal. */
const BLANKS = /^[ \t\r\n]+|[ \t\r\n]+$/g;
const INTEGER = /^-?(0|[1-9]\d*)$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
/** The Go types that settings can set; numbers, and lists of them, by their element type. */
const NUMERIC = ["int", "int32", "int64", "uint", "uint32", "uint64", "float64", "float32"];
const LISTS = ["int", "float64"];

/** The text of a setting as a param of the same Go type as the existing one. `null` leaves the value as it is. */
export function parseSettingValue(existing: GoParam, text: string, setting: string): GoParam {
  const value = parseAs(existing, text);
  if (value === undefined) {
    throw new ConfigError(
      `Cannot parse setting "${setting}": don't know how to parse Go type "${existing.goType}"; wanted a number, bool, ` +
        "string, []int, []float64 or []string",
    );
  }
  if (value !== NOT_PARSED) return new GoParam(existing.goType, value);
  throw new ConfigError(`Cannot parse setting "${setting}": found "${text}"; wanted ${expected(existing.goType)}`);
}

const NOT_PARSED = Symbol("not parsed");

function parseAs({ goType, value }: GoParam, text: string): ParamValue | typeof NOT_PARSED | undefined {
  if (goType === "string") return text;
  if (goType === "[]string") return Object.freeze(text.split(","));
  if (NUMERIC.includes(goType)) return isNull(text) ? value : parseNumber(goType, text) ?? NOT_PARSED;
  if (goType === "bool") return isNull(text) ? value : parseBool(text) ?? NOT_PARSED;
  const element = goType.startsWith("[]") ? goType.slice(2) : "";
  if (!LISTS.includes(element)) return undefined;
  const list = text.split(",").map((piece) => isNull(piece) ? 0 : parseNumber(element, piece));
  const numbers = list.filter((number) => number !== undefined);
  return numbers.length === list.length ? Object.freeze(numbers) : NOT_PARSED;
}

function isNull(text: string): boolean {
  return text.replace(BLANKS, "") === "null";
}

function parseBool(text: string): boolean | undefined {
  const literal = text.replace(BLANKS, "");
  return literal === "true" ? true : literal === "false" ? false : undefined;
}

function parseNumber(goType: string, text: string): number | bigint | undefined {
  const integer = integerOf(goType);
  if (integer === undefined) return parseFloating(goType, text.replace(BLANKS, ""));
  const digits = text.replaceAll("_", "").replace(BLANKS, "");
  if (!INTEGER.test(digits) || (!integer.signed && digits.startsWith("-"))) return undefined;
  const exact = BigInt(digits);
  const [low, high] = rangeOf(integer);
  return exact >= low && exact <= high ? numberOrBigint(exact) : undefined;
}

function parseFloating(goType: string, text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const number = goType === "float32" ? Math.fround(Number(text)) : Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function expected(goType: string): string {
  if (goType === "bool") return `"true" or "false"`;
  const element = goType.replace("[]", "");
  const one = isFloat(element) ? `a ${element} such as 0.1 or 1e-3` : `a whole number that ${element} can hold`;
  return goType === element ? one : `a list with commas, each ${one}`;
}
