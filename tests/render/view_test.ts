import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { display, drawable, flatTable, jupyterBundle, shorten, viewLine, viewText } from "../../src/render/mod.ts";
import { formatNumber, formatPercent, type Group, type Row, type View } from "../../src/render/mod.ts";
import { viewHtml } from "../../src/render/view_html.ts";
import { assertSafeHtml, tablesOf, textOf } from "./html_check.ts";

const EVIL = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  "</td></tr></table></div><h1>",
  "javascript:alert(1)",
  "&lt;b&gt;&amp;",
  "`${alert(1)}`",
  "<!-- --> ]]> <![CDATA[",
  "\u202e\u0000\u001b[31m\u2066",
  "\ud800",
  "<svg/onload=alert(1)>",
  "x".repeat(70_000),
];

function row(path: string, ...cells: Row["cells"]): Row {
  return { path, label: path, cells };
}

const COLUMNS = [{ title: "name" }, { title: "type", under: true }, { title: "size", align: "right" as const }];

function viewOf(rows: readonly Row[], more: Partial<View> = {}): View {
  return {
    title: "Thing",
    facts: ["2 parts", { text: "1 odd", mark: "warning" }],
    blocks: [flatTable(COLUMNS, rows)],
    ...more,
  };
}

Deno.test("viewText() is a line and aligned tables when there is no terminal", () => {
  const view = viewOf([row("/a", "Int8", "-1.5"), row("/long", "Bool", "12")], { place: "dir" });
  assertEquals(viewText(view).split("\n"), [
    "Thing · 2 parts · ⚠ 1 odd",
    "dir",
    "",
    "name   type  size",
    "─────  ────  ────",
    "/a     Int8  -1.5",
    "/long  Bool    12",
  ]);
  assertEquals(viewLine(view), "Thing · 2 parts · ⚠ 1 odd");
});

Deno.test("viewText() drops columns by their number, and cuts names last, when the width is small", () => {
  const columns = [{ title: "n" }, { title: "keep" }, { title: "second", drop: 2 }, { title: "first", drop: 1 }];
  const view = viewOf([], { blocks: [flatTable(columns, [row(`/${"a".repeat(30)}`, "x", "y", "z")])] });
  const heads = [60, 50, 40, 20].map((width) =>
    viewText(view, { width }).split("\n\n")[1]?.split("\n")[0]?.split(/ +/)
  );
  assertEquals(heads, [["n", "keep", "second", "first"], ["n", "keep", "second"], ["n", "keep"], ["n", "keep"]]);
  const long = viewOf([], { blocks: [flatTable(columns, [row(`/start${"a".repeat(90)}end`, "x", "y", "z")])] });
  const line = viewText(long).split("\n").at(-1) ?? "";
  assertMatch(line, /^\/starta+…a+end {2}x/);
  assert([...line].length <= 80, line);
});

Deno.test("viewText() puts a column that may go below under its rows where there is no room beside them", () => {
  const columns = [{ title: "n" }, { title: "why", below: true }, { title: "size", align: "right" as const }];
  const rows = [
    { ...row("/torn", "it has fewer bytes than it says", "1"), mark: "removed" as const },
    row("/fine", "", "12"),
  ];
  const view = viewOf([], { blocks: [flatTable(columns, rows)] });
  const table = (width: number, colors = false) =>
    viewText(view, { width, colors }).split("\n\n")[1]?.split("\n").map((line) => line.trimEnd());
  assertEquals(table(50), [
    "  n      why                              size",
    "───────  ───────────────────────────────  ────",
    "− /torn  it has fewer bytes than it says     1",
    "  /fine                                     12",
  ]);
  assertEquals(table(30), [
    "  n      size",
    "───────  ────",
    "− /torn     1",
    "    it has fewer bytes than it",
    "      says",
    "  /fine    12",
  ]);
  assertEquals(table(30, true)?.slice(2, 5), [
    "\u001b[31m− /torn     1\u001b[39m",
    "\u001b[31m    it has fewer bytes than it\u001b[39m",
    "\u001b[31m      says\u001b[39m",
  ]);
});

Deno.test("viewText() colours only when it is told to", () => {
  const view = viewOf([{ ...row("/a", "Int8", "1"), mark: "added" }]);
  // deno-lint-ignore no-control-regex -- colours are control characters
  assert(!/\u001b/.test(viewText(view)));
  assertStringIncludes(viewText(view, { colors: true }), "\u001b[32m+ /a");
});

Deno.test("viewHtml() escapes whatever stands anywhere in a view", () => {
  for (const evil of EVIL) {
    const short = shorten(evil, 200);
    const group: Group = {
      label: short,
      note: short,
      open: true,
      rows: [row(short, short, short)],
      groups: [],
      rest: short,
    };
    const html = viewHtml({
      title: short,
      facts: [short, { text: short, mark: "bad", code: true }],
      place: short,
      blocks: [
        { kind: "table", columns: [{ title: short }, ...COLUMNS], root: { ...group, groups: [group] }, folded: short },
        { kind: "chips", chips: [{ text: short, note: short, mark: "good" }] },
        { kind: "note", text: short },
        { kind: "text", text: `${short}\n${short}` },
        { kind: "picture", pixels: new Uint8Array(4), columns: 1, rows: 1, width: 1, height: 1, caption: short },
        flatTable([{ title: "" }, { title: "" }], [
          row(short, { text: short, chart: { kind: "bars", values: [1, 2], zero: 0.5 } }),
          row(short, { text: short, chart: { kind: "line", values: [1, 2] } }),
          row(short, { text: short, chart: { kind: "meter", value: 0.5 } }),
          { ...row(short, { text: short, tone: "before" }), flags: [{ text: short }], mark: "removed" },
        ]),
      ],
    });
    assertSafeHtml(html);
  }
});

