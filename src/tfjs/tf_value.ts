import type { CapturedValue, LiveValue } from "../context/mod.ts";
import { VariableError } from "../errors.ts";
import { byteLengthOf, type DType, sizeOf, type Statistics, Tensor } from "../tensor/mod.ts";
import { makeTfTensor } from "./make_tf_tensor.ts";
import { dtypeOfTf } from "./tf_dtype.ts";
import type { TfTensor, TfVariable } from "./tfjs_types.ts";

/** The value of a Context's variable that lives in a variable of tfjs. */
export class TfValue implements LiveValue {
  /** Never in memory: it may change at every step. */
  readonly loaded = undefined;
  readonly dtype: DType;
  readonly dimensions: readonly number[];
  readonly byteLength: number;
  /** Where it lives. */
  readonly tfVariable: TfVariable;
  readonly #path: string;
  readonly #isModel: boolean;

  /**
   * `path` is for errors; state of an optimizer is never trainable, whatever tfjs calls it. Throws a ShapeError for a
   * dtype that no checkpoint holds.
   */
  constructor(tfVariable: TfVariable, path: string, of: "model" | "optimizer" = "model") {
    this.tfVariable = tfVariable;
    this.dtype = dtypeOfTf(tfVariable.dtype, path);
    this.dimensions = [...tfVariable.shape];
    this.byteLength = byteLengthOf(this.dtype, sizeOf(this.dimensions));
    this.#path = path;
    this.#isModel = of === "model";
  }

  get trainable(): boolean {
    return this.#isModel && this.tfVariable.trainable;
  }

  get measureBytes(): number {
    return this.byteLength;
  }

  /** A copy: on some backends tfjs gives its own memory. */
  readSync(): Tensor {
    return this.#tensorOf(this.#expectAlive("read").dataSync(), true);
  }

  async read(): Promise<Tensor> {
    const captured = this.capture();
    try {
      return await captured.read();
    } finally {
      captured.release();
    }
  }

  measureSync(): Statistics {
    return this.#tensorOf(this.#expectAlive("read").dataSync()).statistics();
  }

  async measure(): Promise<Statistics> {
    return (await this.read()).statistics();
  }

  capture(): CapturedValue {
    const clone = this.#expectAlive("save").clone();
    // A tidy() around the save must not dispose what is read later.
    Object.assign(clone, { kept: true });
    return new CapturedTfValue(this, clone, (data) => this.#tensorOf(data));
  }

  assign(value: Tensor): void {
    const target = this.#expectAlive("set");
    const made = makeTfTensor(target, value);
    try {
      target.assign(made);
    } finally {
      made.dispose();
    }
  }

  #tensorOf(data: Float32Array | Int32Array | Uint8Array, copy = false): Tensor {
    return Tensor.from(data, { dtype: this.dtype, dimensions: this.dimensions, copy });
  }

  #expectAlive(what: string): TfVariable {
    if (!this.tfVariable.isDisposed) return this.tfVariable;
    throw new VariableError(
      `Cannot ${what} variable "${this.#path}": its tf.variable "${this.tfVariable.name}" was disposed`,
      { entry: this.#path },
    );
  }
}

/** A clone of the variable, which shares its memory until the variable is assigned another. */
class CapturedTfValue implements CapturedValue {
  readonly loaded = undefined;
  readonly dtype: DType;
  readonly dimensions: readonly number[];
  readonly byteLength: number;
  readonly #clone: TfTensor;
  readonly #toTensor: (data: Float32Array | Int32Array | Uint8Array) => Tensor;

  constructor(
    value: TfValue,
    clone: TfTensor,
    toTensor: (data: Float32Array | Int32Array | Uint8Array) => Tensor,
  ) {
    this.dtype = value.dtype;
    this.dimensions = value.dimensions;
    this.byteLength = value.byteLength;
    this.#clone = clone;
    this.#toTensor = toTensor;
  }

  readSync(): Tensor {
    return this.#toTensor(this.#clone.dataSync());
  }

  async read(): Promise<Tensor> {
    return this.#toTensor(await this.#clone.data());
  }

  release(): void {
    if (!this.#clone.isDisposed) this.#clone.dispose();
  }
}
