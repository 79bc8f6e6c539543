import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { resolve } from "@std/path";
import type { Page } from "npm:playwright-core@1.65.1";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { isRecord, toRecord } from "../../tools/notebooks/json_record.ts";
import type { Notebook } from "../../tools/notebooks/notebook.ts";

/** What notebooks leave of HTML that they do not trust, and we use; `rp-…` is JupyterLab's own. */
const ELEMENTS = new Set(
  ("b br col colgroup del details div em figcaption figure img ins p pre small span strong summary table tbody td th " +
    "thead tr wbr").split(" "),
);
const ATTRIBUTES = new Set(["align", "alt", "class", "open", "scope", "src", "style", "title"]);

/** HTML of a notebook's stored outputs. */
export function storedHtml(notebook: Notebook): string[] {
  return outputsOf(notebook).flat().flatMap((output) => {
    const html = toRecord(output.data)["text/html"];
    return html === undefined ? [] : [joined(html)];
  });
}

/** That each cell shows what the notebook has stored for it. */
export async function expectStored(page: Page, notebook: Notebook): Promise<void> {
  const wanted = outputsOf(notebook).map((outputs) => outputs.map(sourceOf));
  const count = wanted.flat().length;
  await page.waitForFunction(`cairnProbe.outputs().flat().length >= ${count}`);
  await page.locator(".jp-OutputArea-output").first().waitFor();
  const found = asLists(await page.evaluate("cairnProbe.outputs()")).map((texts) => texts.map(plain));
  const texts = asTexts(await page.evaluate(`cairnProbe.textsOf(${JSON.stringify(wanted.flat())})`)).map(plain);
  assertEquals(found.length, wanted.length, "code cells");
  for (const [index, outputs] of wanted.entries()) {
    assertEquals(found[index], texts.splice(0, outputs.length), `outputs of code cell ${index}`);
  }
}

/** That the page has all tables and all pictures of these outputs, and nothing that outputs of ours do not have. */
export async function expectContents(page: Page, html: readonly string[]): Promise<void> {
  const contents = toRecord(await page.evaluate("cairnProbe.contents()"));
  const all = html.join("");
  assertEquals(contents.tables, all.split("<table").length - 1);
  assertEquals(contents.images, all.split("<img").length - 1);
  expectHarmless(contents);
}

/** That the rich outputs have these texts. */
export async function expectTexts(page: Page, html: readonly string[]): Promise<void> {
  const wanted = asTexts(await page.evaluate(`cairnProbe.textsOf(${JSON.stringify(html)})`));
  assertEquals(asTexts(await page.evaluate("cairnProbe.texts()")).map(plain), wanted.map(plain));
}

/** That there are no other elements, attributes and addresses than ours, whatever names say. */
export function expectHarmless(contents: Readonly<Record<string, unknown>>): void {
  assertEquals(asTexts(contents.elements).filter((name) => !ELEMENTS.has(name)), []);
  assertEquals(asTexts(contents.attributes).filter((name) => !ATTRIBUTES.has(name)), []);
  assertEquals(asTexts(contents.addresses).filter((address) => !/^data:image\/svg\+xml;base64,/.test(address)), []);
}

/** That nothing is wider than its place, and that all can be read: contrast as WCAG's level AA has it. */
export async function expectLegible(page: Page): Promise<void> {
  await page.waitForFunction("cairnProbe.contrasts().texts > 0");
  assertEquals(await page.evaluate("cairnProbe.overflows()"), []);
  const { low, lowestText } = toRecord(await page.evaluate("cairnProbe.contrasts()"));
  assertEquals(low, []);
  assertGreaterOrEqual(Number(lowestText), 4.5);
}

/** A list of texts that comes from a page. */
export function asTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function asLists(value: unknown): string[][] {
  return Array.isArray(value) ? value.map(asTexts) : [];
}

function outputsOf({ cells }: Notebook): Record<string, unknown>[][] {
  return cells.filter(({ type }) => type === "code")
    .map(({ raw }) => Array.isArray(raw.outputs) ? raw.outputs.filter(isRecord) : []);
}

/** What JupyterLab draws of an output, as HTML. */
function sourceOf(output: Readonly<Record<string, unknown>>): string {
  const data = toRecord(output.data);
  if (data["text/html"] !== undefined) return joined(data["text/html"]);
  const text = output.text ?? data["text/plain"] ?? output.traceback;
  return joined(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function joined(text: unknown): string {
  return Array.isArray(text) ? text.join("") : String(text);
}

/** Without what differs from machine to machine, and from line to line. */
function plain(text: string): string {
  const root = resolve(PROJECT_ROOT);
  return text.replaceAll(`file://${root}/`, "file:///…/").replaceAll(`${root}/`, "").replaceAll(/\s+/g, " ").trim();
}
