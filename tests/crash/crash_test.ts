import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { FaultReport } from "../../src/testing/mod.ts";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { CRASH_SCENARIOS, disturb, reportLine, TORN_SCENARIO } from "./crash_scenarios.ts";
import { crashTable, withCrashTable } from "./crash_table.ts";

Deno.test("no fault at any file operation costs a checkpoint, and README.md tells what was tried", async (t) => {
  const reports: FaultReport[] = [];
  for (const scenario of [...CRASH_SCENARIOS, TORN_SCENARIO]) {
    await t.step(scenario.name, async () => {
      const report = await disturb(scenario);
      console.log(reportLine(report));
      reports.push(report);
    });
  }
  await t.step("README.md is current; if not, run `deno task crash --write`", async () => {
    const readme = await Deno.readTextFile(join(PROJECT_ROOT, "README.md"));
    assertCurrent(readme, withCrashTable(readme, crashTable(reports)));
  });
});

/** The same text, with figures that are about the same: a save that does one operation less need not change them. */
function assertCurrent(found: string, wanted: string): void {
  const figure = /\d[\d,]*/g;
  const words = (text: string): string => text.replace(figure, "#").replaceAll(/[ -]+/g, " ");
  assertEquals(words(found), words(wanted));
  const figures = (text: string): number[] =>
    [...text.matchAll(figure)].map(([each]) => Number(each.replaceAll(",", "")));
  const [old, now] = [figures(found), figures(wanted)];
  const stale = now.filter((each, i) => Math.abs(each - (old[i] ?? 0)) > each / 4);
  assertEquals(stale, [], "figures of README.md that are off by more than a quarter");
}
