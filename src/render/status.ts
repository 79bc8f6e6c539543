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
