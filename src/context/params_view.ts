import {
  type Column,
  type Fact,
  flatTable,
  formatItems,
  type Row,
  shorten,
  type TableBlock,
  type View,
} from "../render/mod.ts";
import type { ParamValue } from "./go_param.ts";
import { joinScope } from "./scope.ts";

/** A param as a table shows it. */
export interface ParamLine {
  /** Absolute scope. */
  readonly scope: string;
  /** Its key. */
  readonly key: string;
  /** Go type. */
  readonly goType: string;
  /** Its value. */
  readonly value: ParamValue;
}

const COLUMNS: readonly Column[] = [
  { title: "param" },
  { title: "type", width: 130 },
  { title: "value", width: 260 },
];

/** The table of params. */
export function paramsTable(params: readonly ParamLine[], limit = Infinity): TableBlock {
  const rows = params.slice(0, limit).map((each): Row => {
    const { path, label } = paramPath(each);
    return { path, label, cells: [{ text: shorten(each.goType, 40), tone: "muted" }, paramText(each.value)] };
  });
  const more = params.length - rows.length;
  return flatTable(COLUMNS, rows, more > 0 ? `… and ${formatItems(more, "more param")}` : undefined);
}

/** A list of params as a view of its own. */
export function paramsView(params: readonly ParamLine[]): View {
  return { title: "Params", facts: paramsFacts(params), blocks: params.length === 0 ? [] : [paramsTable(params)] };
}

/** `3 params`, if there are any. */
export function paramsFacts(params: readonly unknown[]): (string | Fact)[] {
  return [formatItems(params.length, "param")];
}

/** A param's path, and the part of it that is its key. */
export function paramPath(
  { scope, key }: { readonly scope: string; readonly key: string },
): Pick<Row, "path" | "label"> {
  const path = shorten(joinScope(scope, key), 100);
  const label = `/${shorten(key, 100)}`;
  return { path, label: path.endsWith(label) ? label : path };
}

/** A param's value on one line: strings quoted, whole text cut at 60 characters. */
export function paramText(value: ParamValue): string {
  if (typeof value === "bigint") return String(value);
  const text = JSON.stringify(
    value,
    (_, each) => typeof each === "bigint" ? String(each) : cut(replaceNonFinite(each)),
  );
  const chars = [...text.slice(0, MAX_UNITS)];
  return chars.length > 60 ? `${chars.slice(0, 59).join("")}…` : text;
}

/** Twice what is shown is enough, and a text may have megabytes. */
const MAX_UNITS = 121;

function cut(value: unknown): unknown {
  return typeof value === "string" || Array.isArray(value) ? value.slice(0, MAX_UNITS) : value;
}

function replaceNonFinite(value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
