import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { build, Context, type Files } from "../../mod.ts";
import { tryFaults } from "../../src/testing/mod.ts";
import { checkpointScenario, PATH } from "../crash/checkpoint_scenario.ts";
import { namesIn, TemporaryDirectory } from "../store/temporary_directory.ts";
import { gomlxTest } from "./gomlx.ts";

gomlxTest("GoMLX v0.19.4 opens whatever a crash leaves, at the newest whole checkpoint", "v0.19.4", async (gomlx) => {
  const cycle = { keep: 1, steps: ["save", "save", "backup", "save"] } as const;
  const scenario = checkpointScenario("for GoMLX", cycle);
  /** What the directory may look like to GoMLX: it reads names that end in .json, and their payloads. */
  const seen = new Map<string, Files>();
  await tryFaults({
    name: scenario.name,
    run: scenario.run,
    async check(files) {
      if (!(await namesOf(files, "/")).includes("data") || !(await namesOf(files, "/data")).includes("run")) return;
      const names = (await namesOf(files, PATH)).filter((name) => !name.startsWith("."));
      if (names.some((name) => name.endsWith(".json"))) seen.set(names.sort().join(), files);
    },
  });
  assert(seen.size >= 8, `${seen.size} listings`);
  for (const [listing, files] of seen) {
    await using directory = await TemporaryDirectory.make();
    await copyOut(files, directory.path);
    const { exitCode, report } = await gomlx.verify(directory.path);
    const newest = listing.split(",").filter((name) => name.endsWith(".json")).at(-1)?.replace(".json", "");
    assertEquals([exitCode, report.checkpoints?.at(-1)], [0, newest], listing);
    assertEquals(Number(report.globalStep), Number(/step-(\d+)$/.exec(newest ?? "")?.[1]), listing);
  }
});

/** What leaves a newest checkpoint that GoMLX cannot load: its own interrupted save, a lost file, a cut one. */
const TORN: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ["an empty manifest", (path) => Deno.writeTextFile(`${path}.json`, "")],
  ["half a manifest", async (path) => {
    const text = await Deno.readTextFile(`${path}.json`);
    await Deno.writeTextFile(`${path}.json`, text.slice(0, text.length / 2));
  }],
  ["no payload", (path) => Deno.remove(`${path}.bin`)],
  ["half a payload", (path) => Deno.truncate(`${path}.bin`, 20)],
];

for (const [what, tear] of TORN) {
  gomlxTest(
    `GoMLX v0.19.4 opens a directory whose newest checkpoint had ${what}, once Cairn has saved`,
    "v0.19.4",
    async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const { path } = directory;
      const older = await saveStep(path, 1, []);
      const torn = await saveStep(path, 2, []);
      await tear(join(path, torn));
      assertEquals((await gomlx.verify(path)).exitCode, 2, "GoMLX takes the newest, and fails");

      const warnings: string[] = [];
      const saved = await saveStep(path, 3, warnings);
      assertEquals(warnings.length >= 1, true, "it is told");
      const { exitCode, report } = await gomlx.verify(path);
      assertEquals([exitCode, report.checkpoints, report.globalStep], [0, [older, saved], "3"]);
      // Without the newest one GoMLX falls back to the one before it: nothing torn is in between.
      await Deno.remove(join(path, `${saved}.json`));
      assertEquals((await gomlx.verify(path)).report.globalStep, "1");
      assertEquals(namesIn(path).filter((name) => name.includes(torn)), []);
    },
  );
}

async function saveStep(path: string, step: number, warnings: string[]): Promise<string> {
  const ctx = new Context();
  await using handler = await build(ctx).dir(path).keep(-1).onWarning((text) => warnings.push(text)).done();
  ctx.checked(false).variableWithValue("w", [0, 0, 0, 0, 0, 0, 0, 0]).setValue([step, 0, 0, 0, 0, 0, 0, 0]);
  ctx.setGlobalStep(step);
  return (await handler.save()).baseName;
}

async function namesOf(files: Files, path: string): Promise<string[]> {
  return (await files.list(path)).map(({ name }) => name);
}

/** Copies the checkpoints of a disk of faults to a real one. */
async function copyOut(files: Files, directory: string): Promise<void> {
  for (const { name, kind } of await files.list(PATH)) {
    if (kind !== "file") continue;
    const reader = await files.open(`${PATH}/${name}`);
    const bytes = new Uint8Array(reader.size);
    await reader.read(bytes, 0);
    await Deno.writeFile(join(directory, name), bytes);
  }
}
