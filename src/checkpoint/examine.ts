import { QUARANTINE_DIR } from "./directory.ts";
import { BACKUP_DIR, type BaseName, BIN_DATA_SUFFIX, JSON_NAME_SUFFIX, NewerVersionError } from "../format/mod.ts";
import { drawable } from "../render/mod.ts";
import type { BlobInfo, Store } from "../store/mod.ts";
import { isContentError } from "./damage.ts";
import { examinationView } from "./examine_view.ts";
import { sortBlobs } from "./leftovers.ts";
import { openIntact } from "./open_intact.ts";
import { PINS_DIR } from "./pins.ts";
import { type CheckpointsPlace, storeOf } from "./place.ts";
import { ByteProgress, WORK_OPTIONS } from "./byte_progress.ts";
import type { WorkOptions } from "./save.ts";
import { TRASH_DIR } from "./trash.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode examine}. */
export interface ExamineOptions extends WorkOptions {
  /** Whether every byte is read and every checksum compared; default: manifests and sizes only. */
  readonly verify?: boolean | undefined;
}

export const EXAMINE_OPTIONS: OptionNames<ExamineOptions> = { verify: "boolean", ...WORK_OPTIONS };

/** What a thing in a directory of checkpoints is. */
export type ExaminedKind =
  /** A whole checkpoint. */
  | "intact"
  /** A checkpoint that a newer Cairn wrote, which this one cannot read. */
  | "newer"
  /** A checkpoint with a damaged or empty manifest, a payload of the wrong size, or none. */
  | "torn"
  /** A payload without manifest, or a pin without checkpoint. */
  | "orphaned"
  /** What an interrupted save has not finished; or a running one not yet. The next save removes it. */
  | "temporary"
  /** What `repair` put aside. */
  | "quarantined"
  /** Not Cairn's, and never touched. */
  | "foreign";

/** One thing in a directory of checkpoints. */
export interface Examined {
  /** What it is. */
  readonly kind: ExaminedKind;
  /** Base name of a checkpoint, else the file's name; with the folder that it is in: `backup/…`. */
  readonly name: string;
  /** Its files. */
  readonly files: readonly string[];
  /** Size of its files in bytes. */
  readonly byteLength: number;
  /** What is wrong with it. */
  readonly problem: string | undefined;
}

/** What {@linkcode examine} found; draws itself in a notebook. */
export interface Examination {
  /** Where. */
  readonly place: string;
  /** Whether nothing is torn and nothing orphaned. */
  readonly ok: boolean;
  /** Whether every byte was read. */
  readonly verified: boolean;
  /** Everything, the top level first; checkpoints oldest first. */
  readonly found: readonly Examined[];
}

/** Does what the exported `examine` (on_demand.ts) promises. */
export async function examine(place: CheckpointsPlace, options: ExamineOptions = {}): Promise<Examination> {
  checkOptions("examine()", options, EXAMINE_OPTIONS);
  const store = storeOf(place);
  const top = await store.list();
  const folders = new Map<string, readonly BlobInfo[]>([["", top]]);
  for (const folder of [BACKUP_DIR, TRASH_DIR]) folders.set(folder, await store.list(folder));
  const total = [...folders.values()].flat().reduce((sum, { size }) => sum + size, 0);
  const progress = new ByteProgress("examine", total, options);
  const found: Examined[] = [];
  await progress.during(async () => {
    for (const [folder, blobs] of folders) found.push(...await examineFolder(store, folder, blobs, options, progress));
  });
  found.push(...await orphanedPins(store, top));
  for (const { name, size } of await store.list(QUARANTINE_DIR)) {
    found.push(fileOf("quarantined", { name: `${QUARANTINE_DIR}/${name}`, size }));
  }
  const ok = found.every(({ kind }) => kind !== "torn" && kind !== "orphaned");
  return drawable({ place: store.label, ok, verified: options.verify === true, found }, examinationView);
}

async function examineFolder(
  store: Store,
  folder: string,
  blobs: readonly BlobInfo[],
  options: ExamineOptions,
  progress: ByteProgress,
): Promise<Examined[]> {
  const inFolder = (name: string): string => folder === "" ? name : `${folder}/${name}`;
  const sizes = new Map(blobs.map(({ name, size }) => [name, size]));
  const { pairs, torn, orphaned, foreign } = sortBlobs(blobs);
  const found: Examined[] = [];
  for (const name of [...pairs, ...torn, ...orphaned].sort(byPlace(blobs))) {
    const files = [name.base + JSON_NAME_SUFFIX, name.base + BIN_DATA_SUFFIX].filter((each) => sizes.has(each));
    const byteLength = files.reduce((sum, each) => sum + (sizes.get(each) ?? 0), 0);
    const judged = orphaned.includes(name)
      ? { kind: "orphaned" as const, problem: "a payload without manifest" }
      : await judgePair(store, inFolder(name.base), options);
    progress.add(byteLength);
    if (judged !== undefined) {
      found.push({ ...judged, name: inFolder(name.base), files: files.map(inFolder), byteLength });
    }
  }
  for (const { name, size } of foreign) {
    progress.add(size);
    found.push(fileOf("foreign", { name: inFolder(name), size }));
  }
  for (const { name, size } of await store.temporaries?.(folder === "" ? undefined : folder) ?? []) {
    found.push(fileOf("temporary", { name: inFolder(name), size }));
  }
  return found;
}

/** In the order of the names, which is that of a listing. */
function byPlace(blobs: readonly BlobInfo[]): (a: BaseName, b: BaseName) => number {
  const places = new Map(blobs.map(({ name }, index) => [name.slice(0, name.lastIndexOf(".")), index]));
  return (a, b) => (places.get(a.base) ?? 0) - (places.get(b.base) ?? 0);
}

/** Undefined if it was removed meanwhile. */
async function judgePair(
  store: Store,
  base: string,
  { verify, signal }: ExamineOptions,
): Promise<Pick<Examined, "kind" | "problem"> | undefined> {
  try {
    const source = await openIntact(store, base, { verify, signal });
    source?.reader.close();
    return source && { kind: "intact", problem: undefined };
  } catch (error) {
    if (!isContentError(error)) throw error;
    return { kind: error instanceof NewerVersionError ? "newer" : "torn", problem: error.message };
  }
}

async function orphanedPins(store: Store, top: readonly BlobInfo[]): Promise<Examined[]> {
  const names = new Set(top.map(({ name }) => name));
  return (await store.list(PINS_DIR)).filter(({ name }) => !names.has(name + JSON_NAME_SUFFIX)).map((
    { name, size },
  ) => ({
    ...fileOf("orphaned", { name: `${PINS_DIR}/${name}`, size }),
    problem: "a pin without checkpoint",
  }));
}

function fileOf(kind: ExaminedKind, { name, size }: BlobInfo): Examined {
  return { kind, name, files: [name], byteLength: size, problem: undefined };
}
