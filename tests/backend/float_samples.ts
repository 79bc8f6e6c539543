import { fromBFloat16Bits } from "../../src/tensor/mod.ts";
import type { Random } from "../tensor/random.ts";
import type { FloatKind } from "./exact_arithmetic.ts";

/** A dtype that hosts average, and how its elements are written and read. */
export interface FloatDType extends FloatKind {
  readonly dtype: "Float16" | "BFloat16" | "Float32" | "Float64";
  readonly bytes: number;
  readonly largest: number;
  /** The element nearest to `x`, as its value; towards zero where it would overflow. */
  round(x: number): number;
  encode(values: readonly number[]): Uint8Array;
  decode(bytes: Uint8Array): number[];
}

export const FLOAT_DTYPES: readonly FloatDType[] = [
  {
    dtype: "Float16",
    bytes: 2,
    precision: 11,
    smallest: -24,
    largest: 65504,
    round: Math.f16round,
    encode: (values) => new Uint8Array(new Float16Array(values).buffer),
    decode: (bytes) => [...new Float16Array(bytes.slice().buffer)],
  },
  {
    dtype: "BFloat16",
    bytes: 2,
    precision: 8,
    smallest: -133,
    largest: fromBFloat16Bits(0x7f7f),
    round: truncateToBFloat16,
    encode: (values) => new Uint8Array(Uint16Array.from(values, (x) => float32Bits(x) >>> 16).buffer),
    decode: (bytes) => [...new Uint16Array(bytes.slice().buffer)].map(fromBFloat16Bits),
  },
  {
    dtype: "Float32",
    bytes: 4,
    precision: 24,
    smallest: -149,
    largest: (2 - 2 ** -23) * 2 ** 127,
    round: Math.fround,
    encode: (values) => new Uint8Array(new Float32Array(values).buffer),
    decode: (bytes) => [...new Float32Array(bytes.slice().buffer)],
  },
  {
    dtype: "Float64",
    bytes: 8,
    precision: 53,
    smallest: -1074,
    largest: Number.MAX_VALUE,
    round: (x) => x,
    encode: (values) => new Uint8Array(new Float64Array(values).buffer),
    decode: (bytes) => [...new Float64Array(bytes.slice().buffer)],
  },
];

/** Makes k values to be averaged. */
export type Sample = (random: Random, k: number, dtype: FloatDType) => number[];

/** What arithmetic goes wrong on, by name. */
export const SAMPLES: Readonly<Record<string, Sample>> = {
  ordinary: (random, k, dtype) => Array.from({ length: k }, () => dtype.round(fine(random) * 2 - 1)),
  "of all magnitudes": (random, k, dtype) => Array.from({ length: k }, () => ofAnyMagnitude(random, dtype)),
  subnormal: (random, k, dtype) =>
    Array.from({ length: k }, () => signed(random, random.whole(0, 41) * 2 ** dtype.smallest)),
  "near the largest": (random, k, dtype) =>
    Array.from({ length: k }, () => dtype.round(dtype.largest * (1 - fine(random) / 16))),
  "large of both signs": (random, k, dtype) =>
    Array.from({ length: k }, () => signed(random, dtype.round(dtype.largest * (1 - fine(random) / 4)))),
  cancelling: (random, k, dtype) => {
    const halves = Array.from({ length: Math.floor(k / 2) }, () => ofAnyMagnitude(random, dtype));
    const rest = Array.from({ length: k - 2 * halves.length }, () => ofAnyMagnitude(random, dtype));
    return shuffled(random, [...halves, ...halves.map((x) => -x), ...rest]);
  },
  "almost cancelling": (random, k, dtype) => {
    const halves = Array.from({ length: Math.floor(k / 2) }, () => ofAnyMagnitude(random, dtype));
    const others = halves.map((x) => dtype.round(-x * (1 + random.whole(-3, 4) * 2 ** -dtype.precision)));
    const rest = Array.from({ length: k - 2 * halves.length }, () => random.whole(-2, 3) * 2 ** dtype.smallest);
    return shuffled(random, [...halves, ...others, ...rest]).map((x) => clamp(x, dtype));
  },
  "of few bits": (random, k) => Array.from({ length: k }, () => random.whole(-8, 9) / 8),
  zeros: (random, k) => Array.from({ length: k }, () => signed(random, 0)),
};

function ofAnyMagnitude(random: Random, dtype: FloatDType): number {
  const highest = Math.floor(Math.log2(dtype.largest));
  const significand = 1 + fine(random);
  return clamp(dtype.round(signed(random, significand * 2 ** random.whole(dtype.smallest, highest + 1))), dtype);
}

/** Uniform in [0, 1), with all bits of a float64. */
function fine(random: Random): number {
  return random.unit() + random.unit() * 2 ** -32;
}

function shuffled(random: Random, values: readonly number[]): number[] {
  return values.map((value) => ({ value, at: random.unit() })).sort((a, b) => a.at - b.at).map(({ value }) => value);
}

function clamp(x: number, { largest }: FloatDType): number {
  return Math.max(-largest, Math.min(largest, x));
}

function signed(random: Random, x: number): number {
  return random.unit() < 0.5 ? -x : x;
}

function truncateToBFloat16(x: number): number {
  return fromBFloat16Bits(float32Bits(x) >>> 16);
}

function float32Bits(x: number): number {
  return new Uint32Array(new Float32Array([x]).buffer)[0] ?? 0;
}
