import { type Backend, Context, hostBackend, load } from "../mod.ts";
import { NotFoundError } from "../src/errors.ts";
import { NotSetUp, readyMachine, type Work } from "./work.ts";

/** Means of all checkpoints. Opening them counts; starting the backend does not. */

/** By this process itself. */
export function meanOnHost(work: Work): Promise<number> {
  return meanOn(hostBackend, work);
}

/** By tfjs in JavaScript. */
export async function meanOnTfjsCpu(work: Work): Promise<number> {
  return await meanOn(await startTfjs("cpu"), work);
}

/** By tfjs in WebAssembly. */
export async function meanOnTfjsWasm(work: Work): Promise<number> {
  return await meanOn(await startTfjs("wasm"), work);
}

/** By TensorFlow's native library. */
export async function meanOnTfjsNode(work: Work): Promise<number> {
  return await meanOn(await startTfjsNode(), work);
}

/** By this process itself, from mapped files. */
export function meanMappedOnHost(work: Work): Promise<number> {
  return meanOn(hostBackend, work, true);
}

/** By TensorFlow's native library, from mapped files. */
export async function meanMappedOnTfjsNode(work: Work): Promise<number> {
  return await meanOn(await startTfjsNode(), work, true);
}

/** Nothing: the memory of a process that has started tfjs. */
export async function idleTfjsCpu(): Promise<number> {
  await startTfjs("cpu");
  return 0;
}

/** Nothing: the memory of a process that has started tfjs. */
export async function idleTfjsWasm(): Promise<number> {
  await startTfjs("wasm");
  return 0;
}

/** Nothing: the memory of a process that has loaded TensorFlow. */
export async function idleTfjsNode(): Promise<number> {
  await startTfjsNode();
  return 0;
}

async function meanOn(backend: Backend, work: Work, mapped = false): Promise<number> {
  const context = new Context();
  await readyMachine(work);
  const config = load(context).dir(work.model, { mapped }).takeMean(work.checkpoints, backend);
  const start = performance.now();
  await using handler = await config.done();
  const seconds = (performance.now() - start) / 1000;
  const averaged = handler.mean?.variables.filter((each) => each.computedBy === backend.name) ?? [];
  if (averaged.length !== work.variables || averaged.some((each) => each.baseNames.length !== work.checkpoints)) {
    throw new Error(`${averaged.length} of ${work.variables} variables are the mean of all checkpoints`);
  }
  return seconds;
}

async function startTfjs(name: string): Promise<Backend> {
  // Deno would load what a literal names in every process.
  const tfjs: { start(name: string): Promise<Backend> } = await import(new URL("./tfjs.ts", import.meta.url).href);
  return await tfjs.start(name);
}

async function startTfjsNode(): Promise<Backend> {
  // It loads much of Node, which no other operation is to find loaded.
  const { tfjsNodeBackend } = await import("../src/backend/tfjs_node.ts");
  try {
    return await tfjsNodeBackend();
  } catch (error) {
    if (error instanceof NotFoundError) throw new NotSetUp("no native library of tfjs-node; see `deno task setup`");
    throw error;
  }
}
