import { fromFileUrl } from "@std/path";
import type { Browser, Page } from "npm:playwright-core@1.65.1";
import { findChromium } from "./browser_setup.ts";
import type { JupyterLab } from "./jupyterlab.ts";

/** Runs in every page: see there. */
const PROBE = fromFileUrl(new URL("page_probe.js", import.meta.url));
/** Of one cell. */
const CELL_MS = 60_000;

/** JupyterLab's themes. */
export type Theme = "light" | "dark";

/** Starts the system's Chromium. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("Cannot open a browser: chromium is missing");
  // Without it, playwright-core looks into /proc as it loads, which Deno grants to nobody who has less than everything.
  Deno.env.set("__IS_WSL_TEST__", "1");
  const { chromium } = await import("npm:playwright-core@1.65.1");
  return await chromium.launch({ executablePath, args: ["--no-sandbox", "--force-color-profile=srgb"] });
}

/** A page that has the probe. */
export async function openPage(browser: Browser, width: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  await page.addInitScript({ path: PROBE });
  return page;
}

/** A notebook that is open in JupyterLab, in a browser. */
export class LabPage {
  /** The page, for whatever else is to be done with it. */
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** Opens a notebook, which stays as untrusted as it is; `path` is told from the server's root. */
  static async open(lab: JupyterLab, browser: Browser, path: string, width: number): Promise<LabPage> {
    await lab.set("@jupyterlab/docmanager-extension:plugin", { autosave: false });
    // All cells are to be in the page, also those that are not in sight.
    await lab.set("@jupyterlab/notebook-extension:tracker", { windowingMode: "none" });
    await lab.set("@jupyterlab/apputils-extension:notification", { fetchNews: "false", checkForUpdates: false });
    const page = await openPage(browser, width);
    await page.goto(`${lab.url}/doc/tree/${path}?reset`, { waitUntil: "domcontentloaded" });
    await page.waitForSelector(".jp-Notebook .jp-Cell");
    await page.waitForSelector("#jupyterlab-splash", { state: "detached" });
    return new LabPage(page);
  }

  /** Chooses a theme, as a person does. */
  async setTheme(theme: Theme): Promise<void> {
    const name = theme === "dark" ? "JupyterLab Dark" : "JupyterLab Light";
    await this.#menu("Settings", "Theme", name);
    await this.page.waitForFunction(`document.body.dataset.jpThemeName === "${name}"`);
  }

  /** Makes the window so wide, and so high that all of the notebook is in sight. */
  async setWidth(width: number): Promise<void> {
    await this.page.setViewportSize({ width, height: 900 });
    const height = await this.page.evaluate(
      `document.querySelector(".jp-WindowedPanel-outer").scrollHeight + innerHeight -
        document.querySelector(".jp-WindowedPanel-outer").clientHeight`,
    );
    await this.page.setViewportSize({ width, height: Math.min(20_000, Number(height)) });
  }

  /** Clears all outputs and runs the cells one by one, as a person does with Shift+Enter. */
  async runCells(): Promise<void> {
    await this.page.waitForSelector(`.jp-Notebook-ExecutionIndicator[data-status="idle"]`);
    await this.#menu("Edit", "Clear Outputs of All Cells");
    const count = await this.page.locator(".jp-Notebook .jp-Cell").count();
    await this.page.locator(".jp-Notebook .jp-Cell").first().click({ position: { x: 4, y: 4 } });
    await this.page.keyboard.press("Escape");
    for (let index = 0; index < count; index++) {
      // Shift+Enter in the last one would add another.
      await this.page.keyboard.press(index === count - 1 ? "Control+Enter" : "Shift+Enter");
      await this.page.waitForFunction(
        `![...document.querySelectorAll(".jp-InputPrompt")].some((each) => each.textContent.includes("*"))`,
        undefined,
        { timeout: CELL_MS },
      );
      // Deno's kernel may send what a quick cell printed after it has said that it is done.
      await this.page.waitForTimeout(100);
    }
  }

  async #menu(...path: readonly string[]): Promise<void> {
    const [first = "", ...items] = path;
    await this.page.locator(".lm-MenuBar-itemLabel", { hasText: new RegExp(`^${first}$`) }).click();
    for (const item of items) {
      await this.page.locator(".lm-Menu-itemLabel", { hasText: new RegExp(`^${item}$`) }).click();
    }
  }
}
