const int = (bits: number): GoInteger => ({ bits, signed: true });
const uint = (bits: number): GoInteger => ({ bits, signed: false });

/** Width and sign of a Go integer type. */
export interface GoInteger {
  readonly bits: number;
  readonly signed: boolean;
}

/** Go's integer types on 64-bit machines, and `time.Duration`, which is an int64 of nanoseconds. */
const INTEGERS: ReadonlyMap<string, GoInteger> = new Map([
  ["int", int(64)],
  ["int8", int(8)],
  ["int16", int(16)],
  ["int32", int(32)],
  ["int64", int(64)],
  ["uint", uint(64)],
  ["uint8", uint(8)],
  ["uint16", uint(16)],
  ["uint32", uint(32)],
  ["uint64", uint(64)],
  ["uintptr", uint(64)],
  ["time.Duration", int(64)],
]);

/** The integer type of that name, if it is one. */
export function integerOf(goType: string): GoInteger | undefined {
  return INTEGERS.get(goType);
}

/** Smallest and largest value. */
export function rangeOf({ bits, signed }: GoInteger): readonly [bigint, bigint] {
  const count = 1n << BigInt(bits);
  return signed ? [-count / 2n, count / 2n - 1n] : [0n, count - 1n];
}

/** Whether `goType` is a floating-point type. */
export function isFloat(goType: string): boolean {
  return goType === "float64" || goType === "float32";
}

/** A slice, array or map type taken apart. */
export interface GoContainer {
  readonly kind: "list" | "map";
  /** Go type of the elements. */
  readonly element: string;
  /** Length of an array type such as `[2]int`. */
  readonly length: number | undefined;
}

/** Takes `[]int`, `[2]int` or `map[string]int` apart; undefined for other types. */
export function containerOf(goType: string): GoContainer | undefined {
  const map = /^map\[[^\]]+\](.+)$/.exec(goType)?.[1];
  if (map !== undefined) return { kind: "map", element: map, length: undefined };
  const [, digits, element] = /^\[(\d*)\](.+)$/.exec(goType) ?? [];
  if (digits === undefined || element === undefined) return undefined;
  return { kind: "list", element, length: digits === "" ? undefined : Number(digits) };
}

/** The spelling of Go's `%T`: `any`, `byte` and `rune` are aliases. */
export function canonicalGoType(goType: string): string {
  return goType.replace(/(?<![\w.])(any|byte|rune)(?![\w.])/g, (alias) => {
    if (alias === "any") return "interface {}";
    return alias === "byte" ? "uint8" : "int32";
  });
}

/** The number nearest in meaning: a bigint only where a number would not be exact. */
export function numberOrBigint(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
