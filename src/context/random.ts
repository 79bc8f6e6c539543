import { ConfigError } from "../errors.ts";
import { textOf } from "../options.ts";

/** Beyond that a difference of two numbers is not exact. */
const MAX_INT = 2 ** 53;

/**
 * A seeded stream of random numbers: xoshiro128** (Blackman and Vigna), its state filled by SplitMix64. The same seed
 * gives the same numbers on every machine; {@linkcode Random.state} is all that the stream goes on from. Not for
 * secrets. One that checkpoints carry along is an `Rng` of `@cairn/checkpoints/train`.
 *
 * @example
 * ```ts
 * import { Random } from "@cairn/checkpoints";
 *
 * const random = new Random(42n);
 * console.log(random.uniform(-1, 1), random.normal(), random.int(6) + 1, random.shuffle(["a", "b", "c"]));
 * const again = new Random(0n);
 * again.state = random.state;
 * if (again.nextUint32() !== random.nextUint32()) throw new Error("not the same stream");
 * ```
 */
export class Random {
  readonly #state = new Uint32Array(4);

  /**
   * Starts the stream of `seed`, of which the lower 64 bits count.
   *
   * @throws {ConfigError} if it is not a safe integer or a bigint.
   */
  constructor(seed: number | bigint) {
    const words = new BigUint64Array(this.#state.buffer);
    let counter = checkedSeed(seed);
    for (let i = 0; i < words.length; i++) {
      counter = BigInt.asUintN(64, counter + 0x9e3779b97f4a7c15n);
      let word = BigInt.asUintN(64, (counter ^ (counter >> 30n)) * 0xbf58476d1ce4e5b9n);
      word = BigInt.asUintN(64, (word ^ (word >> 27n)) * 0x94d049bb133111ebn);
      words[i] = word ^ (word >> 31n);
    }
  }

  /** A copy of the state: four words of 32 bits. */
  get state(): Uint32Array<ArrayBuffer> {
    return this.#state.slice();
  }

  /**
   * Goes on from a state.
   *
   * @throws {ConfigError} if it is not four words, of which one at least is not 0: from all zeros come only zeros.
   */
  set state(state: Uint32Array) {
    if (state.length !== 4 || state.every((word) => word === 0)) {
      throw new ConfigError(
        `Cannot set the random state [${state.subarray(0, 8).join(", ")}]: wanted 4 words, not all of them 0`,
      );
    }
    this.#state.set(state);
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

  /** A number in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * this.nextFloat();
  }

  /** A number of the normal distribution (Box-Muller). Two draws make one: the stream keeps nothing but its state. */
  normal(mean = 0, standardDeviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.nextFloat()));
    return mean + standardDeviation * radius * Math.cos(2 * Math.PI * this.nextFloat());
  }

  /**
   * A whole number in [0, below), all of them equally likely.
   *
   * @throws {ConfigError} if `below` is not a whole number from 1 to 2^53.
   */
  int(below: number): number {
    if (!Number.isInteger(below) || below < 1 || below > MAX_INT) {
      throw new ConfigError(`Cannot draw an integer below ${below}: wanted a whole number from 1 to 2^53`);
    }
    // What is left over at the end of the range would make small numbers likelier: draw again.
    if (below <= 2 ** 32) {
      const whole = 2 ** 32 - 2 ** 32 % below;
      for (;;) {
        const drawn = this.nextUint32();
        if (drawn < whole) return drawn % below;
      }
    }
    const whole = MAX_INT - MAX_INT % below;
    for (;;) {
      const drawn = this.nextFloat() * MAX_INT;
      if (drawn < whole) return drawn % below;
    }
  }

  /** The same items in random order, every order equally likely, in a new array. */
  shuffle<T>(list: readonly T[]): T[] {
    return Array.from(this.permutation(list.length)).flatMap((from) => list.slice(from, from + 1));
  }

  /** The numbers 0 to `count - 1` in random order, every order equally likely (Fisher-Yates). */
  permutation(count: number): Uint32Array<ArrayBuffer> {
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.int(last + 1);
      const kept = order[last] ?? 0;
      order[last] = order[other] ?? 0;
      order[other] = kept;
    }
    return order;
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
  if (seed !== undefined) return checkedSeed(seed);
  return fallback === 0n ? crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n : fallback;
}

function checkedSeed(seed: number | bigint): bigint {
  if (typeof seed === "bigint" || Number.isSafeInteger(seed)) return BigInt(seed);
  throw new ConfigError(`Cannot use the seed ${textOf(seed)}: wanted a safe integer or a bigint`);
}
