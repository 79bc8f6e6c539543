/**
 * What somebody does who has nothing but the package: this file is copied alone into an empty folder and run there
 * with `--allow-read=<dir> --allow-write=<dir>`, the directory being its argument. Prints one line for each step.
 */
import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.19";
import { join, toFileUrl } from "jsr:@std/path@^1.1.6";
import {
  build,
  type CheckpointError,
  Context,
  load,
  openCheckpoint,
  Tensor,
  writeEmbedModule,
} from "jsr:@cairn/checkpoints@^0.1.0";

const [root = ""] = Deno.args;
const run = join(root, "run");
const zipped = join(root, "zipped");
/** The weights of three checkpoints; their mean is those of the second. */
const WEIGHTS = [[[1, 2], [3, 4]], [[3, 4], [5, 6]], [[5, 6], [7, 8]]];

for (const step of [save, compress, loadLazily, loadAtOnce, open, embed, takeMean, refuse]) {
  await step();
  console.log(`done: ${step.name}`);
}

async function save(): Promise<void> {
  const ctx = model(WEIGHTS[0] ?? []);
  await using handler = await build(ctx).dir(run).keep(-1).done();
  for (const [step, weights] of WEIGHTS.entries()) {
    ctx.in("layer").getVariable("weights")?.setValue(Tensor.from(weights));
    ctx.setGlobalStep(100 * (step + 1));
    const saved = await handler.save();
    assertEquals(saved.step, 100 * (step + 1));
  }
  assertEquals((await handler.listCheckpoints()).length, WEIGHTS.length);
}

async function compress(): Promise<void> {
  const ctx = new Context();
  ctx.variableWithValue("zeros", new Float32Array(100_000));
  await using handler = await build(ctx).dir(zipped).compress("gzip").done();
  const saved = await handler.save();
  const { size } = await Deno.stat(join(zipped, `${saved.baseName}.bin`));
  assert(size < 10_000, `400 kB of zeros take ${size} bytes`);
  const again = new Context();
  await using _ = await load(again).dir(zipped).done();
  assertEquals(again.getVariable("zeros")?.value().data(), new Float32Array(100_000));
}

async function loadLazily(): Promise<void> {
  const ctx = new Context();
  await using handler = await load(ctx).dir(run).done();
  assertEquals(ctx.numVariables(), 0);
  assert(handler.loadedVariables().size > 0);
  checkModel(ctx, WEIGHTS[2]);
}

async function loadAtOnce(): Promise<void> {
  const ctx = new Context();
  await using handler = await load(ctx).dir(run).at(100).immediate().done();
  assertEquals(handler.loadedVariables().size, 0);
  checkModel(ctx, WEIGHTS[0]);
}

async function open(): Promise<void> {
  await using checkpoint = await openCheckpoint(run, { step: 200 });
  const weights: Tensor = await checkpoint.read("/layer/weights");
  assertEquals(weights.toNested(), WEIGHTS[1]);
  assertEquals(checkpoint.params.map(({ key, goType }) => [key, goType]), [["learning_rate", "float64"]]);
  assert(Deno.inspect(checkpoint).includes("/layer"), "the table names the scope");
}

async function embed(): Promise<void> {
  const path = join(root, "model.ts");
  await using checkpoint = await openCheckpoint(run);
  await writeEmbedModule(checkpoint, path);
  const { json, bin }: { json: string; bin: Uint8Array } = await import(toFileUrl(path).href);
  const ctx = new Context();
  await using _ = await load(ctx).fromEmbed(json, bin).done();
  checkModel(ctx, WEIGHTS[2]);
}

async function takeMean(): Promise<void> {
  const ctx = new Context();
  await using handler = await build(ctx).dir(run).takeMean(3).done();
  checkModel(ctx, WEIGHTS[1]);
  assertEquals(handler.mean?.baseNames.length, 3);
  assertEquals(ctx.getGlobalStep(), 300);
}

/** A directory that was not allowed: the error is one of the package's own, and names the flag. */
async function refuse(): Promise<void> {
  const elsewhere = join(root, "..", "elsewhere");
  const error: Partial<CheckpointError> = await assertRejects(() => openCheckpoint(elsewhere), Error, "--allow-read=");
  assertEquals(error.code, "permission");
}

function model(weights: number[][]): Context {
  const ctx = new Context();
  ctx.setParam("learning_rate", 0.001);
  ctx.in("layer").variableWithValue("weights", weights);
  return ctx;
}

function checkModel(ctx: Context, weights: number[][] | undefined): void {
  assertEquals(ctx.in("layer").getVariable("weights")?.value().toNested(), weights);
  assertEquals(ctx.getParam("learning_rate"), 0.001);
}
