import { toBFloat16Bits } from "../tensor/mod.ts";
import type { NarrowFormat } from "./narrow_mean.ts";

/** Float32. */
export const FLOAT32: NarrowFormat<Float32Array> = {
  precision: 24,
  decode: (source, from, scratch) => source.subarray(from, from + scratch.length),
  encode: (values, into, from) => into.set(values, from),
};

/** Float16, as raw bits. */
export const FLOAT16: NarrowFormat<Uint16Array> = {
  precision: 11,
  decode: (source, from, scratch) => lookUp(FLOAT16_VALUES ??= listFloat16(), source, from, scratch),
  encode: (values, into, from) => new Float16Array(into.buffer, into.byteOffset, into.length).set(values, from),
};

/** BFloat16, as raw bits. */
export const BFLOAT16: NarrowFormat<Uint16Array> = {
  precision: 8,
  decode: (source, from, scratch) => lookUp(BFLOAT16_VALUES ??= listBFloat16(), source, from, scratch),
  encode(values, into, from) {
    const bits = new Uint32Array(new Float32Array(values).buffer);
    for (let i = 0; i < values.length; i++) {
      const nearest = bits[i] ?? 0;
      // Half-way between two, or NaN: the float32 does not say which way to round. Otherwise it does, without branches.
      const unclear = (nearest & 0xffff) === 0x8000 || (nearest & 0x7fffffff) > 0x7f800000;
      into[from + i] = unclear ? toBFloat16Bits(values[i] ?? 0) : (nearest + 0x7fff + ((nearest >>> 16) & 1)) >>> 16;
    }
  },
};

/** The values of all 2^16 bit patterns: faster than decoding them. */
let FLOAT16_VALUES: Float32Array | undefined;
let BFLOAT16_VALUES: Float32Array | undefined;

function listFloat16(): Float32Array {
  return new Float32Array(new Float16Array(Uint16Array.from({ length: 0x10000 }, (_, bits) => bits).buffer));
}

function listBFloat16(): Float32Array {
  return new Float32Array(Uint32Array.from({ length: 0x10000 }, (_, bits) => bits << 16).buffer);
}

function lookUp(values: Float32Array, source: Uint16Array, from: number, scratch: Float32Array): Float32Array {
  for (let i = 0; i < scratch.length; i++) scratch[i] = values[source[from + i] ?? 0] ?? 0;
  return scratch;
}
