import { ConfigError, NotFoundError } from "../errors.ts";
import type { BaseName } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { best, type BestChoice, rankBest } from "./best.ts";
import { listCheckpoints, type Listing } from "./directory.ts";
import { withoutSuffix } from "./source.ts";
import { Survey } from "./survey.ts";

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

/** ConfigError unless it is a choice; a notebook has no types to prevent it. */
export function checkChoice(choice: CheckpointChoice): void {
  if (typeof choice === "number" && !Number.isSafeInteger(choice)) {
    throw new ConfigError(`Cannot load step ${choice}: wanted a whole number, or a bigint beyond 2^53`);
  }
  const isChoice = typeof choice === "object"
    ? choice !== null && "metric" in choice
    : /^(number|bigint|string)$/.test(typeof choice);
  if (isChoice) return;
  throw new ConfigError(`Cannot load checkpoint ${choice}: wanted a step, a base name, "best" or best("val_loss")`);
}

/**
 * The checkpoint that `choice` names, the newest if it is undefined; undefined only if the store has none and no
 * particular one was asked for.
 */
export async function findCheckpoint(
  store: Store,
  choice: CheckpointChoice | undefined,
): Promise<BaseName | undefined> {
  return (await findCheckpoints(store, choice, 1)).at(-1);
}

/** The same and those before it, `n` in all or as many as there are (0 or less: all), oldest first. */
export async function findCheckpoints(
  store: Store,
  choice: CheckpointChoice | undefined,
  n: number,
): Promise<readonly BaseName[]> {
  const listing = await listCheckpoints(store);
  const { checkpoints } = listing;
  const end = choice === undefined ? checkpoints.length : await indexOf(listing, choice, store) + 1;
  return checkpoints.slice(n <= 0 ? 0 : Math.max(0, end - n), end);
}

async function indexOf(listing: Listing, choice: CheckpointChoice, store: Store): Promise<number> {
  if (typeof choice !== "object" && choice !== "best") return indexOfNamed(listing.checkpoints, choice, store);
  const rows = (await new Survey(store).of(listing)).filter((each) => each.damage === undefined);
  const [first] = rankBest(choice === "best" ? best() : choice, rows, store.label);
  return listing.checkpoints.findIndex(({ base }) => base === first?.base);
}

function indexOfNamed(checkpoints: readonly BaseName[], choice: number | bigint | string, store: Store): number {
  const wanted = typeof choice === "string" ? withoutSuffix(choice) : BigInt(choice);
  const found = checkpoints.findLastIndex((each) => each.base === wanted || each.step === wanted);
  if (found >= 0) return found;
  const beginning = checkpoints.filter((each) => typeof wanted === "string" && each.base.startsWith(`${wanted}-`));
  if (beginning.length === 1) return checkpoints.findIndex((each) => each === beginning[0]);
  const what = typeof wanted === "string" ? `named "${wanted}"` : `of step ${wanted}`;
  const there = checkpoints.slice(-10).map((each) => typeof wanted === "string" ? each.base : String(each.step));
  throw new NotFoundError(
    `No checkpoint ${what} in "${store.label}"; ` +
      (typeof choice === "string" && /^\d+$/.test(choice) ? `a step is a number: at(${choice}); ` : "") +
      (there.length === 0 ? "it has none" : `it has ${checkpoints.length}, the newest: ${there.join(", ")}`),
    { path: store.label },
  );
}
