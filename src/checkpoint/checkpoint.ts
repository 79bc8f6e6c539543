import { type ParamValue, splitScope } from "../context/mod.ts";
import { nearName } from "../context/near_name.ts";
import { paramsView } from "../context/params_view.ts";
import { study, type StudyOptions, studySync, type VariableSource } from "../context/study.ts";
import { ConfigError, NotFoundError, type OnWarning, ShapeError, warnOnConsole } from "../errors.ts";
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
import { LocalStore, type Store } from "../store/mod.ts";
import { bitsOf, type DType, shapeText, sizeOf, Tensor } from "../tensor/mod.ts";
import { basename, dirname } from "@std/path";
import { checkChoice, type CheckpointChoice, choiceText } from "./choice.ts";
import { checkpointLine, checkpointView, storedSource } from "./checkpoint_view.ts";
import { joinHome } from "./directory_path.ts";
import { allocateFor, entryLabel, PayloadReader } from "./payload_reader.ts";
import { readValues } from "./read_values.ts";
import type { WorkOptions } from "./save.ts";
import { openSource, profileOf, type Source, withoutSuffix } from "./source.ts";
import { StoredValue } from "./stored_value.ts";
import { type VerifyReport, verifySource } from "./verify.ts";
import { withIntact } from "./with_intact.ts";

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

/** Part of a variable. */
export interface ReadRange {
  /** First element (flat, row-major), default 0. */
  readonly start?: number;
  /** One past the last element, default the end. */
  readonly end?: number;
}

/** Options of {@linkcode Checkpoint.readAll}. */
export interface ReadAllOptions extends WorkOptions {
  /** Only variables in this scope and below. */
  readonly scope?: string;
}

/** Options of {@linkcode openCheckpoint}. */
export interface OpenOptions {
  /** The newest checkpoint of this global step, instead of the newest of all. */
  readonly step?: number | bigint;
  /** Which checkpoint, by step, base name or metric: as `Config.at`. */
  readonly at?: CheckpointChoice;
  /** Makes a damaged checkpoint an error, where else the next older intact one is opened; default false. */
  readonly strict?: boolean;
  /** Maps the payload of a path into memory instead of reading it: see {@linkcode DirOptions.mapped}. */
  readonly mapped?: boolean;
  /** Takes what is reported and not thrown; default: `console.warn`. */
  readonly onWarning?: OnWarning;
}

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
   * Reads one variable, by `/scope/name`, or a range of its elements as a tensor of rank 1. The whole variable is
   * checked against its CRC-32 where the file has one.
   *
   * Throws NotFoundError for an unknown name, ShapeError for a range outside, CorruptError for damaged bytes.
   */
  async read(name: string, range: ReadRange = {}): Promise<Tensor> {
    const entry = this.#entry(name);
    if (range.start === undefined && range.end === undefined) {
      return await new StoredValue(this.#source.reader, entry).peek();
    }
    return await this.#readRange(entry, range);
  }

  /** Reads all variables, or those of a scope and below, in file order, by `/scope/name`. */
  async readAll(options: ReadAllOptions = {}): Promise<Map<string, Tensor>> {
    const { scope = "/" } = options;
    const below = scope.endsWith("/") ? scope : `${scope}/`;
    const wanted = [...this.#byLabel].filter(([, each]) => each.scope === scope || `${each.scope}/`.startsWith(below));
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
  [Symbol.for("Jupyter.display")](): JupyterBundle {
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

  async #readRange(entry: Entry, range: ReadRange): Promise<Tensor> {
    const size = sizeOf(entry.dimensions);
    const { start = 0, end = size } = range;
    const bits = bitsOf(entry.dtype);
    const whole = Number.isInteger(start) && Number.isInteger(end) && start * bits % 8 === 0;
    if (!whole || start < 0 || end < start || end > size) {
      throw new ShapeError(
        `Cannot read elements ${start} to ${end} of "${entryLabel(entry)}" ${
          shapeText(entry.dtype, entry.dimensions)
        }: ` +
          `wanted whole numbers with 0 <= start <= end <= ${size}` +
          (bits < 8 ? ", and a start at a whole byte" : ""),
        { path: this.#source.reader.path, entry: entryLabel(entry) },
      );
    }
    const { reader } = this.#source;
    const [from, length] = [start * bits / 8, Math.ceil((end - start) * bits / 8)];
    const view = reader.view(entry, from, length);
    const bytes = view ?? allocateFor(entry, reader.path, length);
    if (view === undefined) await reader.read(entry, bytes, from);
    return new Tensor(entry.dtype, [end - start], bytes);
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

/**
 * Opens one checkpoint for reading: the newest of a directory or {@linkcode Store}, the one that `at` or
 * `step` chooses, or the one whose base path is given (`run/checkpoint-n0000003-…`, with or without `.json`). Reads the manifest and the first
 * bytes of the payload; tensors are read when they are asked for. Of a directory, damaged ones are skipped for the next
 * older one, with a warning; one that is asked for by step or name is opened, or it is an error that names intact ones.
 *
 * Needs `--allow-read=<dir>`. Throws NotFoundError, FormatError, CorruptError, LimitError, PermissionError.
 *
 * @example
 * ```ts
 * import { build, Context, MemoryStore, openCheckpoint } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore();
 * const ctx = new Context();
 * ctx.variableWithValue("bias", [0.5]);
 * await (await build(ctx).store(store).done()).save();
 * await using checkpoint = await openCheckpoint(store);
 * console.log(checkpoint);
 * ```
 */
export async function openCheckpoint(where: string | Store, options: OpenOptions = {}): Promise<Checkpoint> {
  const { store, base } = locate(where, options.mapped ?? false);
  const choice = options.at ?? options.step;
  if (choice !== undefined) checkChoice(choice);
  if (options.at !== undefined && options.step !== undefined) {
    throw new ConfigError(`Cannot open ${choiceText(options.at)} and step ${options.step} at once: leave one out`);
  }
  if (base !== undefined && choice !== undefined) {
    const what = options.at === undefined ? `step ${options.step}` : choiceText(options.at);
    throw new ConfigError(
      `Cannot open "${base}" and ${what} at once: give a directory or leave the step out`,
    );
  }
  const onWarning = options.onWarning ?? warnOnConsole;
  const checkpoint = checkpointOf(
    base === undefined ? await openChosen(store, options) : await openSource(store, base),
  );
  checkpoint.reports.forEach((report) => onWarning(`"${checkpoint.baseName}": ${report}`));
  return checkpoint;
}

async function openChosen(store: Store, { at, step, onWarning = warnOnConsole, strict }: OpenOptions): Promise<Source> {
  const rules = { choice: at ?? step, n: 1, strict: strict ?? false, verify: false, onWarning };
  return await withIntact(store, rules, {}, ({ sources }) => {
    const [source] = sources;
    if (source === undefined) throw new NotFoundError(`No checkpoint in "${store.label}"`, { path: store.label });
    return Promise.resolve(source);
  });
}

/** A path names a checkpoint if its last part has the grammar of one, or a suffix; else a directory. */
function locate(where: string | Store, mapped: boolean): { readonly store: Store; readonly base: string | undefined } {
  if (typeof where !== "string") return { store: where, base: undefined };
  const whole = joinHome("", where);
  const path = withoutSuffix(whole);
  const isBase = path !== whole || parseBaseName(basename(path)) !== undefined;
  const store = new LocalStore(isBase ? dirname(path) : whole, { write: false, mapped });
  return { store, base: isBase ? basename(path) : undefined };
}
