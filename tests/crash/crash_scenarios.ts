import {
  type FaultReport,
  type FaultScenario,
  pointsOf,
  tryFaults,
  type TryFaultsOptions,
} from "../../src/testing/mod.ts";
import { checkpointScenario, type Promised } from "./checkpoint_scenario.ts";

/** The scenarios whose every operation is disturbed, by what they do. */
export const CRASH_SCENARIOS: readonly FaultScenario<Promised>[] = [
  checkpointScenario("keep(2): save, back up, restore, delete", {
    keep: 2,
    steps: ["save", "save", "backup", "restore", "save", "delete", "save"],
  }),
  checkpointScenario("keep(1): save in the background, gzip", {
    keep: 1,
    compress: "gzip",
    steps: ["background", "save"],
  }),
  checkpointScenario("keep(1), trash: save, restore from the trash", {
    keep: 1,
    trash: true,
    steps: ["save", "save", "restoreFromTrash", "save"],
  }),
];

/** Small, so that the small files of these scenarios tear within. */
const OPTIONS: TryFaultsOptions = { pageSize: 128 };

/** Disturbs a scenario at each of its operations. */
export function disturb(scenario: FaultScenario<Promised>): Promise<FaultReport> {
  return tryFaults(scenario, OPTIONS);
}

/** What was tried, in a line. */
export function reportLine(report: FaultReport): string {
  return `crash: "${report.name}": ${pointsOf(report)} points at ${report.operations} file operations tried, ` +
    `${report.disks} different disks, ${report.broken.length} promises broken`;
}
