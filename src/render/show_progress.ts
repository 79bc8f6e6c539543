import type { OnProgress, Progress } from "./progress.ts";
import { STATUS_LINE_OPTIONS, StatusLine, type StatusLineOptions } from "./status_line.ts";
import { RecentRate, type WorkState, workStatus } from "./status.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode showProgress}. */
export interface ShowProgressOptions extends StatusLineOptions {
  /** Work that takes less is not shown at all; milliseconds, default 300. */
  readonly delay?: number | undefined;
  /** The time in milliseconds, from whenever. Default: `performance.now`. */
  readonly clock?: (() => number) | undefined;
}

const SHOW_PROGRESS_OPTIONS: OptionNames<ShowProgressOptions> = {
  delay: true,
  clock: "function",
  ...STATUS_LINE_OPTIONS,
};

const INTERVAL = 100;
const DELAY = 300;

/** By callback: our own work finds them here, since it knows what the callback is not told: when it is really over. */
const OPTIONS = new WeakMap<OnProgress, ShowProgressOptions>();

/**
 * A callback for `progress` that shows how far the work has come: bytes, rate, time left, and one last line such as
 * `saved 1 GiB in 1.2 s, 853 MiB/s`. In a notebook's kernel that is one display which changes in place, in a terminal
 * one line which is drawn again, in a log a line every ten seconds. Work that is done at once is not shown. Drawing
 * never makes the work fail, and needs no permission.
 *
 * `progress: true` is the same as `progress: showProgress()`.
 *
 * @example
 * ```ts
 * import { build, Context, load, MemoryStore, showProgress } from "@cairn/checkpoints";
 *
 * const store = new MemoryStore();
 * const ctx = new Context();
 * ctx.variableWithValue("weights", [1, 2, 3]);
 * await using handler = await build(ctx).store(store).done();
 * await handler.save({ progress: true });
 *
 * const progress = showProgress({ form: "log", interval: 1000 });
 * await using _ = await load(new Context()).store(store).immediate().done({ progress });
 * ```
 *
 * For work of your own, call it with what is done so far; it ends with the total.
 *
 * @example
 * ```ts
 * import { showProgress } from "@cairn/checkpoints";
 *
 * const lines: string[] = [];
 * const show = showProgress({ form: "log", delay: 0, interval: 0, write: (line) => lines.push(line) });
 * for (const done of [0, 50, 100]) show({ phase: "upload", done, total: 100 });
 * console.log(lines.join("")); // … upload: 100 B in …
 * ```
 */
export function showProgress(options: ShowProgressOptions = {}): OnProgress {
  checkOptions("showProgress()", options, SHOW_PROGRESS_OPTIONS);
  let last: Progress | undefined;
  let work: ShownWork | undefined;
  const onProgress = (progress: Progress): void => {
    const goesOn = last !== undefined && last.phase === progress.phase && last.done <= progress.done;
    if (!goesOn) work = undefined;
    last = progress;
    work ??= new ShownWork(options, progress);
    if (progress.done < progress.total) return void work.update(progress);
    last = undefined;
    void work.end("done", progress);
  };
  OPTIONS.set(onProgress, options);
  return onProgress;
}

/** Somebody who is told how a piece of work goes. */
export interface WorkWatch {
  /** How far it has come; to be awaited by who leaves a kernel no time otherwise. Its errors end the work. */
  update(progress: Progress): unknown;
  /** It is over; never throws. */
  end(state: "done" | "failed"): Promise<void>;
}

/** Who follows a piece of work that starts now. */
export function watchWork(watcher: OnProgress | boolean | undefined, phase: string, total: number): WorkWatch {
  const isCallback = typeof watcher === "function";
  const options = isCallback ? OPTIONS.get(watcher) : watcher === true ? {} : undefined;
  if (options !== undefined) return new ShownWork(options, { phase, done: 0, total });
  return { update: isCallback ? watcher : () => {}, end: () => Promise.resolve() };
}

/** Does the work, and tells how it ended. */
export async function watched<T>(watch: WorkWatch, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    await watch.end("done");
    return result;
  } catch (error) {
    await watch.end("failed");
    throw error;
  }
}

class ShownWork implements WorkWatch {
  readonly #clock: () => number;
  readonly #delay: number;
  readonly #start: number;
  readonly #rate: RecentRate;
  readonly #line: StatusLine;
  #progress: Progress;
  #isDrawn = false;

  constructor(options: ShowProgressOptions, progress: Progress) {
    const { clock = () => performance.now(), delay = DELAY } = options;
    this.#clock = clock;
    this.#delay = delay;
    this.#start = clock();
    this.#rate = new RecentRate(this.#start, progress.done);
    this.#line = new StatusLine(options, INTERVAL);
    this.#line.start(this.#start, delay);
    this.#progress = progress;
  }

  update(progress: Progress): Promise<void> | undefined {
    this.#progress = progress;
    const now = this.#clock();
    if (!this.#line.isDue(now)) return undefined;
    this.#isDrawn = true;
    return this.#line.draw(now, workStatus(this.#state(now, "running", this.#rate.at(now, progress.done))));
  }

  async end(state: "done" | "failed", progress: Progress = this.#progress): Promise<void> {
    this.#progress = progress;
    const now = this.#clock();
    // A failure is told by its error; here only a line that was begun is to be ended.
    if (!this.#isDrawn && (state === "failed" || now - this.#start < this.#delay)) return;
    await this.#line.finish(workStatus(this.#state(now, state, undefined)));
  }

  #state(now: number, state: WorkState["state"], rate: number | undefined): WorkState {
    return { ...this.#progress, elapsed: now - this.#start, rate, state };
  }
}
