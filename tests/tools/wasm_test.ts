import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { compileKernel, KERNELS } from "../../tools/wasm/build.ts";

for (const { source, module } of KERNELS) {
  Deno.test(`${module} is what ${source} compiles to`, async () => {
    assertEquals(await compileKernel(source), await Deno.readTextFile(join(PROJECT_ROOT, module)));
  });
}
