/** How far a long piece of work has come. */
export interface Progress {
  /** What is being done: `save`, `load`, … */
  readonly phase: string;
  /** Bytes done so far. */
  readonly done: number;
  /** Bytes in all. */
  readonly total: number;
}

/** Is called from time to time during long work. Its errors end the work. */
export type OnProgress = (progress: Progress) => void;
