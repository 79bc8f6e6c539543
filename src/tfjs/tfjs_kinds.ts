import type { TfLayer, TfModel, TfOptimizer, TfVariable } from "./tfjs_types.ts";

/** Whether `x` is a variable of tfjs. */
export function isTfVariable(x: unknown): x is TfVariable {
  return hasMethods(x, "assign", "clone", "data", "dataSync", "bufferSync", "dispose") && "dtype" in x && "shape" in x;
}

/** Whether `x` is a layer, or a model. */
export function isTfLayer(x: unknown): x is TfLayer {
  return hasMethods(x, "getClassName") && "weights" in x && Array.isArray(x.weights) && "name" in x;
}

/** Whether `x` is a LayersModel. */
export function isTfModel(x: unknown): x is TfModel {
  return isTfLayer(x) && "layers" in x && Array.isArray(x.layers);
}

/** Whether `x` is an optimizer. */
export function isTfOptimizer(x: unknown): x is TfOptimizer {
  return hasMethods(x, "minimize", "applyGradients", "getClassName");
}

function hasMethods(x: unknown, ...names: readonly string[]): x is object {
  return typeof x === "object" && x !== null && names.every((name) => typeof Reflect.get(x, name) === "function");
}
