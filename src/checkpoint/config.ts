import { type Backend, hostBackend } from "../backend/mod.ts";
import { type Context, foundInstead, type Variable } from "../context/mod.ts";
import { CheckpointError, ConfigError, messageOf, type OnWarning, visible, warnOnConsole } from "../errors.ts";
import { checkedAs, checkOptions, findWrongOption, type OptionNames, textOf } from "../options.ts";
import { WORK_OPTIONS } from "./byte_progress.ts";
import { type Compression, DIR_PERM_MODE, type Profile } from "../format/mod.ts";
import { formatItems } from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import { type Handler, openHandler } from "./handler.ts";
import type { HandlerSettings } from "./handler_settings.ts";
import { failWithout } from "./directory.ts";
import { pathOf } from "./directory_path.ts";
import type { MeanOptions, MeanRequest } from "./mean.ts";
import { checkChoice, type CheckpointChoice, choiceText } from "./choice.ts";
import { configLine } from "./config_view.ts";
import { embeddedPlace, expectPlace, openPlace, type Place, withSources } from "./config_place.ts";
import { type RetentionPolicy, toPolicy } from "./retention_policy.ts";
import type { WorkOptions } from "./save.ts";
import type { ScopeRule } from "./scope_rules.ts";
import { type OpenRules, warnIfFewer } from "./with_intact.ts";

/** Options of {@linkcode Config.dir}. */
export interface DirOptions {
  /** Permission bits of a directory that is created, before the umask; default 0o770. */
  readonly mode?: number;
  /**
   * Maps the payload into memory instead of reading it: loading takes no time and no memory, and pages are read from
   * the file when they are touched; with {@linkcode Config.immediate} all at once. Writing into a tensor never changes
   * the file. Needs Linux and `--allow-ffi`; otherwise, for compressed payloads and for variables whose position does
   * not fit their dtype, values are read as usual, and a warning says why.
   *
   * Values are not compared with their checksums, since that would read them all; {@linkcode Config.verify} does.
   * `--allow-ffi` lifts Deno's sandbox, for the whole program. Only files that nobody else writes: if another program
   * truncates the file while it is mapped, touching what was cut off kills the process (SIGBUS). Do not transfer the
   * tensors' buffers to a worker; copy them. Default: false.
   */
  readonly mapped?: boolean;
}

const DIR_OPTIONS: OptionNames<DirOptions> = { mode: true, mapped: "boolean" };

/** The names of {@linkcode MeanOptions}: here, since means are loaded late. */
const MEAN_OPTIONS: OptionNames<MeanOptions> = { average: "function" };

const COMPRESSIONS: readonly Compression[] = ["none", "gzip", "zstd"];
const PROFILES: readonly Profile[] = ["gomlx-0.10", "gomlx-0.25", "gomlx-0.28"];

/** Makes a Config; not for users, so not a constructor. */
export let configOf: (context: Context, mustExist: boolean) => Config;

/**
 * Says where checkpoints live and how they are loaded and saved; {@linkcode Config.done} makes the
 * {@linkcode Handler}. Made by {@linkcode build} or {@linkcode load}. The setters return the Config, touch no file,
 * and keep their errors for `done()`.
 *
 * Source: GoMLX `checkpoints.Config`.
 */
export class Config {
  readonly #context: Context;
  readonly #mustExist: boolean;
  readonly #errors: ConfigError[] = [];
  readonly #places: Place[] = [];
  readonly #excludedParams = new Set<string>();
  readonly #excludedVars = new Set<Variable>();
  readonly #rules: ScopeRule[] = [];
  #excludeAllParams = false;
  #immediate = false;
  #keep: RetentionPolicy | undefined;
  #trash = false;
  #choice: CheckpointChoice | undefined;
  #mean: MeanRequest | undefined;
  #profile: Profile | undefined;
  #compression: Compression | undefined;
  #extras = true;
  #strict = false;
  #verify = false;
  #finishOnSignal = true;
  #clock: () => Date = () => new Date();
  #onWarning: OnWarning = warnOnConsole;
  #handler: Handler | undefined;

