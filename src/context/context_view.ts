import { formatBytes, formatCount, textTable } from "../render/mod.ts";
import { shapeText } from "../tensor/shape.ts";
import type { ParamValue } from "./go_param.ts";
import type { ParamRow } from "./params.ts";
import { joinScope } from "./scope.ts";
import type { Variable } from "./variable.ts";

/** What a Context shows of itself. */
export interface ContextView {
  /** Its one line. */
  readonly title: string;
  /** All variables, in order of creation. */
  readonly variables: readonly Variable[];
  /** All params. */
  readonly params: readonly ParamRow[];
}

const MAX_ROWS = 40;

/** A Context as plain text: a line, its variables, its params. Reads no value. */
export function contextText(view: ContextView): string {
  const variables = view.variables.slice(0, MAX_ROWS).map((each) => [
    each.scopeAndName,
    shapeText(each.dtype, each.dimensions),
    formatCount(each.size),
    formatBytes(each.byteLength),
    each.trainable ? "yes" : "no",
    each.hasValue ? "" : "no value yet",
  ]);
  const params = view.params.slice(0, MAX_ROWS).map((each) => [
    joinScope(each.scope, each.key),
    each.goType,
    paramText(each.value),
  ]);
  const parts = [view.title];
  if (variables.length > 0) {
    parts.push(textTable(VARIABLE_COLUMNS, variables) + moreText(view.variables.length, MAX_ROWS));
  }
  if (params.length > 0) parts.push(textTable(PARAM_COLUMNS, params) + moreText(view.params.length, MAX_ROWS));
  return parts.join("\n\n");
}

const VARIABLE_COLUMNS = [
  { title: "variable" },
  { title: "shape" },
  { title: "elements", align: "right" },
  { title: "size", align: "right" },
  { title: "trainable" },
  { title: "" },
] as const;

/** The columns of a table of params: path, type, value. */
export const PARAM_COLUMNS = [{ title: "param" }, { title: "type" }, { title: "value" }] as const;

/** A param's value on one line: strings quoted, whole text cut at 60 characters. */
export function paramText(value: ParamValue): string {
  const text = JSON.stringify(value, (_, each) => typeof each === "bigint" ? String(each) : replaceNonFinite(each));
  const chars = [...text];
  return chars.length > 60 ? `${chars.slice(0, 59).join("")}…` : text;
}

function replaceNonFinite(value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** A last line for a table that shows `shown` of `total` rows; empty if that is all. */
export function moreText(total: number, shown: number): string {
  return total > shown ? `\n… and ${formatCount(total - shown)} more` : "";
}
