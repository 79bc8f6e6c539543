/**
 * `deno task check`: everything that is checked without running the code: format, lint, types, the documentation of
 * every export, and that JSR would take the package. Runs all of it, then says what failed.
 */

import { join } from "@std/path";
import { exists } from "@std/fs";
import { PROJECT_ROOT, runDeno } from "./deno_process.ts";
import { PACKAGE_FOLDER } from "./package.ts";

if (import.meta.main) Deno.exit(await checkAll());

async function checkAll(): Promise<number> {
  const failed: string[] = [];
  for (const args of await listSteps()) {
    const name = `deno ${args.join(" ")}`;
    console.log(`check: ${name}`);
    const started = performance.now();
    const exitCode = await runDeno(args);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`check: ${exitCode === 0 ? "ok" : "FAILED"} (${seconds} s)\n`);
    if (exitCode !== 0) failed.push(name);
  }
  if (failed.length === 0) {
    console.log("check: all ok");
    return 0;
  }
  for (const name of failed) console.log(`check: FAILED: ${name}`);
  return 1;
}

async function listSteps(): Promise<string[][]> {
  const folders: string[] = [];
  for (const name of ["mod.ts", "src", "tests", "tools", "bench", "examples"]) {
    if (await exists(join(PROJECT_ROOT, name))) folders.push(name);
  }
  return [
    ["fmt", "--check"],
    ["lint"],
    ["check", ...folders],
    ["doc", "--lint", ...await listExports()],
    ["task", "package"],
    ["publish", "--dry-run", "--allow-dirty", "--config", join(PACKAGE_FOLDER, "deno.json")],
  ];
}

/** The files that deno.json exports; `exports` is one file or a record of them. */
async function listExports(): Promise<string[]> {
  const config: unknown = JSON.parse(await Deno.readTextFile(join(PROJECT_ROOT, "deno.json")));
  if (typeof config !== "object" || config === null || !("exports" in config)) {
    throw new Error("Cannot find the exports: deno.json has none");
  }
  const { exports } = config;
  const files = typeof exports === "object" && exports !== null ? Object.values(exports) : [exports];
  return files.map(String);
}
