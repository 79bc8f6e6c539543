import { build, Context, load, Tensor, type Variable } from "../mod.ts";
import { bytesOf, randomWeights, readyMachine, secondsOf, type Work } from "./work.ts";

/** Cairn's operations. */

/** Makes the checkpoints that the other operations read. */
export async function prepare(work: Work): Promise<number> {
  const context = modelOf(work);
  await using handler = await build(context).dir(work.model).keep(-1).done();
  let seconds = 0;
  for (let index = 0; index < work.checkpoints; index++) {
    for (const variable of context.iterVariables()) {
      if (index > 0 && variable.name === "weights") variable.setValue(weightsOf(work));
    }
    seconds += await secondsOf(() => handler.save());
  }
  return seconds;
}

/** A durable save of tensors in memory: checksums, file and directory synced, manifest read back. */
export async function save(work: Work): Promise<number> {
  await using handler = await build(modelOf(work)).dir(`${work.scratch}/run`).done();
  await readyMachine(work);
  return await secondsOf(() => handler.save());
}

/** What a save in the background keeps the caller from going on, the second time: copies into memory it has. */
export async function saveInBackground(work: Work): Promise<number> {
  await using handler = await build(modelOf(work)).dir(`${work.scratch}/run`).done();
  await readyMachine(work);
  await handler.saveInBackground();
  await handler.flush();
  const { blocked } = await handler.saveInBackground();
  return blocked / 1000;
}

/** A durable save of a checkpoint that nobody has read: from file to file. */
export async function saveUnread(work: Work): Promise<number> {
  const context = new Context();
  await using _ = await load(context).dir(work.model).done();
  await using handler = await build(context).dir(`${work.scratch}/run`).done();
  const loaded = Array.from({ length: work.variables }, (_, index) => context.inAbsPath(scopeOf(index)))
    .filter((scope) => scope.getVariable("weights") !== undefined);
  if (loaded.length !== work.variables) throw new Error(`${loaded.length} of ${work.variables} variables were found`);
  await readyMachine(work);
  return await secondsOf(() => handler.save());
}

/** Loads everything into memory, checksums compared. */
export async function loadAll(work: Work): Promise<number> {
  const context = new Context();
  await readyMachine(work);
  const seconds = await secondsOf(() => load(context).dir(work.model).immediate().done());
  const loaded = Array.from(context.iterVariables(), ({ source }) => tensorOf(source)?.byteLength ?? 0)
    .reduce((sum, bytes) => sum + bytes, 0);
  // The global step comes on top.
  if (loaded < bytesOf(work)) throw new Error(`${loaded} of ${bytesOf(work)} bytes were loaded`);
  return seconds;
}

/** What is in memory. */
function tensorOf(source: Variable["source"]): Tensor | undefined {
  return source instanceof Tensor ? source : source?.loaded;
}

/** The same from mapped files; a byte of every page is touched. Nothing is compared with checksums. */
export async function loadMapped(work: Work): Promise<number> {
  const context = new Context();
  // What touches is no part of what is measured, and compiled before, as it is in other tools.
  touch(new Uint8Array(2 ** 20), 1);
  await readyMachine(work);
  const warnings: string[] = [];
  let sum = 0;
  const seconds = await secondsOf(async () => {
    await load(context).dir(work.model, { mapped: true }).onWarning((text) => warnings.push(text)).immediate().done();
    for (const variable of context.iterVariables()) sum += touch(variable.value().bytes, 4096);
  });
  if (warnings.length > 0 || sum === 0) throw new Error(warnings.join() || "nothing was loaded");
  return seconds;
}

function touch(bytes: Uint8Array, step: number): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += step) sum += bytes[at] ?? 0;
  return sum;
}

/** Opens lazily and reads the first variable, its checksum compared. */
export async function openAndReadFirst(work: Work): Promise<number> {
  await readyMachine(work);
  return await secondsToFirst(work);
}

/** The same once more in a process that has done it, as a notebook does: what runs is compiled by then. */
export async function openAndReadFirstAgain(work: Work): Promise<number> {
  await secondsToFirst(work);
  await readyMachine(work);
  return await secondsToFirst(work);
}

async function secondsToFirst(work: Work): Promise<number> {
  const context = new Context();
  let first: Tensor | undefined;
  const seconds = await secondsOf(async () => {
    await load(context).dir(work.model).done();
    first = context.inAbsPath(scopeOf(0)).getVariable("weights")?.value();
  });
  if (first?.size !== work.elements) throw new Error(`found ${first} as the first variable`);
  return seconds;
}

function modelOf(work: Work): Context {
  const context = new Context();
  context.setParam("learning_rate", 0.001);
  for (let index = 0; index < work.variables; index++) {
    context.inAbsPath(scopeOf(index)).variableWithValue("weights", weightsOf(work));
  }
  return context;
}

function weightsOf({ dtype, elements }: Work): Tensor {
  return new Tensor(dtype, [elements], randomWeights(dtype, elements));
}

function scopeOf(index: number): string {
  return `/layer_${String(index).padStart(5, "0")}`;
}
