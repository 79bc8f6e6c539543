/** Reports of one kind that are told one by one. */
const MAX_OF_KIND = 20;

/** Collects what is told and not thrown. A file with a million oddities makes no million texts. */
export class Reports {
  readonly #texts: string[] = [];
  readonly #counts = new Map<string, number>();

  /** Adds a text; of each kind only the first ones are kept, the rest is counted. */
  add(kind: string, text: () => string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count <= MAX_OF_KIND) this.#texts.push(text());
  }

  /** All texts, then a line for each kind of which some were left out. */
  list(): readonly string[] {
    const more = Array.from(this.#counts).filter(([, count]) => count > MAX_OF_KIND);
    return [...this.#texts, ...more.map(([kind, count]) => `${kind}: ${count - MAX_OF_KIND} more`)];
  }
}
