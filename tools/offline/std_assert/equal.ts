import { isDeepStrictEqual } from "node:util";

/**
 * Deep equality for tests, over Node's: as there, prototypes and own enumerable properties count, NaN equals NaN; as
 * in `@std/assert`, 0 equals -0 and an object without prototype equals a plain one. (Inside of maps, sets and typed arrays
 * Node's stricter rule for -0 holds.)
 */
export function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(normalized(a), normalized(b));
}

function normalized(value: unknown, seen: Map<unknown, unknown> = new Map()): unknown {
  if (value === 0) return 0;
  if (typeof value !== "object" || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (!Array.isArray(value) && !isPlain(value)) return value;
  const copy = Array.isArray(value) ? [] : {};
  seen.set(value, copy);
  for (const key of Reflect.ownKeys(value)) {
    if (!Object.prototype.propertyIsEnumerable.call(value, key)) continue;
    const one = normalized(Reflect.get(value, key), seen);
    Object.defineProperty(copy, key, { value: one, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
