import { type Context, expectContext, Random, TRAINER_SCOPE, type Variable } from "../context/mod.ts";
import { seedOf } from "../context/random.ts";
import { Tensor } from "../tensor/mod.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode Rng}. */
export interface RngOptions {
  /**
   * Starts the stream, unless the Context or its checkpoint has a state: then that goes on. Default: the param
   * `initializers_seed`, and where that is missing or 0 one from the system's secure source.
   */
  readonly seed?: number | bigint | undefined;
  /** For a second stream in the same Context. Default: `"default"`. */
  readonly name?: string | undefined;
}

const RNG_OPTIONS: OptionNames<RngOptions> = { seed: true, name: true };

/**
 * A {@linkcode Random} whose state lives in a variable of the Context: every checkpoint has it, and a run that is resumed
 * or restored draws on as if nothing had happened. The variable is `/trainer/rng/<name>`, a (Uint64)[2] with the four
 * 32-bit words of xoshiro128**; GoMLX carries it through.
 *
 * For operations of tfjs that draw themselves, draw their seed:
 * `tf.dropout(x, 0.5, undefined, rng.int(2 ** 31))`.
 *
 * @throws {ShapeError} if the variable is there and is no (Uint64)[2].
 *
 * @example
 * ```ts
 * import { build, Context, load, MemoryStore } from "@cairn/checkpoints";
 * import { Rng } from "@cairn/checkpoints/train";
 *
 * const store = new MemoryStore(); // a directory: .dir("run")
 * const ctx = new Context();
 * const rng = new Rng(ctx, { seed: 42 });
 * rng.normal();
 * const handler = await build(ctx).store(store).done();
 * await handler.save();
 *
 * const resumed = new Context(); // in another process
 * await using _ = await load(resumed).store(store).done();
 * if (new Rng(resumed, { seed: 42 }).normal() !== rng.normal()) throw new Error("not the same stream");
 * ```
 */
export class Rng {
  /** Holds the state. */
  readonly variable: Variable;
  readonly #random: Random;
  /** What the variable held after the last draw; another tensor was loaded or set since. */
  #stored: Tensor;

  /** Takes the state from the Context, or starts one there. */
  constructor(context: Context, options: RngOptions = {}) {
    expectContext(context, "Cannot make an Rng", "new Rng(ctx)");
    checkOptions("new Rng()", options, RNG_OPTIONS);
    this.#random = new Random(seedOf(options.seed, BigInt(context.getParamOr("initializers_seed", 0n))));
    const scope = context.inAbsPath(TRAINER_SCOPE).in("rng").checked(false);
    this.#stored = stateTensor(this.#random);
    this.variable = scope.variableWithValue(options.name ?? "default", this.#stored).setTrainable(false);
  }

  /** A number in [low, high). */
  uniform(low = 0, high = 1): number {
    return this.draw((random) => random.uniform(low, high));
  }

  /** A number of the normal distribution. */
  normal(mean = 0, standardDeviation = 1): number {
    return this.draw((random) => random.normal(mean, standardDeviation));
  }

  /**
   * A whole number in [0, below), all of them equally likely.
   *
   * @throws {ConfigError} if `below` is not a whole number from 1 to 2^53.
   */
  int(below: number): number {
    return this.draw((random) => random.int(below));
  }

  /** The same items in random order, in a new array. */
  shuffle<T>(list: readonly T[]): T[] {
    return this.draw((random) => random.shuffle(list));
  }

  /**
   * Draws as often as `fn` likes, and stores the state once: for many numbers. `fn` must be done when it returns.
   *
   * @example
   * ```ts
   * import { Context } from "@cairn/checkpoints";
   * import { Rng } from "@cairn/checkpoints/train";
   *
   * const rng = new Rng(new Context(), { seed: 1 });
   * const noise = rng.draw((random) => Float32Array.from({ length: 1000 }, () => random.normal()));
   * console.log(noise.length);
   * ```
   */
  draw<T>(fn: (random: Random) => T): T {
    const tensor = this.variable.value();
    if (tensor !== this.#stored) this.#random.state = wordsOf(tensor);
    try {
      return fn(this.#random);
    } finally {
      this.variable.setValue(this.#stored = stateTensor(this.#random));
    }
  }

  /** Starts the stream of another seed. */
  reseed(seed: number | bigint): void {
    this.variable.setValue(stateTensor(new Random(seedOf(seed, 0n))));
  }
}

function stateTensor(random: Random): Tensor {
  return new Tensor("Uint64", [2], new Uint8Array(random.state.buffer));
}

function wordsOf(tensor: Tensor): Uint32Array {
  return new Uint32Array(tensor.bytes.slice().buffer);
}
