import { assert, assertEquals, assertLess } from "@std/assert";

/** What notebooks leave of untrusted HTML, and we use. */
const TAGS = new Set(
  ("b br col colgroup del details div figcaption figure img ins p pre small span summary table tbody td th thead tr " +
    "wbr").split(" "),
);
const ATTRIBUTES = new Set(["align", "alt", "open", "scope", "src", "style", "title"]);

/** That HTML is made of known tags and attributes only, closed in order, static, bounded, and has no foreign address. */
export function assertSafeHtml(html: string): void {
  assertLess(new TextEncoder().encode(html).length, 200_001);
  const open: string[] = [];
  const rest = html.replace(/<(\/?)([a-z]+)((?: [a-z]+(?:="[^"<>]*")?)*)>/g, (_, end, name, attributes) => {
    assert(TAGS.has(name), `tag ${name}`);
    for (const [, attribute = "", value = ""] of attributes.matchAll(/ ([a-z]+)(?:="([^"]*)")?/g)) {
      assert(ATTRIBUTES.has(attribute), `attribute ${attribute}`);
      if (attribute === "src") assert(/^data:image\/(svg\+xml|png);base64,[\w+/=]+$/.test(value), value.slice(0, 80));
      if (attribute === "style") assert(!/url|var\(|expression|currentColor|@/i.test(value), value);
    }
    if (end === "") { if (!["br", "col", "img", "wbr"].includes(name)) open.push(name); }
    else assertEquals(open.pop(), name);
    return "";
  });
  assertEquals(open, []);
  assert(!/[<>]/.test(rest), `text has "<" or ">": ${rest.slice(0, 200)}`);
  // deno-lint-ignore no-control-regex -- they are what must not be there
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069]/.test(rest));
}

/** The tables as a page without styles and images shows them: rows of cell texts, by table. */
export function tablesOf(html: string): string[][][] {
  return Array.from(
    html.matchAll(/<table[^>]*>(.*?)<\/table>/gs),
    ([, table = ""]) =>
      Array.from(
        table.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs),
        ([, row = ""]) => Array.from(row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs), ([, cell = ""]) => textOf(cell)),
      ),
  );
}

/** The text of HTML without styles and images; of these remains `alt`. */
export function textOf(html: string): string {
  return html.replace(/<img[^>]* ?alt="([^"]*)"[^>]*>/g, "$1").replace(/<(br|\/p|\/div|\/tr|\/summary|\/table)>/g, "\n")
    .replace(/<[^>]*>/g, "").replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .replaceAll("\u00a0", " ");
}
