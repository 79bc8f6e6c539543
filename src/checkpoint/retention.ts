import { ConfigError, messageOf, NotFoundError } from "../errors.ts";
import type { BaseName, Manifest } from "../format/mod.ts";
import { formatItems } from "../render/mod.ts";
import type { Store } from "../store/mod.ts";
import { checkChoice, type CheckpointChoice, findCandidates } from "./choice.ts";
import { isDamage } from "./damage.ts";
import { listCheckpoints, type Listing, removeCheckpoint } from "./directory.ts";
import type { HandlerSettings } from "./handler_settings.ts";
import { addPin, listPins, removePin } from "./pins.ts";
import type { RetentionPlan } from "./retention_plan.ts";
import { KEEP_ALL, keepLast, type RetentionPolicy, type RetentionRow } from "./retention_policy.ts";
import { Survey, type Surveyed } from "./survey.ts";

/** How what is there is judged. */
export interface RetentionRules {
  /** What stays. */
  readonly policy: RetentionPolicy;
  /** Whether what goes is moved into the trash. */
  readonly trash: boolean;
  /** Whether a checkpoint may be removed at all. */
  readonly mayRemove: (base: string) => boolean;
}

/** Name of the checkpoint that does not exist yet; no file can have it. */
const NEXT = "";
/** As GoMLX: nobody said how many. */
const DEFAULT_POLICY = keepLast(1);

/** Removes a Handler's checkpoints that its policy no longer keeps. */
export class Retention {
  /** What was read of each checkpoint so far. */
  readonly survey: Survey;
  readonly #store: Store;
  readonly #settings: HandlerSettings;
  readonly #owned = new Set<string>();
  /** Their removal has begun. */
  readonly #going = new Set<string>();
  #warnedOfRest = false;

  constructor(settings: HandlerSettings) {
    this.#settings = settings;
    this.#store = settings.store;
    this.survey = new Survey(settings.store);
  }

  /** What stays. */
  get policy(): RetentionPolicy {
    return this.#settings.keep ?? DEFAULT_POLICY;
  }

  /** The Handler wrote or loaded it. */
  own(base: string): void {
    this.#owned.add(base);
  }

  /** The Handler has just written it. */
  saved(name: BaseName, manifest: Manifest): void {
    this.own(name.base);
    this.survey.know(name, manifest);
  }

  /** Removes what no longer stays, the oldest first, or moves it into the trash. The newest of `listing` was just saved. */
  async apply(listing: Listing, now: Date): Promise<void> {
    if (this.policy === KEEP_ALL) return;
    const { BY_OTHERS, judge } = await import("./retention_plan.ts");
    const rows = await this.survey.of(listing);
    const verdicts = judge(rowsOf(rows, await listPins(this.#store)), this.policy, now, this.#rules.mayRemove);
    const goes = verdicts.filter(({ stays }) => !stays).map(({ baseName }) => baseName);
    const listed = new Set(listing.checkpoints.map(({ base }) => base));
    // What failed when the manifest was gone is in no listing any more.
    const half = [...this.#going].filter((base) => !listed.has(base));
    for (const base of [...half, ...goes]) {
      this.#going.add(base);
      if (this.#settings.trash) await (await import("./trash.ts")).moveToTrash(this.#store, base);
      else await removeCheckpoint(this.#store, base);
      this.#going.delete(base);
    }
    const spared = verdicts.filter(({ reasons }) => reasons.includes(BY_OTHERS)).length;
    if (spared === 0 || this.#warnedOfRest) return;
    this.#warnedOfRest = true;
    this.#settings.onWarning(
      `${formatItems(spared, "older checkpoint")} in "${this.#store.label}", written by others, left alone; ` +
        "say keep(n) to choose how many stay, keep(-1) for all",
    );
  }

  /** What the next save would remove. */
  async plan(policy: RetentionPolicy = this.policy): Promise<RetentionPlan> {
    return await planNextSave(this.#store, this.survey, { ...this.#rules, policy }, this.#settings.clock());
  }

  /** Pins the chosen checkpoint (default: the newest), and tells its base name. */
  async pin(choice: CheckpointChoice | undefined): Promise<string> {
    if (choice !== undefined) checkChoice("pin()", choice);
    const base = await this.#find(choice);
    await addPin(this.#store, base);
    // Another process may have been about to remove it.
    const isThere = (await listCheckpoints(this.#store)).checkpoints.some((each) => each.base === base);
    if (isThere) return base;
    await removePin(this.#store, base);
    throw new NotFoundError(`Cannot pin "${base}": it was removed from "${this.#store.label}" meanwhile`, {
      path: this.#store.label,
    });
  }

  /** Takes the pin of the chosen checkpoint away. */
  async unpin(choice: CheckpointChoice): Promise<string> {
    checkChoice("unpin()", choice);
    const base = await this.#find(choice);
    await removePin(this.#store, base);
    return base;
  }

  /** Pins a checkpoint that is about to be saved, does it, and takes the pin back if that fails. */
  async whilePinned<T>(base: string, save: () => Promise<T>): Promise<T> {
    await addPin(this.#store, base);
    try {
      return await save();
    } catch (error) {
      await removePin(this.#store, base).catch((cause) => {
        this.#settings.onWarning(
          `the pin of "${base}", which was not saved, could not be removed: ${messageOf(cause)}`,
        );
      });
      throw error;
    }
  }

  get #rules(): RetentionRules {
    const { keep, trash } = this.#settings;
    // Nobody asked for the default of 1: it must not cost a history that somebody else wrote.
    return { policy: this.policy, trash, mayRemove: (base) => keep !== undefined || this.#owned.has(base) };
  }

  async #find(choice: CheckpointChoice | undefined): Promise<string> {
    const listing = await listCheckpoints(this.#store);
    const [base] = (await findCandidates(this.#store, listing, choice)).bases;
    if (base !== undefined) return base;
    throw new ConfigError(`Cannot pin in "${this.#store.label}": there is no checkpoint yet; call save() first`, {
      path: this.#store.label,
    });
  }
}

/** What a save would remove; it is taken for one of the newest step, without metrics. */
export async function planNextSave(
  store: Store,
  survey: Survey,
  { policy, trash, mayRemove }: RetentionRules,
  now: Date,
): Promise<RetentionPlan> {
  const { judge, planOf } = await import("./retention_plan.ts");
  const rows = rowsOf(await survey.of(await listCheckpoints(store)), await listPins(store));
  const step = rows.at(-1)?.step ?? 0n;
  const coming = { baseName: NEXT, step, saved: now, metrics: {}, byteLength: 0, pinned: false, intact: true };
  const verdicts = judge([...rows, coming], policy, now, mayRemove);
  return planOf(store.label, policy, trash, verdicts.filter(({ baseName }) => baseName !== NEXT));
}

function rowsOf(surveyed: readonly Surveyed[], pins: ReadonlySet<string>): readonly RetentionRow[] {
  return surveyed.map(({ base, step, saved, metrics, byteLength, damage }) => ({
    baseName: base,
    step,
    saved,
    metrics,
    byteLength,
    pinned: pins.has(base),
    // What a newer Cairn wrote counts: it is whole.
    intact: !isDamage(damage),
  }));
}
