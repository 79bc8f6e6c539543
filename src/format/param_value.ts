import { compareUtf8 } from "../context/scope.ts";
import { GoParam, type ParamValue } from "../context/go_param.ts";
import { containerOf, integerOf, isFloat, numberOrBigint, rangeOf } from "../context/go_type.ts";
import { FormatError } from "../errors.ts";
import { float32Text, float64Text } from "./go_number.ts";
import { type JsonMember, type JsonNode, JsonNumber, JsonObject } from "./json.ts";
import { parseJson } from "./parse_json.ts";

/** A param as {@linkcode paramFromJson} gives it. */
export interface ReadParam {
  /** Go type and value. */
  readonly param: GoParam;
  /** Set if the value does not fit the type. */
  readonly warning?: string | undefined;
}

/**
 * A param from its `ValueType` and `Value`. The Go type stays the one in the file, and integers stay exact, where GoMLX
 * goes through float64 and gives some types up. A value that does not fit its type stays as it is. Without type,
 * numbers are `float64`, as in GoMLX. `exact` is the text of {@linkcode paramToJson}.
 *
 * @throws {FormatError} A number is beyond float64, or `exact` is not such a text.
 */
export function paramFromJson(goType: string | undefined, value: JsonNode, exact?: string): ReadParam {
  const node = exact === undefined ? value : parseJson(exact, { nonFinite: true });
  if (goType === undefined) return { param: new GoParam(typeOfNode(node), toValue("interface {}", node, ignore)) };
  let misfit: string | undefined;
  const converted = toValue(goType, node, (essence) => misfit ??= essence);
  const param = new GoParam(goType, converted);
  return misfit === undefined ? { param } : { param, warning: `${misfit} does not fit its Go type "${goType}"` };
}

function ignore(): void {}

/** What Go's decoder makes of JSON without a type. */
function typeOfNode(node: JsonNode): string {
  if (node === null) return "<nil>";
  if (typeof node === "boolean") return "bool";
  if (typeof node === "string") return "string";
  if (node instanceof JsonNumber) return "float64";
  return node instanceof JsonObject ? "map[string]interface {}" : "[]interface {}";
}

/** Go types that hold no null, no list and no object. */
function isScalar(goType: string): boolean {
  return goType === "bool" || goType === "string" || isFloat(goType) || integerOf(goType) !== undefined;
}

function toValue(goType: string, node: JsonNode, misfit: (essence: string) => void): ParamValue {
  if (node === null) {
    if (isScalar(goType)) misfit("null");
    return null;
  }
  if (typeof node === "boolean" || typeof node === "string") {
    if ((isScalar(goType) && goType !== typeName(node)) || (containerOf(goType) && goType !== "[]uint8")) {
      misfit(typeof node === "string" ? "a string" : String(node));
    }
    return typeof node === "string" ? node.toWellFormed() : node;
  }
  if (node instanceof JsonNumber) return toNumber(goType, node.text, misfit);
  const container = containerOf(goType);
  const isMap = node instanceof JsonObject;
  if (isScalar(goType) || (container !== undefined && (container.kind === "map") !== isMap)) {
    misfit(isMap ? "an object" : "a list");
  }
  const element = container?.element ?? goType;
  if (!isMap) return Object.freeze(node.map((each) => toValue(element, each, misfit)));
  const result: { [key: string]: ParamValue } = Object.create(null);
  for (const [key, each] of node.members) result[key.toWellFormed()] = toValue(element, each, misfit);
  return Object.freeze(result);
}

function typeName(node: boolean | string): string {
  return typeof node === "boolean" ? "bool" : "string";
}

function toNumber(goType: string, text: string, misfit: (essence: string) => void): number | bigint {
  const value = numberOf(text);
  const integer = integerOf(goType);
  const isWhole = /^-?\d+$/.test(text);
  if (integer !== undefined) {
    if (!Number.isInteger(value)) {
      misfit(text);
      return value;
    }
    const exact = isWhole ? BigInt(text) : BigInt(value);
    const [low, high] = rangeOf(integer);
    if (exact >= low && exact <= high) return numberOrBigint(exact);
    misfit(text);
    return isWhole ? numberOrBigint(exact) : value;
  }
  if (goType === "float64") return value;
  if (goType === "float32") {
    const rounded = Math.fround(value);
    if (Number.isFinite(rounded) || !Number.isFinite(value)) return rounded;
    misfit(text);
    return value;
  }
  if (goType === "bool" || goType === "string" || containerOf(goType) !== undefined) misfit(text);
  // The type is not known here: a number if the text is a float64's, else an integer that a number might not hold.
  return isWhole && !Number.isSafeInteger(value) && float64Text(value) !== text ? BigInt(text) : value;
}

function numberOf(text: string): number {
  if (text === "NaN") return NaN;
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new FormatError(`the number ${text.slice(0, 40)} is beyond float64`);
}

/** A param as {@linkcode paramToJson} gives it. */
export interface WrittenParam {
  /** What GoMLX reads. */
  readonly value: JsonNode;
  /** The whole value with `NaN`, `+Inf` and `-Inf`, where JSON cannot hold it; `value` is then null. */
  readonly exact: string | undefined;
}

/** `Value` of a param as Go's encoder writes it. */
export function paramToJson(param: GoParam): WrittenParam {
  const value = toNode(param.goType, param.value);
  return isJson(value) ? { value, exact: undefined } : { value: null, exact: compactText(value) };
}

function isJson(node: JsonNode): boolean {
  if (node === null || typeof node !== "object") return true;
  if (node instanceof JsonNumber) return node.text !== "NaN" && !node.text.endsWith("Inf");
  if (node instanceof JsonObject) return node.members.every(([, each]) => isJson(each));
  return node.every(isJson);
}

/** JSON in one line, which may hold non-finite numbers. */
function compactText(node: JsonNode): string {
  if (node instanceof JsonNumber) return node.text;
  if (node === null || typeof node !== "object") return JSON.stringify(node);
  if (!(node instanceof JsonObject)) return `[${node.map(compactText).join(",")}]`;
  return `{${node.members.map(([key, each]) => `${JSON.stringify(key)}:${compactText(each)}`).join(",")}}`;
}

function toNode(goType: string, value: ParamValue): JsonNode {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return new JsonNumber(String(value));
  if (typeof value === "number") return new JsonNumber(numberText(goType, value));
  const container = containerOf(goType);
  const element = container?.element ?? goType;
  if (isList(value)) return value.map((each) => toNode(element, each));
  const members = Object.entries(value).map(([key, each]): JsonMember => [key, toNode(element, each)]);
  // Go sorts the keys of a map; a struct's stay in their order.
  const isMap = container?.kind === "map" || goType === "interface {}";
  return new JsonObject(isMap ? members.sort(([a], [b]) => compareUtf8(a, b)) : members);
}

function isList(value: ParamValue): value is readonly ParamValue[] {
  return Array.isArray(value);
}

function numberText(goType: string, value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  if (goType === "float32" && Math.fround(value) === value) return float32Text(value);
  return integerOf(goType) !== undefined && Number.isInteger(value) ? String(BigInt(value)) : float64Text(value);
}
