import { assert, assertEquals, assertMatch } from "@std/assert";
import { build, examine, load, timeline } from "../../src/checkpoint/mod.ts";
import { LocalStore } from "../../src/store/mod.ts";
import { FaultDisk, FaultFiles, type FaultPlan } from "../../src/testing/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { contextOf, valueOf } from "../checkpoint/runs.ts";

const PATH = "/data/run";

Deno.test("a payload that a loss of power brings back counts for nothing, and never piles up", async () => {
  let disk = FaultDisk.EMPTY;
  let last = "";
  for (let life = 0; life < 5; life++) {
    // Its manifest is gone durably, its own removal was not synced.
    const undisturbed = await live(disk);
    const at = undisturbed.files.operations.findLastIndex(({ kind, path }) =>
      kind === "remove" && path.endsWith(".bin")
    );
    const { files } = await live(disk, { at, fault: { kind: "crash", when: "after" } });
    assert(files.hasCrashed);
    const left = await Promise.all([...files.disksAfterPowerLoss()].map(async (each) => ({
      each,
      orphaned: (await examine(storeOn(each))).found.filter(({ kind }) => kind === "orphaned"),
    })));
    const back = left.find(({ orphaned }) => orphaned.length > 0);
    assert(back !== undefined);
    assertEquals(back.orphaned.map(({ problem }) => problem), ["a payload without manifest"], `life ${life}`);
    disk = back.each;

    // Who loads does not see it.
    const ctx = new Context();
    const warnings: string[] = [];
    await using handler = await load(ctx).store(storeOn(disk)).keep(2).onWarning((text) => warnings.push(text)).done();
    const bases = await handler.listCheckpoints();
    assertEquals([bases.length, valueOf(ctx, "w"), warnings], [2, [life * 3 + 3], []]);
    const plan = await handler.planRetention();
    assertEquals(plan.checkpoints.map(({ baseName }) => baseName), bases);
    assertEquals((await timeline(storeOn(disk))).checkpoints.length, 2);
    assert((bases[0] ?? "") > last, "no number is given out twice");
    last = bases[1] ?? "";
  }
  const { files, warnings } = await live(disk);
  assertMatch(
    warnings.join(),
    /^removed 1 payload without manifest in ".*", which an interrupted save or removal left/,
  );
  const examination = await examine(storeOn(files.diskNow()));
  assertEquals(examination.found.map(({ kind }) => kind), ["intact", "intact"]);
});

/** Three saves of which two stay; as far as they come. */
async function live(disk: FaultDisk, plan?: FaultPlan): Promise<{ files: FaultFiles; warnings: string[] }> {
  const files = new FaultFiles(disk, { plan });
  const warnings: string[] = [];
  const store = new LocalStore(PATH, { files });
  const ctx = contextOf({ w: [0] });
  try {
    await store.ensureRoot();
    const config = build(ctx).store(store).keep(2).clock(() => new Date(2026, 0, 1));
    await using handler = await config.onWarning((text) => warnings.push(text)).done();
    const step = Number(ctx.getGlobalStep());
    for (let more = 1; more <= 3; more++) {
      ctx.setGlobalStep(step + more);
      ctx.in("a").getVariable("w")?.setValue([step + more]);
      await handler.save();
    }
  } catch (error) {
    if (!files.hasCrashed) throw error;
  }
  return { files, warnings };
}

function storeOn(disk: FaultDisk): LocalStore {
  return new LocalStore(PATH, { files: new FaultFiles(disk), write: false });
}
