import { escapeScopeName } from "../context/mod.ts";
import { isTfLayer, isTfModel, isTfVariable } from "./tfjs_kinds.ts";
import type { TfLayer, TfVariable, TfWeight } from "./tfjs_types.ts";

/** A weight of a model, with a name that is the same in every process. */
export interface NamedWeight {
  /** Scopes below the model's, outermost first: those of the layers that it is in. */
  readonly scopes: readonly string[];
  /** `kernel`, `moving_mean` … */
  readonly name: string;
  /** The variable. */
  readonly variable: TfVariable;
}

/**
 * Names the weights of a model. tfjs numbers layers and weights as they are made in a process; here a layer without a
 * given name is called by its class and its place among those of its class in the model (`dense`, `dense_1`), a weight
 * by what it is in its layer (`kernel`). A weight that is in several places has the name of the first.
 */
export function nameWeights(model: TfLayer): NamedWeight[] {
  const named = new Map<TfVariable, NamedWeight>();
  visit(model, [], named);
  return [...named.values()];
}

function visit(layer: TfLayer, scopes: readonly string[], named: Map<TfVariable, NamedWeight>): void {
  for (const [inner, scope] of innerLayers(layer)) visit(inner, [...scopes, ...scope], named);
  const own = layer.weights
    .flatMap((weight) => {
      const variable = weight.read();
      return isTfVariable(variable) && !named.has(variable) ? [{ weight, variable }] : [];
    })
    // Their order depends on which are trainable; the order in which they were made does not.
    .sort((a, b) => a.weight.id - b.weight.id);
  const names = uniqueNames(own.map(({ weight }) => ({ given: localName(weight) })));
  own.forEach(({ variable }, index) => {
    named.set(variable, { scopes, name: names[index] ?? "weight", variable });
  });
}

/** The layers inside a layer, and the scopes that they add: see tfjs-layers `Container`, `RNN`, `Wrapper`. */
function innerLayers(layer: TfLayer): (readonly [layer: TfLayer, scopes: readonly string[]])[] {
  if (isTfModel(layer)) {
    const names = layerNames(layer.layers);
    return layer.layers.map((each, index) => [each, [names[index] ?? each.name]]);
  }
  const inside = (key: string, scopes: readonly string[]) => {
    const inner: unknown = Reflect.get(layer, key);
    return isTfLayer(inner) ? [[inner, scopes] as const] : [];
  };
  const cells: unknown = Reflect.get(layer, "cells");
  return [
    ...inside("layer", []),
    ...inside("cell", []),
    ...inside("forwardLayer", ["forward"]),
    ...inside("backwardLayer", ["backward"]),
    ...(Array.isArray(cells) ? cells : []).filter(isTfLayer).map((cell, index) => [cell, [`cell_${index}`]] as const),
  ];
}

function layerNames(layers: readonly TfLayer[]): string[] {
  return uniqueNames(layers.map((layer) => {
    const className = layer.getClassName();
    const made = madeName(className);
    return isMadeName(layer.name, className, made) ? { made } : { given: escapeScopeName(layer.name) };
  }));
}

/** Given names come first; a name that is taken gets a number. */
function uniqueNames(wanted: readonly { readonly given?: string; readonly made?: string }[]): string[] {
  const taken = new Set<string>();
  const take = (name: string): string => {
    let unique = name;
    for (let n = 1; taken.has(unique); n++) unique = `${name}_${n}`;
    taken.add(unique);
    return unique;
  };
  const given = wanted.map(({ given }) => given === undefined ? undefined : take(given));
  return wanted.map(({ made = "layer" }, index) => given[index] ?? take(made));
}

/** tfjs makes `dense_Dense3` of class Dense, and of models `sequential_2`, `model1`, `functional4`. */
function isMadeName(name: string, className: string, made: string): boolean {
  const word = name.replace(/\d+$/, "");
  if (word === name) return false;
  if (!MODEL_CLASSES.has(className)) return word === `${made}_${className}`;
  return word === made || word === `${made}_`;
}

const MODEL_CLASSES: ReadonlySet<string> = new Set(["Sequential", "Model", "Functional"]);

/** `BatchNormalization` is `batch_normalization`: as tfjs-layers' `toSnakeCase`. */
function madeName(className: string): string {
  const snake = className.replace(/(.)([A-Z][a-z0-9]+)/g, "$1_$2").replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  return snake.startsWith("_") ? `private${snake}` : snake;
}

/** What the weight is in its layer: the last part of `dense_Dense1/kernel`. */
function localName({ originalName }: TfWeight): string {
  return originalName.slice(originalName.lastIndexOf("/") + 1);
}
