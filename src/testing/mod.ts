/**
 * Room `testing`: a file system that fails on purpose, to test what lives on it. {@linkcode FaultFiles} is one in
 * memory that can crash, tear, fill up and refuse at any operation and knows what a loss of power would leave;
 * {@linkcode tryFaults} stops a scenario at each operation in turn with each fault.
 *
 * Cairn's own crash tests are made of it, under its real `LocalStore`. Use it for your own `Files` or `Store`.
 *
 * @example Files of your own
 * ```ts
 * import { type FileEntry, type FileReader, type Files, type FileStat, type FileWriter } from "@cairn/checkpoints";
 * import { build, Context, load, LocalStore, type StoreLock } from "@cairn/checkpoints";
 * import { tryFaults } from "@cairn/checkpoints/testing";
 *
 * // Yours to test: here one that counts the bytes that are written.
 * class CountingFiles implements Files {
 *   bytes = 0;
 *   constructor(readonly inner: Files) {}
 *   async create(path: string): Promise<FileWriter> {
 *     const writer = await this.inner.create(path);
 *     const write = async (bytes: Uint8Array): Promise<number> => {
 *       const count = await writer.write(bytes);
 *       this.bytes += count;
 *       return count;
 *     };
 *     return { write, sync: () => writer.sync(), close: () => writer.close() };
 *   }
 *   list = (path: string): Promise<FileEntry[]> => this.inner.list(path);
 *   stat = (path: string): Promise<FileStat> => this.inner.stat(path);
 *   realPath = (path: string): Promise<string> => this.inner.realPath(path);
 *   open = (path: string): Promise<FileReader> => this.inner.open(path);
 *   rename = (from: string, to: string): Promise<void> => this.inner.rename(from, to);
 *   link = (from: string, to: string): Promise<void> => this.inner.link(from, to);
 *   remove = (path: string): Promise<void> => this.inner.remove(path);
 *   makeDirectory = (path: string, mode: number): Promise<void> => this.inner.makeDirectory(path, mode);
 *   syncDirectory = (path: string): Promise<void> => this.inner.syncDirectory(path);
 *   lock = (path: string, owner: string): Promise<StoreLock | undefined> => this.inner.lock(path, owner);
 * }
 *
 * const report = await tryFaults<number>({
 *   name: "two saves through CountingFiles",
 *   async run({ files, attempt, promise }) {
 *     const store = new LocalStore("/run", { files: new CountingFiles(files) });
 *     await attempt(() => store.ensureRoot());
 *     const ctx = new Context();
 *     const w = ctx.variableWithValue("w", [0]);
 *     await using handler = await attempt(() => build(ctx).store(store).keep(1).done());
 *     for (const step of [1, 2]) {
 *       w.setValue([step]);
 *       await attempt(() => handler.save());
 *       promise(step);
 *     }
 *   },
 *   async check(files, promised) {
 *     if (promised.length === 0) return;
 *     const ctx = new Context();
 *     const store = new LocalStore("/run", { files: new CountingFiles(files) });
 *     await using _ = await load(ctx).store(store).immediate().done();
 *     const found = Number(ctx.getVariable("w")?.value().data()[0]);
 *     if (found < Math.max(...promised)) throw new Error(`lost: ${promised} were saved, ${found} is there`);
 *   },
 * });
 * console.log(report.operations, report.points, report.disks); // it would have thrown if anything was lost
 * ```
 *
 * @example What a loss of power leaves
 * ```ts
 * import { FaultFiles } from "@cairn/checkpoints/testing";
 *
 * const files = new FaultFiles();
 * const writer = await files.create("/a");
 * await writer.write(new TextEncoder().encode("hello"));
 * for (const disk of files.disksAfterPowerLoss()) console.log(`${disk}`, disk.history);
 * ```
 *
 * @module
 */
export type { Fault, FaultOperation, FaultPlan, FileFault, OperationKind } from "./fault.ts";
export { CrashedError } from "./fault.ts";
export { type DiskDirectory, type DiskFile, type DiskNode, FaultDisk } from "./fault_disk.ts";
export { FaultFiles, type FaultFilesOptions } from "./fault_files.ts";
export { type FaultGroup, type FaultReport, FaultsFoundError, pointsOf } from "./fault_report.ts";
export { type FaultScenario, type Life, tryFaults, type TryFaultsOptions } from "./try_faults.ts";
