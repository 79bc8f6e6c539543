/**
 * Deep equality with the meaning of `@std/assert`'s `equal`: primitives by SameValueZero (NaN equals NaN, 0 equals -0);
 * objects need the same prototype, where none counts as `Object.prototype`, and the same properties; typed arrays and
 * buffers by element; maps and sets without regard to order; dates by time, cycles followed once.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

type Seen = Map<object, object>;

function compare(a: unknown, b: unknown, seen: Seen): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (!samePrototype(a, b)) return false;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return sameElements(a, b);
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) return sameElements(new Uint8Array(a), new Uint8Array(b));
  if (a instanceof WeakMap || a instanceof WeakSet) throw new TypeError("cannot compare WeakMap or WeakSet instances");
  if (a instanceof WeakRef && b instanceof WeakRef) return compare(a.deref(), b.deref(), seen);
  if (seen.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  seen.set(a, b);
  if (a instanceof Set && b instanceof Set) return sameSet(a, b, seen);
  if (a instanceof Map && b instanceof Map) return sameMap(a, b, seen);
  if (a instanceof RegExp || a instanceof URL || a instanceof URLSearchParams) return String(a) === String(b);
  return sameProperties(a, b, seen);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function samePrototype(a: object, b: object): boolean {
  return (Object.getPrototypeOf(a) ?? Object.prototype) === (Object.getPrototypeOf(b) ?? Object.prototype);
}

function sameElements(a: ArrayBufferView, b: ArrayBufferView): boolean {
  if (a instanceof DataView || b instanceof DataView) return sameElements(bytesOf(a), bytesOf(b));
  const left = elementsOf(a);
  const right = elementsOf(b);
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) {
    if (left[i] !== right[i] && !Object.is(left[i], right[i])) return false;
  }
  return true;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function elementsOf(view: ArrayBufferView): ArrayLike<unknown> {
  return "length" in view ? view as ArrayBufferView & ArrayLike<unknown> : bytesOf(view);
}

function sameSet(a: Set<unknown>, b: Set<unknown>, seen: Seen): boolean {
  if (a.size !== b.size) return false;
  const others = [...b];
  return [...a].every((one) => b.has(one) || (isObject(one) && others.some((other) => compare(one, other, seen))));
}

function sameMap(a: Map<unknown, unknown>, b: Map<unknown, unknown>, seen: Seen): boolean {
  if (a.size !== b.size) return false;
  const others = [...b];
  return [...a].every(([key, value]) => {
    if (b.has(key)) return compare(value, b.get(key), seen);
    if (!isObject(key)) return false;
    return others.some(([otherKey, other]) => compare(key, otherKey, seen) && compare(value, other, seen));
  });
}

/** Own properties of plain objects and arrays; of other objects the inherited ones too (getters of a class). */
function sameProperties(a: object, b: object, seen: Seen): boolean {
  const keys = isPlain(a) ? enumerableKeys(a).union(enumerableKeys(b)) : allKeys(a).union(allKeys(b));
  for (const key of keys) {
    if (key in a !== key in b) return false;
    if (!compare(Reflect.get(a, key), Reflect.get(b, key), seen)) return false;
  }
  return true;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || prototype === Array.prototype;
}

function enumerableKeys(value: object): Set<PropertyKey> {
  return new Set(Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key)));
}

function allKeys(value: object): Set<PropertyKey> {
  const keys = new Set<PropertyKey>();
  let level: object | null = value;
  while (level !== null && level !== Object.prototype && level !== Array.prototype) {
    for (const key of Reflect.ownKeys(level)) keys.add(key);
    level = Object.getPrototypeOf(level);
  }
  return keys;
}
