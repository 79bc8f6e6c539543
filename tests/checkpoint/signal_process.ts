import { build, Context, DenoFiles, LocalStore, Tensor } from "../../mod.ts";
import { finishOnSignal } from "../../src/checkpoint/signal_guard.ts";
import { interruptSignal } from "../../src/train/mod.ts";

// Run by tests in a process of its own: `signal_process.ts DIR MODE`. Saves step 1, then, slowly, step 2; prints
// "saving" in the middle of it, and "saved" at its end.

const [dir = "", mode = ""] = Deno.args;

/** The real files, but the first sync of a directory after `isSlow` was set takes long. */
class SlowFiles extends DenoFiles {
  isSlow = false;

  override async syncDirectory(path: string): Promise<void> {
    if (this.isSlow) {
      this.isSlow = false;
      console.log("saving");
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    await super.syncDirectory(path);
  }
}

const files = new SlowFiles();
const ctx = new Context();
const weights = ctx.variableWithValue("weights", Tensor.zeros("Float32", [300_000]));
const warned = Promise.withResolvers<void>();
const handler = await build(ctx).store(new LocalStore(dir, { files })).keep(-1).finishOnSignal(mode !== "off")
  .onWarning((text) => {
    console.warn(`cairn: ${text}`);
    warned.resolve();
  }).done();
await save(1);
if (mode === "copy") {
  await finishOnSignal(async () => {
    console.log("saving");
    Deno.kill(Deno.pid, "SIGTERM");
    for (const end = performance.now() + 100; performance.now() < end;);
    await new Promise((resolve) => setTimeout(resolve, 100));
    console.log("copied");
  }, (text) => console.warn(`cairn: ${text}`));
  await new Promise(() => setTimeout(() => {}, 5000));
}
files.isSlow = true;
if (mode === "waiting") {
  ctx.setGlobalStep(2);
  await handler.saveInBackground();
  ctx.setGlobalStep(3);
  await handler.saveInBackground();
  Deno.kill(Deno.pid, "SIGINT");
  await warned.promise;
  for (let step = 4;; step++) {
    ctx.setGlobalStep(step);
    await handler.saveInBackground();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
switch (mode) {
  case "own":
    Deno.addSignalListener("SIGINT", () => console.log("mine"));
    break;
  case "interrupt":
    interruptSignal({ onInterrupt: () => console.log("stopping") }).addEventListener("abort", async () => {
      await save(3);
      console.log("stopped in good order");
    });
    break;
  case "exit":
    setTimeout(() => Deno.exit(3), 300);
    break;
  case "throw":
    setTimeout(() => {
      throw new Error("mine");
    }, 300);
}
if (mode === "background") {
  ctx.setGlobalStep(2);
  const { done } = await handler.saveInBackground();
  weights.setValue(Tensor.zeros("Float32", [2]));
  await done;
} else {
  await save(2);
}
console.log("saved");
// Signals that were raised again come in a later turn.
if (mode === "own" || mode === "interrupt") await new Promise((resolve) => setTimeout(resolve, 300));

async function save(step: number): Promise<void> {
  ctx.setGlobalStep(step);
  await handler.save();
}
