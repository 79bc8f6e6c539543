import { hostBackend } from "../backend/mod.ts";
import { Context } from "../context/mod.ts";
import { ConfigError, type OnWarning, warnOnConsole } from "../errors.ts";
import { checkOptions, type OptionNames, textOf } from "../options.ts";
import { crc32, parseBaseName } from "../format/mod.ts";
import { drawable } from "../render/mod.ts";
import { forEachSideBySide } from "./compare.ts";
import { load } from "./build.ts";
import { failWithout } from "./directory.ts";
import { Handler, placeOf } from "./handler.ts";
import { decide, type Decision, type MeanOptions, onlyInOlder } from "./mean.ts";
import { BLOCKS_BYTES } from "./mean_pipeline.ts";
import { meanPreviewView } from "./mean_preview_view.ts";
import { entryLabel } from "./entry_label.ts";
import type { EntryReader } from "./payload_reader.ts";
import { type CheckpointsPlace, storeOf } from "./place.ts";
import { ByteProgress, WORK_OPTIONS } from "./byte_progress.ts";
import type { WorkOptions } from "./save.ts";
import { selectFromManifest } from "./scope_rules.ts";
import type { Store } from "../store/mod.ts";
import type { Source } from "./source.ts";
import { checkCrc } from "./stored_value.ts";
import { warnIfFewer, withIntact } from "./with_intact.ts";

/** Options of {@linkcode previewMean}. */
export interface PreviewMeanOptions extends MeanOptions, WorkOptions {
  /** Is told of damaged checkpoints, which are skipped; default: `console.warn`. */
  readonly onWarning?: OnWarning;
}

const PREVIEW_MEAN_OPTIONS: OptionNames<PreviewMeanOptions> = {
  average: "function",
  onWarning: "function",
  ...WORK_OPTIONS,
};

/** What a mean would do with one variable. */
export interface MeanPreviewVariable {
  /** `/scope/name`. */
  readonly path: string;
  /** Size in bytes. */
  readonly byteLength: number;
  /** Whether it would be a mean; if not, it would be the newest checkpoint's. */
  readonly averaged: boolean;
  /** Why. */
  readonly reason: string;
  /** The checkpoints that it would come from, oldest first. */
  readonly baseNames: readonly string[];
  /** ‖x − mean‖ / ‖mean‖ of each of them, oldest first; the last one is the newest's. Empty if not averaged. */
  readonly distances: readonly number[];
}

/** What `Config.takeMean` would do; draws itself in a notebook. */
export interface MeanPreview {
  /** The checkpoints that would be taken, oldest first. */
  readonly baseNames: readonly string[];
  /** Their global steps. */
  readonly steps: readonly bigint[];
  /** All variables, in the newest one's order. */
  readonly variables: readonly MeanPreviewVariable[];
  /** Variables that only older checkpoints have, and which would not be loaded. */
  readonly onlyInOlder: readonly string[];
  /** Memory for the result and the blocks, in bytes. */
  readonly memoryBytes: number;
  /** Bytes that would be read. */
  readonly readBytes: number;
  /**
   * Does it, on the host: loads the mean of these checkpoints into `context`; by default into the Context of the Handler
   * that the preview is of, else into a new one. See `handler.context`.
   */
  apply(context?: Context): Promise<Handler>;
}

/** Does what the exported `previewMean` (on_demand.ts) promises. */
export async function previewMean(
  place: CheckpointsPlace,
  n: number,
  options: PreviewMeanOptions = {},
): Promise<MeanPreview> {
  checkOptions("previewMean()", options, PREVIEW_MEAN_OPTIONS);
  if (!Number.isSafeInteger(n)) {
    throw new ConfigError(`Cannot preview the mean of ${textOf(n)} checkpoints: wanted a whole number`);
  }
  const store = storeOf(place);
  const rules = { choice: undefined, n, strict: false, verify: false, onWarning: options.onWarning ?? warnOnConsole };
  const own = place instanceof Handler ? placeOf(place).context : undefined;
  return await withIntact(store, rules, options, async (opened) => {
    const preview = await previewOf(store, opened.sources, own, options);
    warnIfFewer(store, rules, opened);
    return preview;
  });
}

