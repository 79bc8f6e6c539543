/** Tests in a real browser. `deno task notebooks:browser` installs what they need; see tools/notebooks/browser_setup.ts. */

import type { Browser } from "npm:playwright-core@1.65.1";
import { findChromium, hasJupyterLab } from "../../tools/notebooks/browser_setup.ts";
import { openBrowser } from "../../tools/notebooks/lab_page.ts";
import { type NeededTool, toolTest } from "../needs_tool.ts";

/** Registers a test that needs JupyterLab and Chromium; see {@linkcode toolTest} for where one of them is missing. */
export function browserTest(name: string, fn: (browser: Browser) => Promise<void>): void {
  toolTest(name, TOOLS.find((tool) => !tool.isThere()) ?? CHROMIUM, async () => {
    const browser = await openBrowser();
    try {
      await fn(browser);
    } finally {
      await browser.close();
    }
  });
}

const CHROMIUM: NeededTool = { name: "chromium", isThere: () => findChromium() !== undefined };
const JUPYTERLAB: NeededTool = {
  name: "JupyterLab (installed by deno task notebooks:browser)",
  isThere: hasJupyterLab,
};
const TOOLS = [CHROMIUM, JUPYTERLAB];
