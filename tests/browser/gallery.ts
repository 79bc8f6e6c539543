import { visible } from "../../src/errors.ts";
import { notebookOf } from "../notebooks/notebook_text.ts";

/** Names that would do something if any of them became HTML: set `cairnHarm`, open a dialog, load an address. */
export const EVILS: readonly string[] = [
  `<img src=x onerror="cairnHarm='img'">`,
  `"><script>cairnHarm='script'</script>`,
  `'><svg onload=cairnHarm='svg'>`,
  `<a href="javascript:cairnHarm='link'">click</a>`,
  `javascript:cairnHarm='address'`,
  `</td></tr></table><h1 onclick=cairnHarm='table'>`,
  `</details></summary><details open ontoggle=cairnHarm='details'>`,
  `" onmouseover="cairnHarm='double'" x="`,
  `' onfocus='cairnHarm="single"' autofocus tabindex='1`,
  "` onerror=`cairnHarm='tick'",
  `<style>*{display:none}</style>`,
  `<iframe srcdoc="<script>parent.cairnHarm='frame'</script>">`,
  `<object data="data:text/html,<script>cairnHarm='object'</script>">`,
  `<input onfocus=cairnHarm='input' autofocus>`,
  `<math><mtext><img src=x onerror=cairnHarm='math'>`,
  `&lt;img src=x onerror=cairnHarm='entity'&gt;`,
  `&#60;b&#62;`,
  `--><script>cairnHarm='comment'</script>`,
  `]]><script>cairnHarm='cdata'</script>`,
  `;background:url(http://127.0.0.1:1/harm)`,
  `\u202egnp.exe\u2066`,
  `line\nend\r\t\u0000\u0007`,
  `$(cairnHarm='math')$ \\(x\\) **bold** [link](javascript:cairnHarm)`,
];

/** A name as it may be given to a variable. */
export function asName(evil: string): string {
  return evil.replaceAll("/", "\u2215");
}

/** How a name of a kind is shown; values of params are quoted. */
export function shownAs(kind: string, evil: string): string {
  const name = `${kind} ${asName(evil)}`;
  return visible(["value", "other"].includes(kind) ? JSON.stringify(name).slice(1, -1) : name);
}

/** A notebook that shows every kind of view with those names: of scopes, variables, params, their values, paths. */
export function galleryNotebook(): string {
  return notebookOf(
    `import * as cairn from "jsr:@cairn/checkpoints@^0.1";
const { Context, MemoryStore, Tensor, build, load } = cairn;
const evils = ${JSON.stringify(EVILS.map(asName))};
const now = new Date(2026, 0, 5, 9, 30);
const store = new MemoryStore("a place");
const ctx = new Context();
for (const evil of evils) {
  ctx.in("scope " + evil).variableWithValue("name " + evil, [[1, NaN], [3, 4]]);
  ctx.variableWithValue("gone " + evil, [1, 2]);
  ctx.setParam("key " + evil, "value " + evil);
  ctx.in("in").setParam("list " + evil, [evil, evil]);
}
const handler = await build(ctx).store(store).keep(-1).profile("gomlx-0.28").clock(() => now).done();
await handler.save();
for (const evil of evils) {
  ctx.in("scope " + evil).getVariable("name " + evil).setValue(Tensor.from([[2, 2], [2, 2]]));
  ctx.deleteVariable("/", "gone " + evil);
  ctx.setParam("key " + evil, "other " + evil);
}
ctx.setGlobalStep(100);
await handler.save();
const [before, after] = await Promise.all([0, 100].map((step) => cairn.openCheckpoint(store, { step })));`,
    "ctx",
    "await load(new Context()).store(store).done()",
    "before",
    "await cairn.display(after, { sortBy: 'name' })",
    "cairn.diffParams(before, after)",
    "await cairn.diffVariables(before, after)",
    "await cairn.previewMean(store, 2)",
    "(await load(new Context()).store(store).takeMean(2).done()).mean",
    `const handlers = await Promise.all(evils.map(async (evil) => {
  const ctx = new Context();
  ctx.in("in " + evil).variableWithValue("name " + evil, [1]);
  const handler = await build(ctx).store(new MemoryStore("place " + evil)).clock(() => now).done();
  await handler.save();
  return handler;
}));`,
    // JupyterLab shows 50 outputs of a cell.
    "for (const handler of handlers) await cairn.display(await cairn.timeline(handler, { now }));",
    "for (const handler of handlers) await cairn.display(handler);",
    "for (const handler of handlers) await cairn.display([...handler.context.iterVariables()][0]);",
    `for (const evil of evils) {
  ctx.in("again " + evil).variableWithValue(evil, [1]);
  try {
    ctx.in("again " + evil).reuse().variableWithValue(evil, [1, 2]);
  } catch (error) {
    console.log(error.message);
  }
}`,
  );
}
