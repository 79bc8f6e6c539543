import { assert, assertEquals, assertGreater } from "@std/assert";
import { copyFiles } from "./copy_files.ts";
import { fromFileUrl, join } from "@std/path";
import { Context, load } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { GOMLX_VERSIONS, gomlxTest, type GomlxVersion, type VerifyReport } from "./gomlx.ts";
import { goRows } from "./go_view.ts";

const GOLDEN = fromFileUrl(new URL("../golden", import.meta.url));

for (const version of GOMLX_VERSIONS) {
  for (const immediate of [false, true]) {
    const how = immediate ? "immediately" : "lazily";
    gomlxTest(
      `GoMLX ${version} sees its own checkpoints unchanged after Cairn loaded ${how} and saved`,
      version,
      async (gomlx, t) => {
        let compared = 0;
        for (const name of goldenRuns(version)) {
          const before = await gomlx.verify(join(GOLDEN, version, name));
          if (before.exitCode !== 0) continue;
          compared++;
          await t.step(name, async () => {
            await using directory = await TemporaryDirectory.make();
            await copyFiles(join(GOLDEN, version, name), directory.path);
            const saved = await rewrite(directory.path, immediate);
            const after = await gomlx.verify(directory.path);
            assertEquals(after.report.checkpoints?.at(-1), saved);
            assertEquals(content(after.report), content(before.report));
          });
        }
        assertGreater(compared, 20);
      },
    );
  }
}

/** The names of the golden directories with a checkpoint in them. */
function goldenRuns(version: GomlxVersion): string[] {
  const root = join(GOLDEN, version);
  const directories = Array.from(Deno.readDirSync(root)).filter((entry) => entry.isDirectory);
  return directories.map((entry) => entry.name).filter(hasCheckpoint).sort();

  function hasCheckpoint(name: string): boolean {
    return Array.from(Deno.readDirSync(join(root, name))).some((entry) => /^checkpoint-.*\.json$/.test(entry.name));
  }
}

async function rewrite(directory: string, immediate: boolean): Promise<string> {
  const ctx = new Context();
  const reports: string[] = [];
  const config = load(ctx).dir(directory).keep(-1).onWarning((report) => reports.push(report));
  await using handler = await (immediate ? config.immediate() : config).done();
  const saved = await handler.save();
  assert(
    reports.every((report) => /is ignored: .* has its name$|occurs more than once; the last counts$/.test(report)),
    reports.join("\n"),
  );
  return saved.baseName;
}

/** All that GoMLX read; the global step apart, which a save of either adds where there was none. */
function content({ variables, params }: VerifyReport): unknown {
  const rows = goRows(variables).filter(({ parameterName }) => !/^var:\/\/?global_step$/.test(parameterName));
  return { rows, params };
}
