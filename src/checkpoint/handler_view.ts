import { DEFAULT_LIMIT, study, type StudyOptions, studySync, type VariableSource } from "../context/study.ts";
import { type VariableLine, variablesBlocks, variablesFacts } from "../context/variables_view.ts";
import { type Block, formatCount, formatItems, type View, viewLine } from "../render/mod.ts";
import { storedSource } from "./checkpoint_view.ts";
import type { MeanReport } from "./mean.ts";
import type { Pending } from "./snapshot.ts";
import type { SkippedCheckpoint } from "./with_intact.ts";

/** Skipped checkpoints that are shown. */
const MAX_SKIPPED = 5;

/** What a Handler shows of itself. */
export interface HandlerParts {
  /** Its name. */
  readonly title: string;
  /** Base name of the loaded checkpoint. */
  readonly loadedBase: string | undefined;
  /** How the values came about, if they are a mean. */
  readonly mean: MeanReport | undefined;
  /** Damaged ones that were passed over. */
  readonly skipped: readonly SkippedCheckpoint[];
  /** The profile that it writes. */
  readonly profile: string;
  /** Loaded, but not asked for yet. */
  readonly pending: readonly Pending[];
  /** How many variables the Context has. */
  readonly variables: number;
  /** What is to be said of its saves in the background. */
  readonly saves: View["facts"];
}

/** A Handler in one line, for where it stands inside another value. */
export function handlerLine(parts: HandlerParts): string {
  return viewLine({ ...head(parts), blocks: [] });
}

/** A Handler as a view: a line, and a table of what is pending; reads no more than a glance. */
export function handlerView(parts: HandlerParts): View {
  return draw(parts, studySync(parts.pending.map(pendingSource)), {});
}

/** The same, as closely as the options want. */
export async function studyHandler(parts: HandlerParts, options: StudyOptions): Promise<View> {
  return draw(parts, await study(parts.pending.map(pendingSource), options), options);
}

function pendingSource(pending: Pending): VariableSource {
  return storedSource(pending, pending.value);
}

function draw(parts: HandlerParts, lines: readonly VariableLine[], options: StudyOptions): View {
  const skipped = parts.skipped.slice(0, MAX_SKIPPED).map(({ baseName, reason }): Block => ({
    kind: "note",
    text: `skipped "${baseName}": ${reason}`,
    mark: "warning",
  }));
  if (parts.pending.length === 0) return { ...head(parts), blocks: skipped };
  const alarming = variablesFacts(lines).filter((fact) => typeof fact !== "string");
  const blocks = variablesBlocks(lines, { ...options, limit: options.limit ?? DEFAULT_LIMIT }).map((block): Block => {
    if (block.kind !== "table") return block;
    return { ...block, columns: block.columns.map((column, index) => index === 0 ? { title: "pending" } : column) };
  });
  return { ...head(parts), facts: [...head(parts).facts, ...alarming], blocks: [...skipped, ...blocks] };
}

function head({ title, loadedBase, mean, skipped, profile, variables, pending, saves }: HandlerParts): View {
  const facts = [
    loadedBase === undefined ? "nothing loaded" : `loaded "${loadedBase}"`,
    ...mean === undefined ? [] : [`with the mean of ${formatItems(mean.baseNames.length, "checkpoint")}`],
    ...skipped.length === 0
      ? []
      : [{ text: `${formatCount(skipped.length)} damaged skipped`, mark: "warning" as const }],
    `profile ${profile}`,
    `${formatItems(variables, "variable")} in the Context`,
    `${formatCount(pending.length)} pending`,
    ...saves,
  ];
  return { title, facts, blocks: [] };
}
