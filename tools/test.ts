/**
 * `deno task test [paths and options of deno test]`: runs the tests and the examples in the documentation, and ends in
 * a plain line `N passed, N failed`, with `, N skipped` if any were.
 */

import { join } from "@std/path";
import { exists } from "@std/fs";
import { PROJECT_ROOT, runDeno } from "./deno_process.ts";
import { countTests, totalsText } from "./test_totals.ts";

/** Started processes have whatever rights the test gives them. */
const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-env", "--allow-run", "--allow-sys", "--allow-ffi"];
/** This machine's own network and no other: the registry of tests/published. */
const NETWORK = "--allow-net=127.0.0.1";
const EVERYTHING = ["mod.ts", "src", "tests"];

if (import.meta.main) Deno.exit(await runTests(Deno.args));

/** Runs tests, all of them if no path is given, and prints the totals; gives the exit code. */
export async function runTests(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const scratch = join(PROJECT_ROOT, ".cairn", "test");
  if (await exists(scratch)) await Deno.remove(scratch, { recursive: true });
  await Deno.mkdir(scratch, { recursive: true });
  const junit = join(scratch, "junit.xml");
  const notRun = join(scratch, "not-run.txt");

  const paths = args.some((arg) => !arg.startsWith("-")) ? [] : EVERYTHING;
  const denoArgs = ["test", "--doc", ...PERMISSIONS, NETWORK, `--junit-path=${junit}`, ...args, ...paths];
  const exitCode = await runDeno(denoArgs, { ...env, CAIRN_NOT_RUN_FILE: notRun });

  const totals = countTests(await readIfThere(junit), exitCode);
  console.log("");
  const lines = (await readIfThere(notRun) ?? "").split("\n").filter((line) => line !== "");
  for (const line of lines) console.log(line);
  console.log(totalsText(totals));
  return exitCode !== 0 || totals.failed > 0 ? 1 : 0;
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await exists(path) ? await Deno.readTextFile(path) : undefined;
}
