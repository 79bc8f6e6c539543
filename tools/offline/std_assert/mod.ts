/**
 * Stand-in for `jsr:@std/assert` where JSR cannot be reached: the assertions that Cairn's tests use, with std's names,
 * signatures and meaning. Messages show both values but no coloured difference.
 * @module
 */
import { inspect } from "node:util";
import { equal } from "./equal.ts";

export { equal };

/** Thrown by every assertion that does not hold. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** Any constructor, abstract ones too: what `instanceof` takes. */
// deno-lint-ignore no-explicit-any -- std's own type: any constructor, whatever it takes
export type AnyConstructor = new (...args: any[]) => any;
/** What a constructor makes. */
export type GetConstructorType<C extends AnyConstructor> = InstanceType<C>;
/** A value that is in every case falsy. */
export type Falsy = false | 0 | 0n | "" | null | undefined;
/** An array-like value. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/** The expression is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** The expression is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/** The values are deeply equal: structure, prototypes' constructors, typed arrays, maps, sets, dates, NaN. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(`Values are not equal${suffix(msg)}${both(actual, expected)}`);
}

/** The values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${text(actual)} not to be: ${text(expected)}${suffix(msg)}`,
  );
}

/** The values are the same by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  throw new AssertionError(`Values are not strictly equal${suffix(msg)}${both(actual, expected)}`);
}

/** The values differ by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) return;
  throw new AssertionError(`Expected "actual" to not be strictly equal to: ${text(actual)}${suffix(msg)}`);
}

/** The value is neither `null` nor `undefined`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== undefined && actual !== null) return;
  throw new AssertionError(`Expected actual: "${actual}" to not be null or undefined${suffix(msg)}`);
}

/** The numbers differ by at most `tolerance`; 1e-7 of `expected` if none is given, as in std. */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  if (delta <= allowed) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to be close to "${expected}": delta "${delta}" is greater than "${allowed}"${
      suffix(msg)
    }`,
  );
}

/** The value is greater than the other. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw new AssertionError(msg ?? `Expect ${text(actual)} > ${text(expected)}`);
}

/** The value is greater than the other or equal to it. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  throw new AssertionError(msg ?? `Expect ${text(actual)} >= ${text(expected)}`);
}

/** The value is less than the other. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw new AssertionError(msg ?? `Expect ${text(actual)} < ${text(expected)}`);
}

/** The value is less than the other or equal to it. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual <= expected) return;
  throw new AssertionError(msg ?? `Expect ${text(actual)} <= ${text(expected)}`);
}

/** The text contains the other text. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(`Expected actual: "${actual}" to contain: "${expected}"${suffix(msg)}`);
}

/** Every expected element is in the array, by deep equality. */
export function assertArrayIncludes<T>(actual: ArrayLikeArg<T>, expected: ArrayLikeArg<T>, msg?: string): void {
  const all = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) => !all.some((one) => equal(wanted, one)));
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${text(actual)}" to include: "${text(expected)}"${suffix(msg)}\nmissing: ${text(missing)}`,
  );
}

/** The text matches the expression. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to match: "${expected}"${suffix(msg)}`);
}

/** The text does not match the expression. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(`Expected actual: "${actual}" to not match: "${expected}"${suffix(msg)}`);
}

/** The value is an instance of the class. */
export function assertInstanceOf<T extends AnyConstructor>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is GetConstructorType<T> {
  if (actual instanceof expectedType) return;
  const found = actual === null || typeof actual !== "object" ? typeof actual : actual.constructor?.name ?? "Object";
  throw new AssertionError(
    `Expected object to be an instance of "${expectedType.name}" but was "${found}"${suffix(msg)}`,
  );
}

/** The value is an error, optionally of a class and with a text in its message. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  // deno-lint-ignore no-explicit-any -- std's own signature
  ErrorClass?: abstract new (...args: any[]) => E,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) {
    throw new AssertionError(`Expected "error" to be an Error object${suffix(msg)}`);
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor?.name}"${suffix(msg)}\n` +
        `error: ${error.message}`,
    );
  }
  const matches = msgMatches === undefined ||
    (typeof msgMatches === "string" ? error.message.includes(msgMatches) : msgMatches.test(error.message));
  if (matches) return;
  throw new AssertionError(
    `Expected error message to ${typeof msgMatches === "string" ? "include" : "match"} ${text(msgMatches)}, but got ${
      text(error.message)
    }${suffix(msg)}`,
  );
}

/** The function throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** The function throws an error of the class, optionally with a text in its message; returns it. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any -- std's own signature
  ErrorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  errorClassOrMsg?: ErrorConstructor | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  const { ErrorClass, message } = readArguments(errorClassOrMsg, msg);
  let result: unknown;
  try {
    result = fn();
  } catch (error) {
    return checkThrown(error, ErrorClass, msgIncludes, message);
  }
  if (isPromiseLike(result)) {
    throw new AssertionError(`Expected function to throw: it returned a promise, use assertRejects${suffix(message)}`);
  }
  throw new AssertionError(`Expected function to throw${suffix(message)}`);
}

/** The promise that the function returns is rejected; resolves to the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** The promise is rejected with an error of the class, optionally with a text in its message; resolves to it. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any -- std's own signature
  ErrorClass: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  errorClassOrMsg?: ErrorConstructor | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const { ErrorClass, message } = readArguments(errorClassOrMsg, msg);
  let promise: unknown;
  try {
    promise = fn();
  } catch (error) {
    throw new AssertionError(`Function throws when expected to reject${suffix(message)}`, { cause: error });
  }
  if (!isPromiseLike(promise)) {
    throw new AssertionError(`Function did not return a promise: use assertThrows instead${suffix(message)}`);
  }
  try {
    await promise;
  } catch (error) {
    return checkThrown(error, ErrorClass, msgIncludes, message);
  }
  throw new AssertionError(`Expected function to reject${suffix(message)}`);
}

/** Fails at once. */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${msg ? `: ${msg}` : "."}`);
}

/** For code that must not be reached. */
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${msg ? `: ${msg}` : "."}`);
}

/** For a test that is not written yet. */
export function unimplemented(msg?: string): never {
  throw new AssertionError(`Unimplemented${msg ? `: ${msg}` : "."}`);
}

// deno-lint-ignore no-explicit-any -- any constructor of errors, whatever it takes
type ErrorConstructor = abstract new (...args: any[]) => Error;

function readArguments(
  errorClassOrMsg: ErrorConstructor | string | undefined,
  msg: string | undefined,
): { ErrorClass: ErrorConstructor | undefined; message: string | undefined } {
  if (typeof errorClassOrMsg === "string") return { ErrorClass: undefined, message: errorClassOrMsg };
  return { ErrorClass: errorClassOrMsg, message: msg };
}

function checkThrown(
  error: unknown,
  ErrorClass: ErrorConstructor | undefined,
  msgIncludes: string | undefined,
  msg: string | undefined,
): unknown {
  if (ErrorClass === undefined) return error;
  if (!(error instanceof Error)) throw new AssertionError(`A non-Error object was thrown${suffix(msg)}`);
  assertIsError(error, ErrorClass, msgIncludes, msg);
  return error;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}

function both(actual: unknown, expected: unknown): string {
  return `\n    actual:   ${text(actual)}\n    expected: ${text(expected)}\n`;
}

function text(value: unknown): string {
  return inspect(value, { depth: 20, maxArrayLength: 200, maxStringLength: 20_000, sorted: true });
}
