import { ConfigError } from "../errors.ts";
import type { Files } from "../store/mod.ts";
import {
  canFail,
  changesDisk,
  CrashedError,
  type Fault,
  type FaultOperation,
  type FaultPlan,
  faultText,
  type FileFault,
} from "./fault.ts";
import { FaultDisk, UUID } from "./fault_disk.ts";
import { FaultFiles, type FaultFilesOptions } from "./fault_files.ts";
import { type FaultGroup, type FaultReport, FaultsFoundError } from "./fault_report.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** One life of a process, from its start to its end or crash. */
export interface Life<T> {
  /** The file system that it works on. */
  readonly files: Files;
  /** Says that something is promised from now on, whatever happens: a save has returned, for example. */
  promise(fact: T): void;
  /**
   * Does a piece of work that must be whole. If a planned error (not a crash) makes it fail, the disk is checked as it
   * is then, the error ends, and the work is done once more, which must succeed.
   */
  attempt<R>(work: () => Promise<R>): Promise<R>;
}

/** What {@linkcode tryFaults} runs, and what must hold. `T` is what is promised. */
export interface FaultScenario<T> {
  /** For reports. */
  readonly name: string;
  /** The life that is disturbed. Deterministic but for UUIDs in names. */
  run(life: Life<T>): Promise<void>;
  /** The life after a crash; it is disturbed too, by a second crash. */
  recover?(life: Life<T>): Promise<void>;
  /** Throws if the disk breaks what was promised. */
  check(files: Files, promised: readonly T[]): Promise<void>;
  /** Throws if something is left over after a recovery without faults. */
  checkClean?(files: Files): Promise<void>;
  /** Throws if an error is not what a caller should get. */
  checkError?(error: unknown): void;
}

/** Options of {@linkcode tryFaults}. */
export interface TryFaultsOptions extends Pick<FaultFilesOptions, "pageSize"> {
  /** Whether a write is torn after every single byte, or at a few telling places. Default false. */
  readonly everyByte?: boolean;
  /** How many broken promises are collected before it gives up. Default 5. */
  readonly maxBroken?: number;
}

const TRY_FAULTS_OPTIONS: OptionNames<TryFaultsOptions> = { everyByte: "boolean", maxBroken: true, pageSize: true };

/**
 * Runs a scenario once to count its operations on the file system, then again and again, stopping it at each operation
 * in turn with each fault: the process killed or the power lost before and after it, a write torn, the disk full, I/O
 * errors, access refused. After each, `check` looks at every disk that may be left, then `recover` lives on it, and
 * is itself crashed at each of its changes.
 *
 * Throws a {@linkcode FaultsFoundError} if anything that was promised did not hold.
 *
 * @example A store of your own, or your own Files below it
 * ```ts
 * import { LocalStore } from "@cairn/checkpoints";
 * import { tryFaults } from "@cairn/checkpoints/testing";
 *
 * const report = await tryFaults<string>({
 *   name: "publish two blobs",
 *   async run({ files, attempt, promise }) {
 *     const store = new LocalStore("/run", { files }); // wrap `files` in your own Files here, or build your own store
 *     await attempt(() => store.ensureRoot());
 *     for (const name of ["a", "b"]) {
 *       await attempt(() => store.publish(name, (sink) => sink.write(new TextEncoder().encode(name))));
 *       promise(name);
 *     }
 *   },
 *   async check(files, promised) {
 *     if (promised.length === 0) return;
 *     const store = new LocalStore("/run", { files });
 *     for (const name of promised) {
 *       const handle = await store.open(name);
 *       const bytes = new Uint8Array(handle.size);
 *       await handle.read(bytes, 0);
 *       if (new TextDecoder().decode(bytes) !== name) throw new Error(`${name} was promised and is lost`);
 *     }
 *   },
 * });
 * console.log(report.points, report.disks);
 * ```
 */
export async function tryFaults<T>(scenario: FaultScenario<T>, options: TryFaultsOptions = {}): Promise<FaultReport> {
  checkOptions("tryFaults()", options, TRY_FAULTS_OPTIONS);
  if (typeof scenario?.run !== "function" || typeof scenario.check !== "function") {
    throw new ConfigError("Cannot try faults: wanted a scenario with the functions run and check");
  }
  const trial = new Trial(scenario, options);
  await trial.tryAll();
  const report = trial.report();
  if (report.broken.length > 0) throw new FaultsFoundError(report);
  return report;
}

