import type { CapturedValue, LiveValue } from "../context/mod.ts";
import { byteLengthOf, type DType, sizeOf, type Statistics, Tensor } from "../tensor/mod.ts";
import { makeTfTensor } from "./make_tf_tensor.ts";
import { TfValue } from "./tf_value.ts";
import type { TfOptimizer, TfVariable } from "./tfjs_types.ts";

/** A tensor in memory, as a captured value. */
class HeldTensor implements CapturedValue {
  readonly loaded: Tensor;

  constructor(tensor: Tensor) {
    this.loaded = tensor;
  }

  get dtype(): DType {
    return this.loaded.dtype;
  }

  get dimensions(): readonly number[] {
    return this.loaded.dimensions;
  }

  get byteLength(): number {
    return this.loaded.byteLength;
  }

  readSync(): Tensor {
    return this.loaded;
  }

  read(): Promise<Tensor> {
    return Promise.resolve(this.loaded);
  }

  release(): void {}
}

/** How many steps an optimizer has taken: an Int64 scalar. */
export class IterationsValue implements LiveValue {
  readonly loaded = undefined;
  readonly dtype = "Int64";
  readonly dimensions: readonly number[] = [];
  readonly byteLength = 8;
  readonly measureBytes = 8;
  readonly trainable = false;
  readonly #optimizer: TfOptimizer;

  constructor(optimizer: TfOptimizer) {
    this.#optimizer = optimizer;
  }

  readSync(): Tensor {
    return Tensor.from(BigInt(this.#optimizer.iterations), { dtype: "Int64" });
  }

  read(): Promise<Tensor> {
    return Promise.resolve(this.readSync());
  }

  measureSync(): Statistics {
    return this.readSync().statistics();
  }

  measure(): Promise<Statistics> {
    return Promise.resolve(this.measureSync());
  }

  capture(): CapturedValue {
    return new HeldTensor(this.readSync());
  }

  assign(value: Tensor): void {
    // tfjs has a getter only.
    Reflect.set(this.#optimizer, "iterations_", Number(value.item()));
  }
}

/**
 * What an optimizer keeps for one variable. tfjs makes it at the first step that changes the variable, at the place that
 * the variable has in that step; what was loaded before waits here until then.
 */
export class MomentValue implements LiveValue {
  readonly loaded = undefined;
  readonly dtype: DType;
  readonly dimensions: readonly number[];
  readonly byteLength: number;
  readonly trainable = false;
  readonly #path: string;
  #find: () => TfVariable | undefined = () => undefined;
  #waiting: Tensor | undefined;

  /** `path` is for errors. */
  constructor(path: string, dtype: DType, dimensions: readonly number[]) {
    this.#path = path;
    this.dtype = dtype;
    this.dimensions = dimensions;
    this.byteLength = byteLengthOf(dtype, sizeOf(dimensions));
  }

  get measureBytes(): number {
    return this.byteLength;
  }

  /** From now on `find` says where it lives; what waits is assigned there. */
  settle(find: () => TfVariable | undefined): void {
    const waiting = this.#waiting;
    this.#find = find;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#live()?.assign(waiting);
  }

  /** The variable of tfjs, once there is one. */
  get variable(): TfVariable | undefined {
    return this.#waiting === undefined ? this.#find() : undefined;
  }

  /** Makes a tfjs variable of what waits, which then no longer does; undefined if nothing does. */
  makeVariable(like: TfVariable): TfVariable | undefined {
    if (this.#waiting === undefined) return undefined;
    const made = makeTfTensor(like, this.#waiting);
    this.#waiting = undefined;
    try {
      return made.variable(false);
    } finally {
      made.dispose();
    }
  }

  readSync(): Tensor {
    return this.#live()?.readSync() ?? this.#held().loaded;
  }

  async read(): Promise<Tensor> {
    return await this.#live()?.read() ?? this.#held().loaded;
  }

  measureSync(): Statistics {
    return this.#live()?.measureSync() ?? this.#held().loaded.statistics();
  }

  async measure(): Promise<Statistics> {
    return await this.#live()?.measure() ?? this.#held().loaded.statistics();
  }

  capture(): CapturedValue {
    return this.#live()?.capture() ?? this.#held();
  }

  assign(value: Tensor): void {
    const live = this.#live();
    if (live === undefined) this.#waiting = new Tensor(value.dtype, value.dimensions, value.bytes.slice());
    else live.assign(value);
  }

  #live(): TfValue | undefined {
    const { variable } = this;
    return variable && new TfValue(variable, this.#path, "optimizer");
  }

  #held(): HeldTensor {
    return new HeldTensor(this.#waiting ?? Tensor.zeros(this.dtype, this.dimensions));
  }
}
