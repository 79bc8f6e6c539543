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
