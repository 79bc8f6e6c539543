import { build, Context, load, MemoryStore } from "../../mod.ts";

// Run by tests in a process of its own with `--v8-flags=--expose-gc`. Loads a checkpoint in the way of each argument,
// replaces a loaded value, and prints as a line of JSON whether its tensor left memory while the Handler lives.

declare const gc: () => void;

const ways = Deno.args;
const store = new MemoryStore();
const trained = new Context();
trained.variableWithValue("weights", new Float32Array(1000));
trained.variableWithValue("bias", [1]);
await using first = await build(trained).store(store).done();
await first.save();

for (const way of ways) console.log(JSON.stringify({ way, ...await replaced(way) }));

async function replaced(way: string): Promise<{ readonly collected: boolean; readonly state: string | undefined }> {
  const ctx = new Context();
  if (way === "known") ctx.variableWithValue("weights", new Float32Array(1000));
  const config = load(ctx).store(store);
  if (way === "immediate") config.immediate();
  if (way === "scoped") config.scope("/", "/");
  await using handler = await config.done();
  if (way === "listed") handler.loadedVariables();
  const weights = ctx.getVariable("weights");
  if (weights === undefined) throw new Error("weights were not loaded");
  const tensor = new WeakRef(weights.value());
  weights.setValue(new Float32Array(1000));
  // A WeakRef keeps its target until the task that made it has ended.
  await new Promise((resolve) => setTimeout(resolve));
  gc();
  const [row] = handler.loadReport?.variables ?? [];
  return { collected: tensor.deref() === undefined, state: row?.state };
}
