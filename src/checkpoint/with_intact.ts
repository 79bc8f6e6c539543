import { CheckpointError, type OnWarning } from "../errors.ts";
import { formatItems } from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import { type Candidates, type CheckpointChoice, findCandidates } from "./choice.ts";
import { isDamage } from "./damage.ts";
import { listCheckpoints } from "./directory.ts";
import { openIntact } from "./open_intact.ts";
import type { WorkOptions } from "./save.ts";
import type { Source } from "./source.ts";
import { Survey } from "./survey.ts";

/** A checkpoint that was passed over, since it is damaged. */
export interface SkippedCheckpoint {
  /** File name without suffix. */
  readonly baseName: string;
  /** What is wrong with it. */
  readonly reason: string;
}

/** Which checkpoints are opened, and what counts as intact. */
export interface OpenRules {
  /** Which one; undefined: the newest. */
  readonly choice: CheckpointChoice | undefined;
  /** How many, that one and those before it; 0 or less: all. */
  readonly n: number;
  /** Whether a damaged one is an error, also where another could take its place. */
  readonly strict: boolean;
  /** Whether every checksum is compared before a checkpoint counts as intact. */
  readonly verify: boolean;
  /** Is told of every one that is skipped. */
  readonly onWarning: OnWarning;
}

/** What {@linkcode withIntact} has opened. */
export interface OpenedCheckpoints {
  /** The chosen one is the last; none if there is none. */
  readonly sources: readonly Source[];
  /** What was passed over. */
  readonly skipped: readonly SkippedCheckpoint[];
}

/** Retention may remove what was listed before it is opened; more often than this in a row it does not. */
const MAX_LISTINGS = 10;

/**
 * Opens the chosen checkpoint (default: the newest) and those before it, and does `work` with them, which closes them
 * if it fails. A damaged one is skipped for the next older one (of the best: the next best); also one that `work` finds
 * to be damaged. Only proven damage is: what cannot be read is an error.
 *
 * Throws the error of a damaged one that was asked for by step or name, or of any with `strict`, or of the first if none
 * is intact; it names those that are.
 */
export async function withIntact<T>(
  store: Store,
  rules: OpenRules,
  options: WorkOptions,
  work: (opened: OpenedCheckpoints) => Promise<T>,
): Promise<T> {
  const opening = new Opening(store, rules, options);
  for (;;) {
    const sources = await opening.open();
    try {
      return await work({ sources, skipped: opening.skipped });
    } catch (error) {
      const path = error instanceof CheckpointError ? error.path : undefined;
      const damaged = sources.find(({ reader }) => reader.path === path);
      if (damaged === undefined) throw error;
      await opening.skip(damaged.base, error);
    }
  }
}

/** Warns if there are fewer than a mean was asked of. */
export function warnIfFewer(
  store: Store,
  { n, onWarning }: OpenRules,
  { sources: { length }, skipped }: OpenedCheckpoints,
): void {
  if (n <= length || n <= 1 || length === 0) return;
  const has = formatItems(length, skipped.length > 0 ? "intact checkpoint" : "checkpoint");
  onWarning(`mean: "${store.label}" has ${has}, fewer than the ${n} asked for`);
}

class Opening {
  readonly #store: Store;
  readonly #rules: OpenRules;
  readonly #options: WorkOptions;
  readonly #skipped = new Map<string, SkippedCheckpoint>();
  #first: CheckpointError | undefined;
  #named: string | undefined;
  #isOnly = false;

  constructor(store: Store, rules: OpenRules, options: WorkOptions) {
    this.#store = store;
    this.#rules = rules;
    this.#options = options;
  }

  get skipped(): readonly SkippedCheckpoint[] {
    return [...this.#skipped.values()];
  }

  /** Opens those that are intact, the chosen one last. */
  async open(): Promise<readonly Source[]> {
    for (let listings = 1;; listings++) {
      const listing = await listCheckpoints(this.#store);
      const candidates = await findCandidates(this.#store, listing, this.#rules.choice);
      const bases = listing.checkpoints.map(({ base }) => base);
      this.#isOnly = bases.length === 1;
      await this.#skipUnjudged(candidates);
      const found = await this.#openFirst(candidates.bases);
      if (found.source !== undefined) return await this.#withOlder(found.source, bases);
      if (found.vanished && listings < MAX_LISTINGS) continue;
      if (this.#first === undefined) return [];
      if (bases.length > 1) {
        this.#first.message += `; none of ${
          formatItems(bases.length, "checkpoint")
        } in "${this.#store.label}" is intact`;
      }
      throw this.#first;
    }
  }

  /** Passes over a damaged checkpoint, or throws its error. */
  async skip(base: string, error: unknown): Promise<void> {
    if (!isDamage(error)) throw error;
    if (this.#rules.strict || base === this.#named) {
      error.message += await wayOut(this.#store, base);
      throw error;
    }
    this.#first ??= error;
    this.#skipped.set(base, { baseName: base, reason: error.message });
    // With no other to load instead its error is thrown, which says as much.
    if (!this.#isOnly) this.#rules.onWarning(`"${base}" is damaged and was skipped: ${error.message}`);
  }

  async #skipUnjudged({ bases, isNamed, damaged }: Candidates): Promise<void> {
    this.#named = isNamed ? bases[0] : undefined;
    for (const { base, damage } of damaged) if (!this.#skipped.has(base)) await this.skip(base, damage);
  }

  async #openFirst(bases: readonly string[]): Promise<{ readonly source?: Source; readonly vanished: boolean }> {
    let vanished = false;
    for (const base of bases) {
      if (this.#skipped.has(base)) continue;
      const source = await this.#tryOpen(base);
      if (source !== undefined) return { source, vanished };
      if (!this.#skipped.has(base)) vanished = true;
    }
    return { vanished };
  }

  async #withOlder(newest: Source, bases: readonly string[]): Promise<readonly Source[]> {
    const { n } = this.#rules;
    const sources = [newest];
    const older = bases.slice(0, bases.indexOf(newest.base)).reverse();
    try {
      for (const base of older) {
        if (n > 0 && sources.length >= n) break;
        const source = this.#skipped.has(base) ? undefined : await this.#tryOpen(base);
        if (source !== undefined) sources.unshift(source);
      }
    } catch (error) {
      sources.forEach(({ reader }) => reader.close());
      throw error;
    }
    return sources;
  }

  /** Undefined if it is damaged, which is noted, or was removed. */
  async #tryOpen(base: string): Promise<Source | undefined> {
    try {
      return await openIntact(this.#store, base, { ...this.#options, verify: this.#rules.verify });
    } catch (error) {
      await this.skip(base, error);
      return undefined;
    }
  }
}

/** Others that are looked at to be named in an error. */
const MAX_OTHERS = 20;

/** A damaged checkpoint must not be a dead end: which others are intact, newest first. */
async function wayOut(store: Store, base: string): Promise<string> {
  const listing = await listCheckpoints(store);
  const others = listing.checkpoints.filter((each) => each.base !== base).slice(-MAX_OTHERS);
  const rows = await new Survey(store).of({ ...listing, checkpoints: others });
  const intact = rows.filter((each) => each.damage === undefined).map((each) => `at("${each.base}")`).reverse();
  if (intact.length === 0) return "; no other checkpoint is intact";
  return `; intact by manifest and size are ${intact.slice(0, 3).join(", ")}${
    intact.length > 3 ? ` and ${intact.length - 3} more` : ""
  }`;
}
