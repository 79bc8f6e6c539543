import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { GOMLX_VERSIONS, gomlxTest } from "./gomlx.ts";

for (const version of GOMLX_VERSIONS) {
  gomlxTest(`GoMLX ${version} reads its own golden file`, version, async (gomlx) => {
    const { exitCode, report } = await gomlx.verify(goldenDirectory(version, "params-scopes"));
    assertEquals(exitCode, 0);
    assertEquals(report.outcome, { kind: "ok" });
    assertStringIncludes(report.gomlx, version);
    assertGreater(report.params.length, 0);
  });

  gomlxTest(`GoMLX ${version} refuses a directory without a checkpoint`, version, async (gomlx) => {
    const { exitCode, report } = await gomlx.verify(fromFileUrl(new URL(".", import.meta.url)));
    assertEquals(exitCode, 2);
    assertEquals(report.outcome.kind, "error");
  });
}

gomlxTest("GoMLX v0.19.4 trains and saves what it then reads", "v0.19.4", async (gomlx) => {
  const directory = await Deno.makeTempDir();
  try {
    await gomlx.train(directory, { steps: 4, every: 2 });
    const { report } = await gomlx.verify(directory);
    assertEquals(report.globalStep, "4");
    const dtypes = new Map(report.variables.map((variable) => [variable.parameterName, variable.dtype]));
    assertEquals(dtypes.get("var:/model/hidden/dense/weights"), "Float32");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function goldenDirectory(version: string, name: string): string {
  return fromFileUrl(new URL(`../golden/${version}/${name}`, import.meta.url));
}
