import {
  type FaultReport,
  type FaultScenario,
  pointsOf,
  tryFaults,
  type TryFaultsOptions,
} from "../../src/testing/mod.ts";
import { anyOf, keepEveryNSteps, keepLast } from "../../src/checkpoint/mod.ts";
import { checkpointScenario, type Promised, stepOf } from "./checkpoint_scenario.ts";

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
  checkpointScenario("keep(1), trash: save, empty the trash", {
    keep: 1,
    trash: true,
    steps: ["save", "save", "emptyTrash"],
  }),
  checkpointScenario("keep(5): save, repair", {
    keep: 5,
    steps: ["save", "tear", "repair"],
    recovery: ["repair", "save"],
  }),
  checkpointScenario("keep(5): save, sweep", {
    keep: 5,
    steps: ["save", "tear", "sweep"],
    recovery: ["sweep"],
  }),
  checkpointScenario("policies and a pin: save, save pinned", {
    keep: anyOf(keepLast(1), keepEveryNSteps(2)),
    stays: (bases) => bases.filter((base, i) => i === bases.length - 1 || stepOf(base) % 2 === 0),
    steps: ["savePinned", "save", "save", "save"],
  }),
];

/** Torn after every single byte: each byte is a disk more, so it is a short life. */
export const TORN_SCENARIO: FaultScenario<Promised> = withoutRecovery(
  checkpointScenario("every prefix of every write", { keep: 1, steps: ["save", "save"] }),
);

/** Small, so that the small files of these scenarios tear within. */
const OPTIONS: TryFaultsOptions = { pageSize: 128 };

/** Disturbs a scenario at each of its operations. */
export function disturb(scenario: FaultScenario<Promised>): Promise<FaultReport> {
  return tryFaults(scenario, { ...OPTIONS, everyByte: scenario === TORN_SCENARIO });
}

function withoutRecovery({ recover: _, ...rest }: FaultScenario<Promised>): FaultScenario<Promised> {
  return rest;
}

/** What was tried, in a line. */
export function reportLine(report: FaultReport): string {
  return `crash: "${report.name}": ${pointsOf(report)} points at ${report.operations} file operations tried, ` +
    `${report.disks} different disks, ${report.broken.length} promises broken`;
}
