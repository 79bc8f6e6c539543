import { messageOf } from "../errors.ts";
import type { View } from "./view.ts";
import { type TextOptions, viewLine, viewText } from "./view_text.ts";

/** What a notebook's kernel takes from an object: one thing in two forms. */
export interface JupyterBundle {
  /** For where there is no HTML. */
  readonly "text/plain": string;
  /** Self-contained, static, at most 200 KB. */
  readonly "text/html": string;
}

/** Both forms. */
export function jupyterBundle(text: string, html: string): JupyterBundle {
  return { "text/plain": text, "text/html": html };
}

/**
 * A view in both forms; it is made at once. Never throws: a kernel would show a stack of its own instead of the cell's
 * result. What draws HTML is loaded by the first one, since only notebooks want it.
 */
export async function viewBundle(view: () => View): Promise<JupyterBundle> {
  const made = safely(view);
  const text = viewText(made);
  const { viewHtml } = await import("./view_html.ts");
  return jupyterBundle(text, viewHtml(made));
}

/** What `console.log` shows: one line inside another value, the whole text elsewhere. */
export function viewInspected(view: () => View, options: InspectOptions | undefined): string {
  const made = safely(view);
  if ((options?.currentDepth ?? 0) > 0) return viewLine(made);
  return viewText(made, { width: columnsOf(options), colors: options?.colors });
}

/** What Deno hands to a custom inspect function. */
export interface InspectOptions {
  /** Whether the terminal takes colours. */
  readonly colors?: boolean;
  /** Above 0 inside another value. */
  readonly currentDepth?: number;
  /** Where lines should end. */
  readonly breakLength?: number;
}

/** Text options for the terminal, if there is one. */
export function terminalOptions(): TextOptions {
  return { width: columnsOf(undefined), colors: Deno.stdout.isTerminal() && !Deno.noColor };
}

function columnsOf(options: InspectOptions | undefined): number {
  const { breakLength = 80 } = options ?? {};
  const fallback = Number.isFinite(breakLength) ? Math.max(40, breakLength) : 80;
  // `Deno.inspect` without a terminal should not depend on where it runs.
  if (options !== undefined && options.colors !== true) return fallback;
  try {
    return Deno.consoleSize().columns;
  } catch {
    return fallback;
  }
}

function safely(view: () => View): View {
  try {
    return view();
  } catch (error) {
    return { title: "Cannot be shown", facts: [{ text: messageOf(error), mark: "bad" }], blocks: [] };
  }
}

/**
 * Gives plain data, a fresh object or list, a face: what a notebook and `console.log` show of it. The members that do
 * this are not enumerable, so the data compare, copy and serialise as before.
 */
export function drawable<T extends object>(data: T, draw: (data: T) => View): T {
  const face = {
    [Symbol.for("Jupyter.display")]: () => viewBundle(() => draw(data)),
    [Symbol.for("Deno.customInspect")]: (_: unknown, options?: InspectOptions) =>
      viewInspected(() => draw(data), options),
    [Symbol.for("cairn.view")]: () => draw(data),
  };
  for (const key of Object.getOwnPropertySymbols(face)) {
    Object.defineProperty(data, key, { value: face[key], enumerable: false });
  }
  return data;
}
