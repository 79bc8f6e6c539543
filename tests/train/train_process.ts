import { build, CheckpointError, Context, Tensor } from "../../mod.ts";
import { attachProgressBar, everyNSteps, History, interruptSignal, Loop } from "../../src/train/mod.ts";

// Run by tests in a process of its own: `train_process.ts DIR STEPS`. Trains one weight to the global step STEPS, from
// where the last process stopped, until it is interrupted. Prints where it started, "training" at its first step, and how it ended.

const [dir = "", steps = "0"] = Deno.args;

try {
  const ctx = new Context();
  await using checkpoint = await build(ctx).dir(dir).keep(2).done();
  const weight = ctx.in("model").checked(false).variableWithValue("weight", Tensor.from(1, "Float64"));
  const history = await History.open(dir);
  const loop = new Loop({
    context: ctx,
    trainStep: (batch: number) => {
      const next = Number(weight.value().item()) * 0.999 + batch;
      weight.setValue(Tensor.from(next, "Float64"));
      return next;
    },
  });
  console.log(`from ${loop.loopStep}`);
  everyNSteps(loop, 500, "checkpointing", 100, checkpoint.onStepFn);
  everyNSteps(loop, 100, "history", 50, history.onStepFn);
  attachProgressBar(loop);
  loop.onStart("note", 0, () => console.log("training"));
  await loop.runToGlobalStep(batchesOfOnes, Number(steps), { signal: interruptSignal() });
  console.log(`done at ${loop.loopStep}, ${history.points.length} points, weight ${weight.value().item()}`);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const codes = [error, error.cause].map((each) => each instanceof CheckpointError ? each.code : undefined);
  console.log(`ended: ${codes.join(" ")}: ${error.message}`);
}
Deno.exit();

function* batchesOfOnes(): Generator<number> {
  for (;;) yield 1;
}
