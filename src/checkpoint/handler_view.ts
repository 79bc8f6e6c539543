import { formatBytes, formatCount, formatItems, textTable } from "../render/mod.ts";
import { visible } from "../render/text_table.ts";
import { shapeText } from "../tensor/mod.ts";
import { entryLabel } from "./payload_reader.ts";
import type { Pending } from "./snapshot.ts";

/** What a Handler shows of itself. */
export interface HandlerView {
  /** Its name. */
  readonly title: string;
  /** Base name of the loaded checkpoint. */
  readonly loadedBase: string | undefined;
  /** The profile that it writes. */
  readonly profile: string;
  /** Loaded, but not asked for yet. */
  readonly pending: readonly Pending[];
  /** How many variables the Context has. */
  readonly variables: number;
}

const MAX_ROWS = 20;

/** A Handler as plain text: one line, and a table of what is pending. */
export function handlerText(view: HandlerView): string {
  const facts = [
    view.loadedBase === undefined ? "nothing loaded" : `loaded "${view.loadedBase}"`,
    `profile ${view.profile}`,
    `${formatItems(view.variables, "variable")} in the Context`,
    `${formatCount(view.pending.length)} pending`,
  ];
  const head = visible(`${view.title} · ${facts.join(" · ")}`);
  if (view.pending.length === 0) return head;
  const rows = view.pending.slice(0, MAX_ROWS).map((each) => [
    entryLabel(each),
    shapeText(each.value.dtype, each.value.dimensions),
    formatBytes(each.value.byteLength),
  ]);
  const rest = view.pending.length - rows.length;
  const table = textTable([{ title: "pending" }, { title: "shape" }, { title: "size", align: "right" }], rows);
  return rest > 0 ? `${head}\n${table}\n… and ${formatCount(rest)} more` : `${head}\n${table}`;
}
