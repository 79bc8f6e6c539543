import { build, Context, Tensor } from "../../mod.ts";
import { expectModel, modelAt } from "./loop_model.ts";

// Run by tests in a process of its own, to be killed: `save_loop_process.ts DIR KEEP [COUNT]`. Loads the newest checkpoint,
// checks its values, prints `open STEP`, then saves without end (or COUNT times) and prints `saved STEP` after each.

const [dir = "", keep = "1", count = "Infinity"] = Deno.args;
const ctx = new Context();
await using handler = await build(ctx).dir(dir).keep(Number(keep)).onWarning((text) => say(`warning ${text}`)).done();
let step = Number(ctx.getGlobalStep());
if (handler.loadedBase !== undefined) expectModel(ctx, step);
say(`open ${step}`);
for (let i = 0; i < Number(count); i++) {
  step++;
  for (const [name, values] of modelAt(step)) {
    const scope = ctx.checked(false);
    const variable = scope.getVariable(name) ?? scope.variableWithValue(name, values);
    variable.setValue(Tensor.from(values));
  }
  ctx.setGlobalStep(step);
  await handler.save();
  say(`saved ${step}`);
}

/** Without a buffer of its own, so that a line is out before anything else happens. */
function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