const ERRORS: readonly (readonly [FileFault, FaultGroup])[] = [
  ["ENOSPC", "disk full (ENOSPC)"],
  ["EIO", "I/O error (EIO)"],
  ["EACCES", "access refused (EACCES)"],
];

/** A life that has ended, one way or another. */
interface Lived<T> {
  readonly files: FaultFiles;
  readonly promised: readonly T[];
}

class Trial<T> {
  readonly #scenario: FaultScenario<T>;
  readonly #options: TryFaultsOptions;
  readonly #points = new Map<FaultGroup, number>();
  readonly #checked = new Set<string>();
  readonly #recovered = new Set<string>();
  readonly #crashedAgain = new Set<string>();
  readonly #disks = new Set<string>();
  readonly #broken: string[] = [];
  #operations = 0;

  constructor(scenario: FaultScenario<T>, options: TryFaultsOptions) {
    this.#scenario = scenario;
    this.#options = options;
  }

  async tryAll(): Promise<void> {
    const { files, promised } = await this.#live("no fault", this.#scenario.run, FaultDisk.EMPTY, [], {});
    this.#operations = files.operations.length;
    await this.#checkDisk("no fault", files.diskNow(), promised);
    for (const operation of files.operations) {
      for (const [group, fault] of this.#faultsOf(operation)) {
        if (this.#broken.length >= (this.#options.maxBroken ?? 5)) return;
        await this.#try(group, { at: operation.index, fault }, operation);
      }
    }
  }

  report(): FaultReport {
    return {
      name: this.#scenario.name,
      operations: this.#operations,
      points: this.#points,
      disks: this.#disks.size,
      broken: this.#broken,
    };
  }

  *#faultsOf({ kind, size }: FaultOperation): Generator<readonly [FaultGroup, Fault]> {
    if (changesDisk(kind)) {
      yield ["power lost", { kind: "crash", when: "before" }];
      yield ["power lost", { kind: "crash", when: "after" }];
    }
    if (kind === "write") {
      for (const bytes of this.#tears(size)) yield ["torn write", { kind: "torn", bytes }];
      yield ["disk full (ENOSPC)", { kind: "error", error: "ENOSPC", lasting: true, bytes: size >> 1 }];
    }
    for (const [error, group] of ERRORS) {
      if (!canFail(kind, error)) continue;
      yield [group, { kind: "error", error }];
      if (changesDisk(kind)) yield [group, { kind: "error", error, lasting: true }];
    }
  }

  #tears(size: number): Iterable<number> {
    if (this.#options.everyByte) return Array.from({ length: Math.max(0, size - 1) }, (_, i) => i + 1);
    const { pageSize = 4096 } = this.#options;
    const tears = new Set([1, size >> 1, size - 1]);
    for (let at = pageSize; at < size; at += pageSize) tears.add(at);
    return [...tears].filter((bytes) => bytes > 0 && bytes < size);
  }

  async #try(group: FaultGroup, plan: FaultPlan, operation: FaultOperation): Promise<void> {
    const where = `${faultText(plan.fault)} at operation ${operation.index}, ${operation.kind} "${operation.path}"`;
    const { files, promised } = await this.#live(where, this.#scenario.run, FaultDisk.EMPTY, [], { plan });
    if (plan.fault.kind === "error") {
      this.#count(group);
      if (!files.hasFailed) this.#break(where, "", new Error("the operation never came"));
      for (const disk of files.disksAfterPowerLoss()) await this.#checkDisk(where, disk, promised);
      return await this.#recover(where, files, promised, false);
    }
    if (!files.hasCrashed) this.#break(where, "", new Error("the crash never came"));
    this.#count(group === "torn write" ? group : "process killed");
    await this.#checkDisk(where, files.diskNow(), promised);
    await this.#recover(`${where}, process killed`, files, promised, true);
    for (const disk of files.disksAfterPowerLoss()) {
      this.#count(group);
      await this.#checkDisk(where, disk, promised);
      await this.#recover(`${where}, power lost: ${disk.history}`, disk, promised, true);
    }
  }

