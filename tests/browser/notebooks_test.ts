import { assertEquals } from "@std/assert";
import { join } from "@std/path";
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
          if (width === 800) await shoot(opened, `${name.replace(/\.ipynb$/, "")}-${theme}.png`);
        }
      }
      assertEquals(await Deno.readTextFile(path), text, "looking changes no notebook");
    },
  );
}

/** Only where `deno task notebooks:browser` asks for it. */
async function shoot({ page }: LabPage, name: string): Promise<void> {
  const directory = Deno.env.get("CAIRN_SCREENSHOTS");
  if (directory !== undefined) await page.screenshot({ path: join(directory, name) });
}
