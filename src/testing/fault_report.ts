/** What {@linkcode tryFaults} did. */
export interface FaultReport {
  /** The scenario's name. */
  readonly name: string;
  /** Operations of a run without faults. */
  readonly operations: number;
  /** Disks and errors after which the promises were checked, by kind of fault. */
  readonly points: ReadonlyMap<FaultGroup, number>;
  /** How many different disks these were; equal ones are checked once. */
  readonly disks: number;
  /** What broke a promise: where, by which fault, and how it shows. Empty if all is well. */
  readonly broken: readonly string[];
}

/** Kinds of faults, as they are counted. */
export type FaultGroup =
  | "process killed"
  | "power lost"
  | "torn write"
  | "disk full (ENOSPC)"
  | "I/O error (EIO)"
  | "access refused (EACCES)"
  | "second crash, while recovering";

/** Thrown by {@linkcode tryFaults} if a promise was broken; the message shows the first ones. */
export class FaultsFoundError extends Error {
  /** All that was found. */
  readonly report: FaultReport;

  /** Makes a FaultsFoundError. */
  constructor(report: FaultReport) {
    const count = report.broken.length;
    super(
      `"${report.name}": ${count} of ${pointsOf(report)} points broke a promise:\n\n${
        report.broken.slice(0, 5).join("\n\n")
      }`,
    );
    this.name = "FaultsFoundError";
    this.report = report;
  }
}

/** All points of a report together. */
export function pointsOf(report: FaultReport): number {
  return [...report.points.values()].reduce((sum, each) => sum + each, 0);
}
