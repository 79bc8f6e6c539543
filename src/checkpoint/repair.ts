import { expectStore, QUARANTINE_DIR } from "./directory.ts";
import { JSON_NAME_SUFFIX } from "../format/mod.ts";
import { drawable } from "../render/mod.ts";
import { LocalStore, type Store } from "../store/mod.ts";
import { listPins, PINS_DIR } from "./pins.ts";
import { examine, EXAMINE_OPTIONS, type Examined, type ExamineOptions } from "./examine.ts";
import { repairView } from "./repair_view.ts";
import { haveSameBytes } from "./same_bytes.ts";
import { asGuest } from "./writer_lock.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode repair}. */
export interface RepairOptions extends ExamineOptions {
  /** Whether it only tells what it would do; default false. */
  readonly dryRun?: boolean | undefined;
}

const REPAIR_OPTIONS: OptionNames<RepairOptions> = { dryRun: true, ...EXAMINE_OPTIONS };

/** A file that {@linkcode repair} moved, or would move. */
export interface MovedFile {
  /** Its name before. */
  readonly from: string;
  /** Its name now. */
  readonly to: string;
  /** Why. */
  readonly problem: string;
}

/** What {@linkcode repair} did; draws itself in a notebook. */
export interface Repair {
  /** Where. */
  readonly place: string;
  /** Whether nothing was done, but only told. */
  readonly dryRun: boolean;
  /** What was put aside, or would be. To undo it, move the files back. */
  readonly moved: readonly MovedFile[];
  /** What was left where it is, though it is torn, orphaned or temporary: it is in `backup` or `trash`, or the next save removes it. */
  readonly left: readonly Examined[];
  /** Base names of the whole checkpoints, oldest first. */
  readonly intact: readonly string[];
}

/** Does what the exported `repair` (on_demand.ts) promises. */
export async function repair(place: string | Store, options: RepairOptions = {}): Promise<Repair> {
  checkOptions("repair()", options, REPAIR_OPTIONS);
  const store = typeof place === "string"
    ? new LocalStore(place, { write: options.dryRun !== true })
    : expectStore(place);
  if (options.dryRun === true) return await putAside(store, options);
  return await asGuest(store, "repair", () => putAside(store, options));
}

async function putAside(store: Store, { dryRun: isDry, ...options }: RepairOptions): Promise<Repair> {
  const dryRun = isDry === true;
  const { found } = await examine(store, options);
  const broken = found.filter(({ kind }) => kind === "torn" || kind === "orphaned");
  const taken = new Set((await store.list(QUARANTINE_DIR)).map(({ name }) => name));
  const pins = await listPins(store);
  const moved: MovedFile[] = [];
  for (const item of broken.filter(isMovable).flatMap((each) => [each, ...pinOf(each, pins)])) {
    const names = await namesAside(store, item.files, taken);
    const moves = item.files.map((from, i) => ({ from, to: names[i] ?? from, problem: item.problem ?? item.kind }));
    if (!dryRun) await move(store, moves);
    moved.push(...moves);
  }
  const left = [...broken.filter((each) => !isMovable(each)), ...found.filter(({ kind }) => kind === "temporary")];
  const intact = found.filter(({ kind, name }) => kind === "intact" && !name.includes("/")).map(({ name }) => name);
  return drawable({ place: store.label, dryRun, moved, left, intact }, repairView);
}

/** The pin of a torn checkpoint has lost it as soon as that is put aside. */
function pinOf({ kind, name }: Examined, pins: ReadonlySet<string>): Pick<Examined, "kind" | "files" | "problem">[] {
  if (kind !== "torn" || !pins.has(name)) return [];
  return [{ kind: "orphaned", files: [`${PINS_DIR}/${name}`], problem: "the pin of a torn checkpoint" }];
}

/** Backups are somebody's own, and what is in the trash misleads nobody. */
function isMovable({ name }: Examined): boolean {
  return !name.includes("/") || name.startsWith(`${PINS_DIR}/`);
}

/** Whole here or there at any instant, marker last to come and first to go. */
async function move(store: Store, moves: readonly MovedFile[]): Promise<void> {
  const markerFirst = moves.toSorted((a, b) => rank(a) - rank(b));
  for (const { from, to } of markerFirst.toReversed()) await store.link(from, to);
  for (const { from } of markerFirst) await store.remove(from);
}

function rank({ from }: MovedFile): number {
  return from.endsWith(JSON_NAME_SUFFIX) ? 0 : 1;
}

/**
 * Names in the quarantine, numbered alike, that nothing has yet, or that have the same bytes: then a repair was
 * interrupted, and this one finishes it. What was put aside before is never replaced.
 */
async function namesAside(store: Store, files: readonly string[], taken: ReadonlySet<string>): Promise<string[]> {
  for (let count = 0;; count++) {
    const names = files.map((from) => asideName(from) + (count === 0 ? "" : `.${count}`));
    const aside = names.map((name) => `${QUARANTINE_DIR}/${name}`);
    let isFree = true;
    for (const [i, name] of names.entries()) {
      isFree &&= !taken.has(name) || await haveSameBytes(store, files[i] ?? "", aside[i] ?? "");
    }
    if (isFree) return aside;
  }
}

function asideName(from: string): string {
  return from.startsWith(`${PINS_DIR}/`) ? `${from.slice(PINS_DIR.length + 1)}.pin` : from;
}
