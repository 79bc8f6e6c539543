import { assert, assertEquals } from "@std/assert";
import { bytesOf, textOf } from "../checkpoint/blobs.ts";
import { build, type Config, type Handler, load, repair, type RetentionPolicy } from "../../src/checkpoint/mod.ts";
import { addPin } from "../../src/checkpoint/pins.ts";
import { sortBlobs } from "../../src/checkpoint/leftovers.ts";
import { Context } from "../../src/context/mod.ts";
import { CheckpointError } from "../../src/errors.ts";
import { BACKUP_DIR, BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../../src/format/mod.ts";
import { type Files, LocalStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import type { FaultScenario, Life } from "../../src/testing/mod.ts";

/** Where the checkpoints are on the disk of a FaultFiles; neither directory exists at first. */
export const PATH = "/data/run";

/** What a returned call has promised. */
export type Promised =
  | { readonly kind: "saved"; readonly base: string; readonly step: number; readonly pinned?: boolean }
  | { readonly kind: "backed up"; readonly base: string; readonly step: number }
  /** Of the trash: they may be gone from now on. */
  | { readonly kind: "emptying"; readonly bases: readonly string[] }
  /** They are gone. */
  | { readonly kind: "emptied"; readonly bases: readonly string[] }
  /** A broken checkpoint, perhaps half of it. */
  | { readonly kind: "tearing"; readonly base: string }
  /** Both of its files are there, and its pin, at the top level or in the quarantine. */
  | { readonly kind: "torn"; readonly base: string }
  /** What was torn is in the quarantine, once, and nowhere else. */
  | { readonly kind: "repaired" };

/** What a life does, one after the other. */
export type CycleStep =
  | "save"
  | "savePinned"
  | "background"
  | "backup"
  | "delete"
  | "restore"
  | "restoreFromTrash"
  | "emptyTrash"
  | "tear"
  | "sweep"
  | "repair";

/** How a life saves. */
export interface Cycle {
  readonly keep: number | RetentionPolicy;
  /** Which of these, oldest first, a policy must leave. */
  readonly stays?: (bases: readonly string[]) => readonly string[];
  readonly compress?: "gzip" | "none";
  /** Whether retention moves into the trash. */
  readonly trash?: boolean;
  readonly steps: readonly CycleStep[];
  /** What the life after a crash does; default: it saves. */
  readonly recovery?: readonly CycleStep[];
}

/**
 * Lives that save, keep, back up, delete, restore and repair. What is in a checkpoint follows from its step alone, so that any
 * that is found can be compared bit by bit.
 */
export function checkpointScenario(name: string, cycle: Cycle): FaultScenario<Promised> {
  return {
    name,
    run: (life) => liveOnce(life, cycle, cycle.steps),
    recover: (life) => liveOnce(life, cycle, cycle.recovery ?? ["save"]),
    check: (files, promised) => checkPromises(files, promised, cycle),
    checkClean,
    checkError: (error) => assert(error instanceof CheckpointError, `not a CheckpointError: ${error}`),
  };
}

async function liveOnce(life: Life<Promised>, cycle: Cycle, steps: Cycle["steps"]): Promise<void> {
  const ctx = new Context();
  const warnings: string[] = [];
  const store = new LocalStore(PATH, { files: life.files });
  await life.attempt(() => store.ensureRoot());
  const config = configOf(ctx, store, cycle).onWarning((text) => warnings.push(text));
  await using handler = await life.attempt(() => config.done());
  for (const what of steps) {
    if (what === "sweep") await takeOver(life, cycle, store);
    else await doStep(life, handler, ctx, store, what);
  }
}

/** Another Handler's first save, which sweeps. */
async function takeOver(life: Life<Promised>, cycle: Cycle, store: LocalStore): Promise<void> {
  const ctx = new Context();
  const warnings: string[] = [];
  const config = configOf(ctx, store, cycle).onWarning((text) => warnings.push(text));
  await using handler = await life.attempt(() => config.done());
  await life.attempt(async () => await Promise.resolve(ctx.getGlobalStep()));
  const newest = (await life.attempt(() => handler.listCheckpoints())).at(-1);
  await doStep(life, handler, ctx, store, "save");
  // What an error has kept it from is left where a newer one is whole by now: it misleads nobody.
  const hasSwept = !warnings.some((text) => text.startsWith("could not sweep"));
  if (hasSwept && newest?.endsWith(TORN_STEP)) life.promise({ kind: "repaired" });
}

function configOf(ctx: Context, store: LocalStore, { keep, compress = "none", trash = false }: Cycle): Config {
  return build(ctx).store(store).keep(keep).trash(trash).compress(compress).clock(() => new Date(2026, 0, 1));
}

async function doStep(
  life: Life<Promised>,
  handler: Handler,
  ctx: Context,
  store: LocalStore,
  what: Exclude<CycleStep, "sweep">,
): Promise<void> {
  const step = Number(ctx.getGlobalStep());
  switch (what) {
    case "save":
    case "savePinned": {
      setModel(ctx, step + 1);
      const pinned = what === "savePinned";
      const { baseName } = await life.attempt(() => handler.save({ pin: pinned }));
      return life.promise({ kind: "saved", base: baseName, step: step + 1, pinned });
    }
    case "background": {
      setModel(ctx, step + 1);
      const { baseName } = await life.attempt(async () => {
        const saving = await handler.saveInBackground();
        // Training goes on; what it changes is none of that checkpoint's business.
        ctx.in("model").getVariable("w")?.setValue(Tensor.zeros("Float32", [37]));
        try {
          await handler.flush();
          return await saving.done ?? fail();
        } finally {
          setModel(ctx, step + 1);
        }
      });
      return life.promise({ kind: "saved", base: baseName, step: step + 1 });
    }
    case "backup": {
      const base = await life.attempt(() => handler.backup());
      return life.promise({ kind: "backed up", base, step: stepOf(base) });
    }
    case "restoreFromTrash": {
      return await life.attempt(async () => {
        // A fault may have kept retention from its work, or come when this one was nearly done.
        if ((await handler.trashed()).length > 0) await handler.restoreFromTrash();
      });
    }
    case "emptyTrash": {
      const [trashed, kept] = await life.attempt(() => Promise.all([handler.trashed(), handler.listCheckpoints()]));
      // What is still at the top level was on its way into the trash when a crash came, and must not be lost.
      const bases = trashed.filter((base) => !kept.includes(base));
      life.promise({ kind: "emptying", bases });
      const removed = await life.attempt(() => handler.emptyTrash());
      // A call that failed half-way has removed some of them already.
      assertEquals(removed.filter((base) => !bases.includes(base)), [], "is said to be removed, and kept");
      return life.promise({ kind: "emptied", bases });
    }
    case "tear": {
      const newest = (await life.attempt(() => handler.listCheckpoints())).at(-1) ?? "";
      const base = newest.replace(/-step-.*$/, `-step-${TORN_STEP}`);
      life.promise({ kind: "tearing", base });
      for (const [suffix, bytes] of Object.entries(TORN_FILES)) {
        await life.attempt(() => store.publish(base + suffix, (sink) => sink.write(bytes)));
      }
      await life.attempt(() => addPin(store, base));
      return life.promise({ kind: "torn", base });
    }
    case "repair": {
      await life.attempt(() => repair(store));
      return life.promise({ kind: "repaired" });
    }
    case "delete":
      return ctx.in("model").deleteVariablesInScope();
    case "restore": {
      const oldest = (await life.attempt(() => handler.listCheckpoints()))[0];
      await life.attempt(() => handler.restore(oldest ?? ""));
      // Values are read when they are asked for.
      await life.attempt(async () => await assertModel(ctx, stepOf(oldest ?? "")));
      // It goes on from there, under numbers that are still free.
      ctx.setGlobalStep(step);
    }
  }
}

/** Of a broken checkpoint, newer than all others of its number. */
const TORN_STEP = "00000099";

/** What is in a broken checkpoint, in the order in which a writer that is not careful gives it out. */
const TORN_FILES = {
  [BIN_DATA_SUFFIX]: Uint8Array.from({ length: 20 }, (_, i) => i),
  [JSON_NAME_SUFFIX]: new TextEncoder().encode('{"Params": null, "Vari'),
};

/** The model after `step` steps: of its variables one never changes, and one is there at odd steps only. */
function modelAt(step: number): ReadonlyMap<string, Tensor> {
  const bytes = Uint8Array.from({ length: 4 * 37 }, (_, i) => (i * 7 + step * 31) % 251);
  const model = new Map([
    ["w", new Tensor("Float32", [37], bytes)],
    ["frozen", Tensor.from(Float64Array.of(0.1, NaN, -0))],
  ]);
  if (step % 2 === 1) model.set("odd", Tensor.from(BigInt64Array.of(BigInt(step))));
  return model;
}

function setModel(ctx: Context, step: number): void {
  const scope = ctx.in("model").checked(false);
  const model = modelAt(step);
  for (const [name, tensor] of model) {
    const known = scope.getVariable(name);
    // The frozen one is not asked for: what a Handler has loaded goes from file to file.
    if (known === undefined) scope.variableWithValue(name, tensor);
    else if (name !== "frozen") known.setValue(tensor);
  }
  if (!model.has("odd")) ctx.deleteVariable("/model", "odd");
  ctx.setGlobalStep(step);
}

function assertModel(ctx: Context, step: number): void {
  const model = modelAt(step);
  for (const name of ["w", "frozen", "odd"]) {
    const found = ctx.in("model").getVariable(name)?.value();
    assertEquals(found?.bytes.slice().toHex(), model.get(name)?.bytes.slice().toHex(), `"${name}" of step ${step}`);
  }
}

/** Step of a checkpoint, from its name. */
export function stepOf(base: string): number {
  return Number(/-step-0*(\d+)$/.exec(base)?.[1]);
}

/** Whatever a listing shows is whole; the newest is the last that was promised, or newer; none is missing. */
async function checkPromises(
  files: Files,
  promised: readonly Promised[],
  { keep, stays = (bases) => bases.slice(-Number(keep)), trash = false }: Cycle,
): Promise<void> {
  const store = new LocalStore(PATH, { files, write: false });
  const saves = promised.filter((each) => each.kind === "saved");
  const saved = saves.map((each) => each.base);
  const pinned = saves.filter((each) => each.pinned).map((each) => each.base);
  const blobs = await store.list().catch((error) => {
    if (saved.length === 0 && error instanceof CheckpointError && error.code === "not-found") return [];
    throw error;
  });
  const broken = new Set(promised.flatMap((each) => each.kind === "tearing" ? [each.base] : []));
  const sorted = sortBlobs(blobs);
  assertEquals(sorted.torn, [], "a manifest is never alone");
  const pairs = sorted.pairs.filter(({ base }) => !broken.has(base));
  for (const { base } of pairs.slice(0, -1)) await assertWhole(files, PATH, base);
  const found = pairs.map((each) => each.base);
  const newer = found.filter((base) => base > (saved.at(-1) ?? ""));
  assert(newer.length <= 2, `two crashes cannot have interrupted the saves of ${newer}`);
  const trashed = sortBlobs(blobs.length === 0 ? [] : await store.list("trash")).pairs.map((each) => each.base);
  for (const base of trashed) await assertWhole(files, `${PATH}/trash`, base);
  const all = [...new Set([...saved, ...found])].sort();
  const emptied = promised.flatMap((each) => each.kind === "emptying" ? each.bases : []);
  const wanted = trash ? all.filter((base) => !emptied.includes(base)) : [...stays(all), ...pinned];
  const lost = wanted.filter((base) => !found.includes(base) && !trashed.includes(base));
  assertEquals(lost, [], `lost; there are ${found}, wanted ${wanted}, in the trash ${trashed}`);
  if (found.length > 0) await assertNewest(store, stepOf(found.at(-1) ?? ""), broken);
  await assertTornOnce(store, promised);
  for (const each of promised) {
    if (each.kind === "emptied") {
      const names = (await store.list("trash")).map(({ name }) => name);
      const left = names.filter((name) => each.bases.some((base) => name.startsWith(base)));
      assertEquals(left.filter(isMarker), [], "left in the trash");
    }
    if (each.kind === "backed up") await assertWhole(files, `${PATH}/${BACKUP_DIR}`, each.base);
  }
}

/** Checkpoints that proved whole; thousands of disks have the same ones. */
const WHOLE = new Set<string>();

async function assertWhole(files: Files, path: string, base: string): Promise<void> {
  const ctx = new Context();
  const store = new LocalStore(path, { files, write: false });
  const content = [base, await textOf(store, `${base}.json`), (await bytesOf(store, `${base}.bin`)).toHex()].join();
  if (WHOLE.has(content)) return;
  WHOLE.add(content);
  await using _ = await load(ctx).store(store).at(base).immediate().done();
  assertModel(ctx, stepOf(base));
}

/** What is broken is nowhere half: each of its files is where it was or in the quarantine; after a repair, there once. */
async function assertTornOnce(store: LocalStore, promised: readonly Promised[]): Promise<void> {
  const bases = promised.flatMap((each) => each.kind === "torn" ? [each.base] : []);
  const isRepaired = promised.some(({ kind }) => kind === "repaired");
  if (bases.length === 0) return;
  const top = (await store.list()).map(({ name }) => name);
  const aside = (await store.list("quarantine")).map(({ name }) => name);
  const pins = (await store.list("pins")).map(({ name }) => name);
  for (const base of bases) {
    const files = [base + BIN_DATA_SUFFIX, base + JSON_NAME_SUFFIX];
    const at = (names: readonly string[]) => names.filter((name) => name.startsWith(base));
    const pin = `${base}.pin`;
    if (isRepaired) assertEquals([at(top).filter(isMarker), at(aside).sort()], [[], [...files, pin]], "repaired");
    assert(top.includes(base + JSON_NAME_SUFFIX) || !pins.includes(base), `the pin of "${base}" is left alone`);
    assert(pins.includes(base) || aside.includes(pin), `"${base}" has lost its pin`);
    const isWholeIn = (names: readonly string[]) => files.every((file) => names.includes(file));
    assert(isWholeIn(top) || isWholeIn(aside), `"${base}" is half: ${at(top)} and in the quarantine ${at(aside)}`);
    const folder = isWholeIn(top) ? "" : "quarantine/";
    for (const [suffix, bytes] of Object.entries(TORN_FILES)) {
      assertEquals((await bytesOf(store, folder + base + suffix)).toHex(), bytes.toHex(), suffix);
    }
  }
}

/**
 * A payload alone may come back: a process dies after its removal, the next one finds nothing to do, and then the power
 * is lost. It misleads nobody, and the next call removes it. A marker must not come back.
 */
function isMarker(name: string): boolean {
  return name.endsWith(JSON_NAME_SUFFIX);
}

async function assertNewest(store: LocalStore, step: number, broken: ReadonlySet<string>): Promise<void> {
  const ctx = new Context();
  const onWarning = (text: string): void => {
    if (![...broken].some((base) => text.includes(base))) unexpected(text);
  };
  await using handler = await load(ctx).store(store).onWarning(onWarning).done();
  assertModel(ctx, step);
  assertEquals([stepOf(handler.loadedBase ?? ""), Number(ctx.getGlobalStep())], [step, step]);
}

/** Nothing of an interrupted save is left. */
async function checkClean(files: Files): Promise<void> {
  const store = new LocalStore(PATH, { files, write: false });
  for (const folder of [undefined, BACKUP_DIR, "trash", "pins", "quarantine"]) {
    assertEquals(await store.temporaries(folder), [], folder);
    if (folder === "pins") {
      const pins = (await store.list(folder)).map(({ name }) => name);
      const top = (await store.list()).map(({ name }) => name);
      const alone = pins.filter((name) => name.endsWith(TORN_STEP) && !top.includes(name + JSON_NAME_SUFFIX));
      assertEquals(alone, [], "the pin of what was put aside");
    }
    const { orphaned, torn, foreign } = sortBlobs(await store.list(folder));
    // Half of what a life was tearing may have been put aside.
    if (folder !== "quarantine") assertEquals([orphaned, torn], [[], []], folder);
    // Nothing is put aside twice, under a second name.
    if (folder !== "pins") assertEquals(foreign.filter(({ name }) => !name.endsWith(".pin")), [], folder);
  }
}

function unexpected(text: string): never {
  throw new Error(`unexpected report: ${text}`);
}

function fail(): never {
  throw new Error("a save in the background gave no checkpoint");
}
