import { assertEquals, assertLessOrEqual } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { openPage } from "../../tools/notebooks/lab_page.ts";
import { parseNotebook } from "../../tools/notebooks/notebook.ts";
import { namedNotebooks } from "../notebooks/notebook_text.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { browserTest } from "./browser_tool.ts";
import { convertNotebooks } from "./nbconvert.ts";
import { expectContents, expectLegible, expectTexts, storedHtml } from "./page_checks.ts";

for (const theme of ["light", "dark"] as const) {
  browserTest(`the notebooks keep their views in nbconvert's HTML, ${theme}, without a network`, async (browser) => {
    await using directory = await TemporaryDirectory.make();
    const notebooks = (await namedNotebooks()).map(([, path]) => path);
    const pages = await convertNotebooks(notebooks, theme, directory.path);
    for (const [index, path] of notebooks.entries()) {
      const html = storedHtml(parseNotebook(await Deno.readTextFile(path), path));
      const page = await openPage(browser, 1000);
      await page.route(/^https?:/, (route) => route.abort());
      await page.goto(toFileUrl(pages[index] ?? "").href);
      await expectTexts(page, html);
      await expectContents(page, html);
      await expectLegible(page);
      await page.close();
    }
  });
}

browserTest("the views are plain tables where styles and images vanish, no wider than 800 pixels", async (browser) => {
  await using directory = await TemporaryDirectory.make();
  for (const [name, path] of await namedNotebooks()) {
    const html = storedHtml(parseNotebook(await Deno.readTextFile(path), path));
    const bare = html.map((each) =>
      `<div class="cairn-output">${each.replaceAll(/ (style|src|title)="[^"]*"/g, "")}</div>`
    );
    const file = join(directory.path, "bare.html");
    await Deno.writeTextFile(file, `<!doctype html><meta charset="utf-8">${bare.join("<hr>")}`);
    const page = await openPage(browser, 800);
    await page.goto(toFileUrl(file).href);
    await expectTexts(page, html);
    assertLessOrEqual(Number(await page.evaluate("document.documentElement.scrollWidth")), 800, name);
    // What a chart says is there as text: its picture has no size of its own.
    const alts = await page.evaluate("[...document.images].map((image) => image.alt)");
    assertEquals(alts, [...html.join("").matchAll(/<img alt="([^"]*)"/g)].map(([, alt]) => alt), name);
    await page.close();
  }
});
