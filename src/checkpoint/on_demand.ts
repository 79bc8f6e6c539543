import type { MemoryStore, Store } from "../store/mod.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Examination, ExamineOptions } from "./examine.ts";
import type { MeanPreview, PreviewMeanOptions } from "./mean_preview.ts";
import type { CheckpointsPlace } from "./place.ts";
import type { UntrustedOptions } from "./read_untrusted.ts";
import type { Repair, RepairOptions } from "./repair.ts";
import type { Timeline, TimelineOptions } from "./timeline.ts";

// Few programs call any of these, and all of them import this package: their code is loaded when they are called.

/**
 * The checkpoints of a directory, a Store, or of a Handler, and what the next save will remove. Reads
 * manifests and no tensors.
 *
 * Needs `--allow-read=<dir>`.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore, timeline } from "@cairn/checkpoints";
 *
 * const ctx = new Context();
 * await using handler = await build(ctx).store(new MemoryStore()).keep(3).done();
 * await handler.save();
 * console.log(await timeline(handler));
 * ```
 */
export async function timeline(place: CheckpointsPlace, options: TimelineOptions = {}): Promise<Timeline> {
  const module = await import("./timeline.ts");
  return await module.timeline(place, options);
}

/**
 * Looks at everything in a directory (or Store, or where a Handler saves), with its folders `backup`, `trash`, `pins` and
 * `quarantine`, and tells what each thing is: whole checkpoints, torn ones, orphaned payloads, temporary files, and what
 * is not Cairn's. Changes nothing and needs no lock: what a save is writing just then may look orphaned.
 *
 * Needs `--allow-read=<dir>`. Throws NotFoundError for a missing directory, and what cannot be read.
 *
 * @example
 * ```ts
 * import { build, Context, examine, MemoryStore } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore(); // or "run"
 * await (await build(new Context()).store(store).done()).save();
 * const examination = await examine(store, { verify: true });
 * console.log(examination.ok, examination); // true …
 * ```
 */
export async function examine(place: CheckpointsPlace, options: ExamineOptions = {}): Promise<Examination> {
  const module = await import("./examine.ts");
  return await module.examine(place, options);
}

/**
 * Puts aside what is broken in a directory (or Store): torn checkpoints, orphaned payloads and pins are moved into its
 * folder `quarantine`, so that GoMLX, which stumbles over a torn newest checkpoint, opens it again. What is of one
 * checkpoint gets one name there, numbered if that is taken: `….json.1`, `….bin.1`, `….pin.1`. Nothing is ever deleted or
 * replaced, and nothing foreign touched. With `verify` checkpoints with a wrong checksum count as torn. With
 * `dryRun` it only tells what it would do. What is in `backup` and in `trash` is left there.
 *
 * Takes the lock, so no other process may be saving there; with the saves of this process it takes turns, and their
 * Handlers go on as before. A dry run needs no lock. Needs `--allow-read=<dir> --allow-write=<dir>`. Throws LockedError,
 * PermissionError, NotFoundError, and what cannot be read.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore, repair } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore(); // or "run"
 * await using handler = await build(new Context()).store(store).done();
 * const { baseName } = await handler.save();
 * await store.publish(`${baseName}.json`, async () => {}); // as GoMLX leaves it when it is interrupted
 * const { moved } = await repair(store);
 * console.log(moved.map(({ to }) => to)); // quarantine/checkpoint-….json and .bin
 * ```
 */
export async function repair(place: string | Store, options: RepairOptions = {}): Promise<Repair> {
  const module = await import("./repair.ts");
  return await module.repair(place, options);
}

/**
 * What taking the mean of the newest `n` checkpoints (0 or less: all) would do, before doing it: the checkpoints, what is
 * averaged and why, and how far each checkpoint is from the mean. Reads every value once, in blocks; writes, keeps and
 * consumes nothing.
 *
 * Needs `--allow-read=<dir>`. Throws NotFoundError if there is no checkpoint, ShapeError if shapes differ.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore, previewMean } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore();
 * const ctx = new Context();
 * ctx.variableWithValue("weights", [1, 2, 3]);
 * await using handler = await build(ctx).store(store).keep(-1).done();
 * await handler.save();
 * await handler.save();
 * const preview = await previewMean(store, 2);
 * console.log(preview);
 * await using averaged = await preview.apply();
 * ```
 */
export async function previewMean(
  place: CheckpointsPlace,
  n: number,
  options: PreviewMeanOptions = {},
): Promise<MeanPreview> {
  const module = await import("./mean_preview.ts");
  return await module.previewMean(place, n, options);
}

/**
 * Reads a checkpoint that a stranger made, in a process of its own that may read `directory` and nothing else: no other
 * file, no network, no environment, no program. There every number and checksum is checked, and the checkpoint is
 * written anew by Cairn's own writer; what comes back is a store in memory with that one checkpoint, for
 * `load(ctx).store(…)` and `openCheckpoint(…)`. A file that takes too long or too much memory ends that process alone.
 *
 * The new checkpoint has the same name, variables, params and metrics, raw, without unknown keys; a global step of 0 is
 * added where there is none.
 *
 * Needs `--allow-run=<the path of deno>`, which is `Deno.execPath()`; not the read permission of the directory, which the
 * other process has. Throws a PermissionError without it, a LimitError beyond `maxBytes`, `timeout` or the heap's limit,
 * a ConfigError in a program made by `deno compile` (there is no `deno` to run) and for a path with a comma (which no
 * permission can name), and what {@linkcode openCheckpoint} throws. It never falls back to reading without the process.
 *
 * Why no Worker: Deno restricts one only under `--unstable-worker-options`, and it shares the memory limit with the
 * program.
 *
 * @example
 * ```ts
 * import { build, Context, load, readUntrusted } from "@cairn/checkpoints";
 *
 * const dir = await Deno.makeTempDir(); // "downloads/model" in real life
 * const theirs = new Context();
 * theirs.variableWithValue("w", [1, 2]);
 * await (await build(theirs).dir(dir).done()).save();
 *
 * const ctx = new Context();
 * await load(ctx).store(await readUntrusted(dir, { timeout: 30_000 })).done();
 * console.log(ctx.getVariable("w")?.value().toNested()); // [1, 2]
 * ```
 */
export async function readUntrusted(directory: string, options: UntrustedOptions = {}): Promise<MemoryStore> {
  const module = await import("./read_untrusted.ts");
  return await module.readUntrusted(directory, options);
}

/**
 * Writes a checkpoint as a TypeScript module that exports `json` (string) and `bin` (Uint8Array), for
 * `load(ctx).fromEmbed(json, bin)`: a model that is imported like code, since JSR refuses imports of bytes.
 *
 * Needs `--allow-read` of the checkpoint's directory and of the module's, and `--allow-write` of the module's. The
 * module appears whole or not at all; an existing one is replaced.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore, writeEmbedModule } from "@cairn/checkpoints";
 *
 * const ctx = new Context();
 * ctx.variableWithValue("bias", [0.5]);
 * const handler = await build(ctx).store(new MemoryStore()).done();
 * const folder = await Deno.makeTempDir();
 * await writeEmbedModule(await handler.save(), `${folder}/model.ts`);
 * ```
 */
export async function writeEmbedModule(checkpoint: Checkpoint, path: string): Promise<void> {
  const module = await import("./embed_module.ts");
  return await module.writeEmbedModule(checkpoint, path);
}
