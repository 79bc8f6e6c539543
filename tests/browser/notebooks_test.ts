import { assertEquals } from "@std/assert";
import { join, resolve } from "@std/path";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { JupyterLab } from "../../tools/notebooks/jupyterlab.ts";
import { LabPage } from "../../tools/notebooks/lab_page.ts";
import { parseNotebook } from "../../tools/notebooks/notebook.ts";
import { namedNotebooks } from "../notebooks/notebook_text.ts";
import { browserTest } from "./browser_tool.ts";
import { expectContents, expectLegible, expectStored, storedHtml } from "./page_checks.ts";

/** Each state in both themes and at both widths; pictures are taken of the narrow ones. */
const LOOKS = {
  untrusted: [["light", 800], ["dark", 1200]],
  run: [["light", 1200], ["dark", 800]],
} as const;

/** Cells whose pictures the README has, by theme: the notebook, the title of a view in the cell, the file. */
const IN_README = {
  light: [["02_compare_and_average.ipynb", "Mean of", "mean-light.png"]],
  dark: [["01_first_checkpoint.ipynb", "Checkpoint", "checkpoint-dark.png"]],
} as const;

for (const [name, path] of await namedNotebooks()) {
  browserTest(
    `${name} shows its views in JupyterLab, untrusted and run cell by cell, in light and dark, wide and narrow`,
    async (browser) => {
      const text = await Deno.readTextFile(path);
      const notebook = parseNotebook(text, path);
      await using lab = await JupyterLab.start(join(PROJECT_ROOT, "notebooks"));
      const opened = await LabPage.open(lab, browser, name, 1200);
      for (const state of ["untrusted", "run"] as const) {
        if (state === "run") await opened.runCells();
        await expectStored(opened.page, notebook);
        await expectContents(opened.page, storedHtml(notebook));
        for (const [theme, width] of LOOKS[state]) {
          await opened.setTheme(theme);
          await opened.setWidth(width);
          await expectLegible(opened.page);
          if (width === 800) await shoot(opened, name, theme);
        }
      }
      assertEquals(await Deno.readTextFile(path), text, "looking changes no notebook");
    },
  );
}

/** Pictures, only where `deno task notebooks:browser` asks for them: cells for the README, and all views of a notebook. */
async function shoot({ page }: LabPage, name: string, theme: "light" | "dark"): Promise<void> {
  const directory = Deno.env.get("CAIRN_SCREENSHOTS");
  if (directory === undefined) return;
  await page.evaluate(`cairnProbe.hide(${JSON.stringify(`${resolve(PROJECT_ROOT)}/`)})`); // no paths of this machine
  for (const [notebook, view, picture] of IN_README[theme]) {
    const cell = page.locator(".jp-CodeCell", { has: page.locator(`b:text-matches("^${view}")`) }).first();
    if (notebook === name) await cell.screenshot({ path: join(directory, picture) });
  }
  await page.addStyleTag({ content: VIEWS_ONLY });
  const path = join(directory, `${name.replace(/\.ipynb$/, "")}-${theme}.png`);
  await page.locator(".jp-WindowedPanel-viewport").screenshot({ path });
  await page.evaluate(`[...document.querySelectorAll("style")]
    .find((style) => style.textContent === ${JSON.stringify(VIEWS_ONLY)}).remove()`);
}

const VIEWS_ONLY = `.jp-Cell:not(:has(.jp-RenderedHTMLCommon.jp-OutputArea-output)), .jp-InputArea, .jp-Notebook-footer,
  .jp-OutputArea-child:not(:has(.jp-RenderedHTMLCommon)) { display: none !important }`;