  /** Lives once on what is left; with `again`, crashes before each of the changes of that life, and lives once more. */
  async #recover(
    where: string,
    left: FaultDisk | FaultFiles,
    promised: readonly T[],
    again: boolean,
  ): Promise<void> {
    const { recover, checkClean } = this.#scenario;
    const key = keyOf(promised, outlineOf(left));
    const known = again ? this.#crashedAgain : this.#recovered;
    if (recover === undefined || known.has(key)) return;
    this.#recovered.add(key);
    if (again) this.#crashedAgain.add(key);
    const seconds: { readonly where: string; readonly disk: FaultDisk; readonly promised: readonly T[] }[] = [];
    const promisedNow: T[] = [...promised];
    const before = (operation: FaultOperation, files: FaultFiles): void => {
      if (!again || !changesDisk(operation.kind)) return;
      const place = `${where}; then before operation ${operation.index} of the recovery, ${operation.kind}`;
      for (const disk of [files.diskNow(), ...files.disksAfterPowerLoss()]) {
        seconds.push({ where: `${place} "${operation.path}": ${disk.history}`, disk, promised: [...promisedNow] });
      }
    };
    const after = await this.#live(`${where}; recovering`, recover, left, promisedNow, { before });
    for (const disk of after.files.disksAfterPowerLoss()) {
      await this.#checkDisk(`${where}; recovered`, disk, after.promised);
    }
    if (checkClean !== undefined) {
      await this.#guard(`${where}; recovered`, after.files.diskNow(), (files) => checkClean(files));
    }
    for (const second of seconds) {
      this.#count("second crash, while recovering");
      const key = keyOf(second.promised, second.disk.outline);
      if (this.#recovered.has(key)) continue;
      await this.#checkDisk(second.where, second.disk, second.promised);
      await this.#recover(second.where, second.disk, second.promised, false);
    }
  }

  async #live(
    where: string,
    run: (life: Life<T>) => Promise<void>,
    from: FaultDisk | FaultFiles,
    promised: T[],
    options: FaultFilesOptions,
  ): Promise<Lived<T>> {
    const files = new FaultFiles(from, { ...options, pageSize: this.#options.pageSize });
    try {
      await run({
        files,
        promise: (fact) => void promised.push(fact),
        attempt: (work) => this.#attempt(where, files, promised, work),
      });
    } catch (error) {
      // A crash is the plan; what the code makes of it, nobody lives to see.
      if (!files.hasCrashed) this.#break(where, String(files.diskNow()), error);
    }
    return { files, promised };
  }

  async #attempt<R>(
    where: string,
    files: FaultFiles,
    promised: readonly T[],
    work: () => Promise<R>,
  ): Promise<R> {
    try {
      return await work();
    } catch (error) {
      if (files.hasCrashed || !files.hasFailed) throw error;
      this.#scenario.checkError?.(error);
      for (const disk of [files.diskNow(), ...files.disksAfterPowerLoss()]) {
        await this.#checkDisk(`${where}; after its error`, disk, promised);
      }
      files.mend();
      return await work();
    }
  }

  async #checkDisk(where: string, disk: FaultDisk, promised: readonly T[]): Promise<void> {
    this.#disks.add(disk.fingerprint);
    const key = keyOf(promised, disk.fingerprint);
    if (this.#checked.has(key)) return;
    this.#checked.add(key);
    await this.#guard(where, disk, (files) => this.#scenario.check(files, promised));
  }

  async #guard(where: string, disk: FaultDisk, check: (files: Files) => Promise<void>): Promise<void> {
    try {
      await check(new FaultFiles(disk));
    } catch (error) {
      this.#break(where, `${disk.history}\n${disk}`, error);
    }
  }

  #count(group: FaultGroup): void {
    this.#points.set(group, (this.#points.get(group) ?? 0) + 1);
  }

  #break(where: string, disk: string, error: unknown): void {
    if (error instanceof CrashedError) return;
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#broken.push(`${where}\n${disk}\n${text}`);
  }
}

/** Equal disks after equal promises need one look. */
function keyOf(promised: readonly unknown[], disk: string): string {
  const facts = JSON.stringify(promised, (_, value) => typeof value === "bigint" ? String(value) : value);
  return `${facts} ${disk}`;
}

/** The outline of what the next process finds, and of what it may lose. */
function outlineOf(left: FaultDisk | FaultFiles): string {
  if (left instanceof FaultDisk) return left.outline;
  const unsynced = left.unsynced.map((each) => each.replace(UUID, "*"));
  return [left.diskNow().outline, ...unsynced].join("\n");
}
