import type { OnProgress } from "./progress.ts";
import { terminalOptions, viewBundle } from "./jupyter_bundle.ts";
import { kernelDisplay } from "./kernel_display.ts";
import type { View } from "./view.ts";
import { viewText } from "./view_text.ts";

/** Options of {@linkcode display}; those about variables are for what shows variables. */
export interface DisplayOptions {
  /** Read all values for their statistics, however large the model is; without it 64 MiB at most. */
  readonly stats?: boolean;
  /** Is told how far the reading for `stats` has come, in bytes. Default: it is shown, if it takes long. */
  readonly progress?: OnProgress | boolean;
  /** Only variables in this scope and below, or the one of this `/scope/name`. */
  readonly scope?: string;
  /** Only variables whose path contains this text, or matches. */
  readonly match?: string | RegExp;
  /** In a flat list: the largest first, names from A on. */
  readonly sortBy?: "name" | "elements" | "bytes" | "min" | "mean" | "std" | "max";
  /** How many rows at most; default 120. */
  readonly limit?: number;
}

/** Under this key an object of this package gives its view, as closely as options want. */
const VIEW: unique symbol = Symbol.for("cairn.view");

interface Viewable {
  [VIEW](options: DisplayOptions): View | Promise<View>;
}

/**
 * Shows a value in the middle of a notebook's cell, or prints it elsewhere. What this package makes is drawn as a table
 * with `options`; any other value is left to the kernel, or to `console.log`.
 *
 * Deno's kernel files an output under the cell that is running when it is sent; the promise resolves when that has
 * happened, so await it.
 *
 * @example
 * ```ts
 * import { Context, display } from "@cairn/checkpoints";
 *
 * const ctx = new Context();
 * ctx.in("layer").variableWithValue("weights", [1, 2, 3]);
 * await display(ctx, { scope: "/layer", sortBy: "std", limit: 10 });
 * ```
 */
export async function display(value: unknown, options: DisplayOptions = {}): Promise<void> {
  const { progress = true } = options;
  const view = isViewable(value) ? await value[VIEW]({ ...options, progress }) : undefined;
  const kernel = kernelDisplay();
  if (kernel === undefined) {
    console.log(view === undefined ? value : viewText(view, terminalOptions()));
    return;
  }
  await (view === undefined ? kernel(value) : kernel(await viewBundle(() => view), { raw: true }));
  // Without it, Run All may put the output below the next cell (Deno 2.9).
  await new Promise((resolve) => setTimeout(resolve, 5));
}

function isViewable(value: unknown): value is Viewable {
  return typeof value === "object" && value !== null && VIEW in value;
}
