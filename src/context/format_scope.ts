import { VariableError } from "../errors.ts";

/** One Go verb: flags, width, precision, letter. */
const VERB = /%([-+0 ]*)(\d*)(?:\.(\d+))?(.?)/gs;

/**
 * Formats as Go's `fmt.Sprintf`, for the verbs that scope names use: `%d %s %v %q %t %x %f %e %%`, with width,
 * precision, `0`, `-` and `+`.
 *
 * @throws {VariableError} for other verbs, wrong types, and too few or too many arguments, where Go writes `%!d(…)`
 * into the text.
 */
export function formatScope(format: string, args: readonly unknown[]): string {
  let used = 0;
  const text = format.replace(
    VERB,
    (verb: string, flags: string, width: string, precision: string | undefined, letter: string) => {
      if (letter === "%") return "%";
      if (used >= args.length) throw wrong(format, `found ${args.length} arguments; wanted one for each verb`);
      const written = formatOne(letter, precision === undefined ? undefined : Number(precision), args[used++]);
      if (written === undefined) {
        throw wrong(
          format,
          `found "${verb}" with ${typeof args[used - 1]} ${String(args[used - 1])}; wanted a verb for it`,
        );
      }
      return pad(flags, Number(width), written, "dxfe".includes(letter));
    },
  );
  if (used < args.length) throw wrong(format, `found ${args.length} arguments; wanted ${used}`);
  return text;
}

function formatOne(letter: string, precision: number | undefined, arg: unknown): string | undefined {
  const isNumber = typeof arg === "number";
  const whole = isNumber && Number.isInteger(arg) ? BigInt(arg) : arg;
  switch (letter) {
    case "d":
      return typeof whole === "bigint" ? whole.toString() : undefined;
    case "x":
      return typeof whole === "bigint" ? whole.toString(16) : undefined;
    case "f":
      return isNumber ? arg.toFixed(precision ?? 6) : undefined;
    case "e":
      return isNumber ? arg.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2") : undefined;
    case "t":
      return typeof arg === "boolean" ? String(arg) : undefined;
    case "q":
      return typeof arg === "string" ? JSON.stringify(arg) : undefined;
    case "s":
      return typeof arg === "string" ? arg.slice(0, precision) : undefined;
    case "v":
      return arg === null || arg === undefined ? undefined : String(arg);
    default:
      return undefined;
  }
}

function pad(flags: string, width: number, text: string, isNumber: boolean): string {
  const signed = isNumber && flags.includes("+") && !text.startsWith("-") ? `+${text}` : text;
  if (flags.includes("-")) return signed.padEnd(width);
  if (!flags.includes("0") || !isNumber) return signed.padStart(width);
  const sign = /^[+-]/.exec(signed)?.[0] ?? "";
  return sign + signed.slice(sign.length).padStart(width - sign.length, "0");
}

function wrong(format: string, what: string): VariableError {
  return new VariableError(`Cannot format scope "${format}": ${what}`);
}
