import type { Pair } from "./truncation_cases.ts";
import { joinBytes } from "../format/join_bytes.ts";

/** One change of a pair, as numbers, so that it can be printed, repeated and left out. */
export interface Change {
  readonly kind: typeof KINDS[number];
  readonly file: "json" | "bin";
  /** Where, of what length and with what: taken modulo what there is. */
  readonly at: number;
  readonly length: number;
  readonly value: number;
}

const KINDS = ["bit", "byte", "cut", "insert", "remove", "duplicate", "swap", "number", "word", "cross"] as const;
/** What a number in the JSON is replaced by. */
const NUMBERS = [
  "0",
  "1",
  "-1",
  "7",
  "8",
  "65536",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
  "1e400",
  "1.5",
];
/** What any value in the JSON is replaced by. */
const WORDS = ["null", "true", "[]", "{}", '""', '"__proto__"', "[[]]", '{"__proto__":{"x":1}}', "-0", "", '"\\ud800"'];

/** A generator of numbers below 2^32 that is the same everywhere: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** One to three changes, mostly one: more are mostly refused for the first. */
export function randomChanges(random: () => number): Change[] {
  const count = [1, 1, 1, 2, 3][random() % 5] ?? 1;
  return Array.from({ length: count }, (): Change => ({
    kind: KINDS[random() % KINDS.length] ?? "bit",
    file: random() % 5 < 3 ? "json" : "bin",
    at: random(),
    length: random(),
    value: random(),
  }));
}

/** `pair` after `changes`; `other` is what is crossed in. */
export function mutate(pair: Pair, other: Pair, changes: readonly Change[]): Pair {
  return changes.reduce((current, change) => {
    const file = change.kind === "number" || change.kind === "word" ? "json" : change.file;
    return { ...current, [file]: changeBytes(current[file], other[file], change) };
  }, pair);
}

function changeBytes(bytes: Uint8Array, other: Uint8Array, { kind, at, length, value }: Change): Uint8Array {
  if (bytes.length === 0) return bytes;
  const start = at % bytes.length;
  const end = Math.min(bytes.length, start + 1 + length % 64);
  const [head, part, tail] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)];
  switch (kind) {
    case "bit":
      return bytes.with(start, (bytes[start] ?? 0) ^ (1 << value % 8));
    case "byte":
      return bytes.with(start, value % 256);
    case "cut":
      return bytes.slice(0, start);
    case "insert":
      return joinBytes(head, other.subarray(value % (other.length + 1)).subarray(0, part.length), part, tail);
    case "remove":
      return joinBytes(head, tail);
    case "duplicate":
      return joinBytes(head, part, part, tail);
    case "swap":
      return swapLines(bytes, start, value);
    case "number":
      return replaceMatch(bytes, /-?\d[\d.eE+-]*/g, at, tweak(value, length));
    case "word":
      return replaceMatch(bytes, /"[^"\n]*"(?!:)|-?\d[\d.]*|null|true|false/g, at, () => pick(WORDS, value));
    case "cross":
      return joinBytes(
        head,
        other.subarray(Math.min(other.length, length % 2 === 0 ? start : value % (other.length + 1))),
      );
  }
}

/** Lines change places where there are any, else halves of 16 bytes. */
function swapLines(bytes: Uint8Array, start: number, value: number): Uint8Array {
  const other = value % bytes.length;
  const [a, b] = [lineAt(bytes, Math.min(start, other)), lineAt(bytes, Math.max(start, other))];
  if (a.end > b.start) return bytes;
  return joinBytes(
    bytes.subarray(0, a.start),
    bytes.subarray(b.start, b.end),
    bytes.subarray(a.end, b.start),
    bytes.subarray(a.start, a.end),
    bytes.subarray(b.end),
  );
}

function lineAt(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const isText = bytes[0] === 0x7b;
  if (!isText) return { start: at - at % 16, end: Math.min(bytes.length, at - at % 16 + 16) };
  const end = bytes.indexOf(10, at);
  return { start: bytes.lastIndexOf(10, at - 1) + 1, end: end < 0 ? bytes.length : end + 1 };
}

function tweak(value: number, length: number): (text: string) => string {
  return (text) => value % 3 === 0 ? pick(NUMBERS, length) : String(Number(text) + (value % 2 === 0 ? 1 : -1));
}

function replaceMatch(bytes: Uint8Array, pattern: RegExp, at: number, by: (text: string) => string): Uint8Array {
  // Latin-1 keeps every byte as it is.
  const text = new TextDecoder("latin1").decode(bytes);
  const matches = [...text.matchAll(pattern)];
  const match = matches[at % Math.max(1, matches.length)];
  if (match === undefined) return bytes;
  const end = match.index + match[0].length;
  return joinBytes(bytes.subarray(0, match.index), new TextEncoder().encode(by(match[0])), bytes.subarray(end));
}

function pick(list: readonly string[], value: number): string {
  return list[value % list.length] ?? "";
}
