import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { MemoryStore, type Store } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";

/** For warnings that a test is not about. */
export const SILENT = (): void => {};

/** Vectors by name, as they are put into scope `/a`. */
export interface Vectors {
  readonly [name: string]: readonly number[];
}

/** A Context with these vectors in scope `/a`. */
export function contextOf(values: Vectors): Context {
  const ctx = new Context();
  for (const [name, value] of Object.entries(values)) ctx.in("a").variableWithValue(name, value);
  return ctx;
}

/** Saves these vectors, and nothing else but the step and a param that repeats it; gives the base name. */
export async function saveRun(store: Store, step: number, values: Vectors): Promise<string> {
  const ctx = new Context();
  await using handler = await build(ctx).store(store).keep(-1).done();
  ctx.deleteVariablesInScope(); // those of the run before
  for (const [name, value] of Object.entries(values)) ctx.in("a").variableWithValue(name, value);
  ctx.setParam("step_param", step);
  ctx.setGlobalStep(step);
  return (await handler.save()).baseName;
}

/** The value of a variable in scope `/a`, taken from the loader if need be. */
export function valueOf(ctx: Context, name: string): unknown {
  return ctx.in("a").getVariable(name)?.value().toNested();
}

/** The values in a checkpoint, without the global step. */
export async function valuesIn(store: Store, base: string): Promise<{ [name: string]: unknown }> {
  const ctx = new Context();
  await using _ = await load(ctx).store(store).at(base).immediate().onWarning(SILENT).done();
  const own = [...ctx.iterVariables()].filter(({ name }) => name !== "global_step");
  return Object.fromEntries(own.map((each) => [each.name, each.value().toNested()]));
}

/** Three checkpoints, of steps 1, 2 and 2, whose variable `/a/w` is 1, 2 and 3, and which have params. */
export async function threeSteps(): Promise<MemoryStore> {
  const store = new MemoryStore("steps");
  const ctx = new Context();
  ctx.setParam("lr", 0.5);
  ctx.in("a").setParam("lr", 0.25);
  ctx.in("a").setParam("units", 8);
  const w = ctx.in("a").variableWithValue("w", [1]);
  const handler = await build(ctx).store(store).keep(-1).done();
  for (const [step, value] of [[1, 1], [2, 2], [2, 3]] as const) {
    ctx.setGlobalStep(step);
    w.setValue(Tensor.from([value]));
    await handler.save();
  }
  return store;
}
