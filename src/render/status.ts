import { visible } from "../errors.ts";
import type { OptionNames } from "../options.ts";
import type { Progress } from "./progress.ts";
import { durationText, formatBytes } from "./short_text.ts";

/** How far something has come: what a line that is drawn again and again says. */
export interface Status {
  /** How much of it is done, from 0 to 1; undefined: no bar. */
  readonly share: number | undefined;
  /** How far it is, in words. */
  readonly words: string;
  /** The same where there is a bar beside it. */
  readonly short: string;
  /** What else there is to say. */
  readonly facts: readonly StatusFact[];
}

/** A piece of the line; where there is no room, the one with the highest `drop` goes first, one without it stays. */
export interface StatusFact {
  /** What it says. */
  readonly text: string;
  /** How dispensable it is. */
  readonly drop?: number;
}

/** How {@linkcode renderStatus} draws. */
export interface RenderStatusOptions {
  /** `terminal`: with a bar, in one line of `width`. `log`: words. */
  readonly form: "terminal" | "log";
  /** Columns that a terminal's line may take; default 80. */
  readonly width?: number | undefined;
}

export const RENDER_STATUS_OPTIONS: OptionNames<RenderStatusOptions> = { form: true, width: true };

const SEPARATOR = " · ";
const BAR_CELLS = 16;

/** One line, without its end. */
export function renderStatus({ share, words, short, facts }: Status, options: RenderStatusOptions): string {
  const head = share === undefined ? [] : [{ text: percentText(share) }];
  if (options.form === "log") return joined([{ text: words }, ...head, ...facts]);
  const bar = share === undefined ? [] : [{ text: barText(share), drop: 0 }];
  return fit([...bar, { text: short }, ...facts], options.width ?? 80);
}

function barText(share: number): string {
  const full = Math.floor(share * BAR_CELLS);
  return `${percentText(share).padStart(5)} ${"━".repeat(full)}${"─".repeat(BAR_CELLS - full)}`;
}

function percentText(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

/** Drops pieces until the line fits, and cuts what is left if even that does not. */
function fit(pieces: readonly StatusFact[], width: number): string {
  let left = [...pieces];
  while ([...joined(left)].length > width) {
    const first = left.reduce<StatusFact | undefined>((a, b) => (b.drop ?? -1) > (a?.drop ?? -1) ? b : a, undefined);
    if (first === undefined) return [...joined(left)].slice(0, width).join("");
    left = left.filter((piece) => piece !== first);
  }
  return joined(left);
}

function joined(pieces: readonly StatusFact[]): string {
  return pieces.map(({ text }) => text).join(SEPARATOR);
}

/** How far a piece of work has come, and how fast. */
export interface WorkState extends Progress {
  /** Milliseconds since its start. */
  readonly elapsed: number;
  /** Bytes in a second, lately; undefined if that is not known. */
  readonly rate: number | undefined;
  /** Whether it goes on, has ended, or has failed. */
  readonly state: "running" | "done" | "failed";
}

/** By phase: what is being done, and what was done in the end. */
const WORDS: ReadonlyMap<string, readonly [doing: string, done: string]> = new Map([
  ["save", ["saving", "saved"]],
  ["load", ["loading", "loaded"]],
  ["mean", ["averaging", "averaged"]],
  ["preview", ["previewing", "previewed"]],
  ["compare", ["comparing", "compared"]],
  ["statistics", ["measuring", "measured"]],
]);

/** What there is to say of a piece of work that is counted in bytes. */
export function workStatus({ phase, done, total, elapsed, rate, state }: WorkState): Status {
  const shown = visible(phase);
  const [doing, finished] = WORDS.get(phase) ?? [shown, `${shown}:`];
  if (state === "done") {
    const overall = rateOf(total, elapsed);
    return sentence(
      `${finished} ${formatBytes(total)} in ${durationText(elapsed)}${overall ? `, ${formatBytes(overall)}/s` : ""}`,
    );
  }
  // What had to be begun again may have been counted twice.
  const bytes = Math.min(done, total);
  const far = `${formatBytes(bytes)} of ${formatBytes(total)}`;
  if (state === "failed") return sentence(`${doing} stopped at ${far} after ${durationText(elapsed)}`);
  return {
    share: total > 0 ? bytes / total : undefined,
    words: `${doing} ${far}`,
    short: `${doing} ${formatBytes(bytes)}/${formatBytes(total)}`,
    facts: rate === undefined || rate <= 0 ? [] : [
      // All bytes are there, but not yet safe: nobody knows how long that takes.
      ...bytes < total ? [{ text: `ETA ${durationText((total - bytes) / rate * 1000)}`, drop: 1 }] : [],
      { text: `${formatBytes(rate)}/s`, drop: 2 },
    ],
  };
}

function sentence(text: string): Status {
  return { share: undefined, words: text, short: text, facts: [] };
}

/** The rate forgets what is longer ago, in milliseconds. */
const MEMORY = 10_000;

/** How fast something has been growing lately. */
export class RecentRate {
  #time: number;
  #count: number;
  #recentTime = 0;
  #recentCount = 0;

  /** Starts with `count` at `time`, in milliseconds. */
  constructor(time: number, count: number) {
    this.#time = time;
    this.#count = count;
  }

  /** It is `count` now: so much in a second; undefined if no time has passed. */
  at(time: number, count: number): number | undefined {
    const passed = time - this.#time;
    const keep = Math.exp(-passed / MEMORY);
    this.#recentTime = this.#recentTime * keep + passed;
    this.#recentCount = this.#recentCount * keep + count - this.#count;
    this.#time = time;
    this.#count = count;
    return rateOf(this.#recentCount, this.#recentTime);
  }
}

/** So much in a second; undefined if no time has passed. */
export function rateOf(count: number, milliseconds: number): number | undefined {
  return milliseconds > 0 ? count * 1000 / milliseconds : undefined;
}
