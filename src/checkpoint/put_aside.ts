import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { QUARANTINE_DIR } from "./directory.ts";
import { PINS_DIR, removePin } from "./pins.ts";
import { haveSameBytes } from "./same_bytes.ts";
import { withoutSuffix } from "./source.ts";

const PIN_SUFFIX = ".pin";

/** What one checkpoint may have in the quarantine. */
const SUFFIXES = [JSON_NAME_SUFFIX, BIN_DATA_SUFFIX, PIN_SUFFIX];

/**
 * Moves what there is of one broken checkpoint (manifest, payload and pin, or only some of them) into the quarantine, and
 * gives their names there. `aside` is what the quarantine has already; with `dryRun` nothing is moved.
 *
 * The names are numbered alike: nothing has such a number yet, or one that was interrupted has, and this one finishes
 * it. What was put aside before is never replaced. All is whole here or there at any instant: linked there payload first,
 * then manifest, then pin; then removed here in the opposite order. So a pin is never left alone, here or there.
 */
export async function putAside(
  store: Store,
  files: readonly string[],
  aside: ReadonlySet<string>,
  dryRun = false,
): Promise<readonly string[]> {
  const names = (await namesAside(store, files, aside)).map((name) => `${QUARANTINE_DIR}/${name}`);
  if (dryRun) return names;
  const moves = files.map((from, i) => ({ from, to: names[i] ?? from })).sort((a, b) => rank(a.from) - rank(b.from));
  for (const { from, to } of moves.toReversed()) await store.link(from, to);
  // The pin is not to be seen any more, but perhaps its removal is not durable.
  await removePin(store, baseOf(files));
  for (const { from } of moves.filter((each) => !isPin(each.from))) await store.remove(from);
  return names;
}

function rank(file: string): number {
  if (isPin(file)) return 0;
  return file.endsWith(JSON_NAME_SUFFIX) ? 1 : 2;
}

async function namesAside(
  store: Store,
  files: readonly string[],
  aside: ReadonlySet<string>,
): Promise<readonly string[]> {
  const plain = files.map(plainName);
  // A pin that is alone was that of whatever had its name.
  const others = files.every(isPin)
    ? []
    : SUFFIXES.map((suffix) => baseOf(files) + suffix).filter((name) => !plain.includes(name));
  for (let count = 0;; count++) {
    const numbered = (name: string): string => count === 0 ? name : `${name}.${count}`;
    const names = plain.map(numbered);
    const taken = names.filter((name) => aside.has(name));
    // All linked: what is missing here may be gone already. Not all: then nothing was removed yet.
    const canBeOurs = taken.length === names.length || !others.some((name) => aside.has(numbered(name)));
    if (canBeOurs && await haveSame(store, files, names, taken)) return names;
  }
}

async function haveSame(
  store: Store,
  files: readonly string[],
  names: readonly string[],
  taken: readonly string[],
): Promise<boolean> {
  for (const name of taken) {
    const file = files[names.indexOf(name)] ?? "";
    if (!await haveSameBytes(store, file, `${QUARANTINE_DIR}/${name}`)) return false;
  }
  return true;
}

function baseOf(files: readonly string[]): string {
  const [file = ""] = files;
  return isPin(file) ? file.slice(PINS_DIR.length + 1) : withoutSuffix(file);
}

function plainName(file: string): string {
  return isPin(file) ? baseOf([file]) + PIN_SUFFIX : file;
}

function isPin(file: string): boolean {
  return file.startsWith(`${PINS_DIR}/`);
}
