/** A JSON object of which nothing is known. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Whether a value is an object with members, and not a list. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object, an empty one if it is none. */
export function toRecord(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}
