import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { parseNotebook } from "../../tools/notebooks/notebook.ts";
import { runNotebook } from "../../tools/notebooks/run_notebook.ts";
import { tfjsNodeTest } from "../backend/tfjs_node_tool.ts";
import { notebookOf, outputText } from "./notebook_text.ts";

const CELLS = [
  'import { build, Context, load, MemoryStore, Tensor } from "jsr:@cairn/checkpoints@^0.1";\n' +
  'import { tfjsNodeBackend } from "jsr:@cairn/checkpoints@^0.1/tfjs-node";',
  `const store = new MemoryStore();
  const ctx = new Context();
  const weights = ctx.variableWithValue("weights", [1, 2]);
  const handler = await build(ctx).store(store).keep(-1).done();
  for (const values of [[1, 2], [3, 6], [8, 1]]) {
    weights.setValue(Tensor.from(values));
    await handler.save();
  }
  await handler[Symbol.asyncDispose]();`,
  `const mean = new Context();
  const averaged = await load(mean).store(store).takeMean(3, await tfjsNodeBackend()).done();
  console.log(JSON.stringify([
    mean.getVariable("weights").value().toNested(),
    averaged.mean.variables.filter(({ averaged }) => averaged).map(({ path, computedBy }) => [path, computedBy]),
  ]));`,
];

tfjsNodeTest("takeMean() on tfjs-node works in a Deno kernel, also when its cells are run again", async () => {
  const path = join(PROJECT_ROOT, "notebooks", "none.ipynb");
  const notebook = parseNotebook(notebookOf(...CELLS), path);
  const { results, failures } = await runNotebook(notebook, path, { rounds: 2 });
  assertEquals(failures, []);
  const texts = [...results.values()].map(({ outputs }) => outputs.map(outputText));
  assertEquals(texts, [[], [], [`[[4,3],[["/weights","tfjs-node"]]]\n`]]);
});
