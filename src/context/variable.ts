import { ShapeError, VariableError, visible } from "../errors.ts";
import { type JupyterBundle, type View, viewBundle } from "../render/mod.ts";
import { byteLengthOf, type DType, isDType } from "../tensor/dtype.ts";
import { frozenDimensions, sameDimensions, shapeText, sizeOf } from "../tensor/shape.ts";
import { type NestedArray, Tensor, type TensorData } from "../tensor/tensor.ts";
import { textOf } from "../options.ts";
import { type Context, createIn } from "./context.ts";
import type { Initializer } from "./initializer.ts";
import type { LiveValue } from "./live_value.ts";
import type { LoadedValue } from "./loader.ts";
import type { StudyOptions } from "./study.ts";
import { studyVariable, variableView } from "./context_view.ts";
import { joinScope } from "./scope.ts";

/** What a {@linkcode Variable} starts with. */
export interface VariableInit {
  /** Absolute scope. */
  readonly scope: string;
  /** Name in the scope. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first; `[]` is a scalar. */
  readonly dimensions: readonly number[];
  /** Default true. */
  readonly trainable?: boolean | undefined;
  /** Makes the first value; without it `initializeVariables()` fails. */
  readonly initializer?: Initializer | undefined;
}

/** Drops the value of a variable that leaves its Context; not for users, so not a method. */
export let dropValue: (variable: Variable) => void;

/**
 * A named value of a model. Made by a {@linkcode Context}: `variableWithShape`, `variableWithValue`, or loaded from a
 * checkpoint when it is first asked for; then its shape is known and its bytes are read by {@linkcode value}.
 * Source: GoMLX `context.Variable`.
 *
 * @example
 * ```ts
 * import { Context, Tensor } from "@cairn/checkpoints";
 * import { assertEquals } from "@std/assert";
 *
 * const variable = new Context().in("layer_0").variableWithValue("weights", [[1, 2], [3, 4]]);
 * assertEquals(variable.scopeAndName, "/layer_0/weights");
 * assertEquals(variable.dimensions, [2, 2]);
 * variable.setValue(Tensor.from([5, 6]));
 * assertEquals(variable.value().toNested(), [5, 6]);
 * ```
 */
export class Variable {
  /** Name in the scope. */
  readonly name: string;
  /** Absolute scope. */
  readonly scope: string;
  /** Makes the value in `initializeVariables()`. `variableWithShape` on an existing variable replaces it. */
  initializer: Initializer | undefined;
  #dtype: DType;
  #dimensions: readonly number[];
  #trainable: boolean;
  #source: Tensor | LoadedValue | undefined;
  /** Set while the value lives elsewhere; `#source` is empty then. */
  #live: LiveValue | undefined;
  #origin: LoadedValue | undefined;
  /** A clone shares its LoadedValue with the original, and must not share the memory. */
  #copiesOnRead = false;
  #state: "valid" | "deleted" | "finalized" = "valid";
  readonly #onReset: (() => void) | undefined;

  static {
    dropValue = (variable) => variable.#drop("deleted");
  }

  /** Makes a variable without value, in no Context; `reset()` calls `onReset`. */
  constructor(init: VariableInit, onReset?: () => void) {
    this.name = init.name;
    this.scope = init.scope;
    this.initializer = init.initializer;
    this.#dtype = init.dtype;
    if (!Array.isArray(init.dimensions)) {
      throw new ShapeError(`Cannot create variable "${this.scopeAndName}": wanted dimensions, such as [2, 3] or []`);
    }
    this.#dimensions = frozenDimensions(init.dimensions);
    this.#trainable = init.trainable ?? true;
    this.#onReset = onReset;
    if (!isDType(init.dtype)) {
      throw new ShapeError(`Cannot create variable "${this.scopeAndName}": dtype "${init.dtype}" is unknown`);
    }
    byteLengthOf(init.dtype, sizeOf(init.dimensions)); // refuses shapes that no tensor can have
  }

  /** Scope and name as one path: `/layer_0/weights`, in the root `/global_step`. */
  get scopeAndName(): string {
    return joinScope(this.scope, this.name);
  }

  /**
   * The unique id in checkpoint files: `var:/layer_0/weights`, in the root `var://global_step`.
   *
   * @throws {VariableError} after `finalize()`.
   */
  get parameterName(): string {
    this.#checkValid();
    return `var:${this.scope}/${this.name}`;
  }

  /** Element type. */
  get dtype(): DType {
    return this.#dtype;
  }

