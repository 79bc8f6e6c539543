import { ConfigError, nearName, NotFoundError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../options.ts";
import type { BaseName } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { best, type BestChoice, rankBest } from "./best.ts";
import type { Listing } from "./directory.ts";
import { withoutSuffix } from "./source.ts";
import { Survey, type Surveyed } from "./survey.ts";

/**
 * Which checkpoint of a store: a global step (the newest of it), or a base name, or as much of its beginning as only
 * one has; or the {@linkcode best} by a metric, `"best"` for short.
 */
export type CheckpointChoice = number | bigint | string | BestChoice;

/** `choice` in words, for messages. */
export function choiceText(choice: CheckpointChoice): string {
  if (typeof choice !== "object") return JSON.stringify(String(choice));
  return `best(${
    [choice.metric, choice.mode].filter((each) => each !== undefined).map((each) => `"${each}"`).join(", ")
  })`;
}

const BEST_CHOICE: OptionNames<BestChoice> = { metric: true, mode: true };

/** ConfigError unless it is a choice; a notebook has no types to prevent it. `call` is for messages: `at()`. */
export function checkChoice(call: string, choice: CheckpointChoice): void {
  if (typeof choice === "number" && !Number.isSafeInteger(choice)) {
    throw new ConfigError(`Cannot choose step ${choice}: wanted a whole number, or a bigint beyond 2^53`);
  }
  if (/^(number|bigint|string)$/.test(typeof choice)) return;
  const isObject = isPlainObject(choice);
  if (isObject) checkOptions(call, choice, BEST_CHOICE);
  if (isObject && "metric" in choice) return void best(choice.metric, choice.mode);
  throw new ConfigError(
    `Cannot choose checkpoint ${isObject ? "by an object without metric" : String(choice)}: ` +
      'wanted a step, a base name, "best" or best("val_loss")',
  );
}

/** Members of a Checkpoint, a Map or an array are not those of a choice that is misspelt. */
function isPlainObject(choice: CheckpointChoice): choice is BestChoice {
  if (typeof choice !== "object" || choice === null) return false;
  const prototype: unknown = Object.getPrototypeOf(choice);
  return prototype === Object.prototype || prototype === null;
}

/** The checkpoints that are meant by a choice. */
export interface Candidates {
  /** Base names, the one to take first; the others if it is damaged. */
  readonly bases: readonly string[];
  /** Whether that very one was asked for, so that no other may take its place. */
  readonly isNamed: boolean;
  /** Those that cannot be judged, since their manifests are damaged. */
  readonly damaged: readonly Surveyed[];
}

/**
 * What `choice` means among the checkpoints of a listing; the newest if it is undefined.
 *
 * @throws {NotFoundError} There is no such checkpoint. Not if any will do and there is none.
 */
export async function findCandidates(
  store: Store,
  listing: Listing,
  choice: CheckpointChoice | undefined,
): Promise<Candidates> {
  const bases = listing.checkpoints.map(({ base }) => base);
  if (choice === undefined) return { bases: bases.reverse(), isNamed: false, damaged: [] };
  if (typeof choice !== "object" && choice !== "best") {
    const index = indexOfNamed(listing.checkpoints, choice, store);
    return { bases: bases.slice(index, index + 1), isNamed: true, damaged: [] };
  }
  const rows = await new Survey(store).of(listing);
  const intact = rows.filter((each) => each.damage === undefined);
  const ranked = rankBest(choice === "best" ? best() : choice, intact, store.label);
  return {
    bases: ranked.map(({ base }) => base),
    isNamed: false,
    damaged: rows.filter((each) => each.damage !== undefined),
  };
}

function indexOfNamed(checkpoints: readonly BaseName[], choice: number | bigint | string, store: Store): number {
  const wanted = typeof choice === "string" ? withoutSuffix(choice) : BigInt(choice);
  const found = checkpoints.findLastIndex((each) => each.base === wanted || each.step === wanted);
  if (found >= 0) return found;
  const beginning = checkpoints.filter((each) => typeof wanted === "string" && each.base.startsWith(`${wanted}-`));
  if (beginning.length === 1) return checkpoints.findIndex((each) => each === beginning[0]);
  const what = typeof wanted === "string" ? `named "${wanted}"` : `of step ${wanted}`;
  const meant = typeof wanted === "string"
    ? nearName(wanted, ["best", ...checkpoints.map(({ base }) => base)])
    : undefined;
  const there = checkpoints.slice(-10).map((each) => typeof wanted === "string" ? each.base : String(each.step));
  throw new NotFoundError(
    `No checkpoint ${what} in "${store.label}"; ` +
      (typeof choice === "string" && /^\d+$/.test(choice) ? `a step is a number: at(${choice}); ` : "") +
      (meant === undefined ? "" : `did you mean "${meant}"? `) +
      (there.length === 0 ? "it has none" : `it has ${checkpoints.length}, the newest: ${there.join(", ")}`),
    { path: store.label },
  );
}
