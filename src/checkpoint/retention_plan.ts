import { drawable } from "../render/mod.ts";
import { retentionPlanView } from "./retention_plan_view.ts";
import type { RetentionPolicy, RetentionRow } from "./retention_policy.ts";

/** What a {@linkcode RetentionPlan} says of one checkpoint. */
export interface RetentionVerdict extends RetentionRow {
  /** Whether it stays. */
  readonly stays: boolean;
  /** Why it stays: `pinned`, `the newest intact one`, what the policy says; empty if it goes. */
  readonly reasons: readonly string[];
}

/** What retention does, before it does it; draws itself in a notebook. */
export interface RetentionPlan {
  /** Where the checkpoints are. */
  readonly place: string;
  /** What is kept, in words. */
  readonly policy: string;
  /** Whether what goes is moved into the folder `trash`. */
  readonly trash: boolean;
  /** Every checkpoint, oldest first. */
  readonly checkpoints: readonly RetentionVerdict[];
  /** Base names of those that go, oldest first. */
  readonly goes: readonly string[];
}

/** Written by somebody else, and nobody said how many stay. */
export const BY_OTHERS = "written by others";

/** Judges `rows` (oldest first) by a policy. Pure. */
export function judge(
  rows: readonly RetentionRow[],
  policy: RetentionPolicy,
  now: Date,
  mayRemove: (base: string) => boolean,
): readonly RetentionVerdict[] {
  const parts = (policy.parts ?? [policy]).map((part) => ({
    description: part.description,
    kept: new Set(Array.from(part.keeps(rows, now), ({ baseName }) => baseName)),
  }));
  const newest = rows.findLast(({ intact }) => intact);
  return rows.map((row) => {
    const reasons = [
      ...row.pinned ? ["pinned"] : [],
      ...parts.filter(({ kept }) => kept.has(row.baseName)).map(({ description }) => description),
    ];
    // A policy may forget it, a run may not.
    if (reasons.length === 0 && row === newest) reasons.push("the newest intact one");
    if (reasons.length === 0 && !mayRemove(row.baseName)) reasons.push(BY_OTHERS);
    return { ...row, stays: reasons.length > 0, reasons };
  });
}

/** A plan that draws itself. */
export function planOf(
  place: string,
  policy: RetentionPolicy,
  trash: boolean,
  checkpoints: readonly RetentionVerdict[],
): RetentionPlan {
  const goes = checkpoints.filter(({ stays }) => !stays).map(({ baseName }) => baseName);
  return drawable({ place, policy: policy.description, trash, checkpoints, goes }, retentionPlanView);
}
