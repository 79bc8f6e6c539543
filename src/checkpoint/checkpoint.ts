import { isAtOrBelow, type ParamValue, splitScope } from "../context/mod.ts";
import { paramsView } from "../context/params_view.ts";
import { study, type StudyOptions, studySync, type VariableSource } from "../context/study.ts";
import { ConfigError, nearName, NotFoundError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import { WORK_OPTIONS } from "./byte_progress.ts";
import {
  BIN_DATA_SUFFIX,
  type Entry,
  findEntry,
  type Manifest,
  type Metrics,
  parseBaseName,
  type Profile,
} from "../format/mod.ts";
import {
  drawable,
  type InspectOptions,
  type JupyterBundle,
  type View,
  viewBundle,
  viewInspected,
  watched,
  watchWork,
} from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import type { DType, Tensor } from "../tensor/mod.ts";
import { checkpointLine, checkpointView, storedSource } from "./checkpoint_view.ts";
import { entryLabel } from "./entry_label.ts";
import { PayloadReader } from "./payload_reader.ts";
import type { ReadRange } from "./read_range.ts";
import { readValues } from "./read_values.ts";
import type { WorkOptions } from "./save.ts";
import { profileOf, type Source } from "./source.ts";
import { StoredValue } from "./stored_value.ts";
import type { VerifyReport } from "./verify.ts";

/** A variable of a {@linkcode Checkpoint}: a row of its manifest. */
export interface CheckpointVariable {
  /** Absolute scope. */
  readonly scope: string;
  /** Name within the scope. */
  readonly name: string;
  /** Its id as the file spells it: `var:/scope/name`. */
  readonly parameterName: string;
  /** Element type. */
  readonly dtype: DType;
  /** Outermost axis first; `[]` is a scalar. */
  readonly dimensions: readonly number[];
  /** Size in bytes. */
  readonly byteLength: number;
  /** CRC-32 of its bytes, if the file has one. */
  readonly crc32: number | undefined;
  /** Whether an optimizer may change it, if the file says. */
  readonly trainable: boolean | undefined;
}

/** A param of a {@linkcode Checkpoint}. */
export interface CheckpointParam {
  /** Absolute scope. */
  readonly scope: string;
  /** Name within the scope. */
  readonly key: string;
  /** Type in Go: `int`, `float64`, `[]string` … */
  readonly goType: string;
  /** Its value; whole numbers beyond 2^53 are bigint. */
  readonly value: ParamValue;
}

/** The names of {@linkcode ReadRange}: here, since what reads ranges is loaded late. */
const READ_RANGE: OptionNames<ReadRange> = { start: true, end: true };

/** Options of {@linkcode Checkpoint.readAll}. */
export interface ReadAllOptions extends WorkOptions {
  /** Only variables in this scope and below, or the one of this `/scope/name`. */
  readonly scope?: string;
}

const READ_ALL_OPTIONS: OptionNames<ReadAllOptions> = { scope: true, ...WORK_OPTIONS };

/** Makes a Checkpoint; not for users, so not a constructor. */
export let checkpointOf: (source: Source) => Checkpoint;

/** The values of a Checkpoint, in file order; not for users, so not a method. */
export let storedValues: (checkpoint: Checkpoint) => StoredValue[];

/** A checkpoint that was just saved; its file is opened at the first read. */
export function savedCheckpoint(store: Store, base: string, manifest: Manifest): Checkpoint {
  const name = base + BIN_DATA_SUFFIX;
  const reader = new PayloadReader(
    `${store.label}/${name}`,
    manifest,
    () => store.open(name),
    () => store.openSync?.(name),
  );
  return checkpointOf({ store, base, manifest, reader });
}

/**
 * One checkpoint opened for reading: immutable, lazy, without a Context. Made by {@linkcode openCheckpoint} or returned
 * by `handler.save()`.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore } from "@cairn/checkpoints";
 *
 * const ctx = new Context();
 * ctx.in("layer").variableWithValue("weights", [1, 2, 3]);
 * await using handler = await build(ctx).store(new MemoryStore()).done();
 * await using checkpoint = await handler.save();
 * const weights = await checkpoint.read("/layer/weights");
 * console.log(checkpoint.variables.length, weights.data());
 * ```
 */
export class Checkpoint implements AsyncDisposable {
  /** File name without suffix. */
  readonly baseName: string;
  /** Its params, in file order. */
  readonly params: readonly CheckpointParam[];
  /** What was measured when it was saved, as `save({ metrics })` recorded it; empty if nothing was. */
  readonly metrics: Metrics;
  /** When it was saved, if the file says. */
  readonly saved: Date | undefined;
  /** What is odd about the file and was accepted. */
  readonly reports: readonly string[];

  readonly #source: Source;
  #entriesByLabel: ReadonlyMap<string, Entry> | undefined;

  static {
    checkpointOf = (source) => new Checkpoint(source);
    storedValues = (checkpoint) => checkpoint.#values();
  }

  private constructor(source: Source) {
    this.baseName = source.base;
    const params = source.manifest.params.map(({ scope, key, param: { goType, value } }) => ({
      scope,
      key,
      goType,
      value,
    }));
    this.params = drawable(params, paramsView);
    this.metrics = source.manifest.metrics;
    this.saved = source.manifest.saved;
    this.reports = [...source.manifest.reports, ...source.reader.reports];
    this.#source = source;
  }

  /** Its variables, in file order: scope, name, dtype, dimensions, byteLength, and trainable where the file says. */
  get variables(): readonly CheckpointVariable[] {
    return this.#source.manifest.entries;
  }

  /** The global step that the file name tells, 0 for `-initial`; undefined for a name without one. */
  get step(): number | bigint | undefined {
    const step = parseBaseName(this.baseName)?.step;
    if (step === undefined) return undefined;
    return step <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(step) : step;
  }

  /** The store that it is in. */
  get store(): Store {
    return this.#source.store;
  }

  /** The GoMLX generation whose bytes it has. */
  get profile(): Profile {
    return profileOf(this.#source);
  }

  /** Size of all variables in bytes. */
  get byteLength(): number {
    return this.variables.reduce((sum, each) => sum + each.byteLength, 0);
  }

  /**
   * Reads one variable, by `/scope/name`, or a range of its elements as a tensor of rank 1. A whole variable is
   * compared with its CRC-32 where the file has one; a range is not, since nothing else is read.
   *
   * Throws NotFoundError for an unknown name, ShapeError for a range outside, CorruptError for damaged bytes.
   */
  async read(name: string, range: ReadRange = {}): Promise<Tensor> {
    checkOptions("read()", range, READ_RANGE);
    const entry = this.#entry(name);
    if (range.start === undefined && range.end === undefined) {
      return await new StoredValue(this.#source.reader, entry).peek();
    }
    const { readRange } = await import("./read_range.ts");
    return await readRange(this.#source.reader, entry, range);
  }

  /** Reads all variables, or those of a scope and below, in file order, by `/scope/name`. */
  async readAll(options: ReadAllOptions = {}): Promise<Map<string, Tensor>> {
    checkOptions("readAll()", options, READ_ALL_OPTIONS);
    const { scope = "/" } = options;
    const wanted = [...this.#byLabel].filter(([label]) => isAtOrBelow(label, scope));
    if (wanted.length === 0 && this.variables.length > 0) {
      throw new NotFoundError(`No variable of "${this.baseName}" is in scope "${scope}" or below`, {
        path: this.#source.reader.path,
        entry: scope,
      });
    }
    const values = wanted.map(([, entry]) => new StoredValue(this.#source.reader, entry));
    await readValues(values, options);
    const tensors = new Map<string, Tensor>();
    for (const [index, [label]] of wanted.entries()) {
      const tensor = values[index]?.loaded;
      if (tensor !== undefined) tensors.set(label, tensor);
    }
    return tensors;
  }

  /**
   * Reads the manifest again and all bytes of the payload, and compares every checksum that the files have. What is
   * damaged is in the report, by variable; an error is thrown only for what cannot be read, or after an abort.
   *
   * @example
   * ```ts
   * import { build, Context, MemoryStore } from "@cairn/checkpoints";
   *
   * const ctx = new Context();
   * ctx.variableWithValue("weights", [1, 2, 3]);
   * await using handler = await build(ctx).store(new MemoryStore()).done();
   * const report = await (await handler.save()).verify({ progress: true });
   * console.log(report.ok, report.variables.length, report); // true 2 …
   * ```
   */
  async verify(options: WorkOptions = {}): Promise<VerifyReport> {
    checkOptions("verify()", options, WORK_OPTIONS);
    const { verifySource } = await import("./verify.ts");
    return await verifySource(this.#source, options);
  }

  /** Closes the file; closing twice is harmless. */
  close(): void {
    this.#source.reader.close();
  }

  /** As {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** `Checkpoint("base name")`. */
  toString(): string {
    return `Checkpoint("${this.baseName}")`;
  }

  /** What a notebook shows: variables with their statistics, and params. Reads 64 MiB at most. */
  [Symbol.for("Jupyter.display")](): Promise<JupyterBundle> {
    return viewBundle(() => this.#view());
  }

  /** What `console.log` shows: the same as text, or one line inside another value. */
  [Symbol.for("Deno.customInspect")](_inspect: unknown, options?: InspectOptions): string {
    return (options?.currentDepth ?? 0) > 0 ? checkpointLine(this) : viewInspected(() => this.#view(), options);
  }

  /** What `display()` shows. */
  async [Symbol.for("cairn.view")](options: StudyOptions = {}): Promise<View> {
    await this.#source.reader.ready().catch(() => {}); // Closed, or gone: its rows can be shown all the same.
    const measured = options.stats === true && await this.#measureCompressed(options);
    return checkpointView(
      this,
      await study(this.#sources(), measured ? { ...options, progress: undefined } : options),
      options,
    );
  }

  /** Takes all statistics in one pass over a compressed payload, so that it need not be kept inflated. */
  async #measureCompressed({ progress }: StudyOptions): Promise<boolean> {
    const { reader } = this.#source;
    if (reader.positional) return false;
    const forward = reader.forward();
    const values = this.#values().sort((a, b) => a.entry.position - b.entry.position);
    const total = this.byteLength;
    const watch = watchWork(progress, "statistics", total);
    let done = 0;
    await watched(watch, async () => {
      for (const value of values) {
        if (value.measured === undefined) await value.measure(forward).catch(() => {}); // Shown as damaged.
        done += value.byteLength;
        watch.update({ phase: "statistics", done, total });
      }
    });
    return true;
  }

  #view(): View {
    // Printing must not leave a file open: nobody closes what is only printed.
    return this.#source.reader.glance(() => checkpointView(this, studySync(this.#sources())));
  }

  #sources(): VariableSource[] {
    return this.#values().map((value) => storedSource(value.entry, value));
  }

  get #byLabel(): ReadonlyMap<string, Entry> {
    return this.#entriesByLabel ??= byLabel(this.#source.manifest.entries);
  }

  #values(): StoredValue[] {
    const { reader, manifest } = this.#source;
    return manifest.entries.map((entry) => new StoredValue(reader, entry));
  }

  #entry(name: string): Entry {
    if (typeof name !== "string") {
      throw new ConfigError(`Cannot read variable ${String(name)}: wanted its path, such as "/layer_0/weights"`);
    }
    const path = name.startsWith("/") ? name : `/${name}`;
    const { scope, name: last } = splitScope(path);
    const entry = findEntry(this.#source.manifest, scope, last) ?? this.#byLabel.get(path);
    if (entry !== undefined) return entry;
    const near = this.variables.filter((each) => each.name === name.slice(name.lastIndexOf("/") + 1));
    const meant = nearName(path, [...this.#byLabel.keys()]);
    const hint = near.length > 0
      ? `; the same name is at ${near.slice(0, 5).map((each) => `"${entryLabel(each)}"`).join(", ")}`
      : meant !== undefined
      ? `; did you mean "${meant}"?`
      : `; it has ${this.variables.length} variables, see \`checkpoint.variables\``;
    throw new NotFoundError(`No variable "${name}" in "${this.baseName}"${hint}`, {
      path: this.#source.reader.path,
      entry: name,
    });
  }
}

/** Entries in file order by `/scope/name`; `/a//name` for one of scope `/a/` if `/a` has one of that name too. */
function byLabel(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  const isOdd = ({ scope }: Entry): boolean => scope !== "/" && scope.endsWith("/");
  const taken = new Set(entries.filter((each) => !isOdd(each)).map(entryLabel));
  return new Map(entries.map((each) => {
    const label = entryLabel(each);
    return [isOdd(each) && taken.has(label) ? `${each.scope}/${each.name}` : label, each];
  }));
}
