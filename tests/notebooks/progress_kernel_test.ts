import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { parseNotebook } from "../../tools/notebooks/notebook.ts";
import { runNotebook } from "../../tools/notebooks/run_notebook.ts";
import { notebookOf, outputText } from "./notebook_text.ts";

const CELLS = [
  `import { build, Context, MemoryStore, showProgress } from "jsr:@cairn/checkpoints@^0.1";
  import { attachProgressBar, Loop } from "jsr:@cairn/checkpoints@^0.1/train";`,
  `const ctx = new Context();
  ctx.variableWithValue("w", new Float32Array(6_000_000));
  const handler = await build(ctx).store(new MemoryStore()).done();
  (await handler.save({ progress: showProgress({ delay: 0 }) })).close();`,
  "(await handler.save({ progress: true })).close();",
  `const loop = new Loop({ context: new Context(), trainStep: () => 0.5 });
  attachProgressBar(loop, { interval: 0 });
  const metrics = await loop.runSteps(Array(20).fill(0), 20);`,
];

Deno.test("in a Deno kernel, progress and the training bar are one display each that says the last", async () => {
  const path = join(PROJECT_ROOT, "notebooks", "none.ipynb");
  const { results, failures } = await runNotebook(parseNotebook(notebookOf(...CELLS), path), path);
  assertEquals(failures, []);
  const texts = [...results.values()].map(({ outputs }) => outputs.map(outputText));
  assertEquals(texts.map((outputs) => outputs.length).filter((_, cell) => cell !== 2), [0, 1, 1]);
  assertMatch(texts[1]?.[0] ?? "", /^saved 22\.9 MiB in \d.*\/s$/);
  assertMatch(texts[3]?.[0] ?? "", /^step 20 of 20 · 100 % · in /);
});
