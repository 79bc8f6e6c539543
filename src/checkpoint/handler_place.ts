import type { Context } from "../context/mod.ts";
import type { Store } from "../store/mod.ts";
import type { RetentionPlan } from "./retention_plan.ts";
import type { RetentionPolicy } from "./retention_policy.ts";

/** What is told of a Handler's place; for views, so not public. */
export interface HandlerPlace {
  readonly store: Store;
  readonly context: Context;
  /** What the next save would remove, by the Handler's policy or another. */
  plan(policy?: RetentionPolicy): Promise<RetentionPlan>;
}