Deno.test("viewHtml() is at most 200 KB, and says what is left out, when there are 10,000 rows", () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => row(`/scope_${i}/weights`, "Float32", "1 KiB"));
  const html = viewHtml(viewOf(rows));
  assertSafeHtml(html);
  assertMatch(textOf(html), /… and 9\u202f\d{3} more rows/);
  const shown = tablesOf(html)[0]?.length ?? 0;
  assertEquals(textOf(html).match(/… and ([\d\u202f]+) more/)?.[1]?.replace("\u202f", ""), String(10_001 - shown));
  const deep = (levels: number): Group => ({
    label: "l".repeat(80),
    note: "",
    open: true,
    rows: [row("/w", "Int8", "1")],
    groups: levels === 0 ? [] : [deep(levels - 1), deep(levels - 1)],
  });
  assertSafeHtml(viewHtml(viewOf([], { blocks: [{ kind: "table", columns: COLUMNS, root: deep(10) }] })));
  const huge = viewOf([row("x".repeat(300_000), "", "")]);
  assertStringIncludes(textOf(viewHtml(huge)), "too large to be shown");
  assertSafeHtml(viewHtml(huge));
});

Deno.test("viewHtml() is plain tables with heads of their own when styles and images are dropped", () => {
  const group: Group = { label: "scope", note: "2 rows", open: false, rows: [row("/b", "Bool", "-2")], groups: [] };
  const root = {
    ...group,
    rows: [row("/a", "Int8", { text: "1 to 2", chart: { kind: "bars" as const, values: [1], zero: 0 } })],
    groups: [group],
  };
  const html = viewHtml(viewOf([], { blocks: [{ kind: "table", columns: COLUMNS, root }] }));
  assertEquals(tablesOf(html), [
    [["name, type", "size"], ["/a\nInt8", "1 to 2"]],
    [["name, type", "size"], ["/b\nBool", "−2"]],
  ]);
  assertMatch(textOf(html), /^Thing · 2 parts · ⚠ 1 odd\n/);
  assertMatch(html, /<details style[^>]*><summary/, "folded");
});

Deno.test("drawable() gives data a face, and changes nothing else", async () => {
  const data = drawable([1, 2], (list) => viewOf([], { title: `List of ${list.length}` }));
  assertEquals([...data], [1, 2]);
  assertEquals([JSON.stringify(data), Object.keys(data)], ["[1,2]", ["0", "1"]]);
  const bundle = await Reflect.get(data, Symbol.for("Jupyter.display"))();
  assertEquals(Object.keys(bundle), ["text/plain", "text/html"]);
  assertStringIncludes(bundle["text/plain"], "List of 2");
  assertStringIncludes(Deno.inspect(data), "List of 2");
  assertEquals(Deno.inspect({ data }), "{ data: List of 2 · 2 parts · ⚠ 1 odd }");
  const broken = drawable({}, () => {
    throw new Error("<b>broken</b>");
  });
  assertStringIncludes(Deno.inspect(broken), "✗ <b>broken</b>");
  assertSafeHtml((await Reflect.get(broken, Symbol.for("Jupyter.display"))())["text/html"]);
});

Deno.test("display() prints the view, or the value itself, when there is no kernel", async () => {
  const printed: unknown[] = [];
  const { log } = console;
  console.log = (value) => printed.push(value);
  try {
    await display(drawable({}, () => viewOf([row("/a", "Int8", "1")])));
    await display({ plain: 1 });
    await display(undefined);
  } finally {
    console.log = log;
  }
  assertMatch(String(printed[0]), /Thing.* · 2 parts[^]*\/a +Int8 +1/);
  assertEquals(printed.slice(1), [{ plain: 1 }, undefined]);
});

Deno.test("jupyterBundle() has both forms", () => {
  assertEquals(jupyterBundle("t", "<b>t</b>"), { "text/plain": "t", "text/html": "<b>t</b>" });
});

Deno.test("formatNumber() and formatPercent() keep about four digits", () => {
  const numbers = [[0, "0"], [-1.5, "-1.500"], [0.0213, "0.021"], [1.23e-4, "1.2e-4"], [12.345, "12.35"], [
    123.45,
    "123.5",
  ]] as const;
  for (const [x, text] of numbers) assertEquals(formatNumber(x), text);
  assertEquals([NaN, -Infinity, 1234567, 1e20].map(formatNumber), ["—", "-Inf", "1\u202f234\u202f567", "1.0e20"]);
  assertEquals([0, 0.028, 1.4, 1e-7, 1, NaN].map(formatPercent), ["0 %", "2.8 %", "140 %", "1.0e-5 %", "100 %", "—"]);
});