async function previewOf(
  store: Store,
  sources: readonly Source[],
  own: Context | undefined,
  options: PreviewMeanOptions,
): Promise<MeanPreview> {
  const last = sources.at(-1);
  if (last === undefined) return await failWithout(store);
  const request = {
    n: sources.length,
    backend: hostBackend,
    ...options.average && { average: options.average },
  };
  try {
    const wanted = selectFromManifest(last.manifest, []).entries;
    const decisions = decide(sources, wanted, request, own ?? new Context());
    const readBytes = sum(decisions, ({ placed, from }) => placed.row.byteLength * from.length);
    const progress = new ByteProgress(
      "preview",
      sum(decisions, ({ placed, from, averaged }) => averaged ? placed.row.byteLength * from.length : 0),
      options,
    );
    // In the order of the newest payload, so that compressed ones are inflated in one pass.
    const readers = new Map(sources.map((source) => [source, source.reader.forward()]));
    const distances = new Map<Decision, readonly number[]>();
    const inOrder = decisions.toSorted((a, b) => a.placed.row.position - b.placed.row.position);
    await progress.during(async () => {
      for (const decision of inOrder) {
        if (decision.averaged) distances.set(decision, await distancesOf(decision, readers, progress));
      }
    });
    const variables = decisions.map((decision): MeanPreviewVariable => ({
      path: entryLabel(decision.placed),
      byteLength: decision.placed.row.byteLength,
      averaged: decision.averaged,
      reason: decision.reason,
      baseNames: decision.from.map(({ source }) => source.base),
      distances: distances.get(decision) ?? [],
    }));
    const preview: MeanPreview = {
      baseNames: sources.map(({ base }) => base),
      steps: sources.map(({ base }) => parseBaseName(base)?.step ?? 0n),
      variables,
      onlyInOlder: onlyInOlder(sources),
      memoryBytes: sum(decisions, ({ placed }) => placed.row.byteLength) + Math.min(readBytes, BLOCKS_BYTES),
      readBytes,
      apply: async (context = own ?? new Context()) => {
        const { average } = request;
        // By name: what was previewed is done, also if there is a newer one by now.
        return await load(context).store(store).at(last.base)
          .takeMean(sources.length, hostBackend, average === undefined ? {} : { average }).immediate().done();
      },
    };
    return drawable(preview, meanPreviewView);
  } finally {
    sources.forEach(({ reader }) => reader.close());
  }
}

async function distancesOf(
  { placed: { row }, from }: Decision,
  readers: ReadonlyMap<Source, EntryReader>,
  progress: ByteProgress,
): Promise<number[]> {
  const apart = from.map(() => 0);
  const crcs = from.map(() => 0);
  let size = 0;
  await forEachSideBySide(
    row.dtype,
    row.dimensions,
    row.byteLength,
    from.map(({ source, entry }) => async (into, start) => await readers.get(source)?.read(entry, into, start)),
    (numbers, bytes) => {
      bytes.forEach((each, index) => crcs[index] = crc32(each, crcs[index]));
      const means = finiteMeans(numbers);
      size += squaresOf(means);
      numbers.forEach((each, index) => apart[index] = (apart[index] ?? 0) + squaresBetween(means, each));
    },
    (bytes) => progress.add(bytes),
  );
  from.forEach(({ source, entry }, index) => checkCrc(entry, crcs[index] ?? 0, source.reader.path));
  return apart.map((squares) => squares === 0 ? 0 : Math.sqrt(squares / size));
}

/** Element by element; NaN where it is not finite. */
function finiteMeans(numbers: readonly Float64Array[]): Float64Array {
  const means = new Float64Array(numbers[0]?.length ?? 0);
  for (const each of numbers) addPart(means, each, 1 / numbers.length);
  for (let i = 0; i < means.length; i++) if (!Number.isFinite(means[i])) means[i] = NaN;
  return means;
}

// Each loop is a function of its own, over two arrays: the compiler makes the most of that.

function addPart(means: Float64Array, numbers: Float64Array, part: number): void {
  for (let i = 0; i < means.length; i++) means[i] = (means[i] ?? 0) + (numbers[i] ?? 0) * part;
}

/** The sum of the squares; those of a NaN do not count. */
function squaresOf(means: Float64Array): number {
  let squares = 0;
  for (let i = 0; i < means.length; i++) {
    const mean = means[i] ?? 0;
    if (!Number.isNaN(mean)) squares += mean * mean;
  }
  return squares;
}

/** The sum of the squares of their differences; those of a NaN do not count. */
function squaresBetween(means: Float64Array, numbers: Float64Array): number {
  let squares = 0;
  for (let i = 0; i < means.length; i++) {
    const distance = (means[i] ?? 0) - (numbers[i] ?? 0);
    if (!Number.isNaN(distance)) squares += distance * distance;
  }
  return squares;
}

function sum<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}
