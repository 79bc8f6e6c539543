import { assert, assertEquals } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import type { Page } from "npm:playwright-core@1.65.1";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { toRecord } from "../../tools/notebooks/json_record.ts";
import { JupyterLab } from "../../tools/notebooks/jupyterlab.ts";
import { LabPage, openPage } from "../../tools/notebooks/lab_page.ts";
import { parseNotebook } from "../../tools/notebooks/notebook.ts";
import { runNotebookFile } from "../../tools/notebooks/notebooks.ts";
import { notebookOf } from "../notebooks/notebook_text.ts";
import { browserTest } from "./browser_tool.ts";
import { EVILS, galleryNotebook, shownAs } from "./gallery.ts";
import { convertNotebooks } from "./nbconvert.ts";
import { asTexts, expectContents, expectHarmless, expectStored, storedHtml } from "./page_checks.ts";

/** Below the project's root, so that the notebook finds the package. */
const DIRECTORY = join(PROJECT_ROOT, ".cairn", "test", "gallery");
/** Of a value no more than that is shown, at its start. */
const SHOWN = 55;
/** What would show that harm is noticed. */
const CONTROL = notebookOf(`await Deno.jupyter.display({ "text/html": ${JSON.stringify(EVILS[0])} }, { raw: true });`);

browserTest("names that are HTML do nothing and are shown, in JupyterLab and in nbconvert's page", async (browser) => {
  await Deno.mkdir(DIRECTORY, { recursive: true });
  const path = join(DIRECTORY, "gallery.ipynb");
  await Deno.writeTextFile(path, galleryNotebook());
  const controlPath = join(DIRECTORY, "control.ipynb");
  await Deno.writeTextFile(controlPath, CONTROL);
  for (const each of [path, controlPath]) assertEquals(await runNotebookFile(each, "write"), []);
  const notebook = parseNotebook(await Deno.readTextFile(path), path);

  await using lab = await JupyterLab.start(DIRECTORY);
  const opened = await LabPage.open(lab, browser, "gallery.ipynb", 1000);
  const harm = watch(opened.page, lab.url);
  for (const state of ["untrusted", "run"] as const) {
    if (state === "run") await opened.runCells();
    await expectStored(opened.page, notebook);
    await expectContents(opened.page, storedHtml(notebook));
    await expectShown(opened.page);
    assertEquals(await harm(), []);
  }
  await opened.page.close();

  // nbconvert believes everything that is in a notebook.
  const [page] = await convertNotebooks([path], "light", DIRECTORY);
  assert(page !== undefined);
  const converted = await openPage(browser, 1000);
  const harmConverted = watch(converted, "file:");
  await converted.goto(toFileUrl(page).href);
  await expectShown(converted);
  expectHarmless(toRecord(await converted.evaluate("cairnProbe.contents()")));
  assertEquals(await harmConverted(), []);
  await converted.close();

  const control = await LabPage.open(lab, browser, "control.ipynb", 1000);
  const harmControl = watch(control.page, lab.url);
  await control.runCells();
  await control.page.waitForFunction("globalThis.cairnHarm !== undefined");
  assertEquals(await harmControl(), ["cairnHarm: img"], "the same name as HTML does harm, and that is noticed");
});

/** Notes dialogs and requests to elsewhere; gives what has been noted so far, and whether a script has run. */
function watch(page: Page, home: string): () => Promise<string[]> {
  const noted: string[] = [];
  page.on("dialog", (dialog) => {
    noted.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    const isOurs = [home, "data:", "blob:"].some((start) => url.startsWith(start));
    if (url.includes("/harm") || (home !== "file:" && !isOurs)) noted.push(`request: ${url}`);
  });
  return async () => {
    await page.waitForTimeout(500);
    const harm = await page.evaluate("globalThis.cairnHarm");
    return [...noted, ...harm === undefined ? [] : [`cairnHarm: ${harm}`]];
  };
}

async function expectShown(page: Page): Promise<void> {
  const text = asTexts(await page.evaluate("cairnProbe.texts()")).join("\n");
  const kinds = ["scope", "name", "gone", "key", "value", "other", "list", "place", "in"];
  const wanted = kinds.flatMap((kind) => EVILS.map((evil) => shownAs(kind, evil).slice(0, SHOWN)));
  assertEquals(wanted.filter((each) => !text.includes(each)), []);
}
