import type { Context } from "../../mod.ts";

/** What a process that saves in a loop has after `step` steps: a large vector and a small one. */
export function modelAt(step: number): readonly (readonly [string, Float32Array<ArrayBuffer>])[] {
  return [["large", new Float32Array(100_000).fill(step)], ["small", Float32Array.of(step, -step, 0.1)]];
}

/** Throws unless the Context has the values of that step, bit by bit. */
export function expectModel(ctx: Context, step: number): void {
  for (const [name, values] of modelAt(step)) {
    const found = ctx.getVariable(name)?.value().bytes;
    const wanted = new Uint8Array(values.buffer);
    const same = found?.length === wanted.length && found.every((byte, i) => byte === wanted[i]);
    if (!same) throw new Error(`"${name}" is not that of step ${step}`);
  }
}
