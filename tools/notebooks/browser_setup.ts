/**
 * What the browser's tests need beyond Deno: JupyterLab and nbconvert, in a Python environment under `.cairn/`, and the
 * system's Chromium. JupyterLab takes a minute and 240 MB.
 */

import { join } from "@std/path";
import { exists } from "@std/fs";
import { PROJECT_ROOT } from "../deno_process.ts";
import type { SetupOutcome, SetupStep } from "../setup_step.ts";
import { findToolTestFiles } from "../tool_test_files.ts";

/** The Python environment, whether it's there or not. */
export const JUPYTERLAB: string = join(PROJECT_ROOT, ".cairn", "jupyterlab");

/** What is in it; `requirements.txt` is written last. */
const REQUIREMENTS = "jupyterlab==4.6.6\nnbconvert==7.17.2\n";
const STAMP = join(JUPYTERLAB, "requirements.txt");
/** What Chromium is called, here and there. */
const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const BROWSER_TESTS = "browserTest";

/** Installs JupyterLab. */
export const jupyterLab: SetupStep = { name: "jupyterlab", run: installJupyterLab };

/** Installs Chromium where that may be done unasked: on CI. */
export const chromiumBrowser: SetupStep = { name: "chromium", run: installChromium };

/** The path of the system's Chromium, if there is one. */
export function findChromium(): string | undefined {
  const directories = (Deno.env.get("PATH") ?? "").split(":").filter((directory) => directory !== "");
  return directories.flatMap((directory) => BROWSERS.map((name) => join(directory, name))).find(isFile);
}

/** Whether {@linkcode jupyterLab} has done its work. */
export function hasJupyterLab(): boolean {
  return isFile(STAMP) && Deno.readTextFileSync(STAMP) === REQUIREMENTS;
}

async function installJupyterLab(report: (line: string) => void): Promise<SetupOutcome> {
  if (hasJupyterLab()) return { kind: "up to date" };
  report("installing JupyterLab and nbconvert (240 MB)");
  if (await exists(JUPYTERLAB)) await Deno.remove(JUPYTERLAB, { recursive: true });
  const pip = join(JUPYTERLAB, "bin", "pip");
  const install = ["--quiet", "--disable-pip-version-check", "--no-cache-dir", ...REQUIREMENTS.trim().split("\n")];
  for (const command of [["python3", "-m", "venv", JUPYTERLAB], [pip, "install", ...install]]) {
    const failure = await run(command);
    if (failure === undefined) continue;
    report(failure);
    return await missing("JupyterLab", "could not be installed (see above)");
  }
  await Deno.writeTextFile(STAMP, REQUIREMENTS);
  return { kind: "done", what: `installed into ${JUPYTERLAB}` };
}

async function installChromium(report: (line: string) => void): Promise<SetupOutcome> {
  if (findChromium() !== undefined) return { kind: "up to date" };
  if (Deno.env.get("CI") === "true") {
    report("installing chromium with apt-get");
    const packages = ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"];
    for (const command of [["apt-get", "update"], ["apt-get", ...packages]]) {
      const failure = await run(command);
      if (failure !== undefined) report(failure);
    }
    if (findChromium() !== undefined) return { kind: "done", what: "installed" };
  }
  return await missing("chromium", `is not in PATH: install it (apt-get install chromium)`);
}

async function missing(tool: string, why: string): Promise<SetupOutcome> {
  return { kind: "missing", tool, why, testFiles: await findToolTestFiles(BROWSER_TESTS) };
}

/** Runs a command; gives what it said if it failed. */
async function run([name = "", ...args]: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(name, {
      args,
      stdin: "null",
      env: { DEBIAN_FRONTEND: "noninteractive" },
    })
      .output();
    return success ? undefined : `"${[name, ...args].join(" ")}" failed: ${new TextDecoder().decode(stderr).trim()}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `${name} is missing`;
    throw error;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
