import type { Loader } from "../context/mod.ts";
import { formatItems } from "../render/mod.ts";
import { checkChoice, type CheckpointChoice } from "./choice.ts";
import type { HandlerSettings } from "./handler_settings.ts";
import type { HandlerParts } from "./handler_view.ts";
import { applyPlan, inheritNothing, type LoadPlan, planLoad } from "./load_plan.ts";
import { type LoadRecord, type LoadReport, loadReport, recordLoad } from "./load_report.ts";
import type { MeanReport } from "./mean.ts";
import { entryLabel } from "./entry_label.ts";
import type { PendingPool } from "./pending_pool.ts";
import type { Retention } from "./retention.ts";
import type { WorkOptions } from "./save.ts";
import { type Inherited, variableKey } from "./snapshot.ts";
import { type OpenedCheckpoints, type SkippedCheckpoint, withIntact } from "./with_intact.ts";

/** A Handler's loads, and what it remembers of the last one. */
export class Loading {
  /** What the next save goes on with. */
  inherited: Inherited;
  readonly #settings: HandlerSettings;
  readonly #pool: PendingPool;
  readonly #retention: Retention;
  #record: LoadRecord | undefined;
  #mean: MeanReport | undefined;
  #skipped: readonly SkippedCheckpoint[] = [];

  constructor(settings: HandlerSettings, pool: PendingPool, retention: Retention) {
    this.#settings = settings;
    this.#pool = pool;
    this.#retention = retention;
    this.inherited = inheritNothing(settings);
  }

  /** Base name of what was loaded. */
  get base(): string | undefined {
    return this.#record?.baseName;
  }

  /** Damaged ones that were passed over. */
  get skipped(): readonly SkippedCheckpoint[] {
    return this.#skipped;
  }

  /** How the values came about, if they are a mean. */
  get mean(): MeanReport | undefined {
    return this.#mean;
  }

  /** What has become of the last load by now. */
  report(): LoadReport | undefined {
    if (this.#record === undefined) return undefined;
    return loadReport(this.#record, this.#settings.context, this.#pool.values(), {
      skipped: this.#skipped,
      mean: this.#mean,
    });
  }

  /** What its Handler shows of them. */
  parts(): Omit<HandlerParts, "title" | "saves"> {
    return {
      loadedBase: this.base,
      mean: this.#mean,
      skipped: this.#skipped,
      profile: this.inherited.profile,
      pending: this.#pool.values(),
      variables: this.#settings.context.numVariables(),
    };
  }

  /** Loads the last of `sources`, if there are any, and makes `loader` the Context's. */
  async attach(loader: Loader, { sources, skipped }: OpenedCheckpoints, options: WorkOptions): Promise<void> {
    const { context } = this.#settings;
    const newest = sources.at(-1);
    const plan = newest && await planLoad(newest, sources.slice(0, -1), this.#settings, options);
    this.#pool.chain(context.loader);
    context.setLoader(loader);
    this.#skipped = skipped;
    if (plan !== undefined) this.#apply(plan);
  }

  /** Loads another checkpoint of the directory. */
  async restore(choice: CheckpointChoice, options: WorkOptions): Promise<void> {
    checkChoice("restore()", choice);
    const { store, strict, verify, onWarning } = this.#settings;
    await withIntact(store, { choice, n: 1, strict, verify, onWarning }, options, async (opened) => {
      const source = opened.sources.at(-1);
      if (source === undefined) return;
      const plan = await planLoad(source, [], { ...this.#settings, mean: undefined }, options);
      this.#skipped = opened.skipped;
      this.#apply(plan);
      this.#warnOfMissing(plan);
    });
    this.#pool.closeUnused();
  }

  #apply(plan: LoadPlan): void {
    const { context } = this.#settings;
    this.#record = recordLoad(plan, context, this.#settings);
    this.#mean = plan.mean;
    this.#retention.own(plan.source.base);
    this.inherited = applyPlan(plan, context, this.#pool, this.#settings);
    this.#pool.closeUnused();
  }

  #warnOfMissing({ source, values }: LoadPlan): void {
    const loaded = new Set(values.all().map(variableKey));
    const { context, onWarning } = this.#settings;
    const missing = Array.from(context.iterVariables()).filter((each) => !loaded.has(variableKey(each)));
    if (missing.length === 0) return;
    onWarning(
      `"${source.base}" lacks ${formatItems(missing.length, "variable")} of the Context, left as they were: ` +
        missing.slice(0, 10).map(entryLabel).join(", "),
    );
  }
}
