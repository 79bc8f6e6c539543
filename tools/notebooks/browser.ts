/**
 * `deno task notebooks:browser`: looks at the notebooks in a real JupyterLab and a real browser, which it installs as
 * far as it may, and renews the pictures in `notebooks/screenshots/`. `--setup` only installs; `deno task test` has the
 * same tests, and leaves the pictures as they are.
 */

import { join } from "@std/path";
import { PROJECT_ROOT } from "../deno_process.ts";
import { setUp } from "../setup.ts";
import { runTests } from "../test.ts";
import { chromiumBrowser, jupyterLab } from "./browser_setup.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const isSetup = args.length === 1 && args[0] === "--setup";
  if (args.length > 0 && !isSetup) {
    console.error("usage: deno task notebooks:browser [--setup]");
    return 2;
  }
  const exitCode = await setUp([jupyterLab, chromiumBrowser]);
  if (exitCode !== 0 || isSetup) return exitCode;
  const screenshots = join(PROJECT_ROOT, "notebooks", "screenshots");
  await Deno.mkdir(screenshots, { recursive: true });
  return await runTests(["tests/browser"], { CAIRN_SCREENSHOTS: screenshots });
}
