import { VariableError } from "../errors.ts";
import { containerOf, integerOf, isFloat, numberOrBigint, rangeOf } from "./go_type.ts";
import { GoParam, type ParamValue } from "./go_param.ts";

/**
 * The found param as the type of the default, or the default if there is none or it is nil. Against a
 * {@linkcode GoParam} the rules are Go's conversions; against a plain value only the JavaScript type has to agree,
 * since JavaScript cannot ask for an int. Unlike in Go, an int never becomes a one-character string.
 * Source: GoMLX `context.GetParamOr`.
 */
export function paramAs(found: GoParam | undefined, wanted: ParamValue | GoParam, path: string): ParamValue {
  if (found === undefined || found.value === null) return wanted instanceof GoParam ? wanted.value : wanted;
  const value = converted(found, wanted);
  if (value !== undefined) return value;
  const what = wanted instanceof GoParam
    ? wanted.goType
    : Array.isArray(wanted)
    ? "a list like the default"
    : `a ${typeof wanted}`;
  const advice = typeof found.value === "bigint" ? `; ${found.value} is beyond 2^53-1: use a bigint as default` : "";
  throw new VariableError(`Cannot get param "${path}": found Go type "${found.goType}"; wanted ${what}${advice}`, {
    entry: path,
  });
}

function converted(found: GoParam, wanted: ParamValue | GoParam): ParamValue | undefined {
  if (wanted instanceof GoParam) return paramAsGoType(found, wanted);
  if (wanted === null) return found.value;
  const value = found.value;
  switch (typeof wanted) {
    case "number":
      return typeof value === "number" ? value : undefined;
    case "bigint":
      return numberAsInteger(found, "int64", true);
    case "string":
      return textOf(found);
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) !== Array.isArray(wanted)) return undefined;
  return hasElementsLike(value, wanted) ? value : undefined;
}

/** Whether the elements of a list have the types that the elements of the default have, if it has any. */
function hasElementsLike(value: ParamValue, wanted: ParamValue): boolean {
  if (!Array.isArray(value) || !Array.isArray(wanted) || wanted.length === 0) return true;
  const types = new Set(wanted.map((element) => typeof element));
  return value.every((element) => types.has(typeof element));
}

function paramAsGoType(found: GoParam, { goType, value: fallback }: GoParam): ParamValue | undefined {
  if (found.goType === goType || goType === "interface {}" || goType === "<nil>") return found.value;
  if (isFloat(goType)) return numberAsFloat(found.value, goType);
  if (integerOf(goType) !== undefined) return numberAsInteger(found, goType, false);
  if (goType === "string") return textOf(found);
  if (goType === "[]uint8") return found.goType === "string" ? base64Of(found.value) : undefined;
  // A named type, "main.Level": what it is underneath shows in the default only.
  if (containerOf(goType) !== undefined || typeof fallback !== "number") return undefined;
  return typeof found.value === "number" ? Math.trunc(found.value) : undefined;
}

function numberAsFloat(value: ParamValue, goType: string): number | undefined {
  if (typeof value !== "number" && typeof value !== "bigint") return undefined;
  return goType === "float32" ? Math.fround(Number(value)) : Number(value);
}

/** Floats are cut toward zero and must be in range then; integers wrap around, both as in Go. */
function numberAsInteger(found: GoParam, goType: string, asBigint: boolean): number | bigint | undefined {
  const { value } = found;
  const integer = integerOf(goType);
  if (integer === undefined || (typeof value !== "number" && typeof value !== "bigint")) return undefined;
  if (!Number.isFinite(Number(value))) return undefined;
  const whole = BigInt(typeof value === "number" ? Math.trunc(value) : value);
  if (asBigint) return whole;
  const [low, high] = rangeOf(integer);
  if (whole >= low && whole <= high) return numberOrBigint(whole);
  if (integerOf(found.goType) === undefined) return undefined;
  return numberOrBigint(integer.signed ? BigInt.asIntN(integer.bits, whole) : BigInt.asUintN(integer.bits, whole));
}

/** A string, or the text in Go bytes, which a param holds as base64. */
function textOf({ goType, value }: GoParam): string | undefined {
  if (typeof value !== "string" || goType !== "[]uint8") return typeof value === "string" ? value : undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.fromBase64(value));
  } catch {
    return undefined;
  }
}

function base64Of(value: ParamValue): string | undefined {
  return typeof value === "string" ? new TextEncoder().encode(value).toBase64() : undefined;
}