  /** Outermost axis first; `[]` is a scalar. */
  get dimensions(): readonly number[] {
    return this.#dimensions;
  }

  /** Number of elements; a scalar has 1. */
  get size(): number {
    return sizeOf(this.#dimensions);
  }

  /** Size of the value in bytes. */
  get byteLength(): number {
    return byteLengthOf(this.#dtype, this.size);
  }

  /** Whether an optimizer may change it. */
  get trainable(): boolean {
    return this.#live?.trainable ?? this.#trainable;
  }

  /**
   * Marks the variable as trainable or not.
   *
   * @throws {VariableError} if it is neither true nor false: no save could write it.
   */
  setTrainable(trainable: boolean): this {
    if (typeof trainable !== "boolean") {
      throw new VariableError(
        `Cannot set whether "${this.scopeAndName}" is trainable: wanted true or false, found ${textOf(trainable)}`,
      );
    }
    this.#trainable = trainable;
    return this;
  }

  /** Whether there is a value, in memory or still in a checkpoint. */
  get hasValue(): boolean {
    return this.source !== undefined;
  }

  /** What a save would write: the tensor, or the loaded or live value whose bytes were not read yet. Reads nothing. */
  get source(): Tensor | LoadedValue | undefined {
    return this.#live ?? this.#source;
  }

  /** The value outside the Context that the variable stands for, if it does: see {@linkcode setLive}. */
  get live(): LiveValue | undefined {
    return this.#live;
  }

  /** The loaded value that the current value came from, until the value is set. */
  get origin(): LoadedValue | undefined {
    return this.#origin;
  }

  /** False after `finalize()`. */
  get isValid(): boolean {
    return this.#state !== "finalized";
  }

  /**
   * The current tensor. A loaded value is read from its checkpoint at the first call, and kept; a live one is read at
   * every call.
   *
   * @throws {VariableError} if the variable has no value.
   * @throws {CheckpointError} of the read, which leaves the variable as it was; `not-loaded` if the store cannot be
   * read synchronously: see {@linkcode load}.
   */
  value(): Tensor {
    const source = this.#checkedSource();
    if (source instanceof Tensor) return source;
    if (this.#live !== undefined) return this.#live.readSync();
    return this.#keep(source.loaded ?? source.readSync());
  }

  /** As {@linkcode value}, without blocking: works with every store. */
  async load(): Promise<Tensor> {
    const source = this.#checkedSource();
    if (source instanceof Tensor) return source;
    if (this.#live !== undefined) return await this.#live.read();
    const tensor = source.loaded ?? await source.read();
    // The variable may have been read or set meanwhile: its value counts, not ours.
    return this.#source === source ? this.#keep(tensor) : await this.load();
  }

  /**
   * Replaces the value. A tensor is not copied, and replaces dtype and dimensions too; numbers and typed arrays become
   * a tensor of the variable's dtype, a typed array of the right size one of its dimensions. A live value is assigned a
   * copy where it lives.
   *
   * @throws {ShapeError} if the value is no tensor of that dtype, or the live value has another dtype or dimensions.
   */
  setValue(value: Tensor | NestedArray | TensorData): this {
    this.#checkValid();
    const tensor = this.#toTensor(value);
    if (this.#live !== undefined) {
      this.#assign(this.#live, tensor);
      return this;
    }
    this.#dtype = tensor.dtype;
    this.#dimensions = tensor.dimensions;
    this.#source = tensor;
    this.#origin = undefined;
    return this;
  }

  /**
   * Replaces the value by one whose bytes are read later. Takes its trainable flag only if it has one. A live value is
   * assigned it at once.
   */
  setLoaded(value: LoadedValue): this {
    this.#checkValid();
    if (this.#live !== undefined) {
      this.#assign(this.#live, value.loaded ?? value.readSync());
      return this;
    }
    this.#dtype = value.dtype;
    this.#dimensions = frozenDimensions(value.dimensions);
    this.#source = value;
    this.#origin = value;
    this.#copiesOnRead = false;
    if (value.trainable !== undefined) this.#trainable = value.trainable;
    return this;
  }

  /**
   * From now on the variable stands for a value outside the Context: a save writes what it is then, and setting or
   * loading the variable assigns to it. The variable's own value is dropped. Undefined: it stands for nothing, and has
   * no value. Not in GoMLX.
   */
  setLive(value: LiveValue | undefined): this {
    this.#checkValid();
    this.#drop(this.#state);
    if (value === undefined) return this;
    this.#live = value;
    this.#dtype = value.dtype;
    this.#dimensions = frozenDimensions(value.dimensions);
    return this;
  }

  /**
   * Drops the value and keeps the shape: the next `initializeVariables()` makes a new one.
   *
   * @throws {VariableError} if the value is a live one.
   */
  reset(): void {
    this.#checkValid();
    if (this.#live !== undefined) {
      throw new VariableError(
        `Cannot reset variable "${this.scopeAndName}": its value lives outside the Context; set it instead`,
        this.#place,
      );
    }
    this.#drop(this.#state);
    this.#onReset?.();
  }

  /** Drops the value for good: the variable is not usable any more. */
  finalize(): void {
    this.#drop("finalized");
  }

  /**
   * Makes the same variable in another Context: shape, trainable, initializer, and a copy of the value. A loaded value
   * that was not read yet stays unread in both; of a live one the clone has what it is now.
   *
   * @throws {VariableError} if that Context has one of this scope and name.
   */
  cloneTo(context: Context): Variable {
    this.#checkValid();
    const clone = createIn(context, {
      scope: this.scope,
      name: this.name,
      dtype: this.#dtype,
      dimensions: this.#dimensions,
      trainable: this.trainable,
      initializer: this.initializer,
    });
    clone.#source = this.#live?.readSync() ?? (this.#source instanceof Tensor ? copyOf(this.#source) : this.#source);
    clone.#copiesOnRead = true;
    clone.#origin = this.#origin;
    return clone;
  }

  /** Scope, slash, name; in the root `//global_step`, as GoMLX prints it. */
  toString(): string {
    return `${this.scope}/${this.name}`;
  }

  /** What a notebook shows: its row with statistics, and its values if they are in memory. Reads 64 MiB at most. */
  [Symbol.for("Jupyter.display")](): Promise<JupyterBundle> {
    return viewBundle(() => variableView(this));
  }

  /** What `display()` shows. */
  async [Symbol.for("cairn.view")](options: StudyOptions = {}): Promise<View> {
    return await studyVariable(this, options);
  }

  /** One line for `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return `Variable "${visible(this.scopeAndName)}" ${shapeText(this.#dtype, this.#dimensions)}`;
  }

  #keep(read: Tensor): Tensor {
    if (read.dtype !== this.#dtype || !sameDimensions(read.dimensions, this.#dimensions)) {
      const wanted = shapeText(this.#dtype, this.#dimensions);
      throw new ShapeError(`Cannot read variable "${this.scopeAndName}": found ${read}; wanted ${wanted}`, this.#place);
    }
    const tensor = this.#copiesOnRead ? copyOf(read) : read;
    this.#source = tensor;
    return tensor;
  }

  #assign(live: LiveValue, tensor: Tensor): void {
    if (tensor.dtype === this.#dtype && sameDimensions(tensor.dimensions, this.#dimensions)) return live.assign(tensor);
    const wanted = shapeText(this.#dtype, this.#dimensions);
    throw new ShapeError(
      `Cannot set variable "${this.scopeAndName}": found ${tensor}; wanted ${wanted}, as it is outside the Context`,
      this.#place,
    );
  }

  #checkedSource(): Tensor | LoadedValue {
    this.#checkValid();
    const { source } = this;
    if (source !== undefined) return source;
    const why = this.#state === "deleted"
      ? "it was deleted from its Context"
      : "it has no value yet: call ctx.initializeVariables(), or variable.setValue()";
    throw new VariableError(`Cannot get the value of variable "${this.scopeAndName}": ${why}`, this.#place);
  }

  #toTensor(value: Tensor | NestedArray | TensorData): Tensor {
    if (value instanceof Tensor) return value;
    const isFlat = ArrayBuffer.isView(value) && value.length === this.size;
    return Tensor.from(value, { dtype: this.#dtype, ...isFlat ? { dimensions: this.#dimensions } : {} });
  }

  #checkValid(): void {
    if (this.isValid) return;
    throw new VariableError(`Cannot use variable "${this.scopeAndName}": it was finalized`, this.#place);
  }

  #drop(state: "valid" | "deleted" | "finalized"): void {
    this.#source = undefined;
    this.#live = undefined;
    this.#origin = undefined;
    this.#state = state;
  }

  get #place(): { readonly entry: string } {
    return { entry: this.scopeAndName };
  }
}

function copyOf(tensor: Tensor): Tensor {
  return new Tensor(tensor.dtype, tensor.dimensions, tensor.bytes.slice());
}
