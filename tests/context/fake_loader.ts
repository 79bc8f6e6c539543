import { type Context, isInScope, joinScope, type LoadedValue, type Loader } from "../../src/context/mod.ts";
import type { Tensor } from "../../src/tensor/mod.ts";

/** A value as a checkpoint has it: not in memory until it is read; counts the reads. */
export class FakeValue implements LoadedValue {
  readonly dtype;
  readonly dimensions;
  readonly byteLength;
  readonly trainable: boolean | undefined;
  readonly loaded = undefined;
  reads = 0;
  /** Thrown by the next reads. */
  failure: Error | undefined;
  readonly #tensor: Tensor;

  constructor(tensor: Tensor, trainable?: boolean) {
    this.#tensor = tensor;
    this.dtype = tensor.dtype;
    this.dimensions = tensor.dimensions;
    this.byteLength = tensor.byteLength;
    this.trainable = trainable;
  }

  readSync(): Tensor {
    if (this.failure !== undefined) throw this.failure;
    this.reads++;
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    await Promise.resolve();
    return this.readSync();
  }
}

/** Holds values by path, gives each of them once, and logs what it is asked. */
export class FakeLoader implements Loader {
  readonly pending: Map<string, FakeValue>;
  readonly calls: string[] = [];

  constructor(values: { readonly [path: string]: Tensor | FakeValue }) {
    const entries = Object.entries(values);
    this.pending = new Map(entries.map(([path, v]) => [path, v instanceof FakeValue ? v : new FakeValue(v)]));
  }

  loadVariable(_context: Context, scope: string, name: string): LoadedValue | undefined {
    const path = joinScope(scope, name);
    this.calls.push(`load ${path}`);
    const value = this.pending.get(path);
    this.pending.delete(path);
    return value;
  }

  deleteVariable(_context: Context, scope: string, name: string): void {
    this.calls.push(`delete ${joinScope(scope, name)}`);
    this.pending.delete(joinScope(scope, name));
  }

  deleteVariablesInScope(_context: Context, scope: string): void {
    this.calls.push(`deleteInScope ${scope}`);
    for (const path of this.pending.keys()) {
      const parent = path.slice(0, path.lastIndexOf("/")) || "/";
      if (isInScope(parent, scope)) this.pending.delete(path);
    }
  }
}