  static {
    configOf = (context, mustExist) => new Config(context, mustExist);
  }

  private constructor(context: Context, mustExist: boolean) {
    this.#context = context;
    this.#mustExist = mustExist;
    const found = foundInstead(context);
    if (found !== undefined) this.#fail(`Cannot build a Handler: wanted a Context, found ${found}`);
  }

  /**
   * The directory of the checkpoints, a path or a `file:` URL; `~` is the home directory (needs `--allow-env=HOME`). A missing one is created in
   * `done()` by {@linkcode build}, with `mode`. Source: GoMLX `Config.Dir`.
   */
  dir(path: string | URL, options: DirOptions = {}): this {
    return this.#directory("dir()", path, "", options);
  }

  /** As {@linkcode dir}, with a relative `path` taken below `base`. Source: GoMLX `Config.DirFromBase`. */
  dirFromBase(pathOrUrl: string | URL, base: string, options: DirOptions = {}): this {
    return this.#directory("dirFromBase()", pathOrUrl, base, options);
  }

  #directory(call: string, pathOrUrl: string | URL, base: string, options: DirOptions): this {
    const wrong = findWrongOption(call, options, DIR_OPTIONS);
    if (wrong !== undefined) return this.#fail(wrong);
    const { mode = DIR_PERM_MODE, mapped = false } = options;
    const path = pathOf(pathOrUrl);
    if (path === undefined) return this.#fail(`Cannot use directory "${pathOrUrl}": wanted a path or a file: URL`);
    if (path === "") return this.#fail(`Cannot use directory "": wanted a path`);
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) {
      return this.#fail(`Cannot create a directory with mode ${mode}: wanted permission bits such as 0o770`);
    }
    return this.#place({ kind: "dir", path, base, mode, mapped });
  }

  /**
   * A new directory below `parent` (default: the system's), made in `done()`; the last `*` of `pattern` becomes random
   * text. Source: GoMLX `Config.TempDir`.
   */
  tempDir(parent = "", pattern = "cairn-*"): this {
    if (/[/\\]/.test(pattern)) return this.#fail(`Cannot use pattern "${pattern}": it has a path separator`);
    return this.#place({ kind: "temp", parent, pattern });
  }

  /** Any {@linkcode Store} instead of a directory. */
  store(store: Store): this {
    if (typeof store?.list !== "function") {
      return this.#fail("Cannot use this store: wanted a Store, such as new MemoryStore()");
    }
    return this.#place({ kind: "store", store });
  }

  /**
   * A checkpoint that is part of the program: the text or bytes of its `.json`, and the bytes of its `.bin`, raw or
   * compressed; see {@linkcode writeEmbedModule}. The Handler cannot save. Source: GoMLX `Config.FromEmbed`.
   */
  fromEmbed(json: string | Uint8Array, bin: Uint8Array): this {
    if (!(bin instanceof Uint8Array) || !(typeof json === "string" || json instanceof Uint8Array)) {
      return this.#fail(
        "Cannot use this embedded checkpoint: wanted the .json as text or bytes, and the .bin as bytes",
      );
    }
    return this.#place(embeddedPlace(json, bin));
  }

  /**
   * Loads the newest checkpoint of this global step, the one of this base name, or the best by a metric (`"best"`, see
   * {@linkcode best}), instead of the newest of all.
   */
  at(choice: CheckpointChoice): this {
    this.#choice = choice;
    return this.#check(() => checkChoice("at()", choice));
  }

  /** Reads and registers every variable in `done()`, instead of when it is asked for. Source: GoMLX `Config.Immediate`. */
  immediate(immediate = true): this {
    return this.#check(() => this.#immediate = checkedAs("immediate()", "boolean", immediate));
  }

  /**
   * Loads the mean of the last `n` checkpoints (fewer if there are fewer; 0 or less: all) instead of the newest. It is
   * computed in `done()`, into host memory. Averaged are float variables that are trainable, by the newest manifest's
   * flag, else the Context's, else yes; the rest, and the params, come from the newest. A variable that some do not have
   * is averaged over those that have it. `backend` computes the dtypes that it supports, the host the others; without
   * one the host does it all. See `handler.mean` for what was done. `done()` throws a ShapeError if shapes differ.
   *
   * Source: GoMLX `Config.TakeMean`.
   *
   * @example
   * ```ts
   * import { build, Context, load, MemoryStore, Tensor } from "@cairn/checkpoints";
   *
   * const store = new MemoryStore();
   * const ctx = new Context();
   * const weights = ctx.variableWithValue("weights", [1, 1]);
   * const handler = await build(ctx).store(store).keep(-1).done();
   * await handler.save();
   * weights.setValue(Tensor.from([3, 5]));
   * await handler.save();
   *
   * const mean = new Context();
   * const averaged = await load(mean).store(store).takeMean(2).done();
   * console.log(mean.getVariable("weights")?.value().toNested(), averaged.mean?.baseNames); // [2, 3]
   * ```
   */
  takeMean(n: number, backend: Backend = hostBackend, options: MeanOptions = {}): this {
    const wrong = findWrongOption("takeMean()", options, MEAN_OPTIONS);
    if (wrong !== undefined) return this.#fail(wrong);
    if (!Number.isSafeInteger(n)) {
      return this.#fail(`Cannot take the mean of ${textOf(n)} checkpoints: wanted a whole number`);
    }
    if (typeof backend?.mean !== "function") {
      return this.#fail("Cannot take a mean with this backend: wanted a Backend, such as await tfjsNodeBackend()");
    }
    this.#mean = n === 1 ? undefined : { ...options, n, backend };
    return this;
  }

  /**
   * Which checkpoints stay after each save: the newest `n` (negative: all), or what a policy says, such as
   * `anyOf(keepLast(3), keepBest(1, { metric: "val_loss" }))`. Pinned ones and the newest intact one stay anyway;
   * damaged ones do not count. Without it 1 is kept, but only what this Handler wrote or loaded is removed.
   *
   * Source: GoMLX `Config.Keep`.
   */
  keep(which: number | RetentionPolicy): this {
    return this.#check(() => this.#keep = toPolicy(which));
  }

  /**
   * Moves what no longer stays into the folder `trash` instead of removing it; `handler.restoreFromTrash()` and
   * `handler.emptyTrash()` do the rest.
   */
  trash(trash = true): this {
    return this.#check(() => this.#trash = checkedAs("trash()", "boolean", trash));
  }

  /**
   * Params that are not loaded: a bare key in every scope, a path (`/layer/lr`) only there. A save writes the Context's
   * value, or else what the file had. Source: GoMLX `Config.ExcludeParams`.
   */
  excludeParams(...keysOrPaths: readonly string[]): this {
    return this.#check(() =>
      keysOrPaths.forEach((each) => this.#excludedParams.add(checkedAs("excludeParams()", "string", each)))
    );
  }

  /** Loads no params at all. Source: GoMLX `Config.ExcludeAllParams`. */
  excludeAllParams(exclude = true): this {
    return this.#check(() => this.#excludeAllParams = checkedAs("excludeAllParams()", "boolean", exclude));
  }

  /** Variables that are not saved; after `done()` it acts on the Handler. Source: GoMLX `Config.ExcludeVars`. */
  excludeVars(...variables: readonly Variable[]): this {
    variables.forEach((each) => this.#excludedVars.add(each));
    this.#handler?.excludeVarsFromSaving(...variables);
    return this;
  }

  /** Loads only what lies in these scopes and below, in place. The Handler only reads. */
  onlyScopes(...scopes: readonly string[]): this {
    return this.#check(() => scopes.forEach((each) => this.scope(checkedAs("onlyScopes()", "string", each), each)));
  }

  /**
   * Loads only what lies at or below `from` (a scope, or `/scope/name` of one variable), as if it were at `to`. May be
   * called several times; the longest `from` wins. Optimizer moments follow their variable; the global step, the random
   * state and `/trainer` stay behind unless a rule names them. A slash at the end says nothing. The Handler only reads.
   */
  scope(from: string, to: string): this {
    const relative = [from, to].find((each) => !String(each).startsWith("/"));
    if (typeof from !== "string" || typeof to !== "string" || relative !== undefined) {
      return this.#fail(`Cannot load scope "${relative}": wanted a path that starts with "/"`);
    }
    this.#rules.push({ from, to });
    return this;
  }

  /**
   * Compresses the payload, or not; default: as the loaded checkpoint, else not. Only GoMLX v0.25 and later read
   * `gzip` (earlier ones may take it for data): a new directory then gets profile `gomlx-0.25`. `zstd` is Cairn's own,
   * faster and smaller: every GoMLX refuses it. Either way one variable is read without inflating all of them.
   */
  compress(codec: "gzip" | "zstd" | "none"): this {
    if (!COMPRESSIONS.includes(codec)) {
      return this.#fail(`Cannot compress with "${codec}": wanted "gzip", "zstd" or "none"`);
    }
    this.#compression = codec;
    return this;
  }

  /** Which GoMLX generation's bytes are written; default: that of the loaded checkpoint, else `gomlx-0.10`. */
  profile(profile: Profile): this {
    if (!PROFILES.includes(profile)) {
      return this.#fail(`Cannot use profile "${profile}": wanted ${PROFILES.map((each) => `"${each}"`).join(", ")}`);
    }
    this.#profile = profile;
    return this;
  }

  /** Whether checksums, trainable flags and exact values are written under the JSON key `Cairn`; default true. */
  extras(extras: boolean): this {
    return this.#check(() => this.#extras = checkedAs("extras()", "boolean", extras));
  }

  /**
   * Compares every checksum of a checkpoint before it is loaded, which reads it all: one with a damaged byte is then
   * skipped as a torn one is. Without it the manifest is checked and the payload's size; a damaged byte is an error when
   * the variable is read.
   */
  verify(verify = true): this {
    return this.#check(() => this.#verify = checkedAs("verify()", "boolean", verify));
  }

  /** Makes a damaged checkpoint an error, where else the next older intact one would be loaded. */
  strict(strict = true): this {
    return this.#check(() => this.#strict = checkedAs("strict()", "boolean", strict));
  }

  /**
   * Whether Ctrl-C (SIGINT) and SIGTERM wait for a save that is in flight; default true. The signal is raised again when
   * the save is over, and ends the process as ever; a second one ends it at once, and then the checkpoint before stands.
   * Listeners exist only during a save. A listener of your own (other than `interruptSignal()`) is called both times,
   * since Deno does not tell that there is one: say false if it must not be. Needs no permission.
   */
  finishOnSignal(finish: boolean): this {
    return this.#check(() => this.#finishOnSignal = checkedAs("finishOnSignal()", "boolean", finish));
  }

  /** Gives the time that goes into file names; default: now. */
  clock(clock: () => Date): this {
    return this.#check(() => this.#clock = checkedAs("clock()", "function", clock));
  }

  /** Takes what is reported and not thrown; default: `console.warn`. */
  onWarning(onWarning: OnWarning): this {
    return this.#check(() => this.#onWarning = checkedAs("onWarning()", "function", onWarning));
  }

  /**
   * Opens the place, loads the newest intact checkpoint (or {@linkcode at} another), and attaches the Handler to the
   * Context. Newer ones that prove damaged are skipped, with a warning: see `handler.skipped`, {@linkcode verify} and
   * {@linkcode strict}. One that was asked for by step or name is loaded, or it is an error that names intact ones.
   * Without `immediate()` only the manifest and the first bytes of the payload are read; the rest follows when a
   * variable is asked for.
   *
   * Needs `--allow-read=<dir>`; creating a missing directory adds `--allow-write=<dir>`. Throws the first error of a
   * setter, NotFoundError, PermissionError, FormatError, CorruptError, LimitError. Source: GoMLX `Config.Done`.
   */
  async done(options: WorkOptions = {}): Promise<Handler> {
    checkOptions("done()", options, WORK_OPTIONS);
    if (this.#errors[0] !== undefined) throw this.#errors[0];
    const place = expectPlace(this.#places, {
      mustExist: this.#mustExist,
      mean: this.#mean?.n,
      choice: this.#choice,
    });
    const store = await openPlace(place, this.#mustExist);
    const onWarning = (message: string): void => this.#onWarning(visible(message));
    const rules: OpenRules = {
      choice: this.#choice,
      n: this.#mean?.n ?? 1,
      strict: this.#strict,
      verify: this.#verify,
      onWarning,
    };
    this.#handler = await withSources(place, store, rules, options, async (opened) => {
      if (opened.sources.length === 0 && this.#mustExist) {
        await failWithout(store, "; load() wants one, build() starts without");
      }
      const handler = await openHandler(this.#settings(place, store, onWarning), opened, options);
      warnIfFewer(store, rules, opened);
      return handler;
    });
    return this.#handler;
  }

  /** As {@linkcode done}, with every failure wrapped as GoMLX words it. Source: GoMLX `Config.MustDone`. */
  async mustDone(options: WorkOptions = {}): Promise<Handler> {
    try {
      return await this.done(options);
    } catch (cause) {
      const { code, path, entry, offset } = cause instanceof CheckpointError ? cause : new ConfigError("");
      throw new CheckpointError(code, `Failed to create checkpoints.Handler: ${messageOf(cause)}`, {
        path,
        entry,
        offset,
        cause,
      });
    }
  }

  #settings(place: Place, store: Store, onWarning: OnWarning): HandlerSettings {
    return {
      context: this.#context,
      store,
      embedded: place.kind === "embed",
      keep: this.#keep,
      trash: this.#trash,
      excludedParams: this.#excludedParams,
      excludeAllParams: this.#excludeAllParams,
      excludedVars: this.#excludedVars,
      rules: this.#rules,
      immediate: this.#immediate,
      mean: this.#mean,
      strict: this.#strict,
      verify: this.#verify,
      profile: this.#profile,
      compression: this.#compression,
      extras: this.#extras,
      finishOnSignal: this.#finishOnSignal,
      clock: this.#clock,
      onWarning,
    };
  }

  /** What was configured, in one line. */
  toString(): string {
    return configLine({
      context: String(this.#context),
      mustExist: this.#mustExist,
      place: this.#places.at(-1),
      settings: [
        this.#choice === undefined ? undefined : `at ${choiceText(this.#choice)}`,
        this.#mean && `mean of ${this.#mean.n > 0 ? this.#mean.n : "all"}`,
        this.#keep && `keep ${this.#keep.description}`,
        this.#immediate ? "immediate" : undefined,
        this.#rules.length > 0 ? formatItems(this.#rules.length, "scope rule") : undefined,
        this.#excludeAllParams ? "no params" : undefined,
      ],
      errors: this.#errors.map(({ message }) => message),
    });
  }

  /** What `console.log` shows. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  #fail(message: string): this {
    this.#errors.push(new ConfigError(message));
    return this;
  }

  /** Keeps a ConfigError of `check` for `done()`. */
  #check(check: () => void): this {
    try {
      check();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#errors.push(error);
    }
    return this;
  }

  #place(place: Place): this {
    this.#places.push(place);
    return this;
  }
}
