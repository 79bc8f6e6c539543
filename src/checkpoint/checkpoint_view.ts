import { moreText, PARAM_COLUMNS, paramText } from "../context/context_view.ts";
import { formatBytes, formatCount, formatItems, textTable } from "../render/mod.ts";
import { visible } from "../render/text_table.ts";
import { shapeText, sizeOf } from "../tensor/mod.ts";
import type { CheckpointParam, CheckpointVariable } from "./checkpoint.ts";
import { entryLabel } from "./payload_reader.ts";

/** What a Checkpoint shows of itself. */
export interface CheckpointView {
  /** File name without suffix. */
  readonly baseName: string;
  /** Global step, if the name tells. */
  readonly step: number | bigint | undefined;
  /** Its variables. */
  readonly variables: readonly CheckpointVariable[];
  /** Its params. */
  readonly params: readonly CheckpointParam[];
}

const MAX_ROWS = 40;

/** A Checkpoint in one line, for where it stands inside another value. */
export function checkpointLine(view: CheckpointView): string {
  const bytes = view.variables.reduce((sum, each) => sum + each.byteLength, 0);
  const step = view.step === undefined ? [] : [`step ${formatCount(view.step)}`];
  return ["Checkpoint", `"${visible(view.baseName)}"`, ...step, formatItems(view.variables.length, "variable")]
    .concat(formatBytes(bytes), formatItems(view.params.length, "param")).join(" · ");
}

/** A Checkpoint as plain text: a line, its variables, its params. */
export function checkpointText(view: CheckpointView): string {
  const variables = view.variables.slice(0, MAX_ROWS).map((each) => [
    entryLabel(each),
    shapeText(each.dtype, each.dimensions),
    formatCount(sizeOf(each.dimensions)),
    formatBytes(each.byteLength),
  ]);
  const params = view.params.slice(0, MAX_ROWS).map((each) => [
    entryLabel({ scope: each.scope, name: each.key }),
    each.goType,
    paramText(each.value),
  ]);
  const parts = [checkpointLine(view)];
  if (variables.length > 0) {
    const columns = [{ title: "variable" }, { title: "shape" }, { title: "elements", align: "right" as const }]
      .concat({ title: "size", align: "right" as const });
    parts.push(textTable(columns, variables) + moreText(view.variables.length, MAX_ROWS));
  }
  if (params.length > 0) {
    parts.push(
      textTable(PARAM_COLUMNS, params) + moreText(view.params.length, MAX_ROWS),
    );
  }
  return parts.join("\n\n");
}
