import type { GoParam, ParamValue } from "./go_param.ts";
import { containerOf, isFloat } from "./go_type.ts";
import { compareUtf8 } from "./scope.ts";

/**
 * The value as Go's `%v` prints it: `0.01`, `1e-05`, `[1 2 3]`, `map[a:1 b:2]`, `<nil>`. A `time.Duration` prints as
 * its nanoseconds.
 */
export function goText({ goType, value }: GoParam): string {
  return textOf(goType, value);
}

function textOf(goType: string, value: ParamValue): string {
  if (value === null) return nilText(goType);
  if (typeof value === "number") return numberText(goType, value);
  if (typeof value !== "object") return String(value);
  const element = containerOf(goType)?.element ?? "interface {}";
  if (Array.isArray(value)) return `[${value.map((v: ParamValue) => textOf(element, v)).join(" ")}]`;
  const byNumber = /^map\[u?int/.test(goType);
  const entries = Object.entries(value).sort(([a], [b]) => byNumber ? Number(a) - Number(b) : compareUtf8(a, b));
  return `map[${entries.map(([key, v]) => `${key}:${textOf(element, v)}`).join(" ")}]`;
}

function nilText(goType: string): string {
  const kind = containerOf(goType)?.kind;
  if (kind === undefined) return "<nil>";
  return kind === "map" ? "map[]" : "[]";
}

/** Go's `%g` with the shortest digits: an exponent below 1e-4 and from 1e6 on, of two digits at least. */
function numberText(goType: string, value: number): string {
  // Numbers in untyped lists and maps are float64 in Go, once they come from a checkpoint.
  if (!isFloat(goType) && goType !== "interface {}") return String(value);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-Inf" : "+Inf";
  if (Object.is(value, -0)) return "-0";
  const digits = goType === "float32" ? float32Digits(value) : value.toExponential();
  const [mantissa = "", exponentText = "0"] = digits.split("e");
  const exponent = Number(exponentText);
  if (value !== 0 && (exponent < -4 || exponent >= 6)) {
    const sign = exponent < 0 ? "-" : "+";
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return String(Number(digits)); // JavaScript uses no exponent here either
}

/** The fewest digits that give this float32 again. */
function float32Digits(value: number): string {
  for (let precision = 0; precision < 9; precision++) {
    const digits = value.toExponential(precision);
    if (Math.fround(Number(digits)) === value) return digits;
  }
  return value.toExponential();
}
