import { ConfigError } from "../errors.ts";

/**
 * A seeded stream of random numbers: xoshiro128** (Blackman and Vigna), its state filled by SplitMix64. The same seed
 * gives the same numbers on every machine. Not for secrets.
 */
export class Random {
  readonly #state = new Uint32Array(4);

  /** Starts the stream of `seed`, of which the lower 64 bits count. */
  constructor(seed: bigint) {
    const words = new BigUint64Array(this.#state.buffer);
    for (let i = 0; i < words.length; i++) {
      seed = BigInt.asUintN(64, seed + 0x9e3779b97f4a7c15n);
      let word = BigInt.asUintN(64, (seed ^ (seed >> 30n)) * 0xbf58476d1ce4e5b9n);
      word = BigInt.asUintN(64, (word ^ (word >> 27n)) * 0x94d049bb133111ebn);
      words[i] = word ^ (word >> 31n);
    }
  }

  /** The next 32 bits, 0 to 2^32-1. */
  nextUint32(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state;
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const c2 = c ^ a;
    const d2 = d ^ b;
    this.#state[0] = a ^ d2;
    this.#state[1] = b ^ c2;
    this.#state[2] = c2 ^ (b << 9);
    this.#state[3] = rotateLeft(d2, 11);
    return result;
  }

  /** The next number in [0, 1), with 53 random bits. */
  nextFloat(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}

function rotateLeft(bits: number, by: number): number {
  return (bits << by) | (bits >>> (32 - by));
}

/**
 * The stream of one variable under a seed: FNV-1a of its path, folded into the seed. So a variable's values depend
 * neither on the order of creation nor on which other variables came from a checkpoint.
 */
export function randomOf(seed: bigint, scopeAndName: string): Random {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(scopeAndName)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return new Random(BigInt.asUintN(64, seed) ^ hash);
}

/**
 * The seed that was asked for, else the fallback, unless it is 0: that asks for one from the system's secure source.
 *
 * @throws {ConfigError} for a number that is not a safe integer.
 */
export function seedOf(seed: number | bigint | undefined, fallback: bigint): bigint {
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    throw new ConfigError(`Cannot use the seed ${seed}: wanted a safe integer or a bigint`);
  }
  if (seed !== undefined) return BigInt(seed);
  return fallback === 0n ? crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n : fallback;
}
