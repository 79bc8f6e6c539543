import { type KernelDisplay, kernelDisplay } from "./kernel_display.ts";
import { renderStatus, type Status } from "./status.ts";
import type { OptionNames } from "../options.ts";

/** How progress is shown. */
export interface StatusLineOptions {
  /**
   * A line that is drawn again and again, lines, or a display that changes in place. Default: what fits: a display in a
   * notebook's kernel, else a line if standard error is a terminal.
   */
  readonly form?: "terminal" | "log" | "kernel" | undefined;
  /** Milliseconds between two drawings at least; 10 000 by default in a log. */
  readonly interval?: number | undefined;
  /** Takes what is drawn. Default: standard error, so that the program's own output stays clean. */
  readonly write?: ((text: string) => void) | undefined;
  /** Columns of the terminal. Default: as it is at every drawing. */
  readonly width?: number | undefined;
  /** Takes what is drawn in the form `kernel`. Default: `Deno.jupyter.display`. */
  readonly display?: KernelDisplay | undefined;
}

export const STATUS_LINE_OPTIONS: OptionNames<StatusLineOptions> = {
  form: true,
  interval: true,
  write: "function",
  width: true,
  display: "function",
};

const LOG_INTERVAL = 10_000;
const ERASE_TO_END_OF_LINE = "\x1b[K";

/**
 * A place where a status is shown, for one run after another. Its own failures cost nothing but the showing: where
 * nobody reads any more, it goes quiet.
 */
export class StatusLine {
  readonly #options: StatusLineOptions;
  readonly #form: "terminal" | "log" | "kernel";
  readonly #interval: number;
  #nextAt = -Infinity;
  #canShow = true;
  #displayId = "";
  #isDisplayed = false;
  #toDisplay: Status | undefined;
  #displaying: Promise<void> | undefined;

  /** `interval`: milliseconds, where the options have none and it is no log. */
  constructor(options: StatusLineOptions, interval: number) {
    this.#options = options;
    this.#form = options.form ?? fittingForm();
    this.#interval = options.interval ?? (this.#form === "log" ? LOG_INTERVAL : interval);
  }

  /** A run starts; nothing is due for `delay` milliseconds, in a log for its interval: short runs are one line there. */
  start(now: number, delay = 0): void {
    this.#nextAt = now + (this.#form === "log" ? Math.max(delay, this.#interval) : delay);
    this.#displayId = crypto.randomUUID();
    this.#isDisplayed = false;
  }

  /** Whether to draw. */
  isDue(now: number): boolean {
    return this.#canShow && now >= this.#nextAt;
  }

  /** Draws; in a kernel the promise resolves when that has happened. */
  draw(now: number, status: Status): Promise<void> | undefined {
    this.#nextAt = now + this.#interval;
    return this.#show(status, "");
  }

  /** Draws for the last time in this run. */
  finish(status: Status): Promise<void> | undefined {
    return this.#show(status, "\n");
  }

  #show(status: Status, end: string): Promise<void> | undefined {
    if (!this.#canShow) return undefined;
    if (this.#form === "kernel") return this.#display(status);
    const { write = writeToStderr, width = terminalWidth() } = this.#options;
    const line = renderStatus(status, { form: this.#form, width });
    try {
      write(this.#form === "log" ? `${line}\n` : `\r${line}${ERASE_TO_END_OF_LINE}${end}`);
    } catch {
      // Nobody reads any more. That must not cost the work.
      this.#canShow = false;
    }
    return undefined;
  }

  /** One at a time, and of those that come meanwhile only the latest. */
  #display(status: Status): Promise<void> {
    this.#toDisplay = status;
    this.#displaying ??= this.#displayLatest().finally(() => this.#displaying = undefined);
    return this.#displaying;
  }

  async #displayLatest(): Promise<void> {
    const display = this.#options.display ?? kernelDisplay();
    try {
      for (let status = this.#toDisplay; status !== undefined; status = this.#toDisplay) {
        this.#toDisplay = undefined;
        const update = this.#isDisplayed;
        this.#isDisplayed = true;
        const { statusBundle } = await import("./status_html.ts");
        await display?.(statusBundle(status), { raw: true, display_id: this.#displayId, update });
      }
    } catch {
      this.#canShow = false;
    }
  }
}

function fittingForm(): "terminal" | "log" | "kernel" {
  if (kernelDisplay() !== undefined) return "kernel";
  return Deno.stderr.isTerminal() ? "terminal" : "log";
}

function writeToStderr(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
}

/** One column less than there are: a terminal breaks the line after the last one. */
function terminalWidth(): number {
  try {
    const { columns } = Deno.consoleSize();
    // Some pseudo-terminals have 0: they do not know.
    return columns === 0 ? 80 : Math.max(20, columns - 1);
  } catch {
    return 80;
  }
}
