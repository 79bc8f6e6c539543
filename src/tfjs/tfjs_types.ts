/** A tensor of tfjs, as far as it is needed here: that of `@tensorflow/tfjs`, `tfjs-core` or `tfjs-node`. */
export interface TfTensor {
  /** Outermost axis first. */
  readonly shape: readonly number[];
  /** `float32`, `int32`, `bool`, `complex64` or `string`. */
  readonly dtype: string;
  /** Whether its memory was given back. */
  readonly isDisposed: boolean;
  /** Its values, as soon as they are computed. */
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
  /** The same at once; not every backend can. */
  dataSync(): Float32Array | Int32Array | Uint8Array;
  /** A tensor that shares its memory. */
  clone(): TfTensor;
  /** Values that a tensor can be made of. */
  bufferSync(): TfBuffer;
  /** Makes a variable that shares its memory. */
  variable(trainable?: boolean): TfVariable;
  /** Gives its memory back. */
  dispose(): void;
}

/** Values that a tensor can be made of: tfjs's `TensorBuffer`. */
export interface TfBuffer {
  /** Makes a tensor of the values. */
  toTensor(): TfTensor;
}

/** A variable of tfjs, `tf.variable(…)`. */
export interface TfVariable extends TfTensor {
  /** Unique in the process: as given, or a number. */
  readonly name: string;
  /** Whether an optimizer may change it. */
  trainable: boolean;
  /** Takes the values of a tensor of the same dtype and shape, and shares their memory. */
  assign(value: TfTensor): void;
}

/** A weight of a layer: tfjs's `LayerVariable`. */
export interface TfWeight {
  /** Counts up as weights are made. */
  readonly id: number;
  /** Names of layer and weight as they were when it was made: `dense_Dense1/kernel`. */
  readonly originalName: string;
  /** The variable itself. */
  read(): TfTensor;
}

/** A layer of a {@linkcode TfModel}. */
export interface TfLayer {
  /** Given, or made of its class and a number that counts up in the process. */
  readonly name: string;
  /** All its weights, trainable or not. */
  readonly weights: readonly TfWeight[];
  /** `Dense`, `Sequential` … */
  getClassName(): string;
}

/** A model of tfjs-layers, `tf.sequential(…)` or `tf.model(…)`: a `LayersModel`. */
export interface TfModel extends TfLayer {
  /** In the order in which they were added. */
  readonly layers: readonly TfLayer[];
  /** Those that the optimizer changes, in its order. */
  readonly trainableWeights: readonly TfWeight[];
  /** Set by `compile()`. */
  readonly optimizer?: TfOptimizer | undefined;
}

/** An optimizer of tfjs, `tf.train.adam(…)` … */
export interface TfOptimizer {
  /** How many times it has changed variables. */
  readonly iterations: number;
  /** `Adam`, `SGD` … */
  getClassName(): string;
  /** Changes variables. `gradients` are by the variables' names, or a list of `{ name, tensor }`. */
  applyGradients(gradients: object): void;
  /** Computes the gradients of a scalar, applies them, and returns the scalar if asked to. */
  minimize(loss: () => TfTensor, returnCost?: boolean, variables?: TfVariable[]): TfTensor | null;
}
