import { type ErrorPlace, FormatError } from "../errors.ts";
import { EXTRAS_KEY } from "./extras_key.ts";
import { float64Text } from "./go_number.ts";
import { type JsonMember, type JsonNode, JsonNumber, JsonObject } from "./json.ts";
import type { JsonReader } from "./json_reader.ts";

/** What was measured when a checkpoint was saved, by name: `{ loss: 0.31, val_loss: 0.42 }`. */
export interface Metrics {
  /** A value by its name. */
  readonly [name: string]: number;
}

/** No metrics. */
export const NO_METRICS: Metrics = Object.freeze({});

/** Numbers that JSON does not have, as strings. */
const NON_FINITE = new Map([["NaN", NaN], ["+Inf", Infinity], ["-Inf", -Infinity]]);

/** Metrics as they stand under Cairn's key, in the order of their names' creation. */
export function metricsNode(metrics: Metrics): JsonObject {
  return new JsonObject(Object.entries(metrics).map(([name, value]): JsonMember => [name, numberNode(value)]));
}

function numberNode(value: number): JsonNode {
  if (Number.isFinite(value)) return new JsonNumber(float64Text(value));
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

/** Reads what {@linkcode metricsNode} wrote. */
export function readMetrics(reader: JsonReader, place: ErrorPlace): Metrics {
  const metrics: [string, number][] = [];
  for (let key = reader.firstKey("an object of metrics"); key !== undefined; key = reader.nextKey()) {
    const [name, node] = reader.readMember(key);
    metrics.push([name.toWellFormed(), numberOf(name, node, place)]);
  }
  return Object.freeze(Object.fromEntries(metrics));
}

function numberOf(name: string, node: JsonNode, place: ErrorPlace): number {
  const value = node instanceof JsonNumber ? Number(node.text) : NON_FINITE.get(String(node));
  const isWritten = node instanceof JsonNumber ? Number.isFinite(value) : typeof node === "string";
  if (value !== undefined && isWritten) return value;
  const found = node instanceof JsonNumber ? node.text.slice(0, 40) : JSON.stringify(node)?.slice(0, 40);
  throw new FormatError(
    `Cannot read manifest "${place.path}": metric "${name}" of its "${EXTRAS_KEY}" is ${found}, ` +
      'wanted a number, "NaN", "+Inf" or "-Inf"',
    place,
  );
}
