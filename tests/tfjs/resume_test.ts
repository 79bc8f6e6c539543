import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { OPTIMIZERS } from "./optimizers.ts";

Deno.test("track() resumes every optimizer in another process to the same bits", async (t) => {
  await using directory = await TemporaryDirectory.make();
  const whole = await train(join(directory.path, "whole"), 7, 0);
  const parts = join(directory.path, "parts");
  const first = await train(parts, 2, 3);
  await train(parts, 4, 0); // loaded, then tracked
  const resumed = await train(parts, 7, 5); // tracked, then loaded
  for (const name of Object.keys(OPTIMIZERS)) {
    await t.step(name, () => {
      assertEquals([first[name]?.resumed, whole[name]?.resumed, resumed[name]?.resumed], [0, 0, 4]);
      assert(JSON.stringify(first[name]?.weights) !== JSON.stringify(whole[name]?.weights));
      assert(whole[name]?.weights.flat().every((x) => typeof x === "number"), "no NaN");
      assertEquals(resumed[name]?.weights, whole[name]?.weights);
      assertEquals(resumed[name]?.state, whole[name]?.state);
    });
  }
});

interface Result {
  readonly resumed: number;
  readonly weights: readonly (readonly number[])[];
  readonly state: Readonly<Record<string, readonly number[]>>;
}

async function train(dir: string, step: number, before: number): Promise<Readonly<Record<string, Result>>> {
  const program = join(PROJECT_ROOT, "tests/tfjs/resume_process.ts");
  const args = ["run", "--no-check", "-A", program, dir, String(step), String(before)];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
