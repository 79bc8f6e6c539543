import { ConfigError, type OnWarning, warnOnConsole } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import { parseBaseName } from "../format/mod.ts";
import { LocalStore, type Store } from "../store/mod.ts";
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { type Checkpoint, checkpointOf } from "./checkpoint.ts";
import { checkChoice, type CheckpointChoice, choiceText } from "./choice.ts";
import { expectStore, failWithout } from "./directory.ts";
import { joinHome } from "./directory_path.ts";
import { openSource, type Source, withoutSuffix } from "./source.ts";
import { withIntact } from "./with_intact.ts";

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

const OPEN_OPTIONS: OptionNames<OpenOptions> = {
  step: true,
  at: true,
  strict: "boolean",
  mapped: "boolean",
  onWarning: "function",
};

/**
 * Opens one checkpoint for reading: the newest of a directory or {@linkcode Store}, the one that `at` or
 * `step` chooses, or the one whose base path is given (`run/checkpoint-n0000003-…`, with or without `.json`). Reads the manifest and the first
 * bytes of the payload; tensors are read when they are asked for. Of a directory, damaged ones are skipped for the next
 * older one, with a warning; one that is asked for by step or name is opened, or it is an error that names intact ones.
 *
 * Needs `--allow-read=<dir>`. Throws NotFoundError, FormatError, CorruptError, LimitError, PermissionError, and a
 * ConfigError for options that there are not, or that contradict each other.
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
  checkOptions("openCheckpoint()", options, OPEN_OPTIONS);
  const { store, base } = locate(where, options.mapped ?? false);
  const choice = options.at === undefined ? options.step : options.at;
  if (choice !== undefined) checkChoice("openCheckpoint()", choice);
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
    base === undefined ? await openChosen(store, choice, options) : await openSource(store, base),
  );
  checkpoint.reports.forEach((report) => onWarning(`"${checkpoint.baseName}": ${report}`));
  return checkpoint;
}

async function openChosen(
  store: Store,
  choice: CheckpointChoice | undefined,
  { onWarning = warnOnConsole, strict = false }: OpenOptions,
): Promise<Source> {
  const rules = { choice, n: 1, strict, verify: false, onWarning };
  return await withIntact(store, rules, {}, async ({ sources: [source] }) => source ?? await failWithout(store));
}

/** A path names a checkpoint if its last part has the grammar of one, or a suffix; else a directory. */
function locate(where: string | Store, mapped: boolean): { readonly store: Store; readonly base: string | undefined } {
  if (typeof where !== "string") return { store: expectStore(where), base: undefined };
  const whole = joinHome("", where);
  const path = withoutSuffix(whole);
  const isBase = path !== whole || parseBaseName(basename(path)) !== undefined;
  const store = new LocalStore(isBase ? dirname(path) : whole, { write: false, mapped });
  return { store, base: isBase ? basename(path) : undefined };
}
