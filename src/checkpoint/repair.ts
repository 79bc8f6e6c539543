import { expectStore, QUARANTINE_DIR } from "./directory.ts";
import { drawable } from "../render/mod.ts";
import { LocalStore, type Store } from "../store/mod.ts";
import { listPins, pinFile, PINS_DIR } from "./pins.ts";
import { putAside } from "./put_aside.ts";
import { examine, EXAMINE_OPTIONS, type Examined, type ExamineOptions } from "./examine.ts";
import { repairView } from "./repair_view.ts";
import { asGuest } from "./writer_lock.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode repair}. */
export interface RepairOptions extends ExamineOptions {
  /** Whether it only tells what it would do; default false. */
  readonly dryRun?: boolean | undefined;
}

const REPAIR_OPTIONS: OptionNames<RepairOptions> = { dryRun: "boolean", ...EXAMINE_OPTIONS };

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
  if (options.dryRun === true) return await putAllAside(store, options);
  return await asGuest(store, "repair", () => putAllAside(store, options));
}

async function putAllAside(store: Store, { dryRun: isDry, ...options }: RepairOptions): Promise<Repair> {
  const dryRun = isDry === true;
  const { found } = await examine(store, options);
  const broken = found.filter(({ kind }) => kind === "torn" || kind === "orphaned");
  const aside = new Set((await store.list(QUARANTINE_DIR)).map(({ name }) => name));
  const moved: MovedFile[] = [];
  for (const { files, problemOf } of withPins(broken.filter(isMovable), await listPins(store))) {
    const names = await putAside(store, files, aside, dryRun);
    moved.push(...files.map((from, i) => ({ from, to: names[i] ?? from, problem: problemOf(from) })));
  }
  const left = [...broken.filter((each) => !isMovable(each)), ...found.filter(({ kind }) => kind === "temporary")];
  const intact = found.filter(({ kind, name }) => kind === "intact" && !name.includes("/")).map(({ name }) => name);
  return drawable({ place: store.label, dryRun, moved, left, intact }, repairView);
}

/** What goes together: the pin of a broken checkpoint has lost it as soon as that is put aside. */
function withPins(broken: readonly Examined[], pins: ReadonlySet<string>): readonly {
  readonly files: readonly string[];
  readonly problemOf: (file: string) => string;
}[] {
  const itsPins = new Set(broken.filter(({ name }) => pins.has(name)).map(({ name }) => pinFile(name)));
  return broken.filter(({ name }) => !itsPins.has(name)).map(({ kind, name, files, problem = kind }) => ({
    files: pins.has(name) ? [...files, pinFile(name)] : files,
    problemOf: (file) =>
      file === pinFile(name) ? kind === "torn" ? "the pin of a torn checkpoint" : "a pin without checkpoint" : problem,
  }));
}

/** Backups are somebody's own, and what is in the trash misleads nobody. */
function isMovable({ name }: Examined): boolean {
  return !name.includes("/") || name.startsWith(`${PINS_DIR}/`);
}
