import { ConfigError, messageOf, NotFoundError, PermissionError, StoreError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import type { Context } from "./context.ts";
import { GoParam, type ParamValue } from "./go_param.ts";
import { goText } from "./go_text.ts";
import { integerOf, isFloat, numberOrBigint, rangeOf } from "./go_type.ts";
import { compareUtf8, ROOT_SCOPE, splitScope } from "./scope.ts";

/** Options of {@linkcode parseContextSettings}. */
export interface SettingsOptions {
  /** Reads the file of a `file:PATH` setting; the default is `Deno.readTextFileSync`, after expanding `~`. */
  readonly readTextFile?: ((path: string) => string) | undefined;
}

const SETTINGS_OPTIONS: OptionNames<SettingsOptions> = { readTextFile: "function" };

/** Files of settings may name others this deep; deeper is taken for a cycle. */
const MAX_DEPTH = 16;

/**
 * Sets params from a text such as `lr=0.1;/layer/n=2;file:settings.txt`, as from a command line. A setting's bare name
 * must be a param that `ctx` has or inherits, and its Go type decides what is accepted; a path sets the param in that
 * scope. `file:PATH` reads settings line by line (`#` starts a comment line).
 *
 * Returns the left sides as typed: give them to `excludeParams`, so that a loaded checkpoint does not undo them. At an
 * error, the settings before it stay applied.
 *
 * Needs `--allow-read=PATH` for `file:PATH`, and `--allow-env=HOME` for `~`.
 * Source: GoMLX `commandline.ParseContextSettings`.
 *
 * @throws {ConfigError} if a setting cannot be parsed.
 * @throws {NotFoundError} if no param has that name, or there is no such file.
 * @throws {PermissionError} if the file may not be read.
 *
 * @example
 * ```ts
 * import { Context, parseContextSettings } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * const ctx = new Context();
 * ctx.setParams({ lr: 0.001, units: 8 });
 * assertEquals(parseContextSettings(ctx, "lr=0.1;/layer_1/units=1_024"), ["lr", "/layer_1/units"]);
 * assertEquals(ctx.in("layer_1").getParam("units"), 1024);
 * ```
 */
export function parseContextSettings(ctx: Context, text: string, options: SettingsOptions = {}): string[] {
  checkOptions("parseContextSettings()", options, SETTINGS_OPTIONS);
  if (typeof text !== "string") {
    throw new ConfigError('Cannot parse settings: wanted a text such as "lr=0.1;/layer/units=8"; join a list with ";"');
  }
  return parseSettings(ctx, text, options.readTextFile ?? readTextFile, 0);
}

function parseSettings(ctx: Context, text: string, read: (path: string) => string, depth: number): string[] {
  return text.split(";").filter((setting) => setting !== "").flatMap((setting) =>
    setting.startsWith("file:")
      ? parseSettingsFile(ctx, setting.slice("file:".length), read, depth + 1)
      : [parseSetting(ctx, setting)]
  );
}

function parseSettingsFile(ctx: Context, path: string, read: (path: string) => string, depth: number): string[] {
  if (depth > MAX_DEPTH) {
    throw new ConfigError(`Cannot parse setting "file:${path}": files of settings nest deeper than ${MAX_DEPTH}`);
  }
  return read(path).split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"))
    .flatMap((line) => parseSettings(ctx, line, read, depth));
}

function parseSetting(ctx: Context, setting: string): string {
  const [path, text, ...more] = setting.split("=");
  if (path === undefined || text === undefined || more.length > 0) {
    throw new ConfigError(`Cannot parse setting "${setting}": wanted "param=value", with one "="`);
  }
  const { scope, name } = splitScope(path);
  if (name.includes("/")) {
    throw new ConfigError(`Cannot parse setting "${setting}": wanted an absolute scope, "/${path}"`);
  }
  const existing = ctx.getGoParam(name);
  if (existing === undefined) {
    throw new NotFoundError(
      `Cannot parse setting "${setting}": no param "${name}" in scope "${ctx.scope}" or above; set its default first`,
      { entry: path },
    );
  }
  const target = scope === "" ? ctx : ctx.inAbsPath(scope);
  target.setParam(name, parseSettingValue(existing, text, setting));
  return path;
}

/** Reads a file of the local machine; `~` and `~/x` are in the directory that `HOME` names. */
function readTextFile(path: string): string {
  const file = expandTilde(path);
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    const what = `Cannot read settings file "${file}"`;
    const place = { path: file, cause: error };
    if (error instanceof Deno.errors.NotFound) throw new NotFoundError(`${what}: there is no such file`, place);
    if (error instanceof Deno.errors.NotCapable) {
      throw new PermissionError(`${what}: run again with --allow-read=${file}`, place);
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new PermissionError(`${what}: the file system refuses it: ${messageOf(error)}`, place);
    }
    throw new StoreError(`${what}: ${messageOf(error)}`, place);
  }
}

function expandTilde(path: string): string {
  if (!path.startsWith("~")) return path;
  if (path !== "~" && !path.startsWith("~/")) {
    throw new ConfigError(`Cannot read settings file "${path}": of "~" only "~/" is known, the own home directory`, {
      path,
    });
  }
  return homeDirectory(path) + path.slice(1);
}

function homeDirectory(path: string): string {
  try {
    const home = Deno.env.get("HOME");
    if (home !== undefined && home !== "") return home;
  } catch (error) {
    const what = `Cannot read settings file "${path}"`;
    throw new PermissionError(`${what}: run again with --allow-env=HOME, or without "~"`, { path, cause: error });
  }
  throw new ConfigError(`Cannot read settings file "${path}": "~" is unknown since HOME is not set`, { path });
}

/**
 * All params of all scopes, one per line, with their Go types, as GoMLX prints them.
 * Source: GoMLX `commandline.SprintContextSettings`.
 */
export function sprintContextSettings(ctx: Context): string {
  return ctx.params.map(({ scope, key, param }) => settingLine(`${scope === ROOT_SCOPE ? "" : scope}/${key}`, param))
    .join("\n");
}

/**
 * As {@linkcode sprintContextSettings}, of the paths that {@linkcode parseContextSettings} returned: sorted, each once,
 * unknown ones left out. Source: GoMLX `commandline.SprintModifiedContextSettings`.
 */
export function sprintModifiedContextSettings(ctx: Context, paths: readonly string[]): string {
  return [...new Set(paths)].sort(compareUtf8).flatMap((path) => {
    const { scope, name } = splitScope(path);
    const param = ctx.inAbsPath(scope === "" ? ROOT_SCOPE : scope).getGoParam(name);
    return param === undefined ? [] : [settingLine(path, param)];
  }).join("\n");
}

function settingLine(path: string, param: GoParam): string {
  return `\t"${path}": (${param.goType}) ${goText(param)}`;
}

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
