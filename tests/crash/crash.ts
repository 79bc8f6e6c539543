/**
 * `deno task crash [--write]`: disturbs every file operation of the scenarios with every fault and prints the table of
 * what was tried; `--write` puts it into README.md. The tests run the same and check that README.md has it.
 */

import { join } from "@std/path";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { CRASH_SCENARIOS, disturb, reportLine, TORN_SCENARIO } from "./crash_scenarios.ts";
import { crashTable, withCrashTable } from "./crash_table.ts";

if (import.meta.main) {
  const reports = [];
  for (const scenario of [...CRASH_SCENARIOS, TORN_SCENARIO]) {
    const report = await disturb(scenario);
    console.log(reportLine(report));
    reports.push(report);
  }
  const table = crashTable(reports);
  console.log(`\n${table}`);
  if (Deno.args.includes("--write")) {
    const path = join(PROJECT_ROOT, "README.md");
    await Deno.writeTextFile(path, withCrashTable(await Deno.readTextFile(path), table));
  }
}
